//! The runtime half: processes, groups, requests, events, listeners, the end.

mod boot;
mod crash_loop;
mod events;
mod faults;
mod lifecycle;
mod listener_bytes;
mod listener_protocol;
mod listeners;
mod properties;
mod reload;
mod requests;
mod shutdown;
mod stopping;
mod supervisord;
mod tables;
mod ticks;
mod world;
