//! The gateway from outside: a real one in this process, real services on unix sockets, clients that trust
//! nothing but its root certificate.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod applications;
mod certificates;
mod forward_auth;
mod frames;
mod harness;
mod limits;
mod observed;
mod origins;
mod restarts;
mod routing;
mod sessions;
mod smuggling;
mod static_files;
mod streaming;
mod strictness;
