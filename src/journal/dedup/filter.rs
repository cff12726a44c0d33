//! A blocked Bloom filter: says "never seen" for most new ids without touching the disk. It never decides alone.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::journal::codec::MessageDigest;

/// Words of 64 bits in one block: a cache line.
const BLOCK_WORDS: u64 = 8;
const BITS_PER_ID: u64 = 12;
/// Bits set per id, all in one block. With 12 bits an id about one in 150 unseen ids passes.
const PROBES: u32 = 6;

/// Sized for a number of ids; more only make it pass more.
#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<AtomicU64>,
    blocks: u64,
}

impl Filter {
    pub(super) fn for_ids(ids: u64) -> Self {
        let blocks = (ids * BITS_PER_ID).div_ceil(64 * BLOCK_WORDS).max(1);
        let words = (0..blocks * BLOCK_WORDS).map(|_| AtomicU64::new(0)).collect();
        Self { words, blocks }
    }

    pub(super) fn insert(&self, digest: MessageDigest) {
        for (word, bit) in self.places(digest) {
            if let Some(word) = self.words.get(word) {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// False only if the id was never inserted.
    pub(super) fn may_hold(&self, digest: MessageDigest) -> bool {
        self.places(digest)
            .all(|(word, bit)| self.words.get(word).is_none_or(|word| word.load(Ordering::Relaxed) & bit != 0))
    }

    /// The low 64 bits choose the block (by multiplication) and, mixed, the bits in it.
    fn places(&self, digest: MessageDigest) -> impl Iterator<Item = (usize, u64)> {
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
        let low = digest.get() as u64;
        let block = (u128::from(low) * u128::from(self.blocks)) >> 64;
        let start = usize::try_from(block).unwrap_or(0) * 8;
        // The top bits of `low` chose the block; its low bits and the 16 above 64 bits choose within.
        let mut bits = (low << 16) | u64::try_from(digest.get() >> 64).unwrap_or(0);
        bits = bits.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (0..PROBES).map(move |probe| {
            let place = (bits >> (probe * 9)) & 511;
            (start + usize::try_from(place >> 6).unwrap_or(0), 1 << (place & 63))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_passes_and_few_others_do() {
        let filter = Filter::for_ids(10_000);
        let digest = |number: u32| MessageDigest::of("source", &number.to_string());
        (0..10_000).for_each(|number| filter.insert(digest(number)));
        assert!((0..10_000).all(|number| filter.may_hold(digest(number))));
        let passed = (10_000..110_000).filter(|number| filter.may_hold(digest(*number))).count();
        assert!(passed < 3_000, "{passed} of 100000 unseen ids passed");
    }
}
