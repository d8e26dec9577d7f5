//! The gateway from outside: a real one in this process, real services on unix sockets, clients that trust
//! nothing but its root certificate.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod certificates;
mod harness;
mod limits;
mod restarts;
mod routing;
mod sessions;
mod streaming;
mod strictness;
