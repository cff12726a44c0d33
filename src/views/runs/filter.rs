//! A blocked Bloom filter over keys: says "not in this run" for most keys that are not, without touching the disk.
//!
//! Its size is a power of two of cache lines, so that one made for too many keys can be folded in half. The hash is
//! BLAKE3, because keys come from senders: nobody can choose keys that pass every filter.

/// Words of 64 bits in one block: a cache line.
const BLOCK_WORDS: usize = 8;
const BITS_PER_KEY: u64 = 10;
const BLOCK_BITS: u64 = 512;
/// Bits set per key, all in one block.
const PROBES: u32 = 6;

/// What a filter knows a key by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyHash(u64, u64);

impl KeyHash {
    pub(super) fn of(key: &[u8]) -> Self {
        let hash = blake3::hash(key);
        let mut words = hash.as_bytes().chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes));
        Self(words.next().unwrap_or(0), words.next().unwrap_or(0))
    }
}

/// Holds keys; says of each of them that it may hold it, and of few others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter(Vec<[u64; BLOCK_WORDS]>);

impl Filter {
    /// With room for so many keys.
    pub(super) fn for_keys(keys: u64) -> Self {
        let blocks = (keys.saturating_mul(BITS_PER_KEY) / BLOCK_BITS + 1).next_power_of_two();
        Self(vec![[0; BLOCK_WORDS]; usize::try_from(blocks).unwrap_or(1)])
    }

    pub(super) fn insert(&mut self, hash: KeyHash) {
        let block = self.block_of(hash);
        if let Some(words) = self.0.get_mut(block) {
            for (word, bits) in words.iter_mut().zip(bits(hash)) {
                *word |= bits;
            }
        }
    }

    /// False only if the key was never inserted.
    pub(super) fn may_hold(&self, hash: KeyHash) -> bool {
        let words = self.0.get(self.block_of(hash));
        words.is_none_or(|words| words.iter().zip(bits(hash)).all(|(word, bits)| word & bits == bits))
    }

    /// Halves the filter as long as it is still large enough for so many keys.
    pub(super) fn fold(&mut self, keys: u64) {
        let enough = Self::for_keys(keys).0.len();
        while self.0.len() > enough {
            // A key's block is told by the low bits of its hash: what was in the upper half is now in the lower one.
            let upper = self.0.split_off(self.0.len() / 2);
            for (words, more) in self.0.iter_mut().zip(upper) {
                words.iter_mut().zip(more).for_each(|(word, more)| *word |= more);
            }
        }
    }

    fn block_of(&self, hash: KeyHash) -> usize {
        usize::try_from(hash.0 & (self.0.len() as u64 - 1)).unwrap_or(0)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let words = |block: &[u8]| {
            let mut words = [0; BLOCK_WORDS];
            for (word, bytes) in words.iter_mut().zip(block.chunks_exact(8)) {
                *word = bytes.try_into().map_or(0, u64::from_le_bytes);
            }
            words
        };
        let blocks: Vec<_> = bytes.chunks_exact(BLOCK_WORDS * 8).map(words).collect();
        (blocks.len().is_power_of_two() && bytes.len() == blocks.len() * BLOCK_WORDS * 8).then_some(Self(blocks))
    }
}

/// The bits of a key in the eight words of its block.
fn bits(hash: KeyHash) -> [u64; BLOCK_WORDS] {
    let mut words = [0; BLOCK_WORDS];
    for probe in 0..PROBES {
        let place = (hash.1 >> (probe * 9)) & (BLOCK_BITS - 1);
        if let Some(word) = words.get_mut(usize::try_from(place >> 6).unwrap_or(0)) {
            *word |= 1 << (place & 63);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_passes_and_few_others_do_also_when_folded_and_stored() {
        let mut filter = Filter::for_keys(80_000);
        let hash = |number: u32| KeyHash::of(&number.to_be_bytes());
        (0..10_000).for_each(|number| filter.insert(hash(number)));
        filter.fold(10_000);
        assert_eq!(filter.0.len(), 256);
        let filter = Filter::from_bytes(&filter.to_bytes()).unwrap();
        assert!((0..10_000).all(|number| filter.may_hold(hash(number))));
        let passed = (10_000..110_000).filter(|number| filter.may_hold(hash(*number))).count();
        assert!(passed < 1_500, "{passed} of 100000 other keys passed");
        assert_eq!(Filter::from_bytes(&[0; 65]), None);
        assert_eq!(Filter::from_bytes(&[]), None);
    }
}
