//! A chunk: the cards of eight consecutive sequences, packed together.
//!
//! Unpacked: a byte that says which of the eight are there, then for each `u32 length, card`. Packed: `version u8 = 2,
//! crc32 u32 over all that follows, dictionary u8, chunk number u64, unpacked bytes u32, packed bytes u32, which of the eight
//! are there u8, zstd`. All
//! numbers are little-endian.

/// Sequences in a chunk.
pub(super) const CHUNK_CARDS: u64 = 8;
const VERSION: u8 = 2;
pub(super) const PREFIX_BYTES: usize = 23;
/// No honest chunk is larger, unpacked.
const RAW_BYTES_MAX: usize = 8 * 256 * 1024;

/// Cards of one chunk, encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk([Option<Vec<u8>>; 8]);

/// What the front of a packed chunk says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) checksum: u32,
    pub(super) dictionary: u8,
    pub(super) number: u64,
    pub(super) raw_bytes: usize,
    /// Which of the eight are there.
    pub(super) cards: u8,
    /// Bytes of all, the prefix included.
    pub(super) bytes: usize,
}

/// Why bytes are not the chunk they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkFault {
    #[error("it is cut")]
    Cut,
    #[error("it has version {0}, which this program does not know")]
    Version(u8),
    #[error("its checksum does not match")]
    Checksum,
    #[error("it is another chunk")]
    Number,
    #[error("it does not unpack")]
    Payload,
    #[error("one of its cards does not decode")]
    Card,
}

impl Chunk {
    pub(super) fn get(&self, place: usize) -> Option<&[u8]> {
        self.0.get(place)?.as_deref()
    }

    pub(super) fn set(&mut self, place: usize, card: Vec<u8>) {
        if let Some(free) = self.0.get_mut(place) {
            *free = Some(card);
        }
    }

    pub(super) fn to_raw(&self, raw: &mut Vec<u8>) {
        raw.clear();
        raw.push((0..).zip(&self.0).fold(0, |bits, (place, card)| bits | (u8::from(card.is_some()) << place)));
        for card in self.0.iter().flatten() {
            raw.extend_from_slice(&u32::try_from(card.len()).unwrap_or(u32::MAX).to_le_bytes());
            raw.extend_from_slice(card);
        }
    }

    pub(super) fn from_raw(raw: &[u8]) -> Option<Self> {
        let mut chunk = Self::default();
        for (place, card) in cards(raw)? {
            chunk.set(place, card.to_vec());
        }
        Some(chunk)
    }
}

/// The cards of an unpacked chunk, with their places in it; `None` if it is not one.
pub(super) fn cards(raw: &[u8]) -> Option<Vec<(usize, &[u8])>> {
    let (bits, mut rest) = raw.split_first()?;
    let mut cards = Vec::with_capacity(8);
    for place in (0..8).filter(|place| bits & (1 << place) != 0) {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let (card, tail) = tail.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        cards.push((place, card));
        rest = tail;
    }
    rest.is_empty().then_some(cards)
}

/// Frames what zstd made; `bytes` begins with [`PREFIX_BYTES`] of room.
pub(super) fn frame(bytes: &mut [u8], number: u64, dictionary: u8, raw: &[u8]) {
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let (packed, raw_bytes) = (size(bytes.len().saturating_sub(PREFIX_BYTES)), size(raw.len()));
    let cards = raw.first().copied().unwrap_or(0);
    let fields = [&[dictionary][..], &number.to_le_bytes(), &raw_bytes, &packed, &[cards]].concat();
    if let Some(place) = bytes.get_mut(5..PREFIX_BYTES) {
        place.copy_from_slice(&fields);
    }
    let checksum = crc32fast::hash(bytes.get(5..).unwrap_or_default()).to_le_bytes();
    if let Some((version, rest)) = bytes.split_first_mut()
        && let Some(place) = rest.first_chunk_mut()
    {
        *version = VERSION;
        *place = checksum;
    }
}

/// Reads the front of a packed chunk.
pub(super) fn prefix(bytes: &[u8]) -> Result<Prefix, ChunkFault> {
    let version = *bytes.first().ok_or(ChunkFault::Cut)?;
    if version != VERSION {
        return Err(ChunkFault::Version(version));
    }
    let small = |at: usize| bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let size = |at: usize| small(at).and_then(|size| usize::try_from(size).ok());
    let fields = || {
        Some(Prefix {
            checksum: small(1)?,
            dictionary: *bytes.get(5)?,
            number: bytes.get(6..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))?,
            raw_bytes: size(14).filter(|bytes| *bytes <= RAW_BYTES_MAX)?,
            cards: *bytes.get(22)?,
            bytes: PREFIX_BYTES + size(18).filter(|bytes| *bytes <= 2 * RAW_BYTES_MAX)?,
        })
    };
    fields().ok_or(ChunkFault::Cut)
}

/// Checks a whole packed chunk; returns what zstd made.
pub(super) fn unframe<'a>(prefix: &Prefix, number: u64, bytes: &'a [u8]) -> Result<&'a [u8], ChunkFault> {
    if bytes.len() != prefix.bytes {
        return Err(ChunkFault::Cut);
    }
    if crc32fast::hash(bytes.get(5..).ok_or(ChunkFault::Cut)?) != prefix.checksum {
        return Err(ChunkFault::Checksum);
    }
    if prefix.number != number {
        return Err(ChunkFault::Number);
    }
    bytes.get(PREFIX_BYTES..).ok_or(ChunkFault::Cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_keep_their_places() {
        let mut chunk = Chunk::default();
        chunk.set(1, b"one".to_vec());
        chunk.set(7, b"".to_vec());
        chunk.set(8, b"nowhere".to_vec());
        let mut raw = Vec::new();
        chunk.to_raw(&mut raw);
        assert_eq!(Chunk::from_raw(&raw), Some(chunk.clone()));
        assert_eq!((chunk.get(1), chunk.get(7), chunk.get(0)), (Some(b"one".as_slice()), Some(b"".as_slice()), None));
        for length in 0..raw.len() {
            assert_eq!(Chunk::from_raw(&raw[..length]), None);
        }
        assert_eq!(Chunk::from_raw(&[raw, vec![0]].concat()), None);
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let mut bytes = [vec![0; PREFIX_BYTES], b"packed".to_vec()].concat();
        frame(&mut bytes, 77, 1, &[5; 300]);
        let read = |bytes: &[u8]| unframe(&prefix(bytes)?, 77, bytes).map(<[u8]>::to_vec);
        assert_eq!(read(&bytes).unwrap(), b"packed");
        let known = prefix(&bytes).unwrap();
        assert_eq!((known.dictionary, known.number, known.raw_bytes), (1, 77, 300));
        assert_eq!((known.cards, known.bytes), (5, bytes.len()));
        assert_eq!(unframe(&known, 78, &bytes), Err(ChunkFault::Number));
        for index in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[index] ^= 1;
            assert!(read(&bad).is_err(), "byte {index}");
            assert!(read(&bytes[..index]).is_err(), "{index} bytes");
        }
    }
}
