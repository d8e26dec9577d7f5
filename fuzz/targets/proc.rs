//! Any bytes to every parser of `/proc`, `/sys`, `/etc` and netlink: none may panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pistack_info::every_parser(bytes));
