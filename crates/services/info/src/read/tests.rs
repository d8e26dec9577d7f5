//! Any bytes: no parser panics. And the trees of three boards, read whole.

use proptest::prelude::*;

use super::every_parser;

/// Pieces of the real files, so that a random text gets past the first check.
const PIECES: &[&str] = &[
    "cpu  ",
    "cpu0 ",
    "1 ",
    "2 ",
    "18446744073709551615 ",
    "-1 ",
    "0x",
    "\n",
    ":",
    " ",
    "eth0:",
    "MemTotal:",
    "MemFree: ",
    "kB\n",
    "some avg10=",
    "avg60=0.1 ",
    "avg300=0 ",
    "total=5",
    " - ",
    "ext4 ",
    "/ ",
    "\\040",
    "\\9",
    "rw,ro",
    "root:x:0:0",
    "nameserver ",
    "search ",
    "1 (a) S ",
    ") ",
    "Uid:\t",
    "REALTIME=",
    "USER=x\n",
    "NaN",
    "1e999",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        every_parser(&bytes);
    }

    #[test]
    fn any_text_of_real_pieces(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        every_parser(pieces.concat().as_bytes());
    }

    #[test]
    fn any_cut_of_a_netlink_message(cut in 0_usize..120, noise in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut body = vec![10, 64, 0, 253, 254, 0, 0, 1, 0, 0, 0, 0];
        crate::netlink::message::put(&mut body, 5, &noise);
        crate::netlink::message::put(&mut body, 9, &noise);
        crate::netlink::message::put(&mut body, 21, &noise);
        let whole = crate::netlink::message::dump(24, 1, &body);
        every_parser(whole.get(..cut).unwrap_or(&whole));
    }
}
