//! The bytes of a block: one stored value of up to [`crate::store::VALUE_BYTES_MAX`] bytes.
//!
//! `version u8 = 1, crc32 u32 (little-endian, over all that follows), bincode Header, zstd payload`. The payload is
//! the records one after another (see `codec`). Each header names the chain of the block before, and a block's own
//! chain is BLAKE3 over that and its bytes: a lost, doubled, swapped or foreign block breaks the chain.

use bincode::{Decode, Encode};

use super::Sequence;
use crate::store::VALUE_BYTES_MAX;

const VERSION: u8 = 1;
const PREFIX_BYTES: usize = 5;
const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<256>,
> = bincode::config::standard().with_limit::<256>();

/// Records are cut into blocks of about this many bytes before compression: large enough to compress well, small
/// enough to read one record quickly.
pub(super) const BLOCK_BYTES: usize = 128 * 1024;
/// No honest block is larger, decompressed.
const PAYLOAD_BYTES_MAX: usize = 2 * BLOCK_BYTES;
/// zstd's fastest setting. Higher ones cost several times the CPU and gain under a tenth on real calls.
const LEVEL: i32 = 1;

/// The hash that ties a block to all before it in its volume.
pub(super) type Chain = [u8; 32];

/// What a block says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Header {
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) payload_bytes: u32,
    /// Messages recognised as duplicates since the data folder began, as of this block.
    pub(super) duplicate: u64,
    /// Messages refused since the data folder began, as of this block.
    pub(super) rejected: u64,
    pub(super) previous: Chain,
}

impl Header {
    pub(super) fn first(&self) -> Sequence {
        Sequence::new(self.first)
    }

    pub(super) fn next(&self) -> Sequence {
        Sequence::new(self.first).plus(u64::from(self.count))
    }
}

/// The chain that a volume starts from.
pub(super) fn chain_start(instance: [u8; 16], volume: u64) -> Chain {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"roundtower volume");
    hasher.update(&instance);
    hasher.update(&volume.to_be_bytes());
    *hasher.finalize().as_bytes()
}

/// The chain after a block with these bytes.
pub(super) fn chain_after(previous: &Chain, block: &[u8]) -> Chain {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous);
    hasher.update(block);
    *hasher.finalize().as_bytes()
}

/// Why bytes are not the block they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BlockFault {
    #[error("the block is cut")]
    Cut,
    #[error("the block has version {0}, which this program does not know")]
    Version(u8),
    #[error("the checksum of the block does not match")]
    Checksum,
    #[error("the header of the block does not decode")]
    Header,
    #[error("the block does not decompress to what its header says")]
    Payload,
}

/// Compresses and frames blocks. Keeps zstd's working memory between blocks.
pub(super) struct Sealer(zstd::bulk::Compressor<'static>);

impl Sealer {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self(zstd::bulk::Compressor::new(LEVEL)?))
    }

    /// The block's bytes, or `None` if they would be over the limit of a stored value: then cut it in two.
    pub(super) fn seal(&mut self, header: &Header, payload: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
        let packed = self.0.compress(payload)?;
        Ok(frame(header, &packed))
    }
}

/// Frames an already compressed payload.
pub(super) fn frame(header: &Header, packed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + 96 + packed.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&[0; 4]);
    bincode::encode_into_std_write(header, &mut bytes, CONFIG).expect("writing to memory cannot fail");
    bytes.extend_from_slice(packed);
    if bytes.len() > VALUE_BYTES_MAX {
        return None;
    }
    let checksum = crc32fast::hash(bytes.get(PREFIX_BYTES..).unwrap_or_default());
    if let Some(place) = bytes.get_mut(1..PREFIX_BYTES) {
        place.copy_from_slice(&checksum.to_le_bytes());
    }
    Some(bytes)
}

/// Checks the frame; returns the header and the compressed payload.
pub(super) fn unframe(bytes: &[u8]) -> Result<(Header, &[u8]), BlockFault> {
    let (version, rest) = bytes.split_first().ok_or(BlockFault::Cut)?;
    if *version != VERSION {
        return Err(BlockFault::Version(*version));
    }
    let (checksum, rest) = rest.split_first_chunk::<4>().ok_or(BlockFault::Cut)?;
    if crc32fast::hash(rest) != u32::from_le_bytes(*checksum) {
        return Err(BlockFault::Checksum);
    }
    let (header, used): (Header, usize) = bincode::decode_from_slice(rest, CONFIG).map_err(|_| BlockFault::Header)?;
    Ok((header, rest.get(used..).unwrap_or_default()))
}

/// Decompresses a payload that [`unframe`] returned.
pub(super) fn unpack(header: &Header, packed: &[u8]) -> Result<Vec<u8>, BlockFault> {
    let claimed = usize::try_from(header.payload_bytes).unwrap_or(usize::MAX);
    if claimed > PAYLOAD_BYTES_MAX {
        return Err(BlockFault::Payload);
    }
    let payload = zstd::bulk::decompress(packed, claimed).map_err(|_| BlockFault::Payload)?;
    if payload.len() == claimed { Ok(payload) } else { Err(BlockFault::Payload) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(payload: &[u8]) -> Header {
        let payload_bytes = u32::try_from(payload.len()).unwrap();
        Header { first: 7, count: 3, payload_bytes, duplicate: 1, rejected: 2, previous: [9; 32] }
    }

    #[test]
    fn a_block_comes_back_as_it_was() {
        let payload = b"abc".repeat(1000);
        let bytes = Sealer::new().unwrap().seal(&header(&payload), &payload).unwrap().unwrap();
        let (read, packed) = unframe(&bytes).unwrap();
        assert_eq!(read, header(&payload));
        assert_eq!(unpack(&read, packed).unwrap(), payload);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let payload = b"0123456789".repeat(20);
        let bytes = Sealer::new().unwrap().seal(&header(&payload), &payload).unwrap().unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(unframe(&bad).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(unframe(&bytes[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn what_does_not_compress_is_refused_above_the_limit() {
        let mut noise = vec![0u8; 60 * 1024];
        getrandom::fill(&mut noise).unwrap();
        assert!(Sealer::new().unwrap().seal(&header(&noise), &noise).unwrap().is_none());
    }
}
