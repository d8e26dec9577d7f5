//! What becomes of outputs while the link is down: `on_link_loss = { after = "60s", to = "off" }`.
//!
//! The link is up while some interface (other than the loopback) has a carrier and a default route leads through it. A
//! line whose time has come goes to its level and refuses writes (423); when the link is back it gets the level that
//! it had, unless its limits or a write in between say otherwise.
//!
//! The kernel tells of changes over netlink, so that nothing is looked at while nothing happens.

mod decide;
mod state;
mod watch;

pub(crate) use watch::follow;
