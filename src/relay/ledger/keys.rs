//! The keys of the state store, of the log and of the history: a letter for the family, then numbers, big-endian.

/// The root: what the rest hangs on.
pub(super) const ROOT: &[u8] = b"r";
/// The first byte of the names of destinations.
pub(super) const NAMES: u8 = b'n';
/// The first byte of the chunks of the state tables.
pub(super) const CHUNKS: u8 = b'c';

fn key(family: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![family];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// A destination's name and start, by its number.
pub(super) fn name(book: u16) -> Vec<u8> {
    key(NAMES, &[&book.to_be_bytes()])
}

/// A destination's header: which of its pieces count.
pub(super) fn header(book: u16) -> Vec<u8> {
    key(b'h', &[&book.to_be_bytes()])
}

/// One piece of what a destination keeps beside its tables. Two generations take turns.
pub(super) fn piece(book: u16, generation: u8, number: u16) -> Vec<u8> {
    key(b'p', &[&book.to_be_bytes(), &[generation], &number.to_be_bytes()])
}

/// One page of a table.
pub(super) fn page(family: u8, book: u16, number: u64) -> Vec<u8> {
    key(family, &[&book.to_be_bytes(), &number.to_be_bytes()])
}

/// The page number in a key that [`page`] made for this family and book; none for another key.
pub(super) fn page_number(key: &[u8], family: u8, book: u16) -> Option<u64> {
    let rest = key.strip_prefix(&[family])?.strip_prefix(&book.to_be_bytes())?;
    rest.try_into().ok().map(u64::from_be_bytes)
}

/// One block of the log.
pub(super) fn block(number: u64) -> Vec<u8> {
    key(b'b', &[&number.to_be_bytes()])
}

/// The number in a key that [`block`] made.
pub(super) fn block_number(key: &[u8]) -> Option<u64> {
    key.strip_prefix(b"b")?.try_into().ok().map(u64::from_be_bytes)
}

/// One block of the history.
pub(super) fn slot(number: u32) -> Vec<u8> {
    key(b'b', &[&number.to_be_bytes()])
}

/// Which records a block of the history speaks of.
pub(super) fn index(number: u32) -> Vec<u8> {
    key(b'i', &[&number.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_is_meaning_order_and_numbers_come_back() {
        assert!(page(CHUNKS, 1, 255) < page(CHUNKS, 1, 256) && page(CHUNKS, 1, u64::MAX) < page(CHUNKS, 2, 0));
        assert!(block(255) < block(256) && name(255) < name(256));
        assert_eq!(page_number(&page(CHUNKS, 7, 300), CHUNKS, 7), Some(300));
        assert_eq!(page_number(&page(CHUNKS, 7, 300), CHUNKS, 8), None);
        assert_eq!(page_number(&name(7), CHUNKS, 7), None);
        assert_eq!((block_number(&block(9)), block_number(ROOT)), (Some(9), None));
    }
}
