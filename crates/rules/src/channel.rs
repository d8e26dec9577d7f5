//! Channels: what the person writes, what is wrong with it, and how a message looks on each.

pub mod check;
pub mod config;
pub mod message;
