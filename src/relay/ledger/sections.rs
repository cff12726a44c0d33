//! What a block of the log or the history holds: fragments, each with the number of its destination.

use super::codec::{put, put_bytes, take, take_bytes};

/// Appends a fragment of a destination to a block's payload.
pub(super) fn put_section(book: u16, fragment: &[u8], payload: &mut Vec<u8>) {
    put(u64::from(book), payload);
    put_bytes(fragment, payload);
}

/// The fragments of a payload; none if it does not decode.
pub(super) fn sections(mut payload: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut sections = Vec::new();
    while !payload.is_empty() {
        let book = u16::try_from(take(&mut payload)?).ok()?;
        sections.push((book, take_bytes(&mut payload)?));
    }
    Some(sections)
}
