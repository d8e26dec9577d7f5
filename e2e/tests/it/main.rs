//! The built program used from outside, with real peers: curl, supervisor's own clients, Chromium, an SMTP server.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod accounts;
mod auth;
mod bad_input;
mod base_path;
mod board_guest;
mod board_pi;
mod board_sim;
mod cli;
mod clock;
mod control;
mod control_board;
mod control_operations;
mod email;
mod forward_auth;
mod gateway;
mod gateway_acme;
mod gateway_hostile;
mod gateway_nginx;
mod gateway_routes;
mod gateway_tls;
mod golden;
mod info;
mod ini;
mod io;
mod lifecycle;
mod notify;
mod original_conf;
mod rights;
mod rules;
mod schemathesis;
mod supervisor;
mod supervisorctl;
mod supervisord;
mod survive;
mod xmlrpc;
