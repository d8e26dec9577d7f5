//! Netlink, as far as it takes to list links, addresses, routes and wireless stations (netlink(7), rtnetlink(7), the
//! kernel's `linux/nl80211.h`). The crates for it bring decoders for everything that there is; these few messages
//! take less than one of them would add to the program.

pub(crate) mod message;
pub(crate) mod route;
pub(crate) mod socket;
pub(crate) mod wifi;

/// Gives any bytes to every parser: none may panic, whatever they are.
pub(crate) fn every_parser(bytes: &[u8]) {
    for message in message::messages(bytes) {
        let _ = message.error();
        let _ = route::link(message.body);
        let _ = route::address(message.body);
        let _ = route::route(message.body);
        let _ = wifi::family_id(message.body);
        let _ = wifi::interface(message.body);
        let _ = wifi::station(message.body);
    }
    let _ = (route::link(bytes), route::address(bytes), route::route(bytes));
    let _ = (
        wifi::family_id(bytes),
        wifi::interface(bytes),
        wifi::station(bytes),
    );
}
