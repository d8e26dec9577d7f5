//! From configuration text to one model. Two front ends, `supervisord.conf` (INI, [`supervisord`]) and
//! `pistack.toml` (tables, [`tables`]), put what they read into the same [`options::Options`] and meet in
//! [`model::Model`]; what an option means is decided once, in [`program`], [`settings`] and [`servers`].
//!
//! Pure: the caller gives the texts and answers what needs a file system or a user database
//! ([`surroundings::Outside`]).

pub mod diff;
pub mod expand;
pub mod groups;
pub mod ini;
pub mod model;
pub mod options;
pub mod places;
pub mod program;
pub mod servers;
pub mod settings;
pub mod shlex;
pub mod supervisord;
pub mod surroundings;
pub mod tables;
pub mod values;
