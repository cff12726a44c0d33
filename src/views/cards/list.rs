//! Where the chunks of a drawer are: eight bytes a chunk in memory, and a list at the end of a finished drawer.
//!
//! The list: for each chunk `place u64` (where it begins, 40 bits, and how long it is, 24 bits), then `next u64, end u64,
//! version u8 = 1, crc32 u32 over all before it, chunks u32, "LIST"`. All numbers are little-endian.

use super::chunk::{CHUNK_CARDS, Prefix};
use super::drawer::DRAWER_CHUNKS;
use crate::store::{Log, StoreError};

const VERSION: u8 = 1;
const MAGIC: &[u8; 4] = b"LIST";
/// Bytes after the places: next, end, version, checksum, chunks, magic.
const TAIL_BYTES: usize = 8 + 8 + 1 + 4 + 4 + 4;
const LENGTH_BITS: u32 = 24;

/// Where the chunks of a drawer are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// By the chunk's number in the drawer; 0 where there is none.
    table: Vec<u64>,
    /// The sequence after the last card.
    pub(super) next: u64,
    /// The end of the last whole chunk in the file.
    pub(super) end: u64,
    /// Whether this was read from the list of a finished drawer.
    pub(super) is_listed: bool,
}

impl Places {
    /// Notes where a chunk is. The newest place counts.
    pub(super) fn set(&mut self, prefix: &Prefix, at: u64) {
        let index = usize::try_from(prefix.number % DRAWER_CHUNKS).unwrap_or(usize::MAX);
        if self.table.len() <= index {
            self.table.resize(index + 1, 0);
        }
        if let Some(place) = self.table.get_mut(index) {
            *place = at << LENGTH_BITS | prefix.bytes as u64;
        }
        let last = u64::from(u8::BITS - prefix.cards.leading_zeros());
        self.next = self.next.max(prefix.number * CHUNK_CARDS + last);
    }

    /// Where a chunk is, and how many bytes it has.
    pub(super) fn get(&self, chunk: u64) -> Option<(u64, usize)> {
        let place = *self.table.get(usize::try_from(chunk % DRAWER_CHUNKS).ok()?)?;
        let bytes = usize::try_from(place & ((1 << LENGTH_BITS) - 1)).ok()?;
        (bytes > 0).then_some((place >> LENGTH_BITS, bytes))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.table.iter().flat_map(|place| place.to_le_bytes()).collect();
        bytes.extend_from_slice(&self.next.to_le_bytes());
        bytes.extend_from_slice(&self.end.to_le_bytes());
        bytes.push(VERSION);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(self.table.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes
    }

    /// The list at the end of a drawer; `None` if it has none, or not one that can be trusted: then its chunks have to be
    /// looked for.
    pub(super) fn read(log: &dyn Log) -> Result<Option<Self>, StoreError> {
        let Some(at) = log.len().checked_sub(8) else { return Ok(None) };
        let last = log.read(at, 8)?;
        let Some((chunks, magic)) = last.split_first_chunk::<4>() else { return Ok(None) };
        let chunks = u64::from(u32::from_le_bytes(*chunks));
        if magic != MAGIC || chunks > DRAWER_CHUNKS {
            return Ok(None);
        }
        let bytes = usize::try_from(chunks * 8).unwrap_or(usize::MAX) + TAIL_BYTES;
        let Some(at) = log.len().checked_sub(bytes as u64) else { return Ok(None) };
        Ok(Self::from_bytes(&log.read(at, bytes)?).filter(|places| places.end <= at))
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fields, rest) = bytes.split_at_checked(bytes.len().checked_sub(12)?)?;
        if crc32fast::hash(fields) != u32::from_le_bytes(*rest.first_chunk()?) {
            return None;
        }
        let (version, fields) = fields.split_last()?;
        let mut numbers: Vec<u64> = fields.as_chunks().0.iter().map(|number| u64::from_le_bytes(*number)).collect();
        let (end, next) = (numbers.pop()?, numbers.pop()?);
        (*version == VERSION).then_some(Self { table: numbers, next, end, is_listed: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_back_and_no_changed_byte_is_believed() {
        let mut places = Places::default();
        for (number, at, bytes) in
            [(DRAWER_CHUNKS + 3, 0, 90), (DRAWER_CHUNKS + 1, 90, 1 << 20), (DRAWER_CHUNKS + 3, 1 << 33, 7)]
        {
            places.set(&Prefix { number, bytes, cards: 0b101, ..Prefix::default() }, at);
        }
        places.end = 1 << 34;
        assert_eq!(
            [0, 1, 2, 3, 4].map(|chunk| places.get(chunk)),
            [None, Some((90, 1 << 20)), None, Some((1 << 33, 7)), None]
        );
        assert_eq!(places.next, (DRAWER_CHUNKS + 3) * 8 + 3);
        let bytes = places.to_bytes();
        assert_eq!(Places::from_bytes(&bytes), Some(Places { is_listed: true, ..places }));
        for at in 0..bytes.len() - 8 {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(Places::from_bytes(&bad), None, "byte {at}");
        }
    }
}
