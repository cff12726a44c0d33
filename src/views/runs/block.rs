//! A block: entries in key order, about 16 KiB of them, compressed and checksummed together.
//!
//! Unpacked: for each entry `key length, key, value length, value`, lengths as varints. Packed:
//! `version u8 = 1, crc32 u32 over all that follows, block number u32, unpacked bytes u32 (all little-endian), zstd`.

use std::cell::RefCell;

use super::varint;

const VERSION: u8 = 1;
const PREFIX_BYTES: usize = 13;
/// zstd's fastest setting: what runs are made of is written several times and read more often.
const LEVEL: i32 = 1;
/// No honest block is larger, unpacked: a block ends with the entry that fills it.
pub(super) const BLOCK_BYTES_MAX: usize = 256 << 20;

/// Why bytes are not the block they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BlockFault {
    #[error("it is missing")]
    Missing,
    #[error("it is cut")]
    Cut,
    #[error("it has version {0}, which this program does not know")]
    Version(u8),
    #[error("its checksum does not match")]
    Checksum,
    #[error("it is another block")]
    Number,
    #[error("it does not unpack")]
    Payload,
}

/// Packs blocks. Keeps zstd's working memory between them.
pub(super) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self(zstd::bulk::Compressor::new(LEVEL)?))
    }

    /// The stored bytes of a block.
    pub(super) fn pack(&mut self, number: u32, raw: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; PREFIX_BYTES + zstd::zstd_safe::compress_bound(raw.len())];
        let length = match bytes.get_mut(PREFIX_BYTES..) {
            Some(place) => self.0.compress_to_buffer(raw, place)?,
            None => 0,
        };
        bytes.truncate(PREFIX_BYTES + length);
        let raw_bytes = u32::try_from(raw.len()).map_err(std::io::Error::other)?;
        set(&mut bytes, 5, number);
        set(&mut bytes, 9, raw_bytes);
        let checksum = crc32fast::hash(bytes.get(5..).unwrap_or_default());
        set(&mut bytes, 1, checksum);
        if let Some(version) = bytes.first_mut() {
            *version = VERSION;
        }
        Ok(bytes)
    }
}

fn set(bytes: &mut [u8], at: usize, number: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&number.to_le_bytes());
    }
}

fn number_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

thread_local! {
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn unzip(packed: &[u8], raw_bytes: usize) -> std::io::Result<Vec<u8>> {
    UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = Some(zstd::bulk::Decompressor::new()?);
        }
        match unpacker {
            Some(unpacker) => unpacker.decompress(packed, raw_bytes),
            None => Ok(Vec::new()),
        }
    })
}

/// An unpacked block.
#[derive(Debug)]
pub(super) struct Block {
    raw: Vec<u8>,
    starts: Vec<u32>,
}

impl Block {
    /// Without entries.
    pub(super) const fn empty() -> Self {
        Self { raw: Vec::new(), starts: Vec::new() }
    }

    /// Checks and unpacks what [`Packer::pack`] made of block `number`.
    pub(super) fn unpack(number: u32, bytes: &[u8]) -> Result<Self, BlockFault> {
        let version = *bytes.first().ok_or(BlockFault::Missing)?;
        if version != VERSION {
            return Err(BlockFault::Version(version));
        }
        let checksum = number_at(bytes, 1).ok_or(BlockFault::Cut)?;
        if crc32fast::hash(bytes.get(5..).ok_or(BlockFault::Cut)?) != checksum {
            return Err(BlockFault::Checksum);
        }
        if number_at(bytes, 5) != Some(number) {
            return Err(BlockFault::Number);
        }
        let raw_bytes = number_at(bytes, 9).and_then(|bytes| usize::try_from(bytes).ok());
        let raw_bytes = raw_bytes.filter(|bytes| *bytes <= BLOCK_BYTES_MAX).ok_or(BlockFault::Cut)?;
        let packed = bytes.get(PREFIX_BYTES..).ok_or(BlockFault::Cut)?;
        let raw = unzip(packed, raw_bytes).map_err(|_| BlockFault::Payload)?;
        Self::parse(raw).filter(|block| block.raw.len() == raw_bytes).ok_or(BlockFault::Payload)
    }

    fn parse(raw: Vec<u8>) -> Option<Self> {
        let mut starts = Vec::new();
        let mut rest = raw.as_slice();
        while !rest.is_empty() {
            starts.push(u32::try_from(raw.len() - rest.len()).ok()?);
            varint::take_bytes(&mut rest)?;
            varint::take_bytes(&mut rest)?;
        }
        Some(Self { raw, starts })
    }

    fn at(&self, start: u32) -> Option<(&[u8], &[u8])> {
        let mut rest = self.raw.get(usize::try_from(start).ok()?..)?;
        Some((varint::take_bytes(&mut rest)?, varint::take_bytes(&mut rest)?))
    }

    /// The entry with this index.
    pub(super) fn entry(&self, index: usize) -> Option<(&[u8], &[u8])> {
        self.starts.get(index).and_then(|start| self.at(*start))
    }

    /// The index of the first entry whose key is not less than `key`.
    pub(super) fn position(&self, key: &[u8]) -> usize {
        self.starts.partition_point(|start| self.at(*start).is_some_and(|(found, _)| found < key))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entry(self.position(key)).filter(|(found, _)| *found == key).map(|(_, value)| value)
    }

    /// Bytes of memory.
    pub(super) fn bytes_len(&self) -> usize {
        self.raw.capacity() + self.starts.capacity() * 4 + 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> Vec<u8> {
        let mut raw = Vec::new();
        for number in 0..100_u8 {
            varint::put_bytes(&[b'k', number * 2], &mut raw);
            varint::put_bytes(&vec![number; usize::from(number)], &mut raw);
        }
        raw
    }

    #[test]
    fn entries_come_back_and_are_found() {
        let bytes = Packer::new().unwrap().pack(7, &raw()).unwrap();
        let block = Block::unpack(7, &bytes).unwrap();
        assert_eq!(block.get(&[b'k', 10]), Some([5; 5].as_slice()));
        assert_eq!(block.get(&[b'k', 11]), None);
        assert_eq!((block.position(b"a"), block.position(&[b'k', 11]), block.position(b"z")), (0, 6, 100));
        assert_eq!(Block::unpack(8, &bytes).unwrap_err(), BlockFault::Number);
    }

    /// What version 1 wrote has to stay readable; these bytes are never edited.
    #[test]
    fn golden_block_of_version_1_is_still_read() {
        let golden = [
            &[1, 0xD5, 0x53, 0x55, 0xF1, 7, 0, 0, 0, 6, 0, 0, 0][..],
            &[0x28, 0xB5, 0x2F, 0xFD, 0x20, 6, 0x31, 0, 0, 2, b'a', b'b', 2, b'c', b'd'],
        ];
        let block = Block::unpack(7, &golden.concat()).unwrap();
        assert_eq!(block.entry(0), Some((b"ab".as_slice(), b"cd".as_slice())));
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let bytes = Packer::new().unwrap().pack(7, &raw()).unwrap();
        for index in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[index] ^= 1;
            assert!(Block::unpack(7, &bad).is_err(), "byte {index}");
            assert!(Block::unpack(7, &bytes[..index]).is_err(), "{index} bytes");
        }
    }
}
