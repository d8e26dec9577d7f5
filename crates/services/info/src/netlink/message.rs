//! Messages and attributes: a header, then attributes, all of it padded to four bytes and in the machine's own byte
//! order (netlink(7)).

/// Type of the last message of a dump.
pub(crate) const DONE: u16 = 3;
/// Type of an error or an acknowledgement.
pub(crate) const ERROR: u16 = 2;
/// Length of a message's header.
const HEADER: usize = 16;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const REQUEST_DUMP: u16 = 0x301;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// Bits of an attribute's type that are none of its number.
const FLAGS: u16 = 0xc000;

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// Its type.
    pub(crate) kind: u16,
    /// Number of the request that it answers.
    pub(crate) sequence: u32,
    /// What follows the header.
    pub(crate) body: &'a [u8],
}

impl Message<'_> {
    /// The error number of an error message; 0 is an acknowledgement.
    pub(crate) fn error(&self) -> Option<i32> {
        (self.kind == ERROR).then(|| i32_at(self.body, 0)).flatten()
    }
}

/// The messages of one datagram. What is cut off ends the list.
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = u32_at(bytes, 0)? as usize;
        let whole = bytes.get(..length).filter(|_| length >= HEADER)?;
        bytes = bytes.get(padded(length)..).unwrap_or_default();
        Some(Message {
            kind: u16_at(whole, 4)?,
            sequence: u32_at(whole, 8)?,
            body: &whole[HEADER..],
        })
    })
}

/// The attributes of a message's body behind its fixed part of `skip` bytes, or of a nested attribute (`skip` 0).
pub(crate) fn attributes(body: &[u8], skip: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut bytes = body.get(padded(skip)..).unwrap_or_default();
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let value = bytes.get(4..length)?;
        let kind = u16_at(bytes, 2)? & !FLAGS;
        bytes = bytes.get(padded(length)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// A request for everything of a kind. `body` is the fixed part with its attributes.
pub(crate) fn dump(kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    request(kind, REQUEST_DUMP, sequence, body)
}

/// A request for one thing.
pub(crate) fn single(kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    request(kind, REQUEST, sequence, body)
}

fn request(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = HEADER + body.len();
    let mut bytes = Vec::with_capacity(padded(length));
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]); // the kernel fills in who asks
    bytes.extend(body);
    bytes.resize(padded(length), 0);
    bytes
}

/// Writes an attribute.
pub(crate) fn put(into: &mut Vec<u8>, kind: u16, value: &[u8]) {
    into.extend(((4 + value.len()) as u16).to_ne_bytes());
    into.extend(kind.to_ne_bytes());
    into.extend(value);
    into.resize(padded(into.len()), 0);
}

/// Up to a multiple of four.
const fn padded(length: usize) -> usize {
    length.saturating_add(3) & !3
}

/// A number of one byte.
pub(crate) fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// A number of two bytes.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

/// A number of four bytes.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// A signed number of four bytes.
pub(crate) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    u32_at(bytes, at).map(u32::cast_signed)
}

/// Text that may end in a NUL.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A hardware address, `dc:a6:32:00:00:01`.
pub(crate) fn hardware_address(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.iter().all(|byte| *byte == 0) {
        return None;
    }
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(pairs.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut body = vec![0; 8];
        put(&mut body, 3, b"eth0\0");
        put(&mut body, 0x8004, &7_u32.to_ne_bytes());
        let mut bytes = dump(18, 5, &body);
        bytes.extend(single(DONE, 5, &[]));
        let read: Vec<_> = messages(&bytes).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].kind, read[0].sequence, read[1].kind), (18, 5, DONE));
        let found: Vec<_> = attributes(read[0].body, 8).collect();
        assert_eq!(found, [(3, &b"eth0\0"[..]), (4, &7_u32.to_ne_bytes()[..])]);
        assert_eq!(text(found[0].1), "eth0");
    }

    #[test]
    fn what_is_cut_off_ends_the_list() {
        let whole = dump(18, 5, &[1; 20]);
        for length in 0..whole.len() {
            assert_eq!(messages(&whole[..length]).count(), 0, "{length}");
        }
        assert_eq!(
            messages(&[8, 0, 0, 0, 0, 0, 0, 0]).count(),
            0,
            "shorter than its header"
        );
        assert_eq!(
            attributes(&[0, 0, 1, 0], 0).count(),
            0,
            "shorter than its own length"
        );
        assert_eq!(attributes(&[1], 100).count(), 0);
        let error = single(ERROR, 1, &(-2_i32).to_ne_bytes());
        assert_eq!(messages(&error).next().unwrap().error(), Some(-2));
        assert_eq!(hardware_address(&[0; 6]), None);
    }
}
