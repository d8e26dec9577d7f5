//! The HTTP front of the supervisor: XML-RPC, pages, log tails and the event stream, on unix sockets and TCP (supervision.md
//! 1.6). Each connection is a task of its own that asks the supervisor through a bounded queue: a slow client makes
//! itself wait, and nobody else.

pub(crate) mod auth;
pub(crate) mod bind;
pub(crate) mod endless;
pub(crate) mod front;
mod pages;
pub(crate) mod route;
pub(crate) mod stream;
