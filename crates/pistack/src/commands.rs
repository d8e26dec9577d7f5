//! What the command line does with a running stack: one file a command.

mod accounts;
mod configuration;
mod control;
mod doctor;
mod down;
mod generate;
mod gpio;
mod import;
mod io;
mod keys;
mod logs;
mod metrics;
mod overview;
pub(crate) mod peer;
mod routes;
mod rules;
mod status;
mod tls;

pub(crate) use accounts::user;
pub(crate) use configuration::{config_check, config_path, config_schema, openapi};
pub(crate) use control::{Verb, control};
pub(crate) use doctor::doctor;
pub(crate) use down::down;
pub(crate) use generate::{GenerateCommand, generate};
pub(crate) use gpio::{GpioCommand, gpio};
pub(crate) use import::import;
pub(crate) use io::io;
pub(crate) use keys::auth;
pub(crate) use logs::logs;
pub(crate) use metrics::metrics;
pub(crate) use overview::overview;
pub(crate) use routes::{RoutesOptions, routes};
pub(crate) use rules::{notify, rules};
pub(crate) use status::status;
pub(crate) use tls::tls;
