//! What a run keeps in memory while it is open: the first key of each block, where the block is stored, and a filter.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};

use super::varint;

const VERSION: u8 = 2;
const CONFIG: Configuration<LittleEndian, Varint, Limit<256>> = bincode::config::standard().with_limit::<256>();

/// The last words of a run: without them it is not complete.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Footer {
    pub(super) entries: u64,
    /// Entries of families whose keys are looked up.
    pub(super) looked_up: u64,
    /// Stored bytes of all blocks.
    pub(super) bytes: u64,
    pub(super) index: Part,
    pub(super) filter: Part,
}

/// A long text of bytes that is stored in several values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Part {
    pub(super) bytes: u64,
    pub(super) crc32: u32,
}

impl Part {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, crc32: crc32fast::hash(bytes) }
    }
}

impl Footer {
    /// `version, crc32 (little-endian), bincode`.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let fields = bincode::encode_to_vec(self, CONFIG).expect("writing to memory cannot fail");
        [&[VERSION][..], &crc32fast::hash(&fields).to_le_bytes(), &fields].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (checksum, fields) = rest.split_first_chunk::<4>()?;
        if *version != VERSION || crc32fast::hash(fields) != u32::from_le_bytes(*checksum) {
            return None;
        }
        bincode::decode_from_slice(fields, CONFIG).ok().map(|(footer, _)| footer)
    }
}

/// The blocks of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// The first keys, one after another, and where each ends.
    keys: Vec<u8>,
    ends: Vec<usize>,
    /// Where each block ends in the file.
    places: Vec<u64>,
    last_key: Vec<u8>,
}

impl Index {
    /// Adds a block of so many stored bytes; false when a run cannot hold more.
    pub(super) fn push(&mut self, first_key: &[u8], bytes: usize) -> bool {
        let start = self.places.last().copied().unwrap_or(0);
        let Some(end) = start.checked_add(bytes as u64) else { return false };
        self.keys.extend_from_slice(first_key);
        self.ends.push(self.keys.len());
        self.places.push(end);
        true
    }

    pub(super) fn close(&mut self, last_key: &[u8]) {
        self.last_key = last_key.to_vec();
        self.keys.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.places.shrink_to_fit();
    }

    pub(super) fn blocks(&self) -> usize {
        self.ends.len()
    }

    /// The greatest key of the run.
    pub(super) fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// The first key of a block.
    pub(super) fn first_key(&self, block: usize) -> Option<&[u8]> {
        let end = *self.ends.get(block)?;
        let start = block.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.keys.get(start..end)
    }

    /// Where a block begins in the file, and how many bytes it has.
    pub(super) fn place(&self, block: usize) -> Option<(u64, usize)> {
        let end = *self.places.get(block)?;
        let start = block.checked_sub(1).and_then(|before| self.places.get(before)).copied().unwrap_or(0);
        usize::try_from(end - start).ok().map(|bytes| (start, bytes))
    }

    /// The only block that may hold this key, and at which reading from it on begins; none if it lies before all.
    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.first_key(middle).is_some_and(|first| first <= key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    /// `blocks, last key, then for each block: first key, stored bytes`, compressed.
    pub(super) fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut raw = Vec::with_capacity(self.keys.len() + self.ends.len() * 4);
        varint::put(self.ends.len() as u64, &mut raw);
        varint::put_bytes(&self.last_key, &mut raw);
        for block in 0..self.ends.len() {
            varint::put_bytes(self.first_key(block).unwrap_or_default(), &mut raw);
            varint::put(self.place(block).map_or(0, |(_, bytes)| bytes as u64), &mut raw);
        }
        let packed = zstd::bulk::compress(&raw, 1)?;
        let mut bytes = Vec::with_capacity(packed.len() + 10);
        varint::put(raw.len() as u64, &mut bytes);
        bytes.extend_from_slice(&packed);
        Ok(bytes)
    }

    pub(super) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let length = usize::try_from(varint::take(&mut bytes)?).ok()?;
        let raw = zstd::bulk::decompress(bytes, length).ok()?;
        let mut rest = raw.as_slice();
        let blocks = varint::take(&mut rest)?;
        let last_key = varint::take_bytes(&mut rest)?;
        let mut index = Self::default();
        for _ in 0..blocks {
            let first_key = varint::take_bytes(&mut rest)?;
            if !index.push(first_key, usize::try_from(varint::take(&mut rest)?).ok()?) {
                return None;
            }
        }
        index.close(last_key);
        rest.is_empty().then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_key_also_after_storing() {
        let mut index = Index::default();
        for (key, bytes) in [("b", 1), ("dd", 3_000), ("e", 1)] {
            assert!(index.push(key.as_bytes(), bytes));
        }
        index.close(b"f");
        let index = Index::from_bytes(&index.to_bytes().unwrap()).unwrap();
        let found: Vec<_> = ["a", "b", "c", "dd", "ddd", "e", "z"].map(|key| index.find(key.as_bytes())).into();
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)]);
        assert_eq!(
            [0, 1, 2, 3].map(|block| index.place(block)),
            [Some((0, 1)), Some((1, 3_000)), Some((3_001, 1)), None]
        );
        assert_eq!((index.first_key(1), index.last_key()), (Some(b"dd".as_slice()), b"f".as_slice()));
        let mut full = index.clone();
        assert!(!full.push(b"z", usize::MAX));
    }

    #[test]
    fn a_footer_comes_back_and_every_changed_byte_is_noticed() {
        let footer =
            Footer { entries: 300, looked_up: 2, bytes: 70_000, index: Part::of(b"i"), filter: Part::default() };
        let bytes = footer.to_bytes();
        assert_eq!(Footer::from_bytes(&bytes), Some(footer));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(Footer::from_bytes(&bad), None, "byte {at}");
        }
    }
}
