//! The newest message ids, in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry as HashEntry;
use std::hash::{BuildHasherDefault, Hasher};

use super::run::{Entry, Span};
use crate::journal::codec::MessageDigest;

/// Digests are BLAKE3 already; hashing them again would only cost time.
#[derive(Default)]
struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "64 of the 80 bits are plenty for a map")]
    fn write_u128(&mut self, digest: u128) {
        self.0 = (digest >> 16) as u64;
    }
}

type Ids = HashMap<u128, u64, BuildHasherDefault<Taken>>;

/// Consecutive records' ids in memory.
#[derive(Debug, Default)]
pub(super) struct Recent {
    ids: Ids,
    /// Entries whose digest is in `ids` already with another sequence: different messages with one digest.
    doubles: Vec<Entry>,
    pub(super) span: Option<Span>,
}

impl Recent {
    /// Empty, and large enough never to grow: growing a map of this size takes longer than a commit.
    pub(super) fn with_room(ids: usize) -> Self {
        let ids = Ids::with_capacity_and_hasher(ids + ids / 8, BuildHasherDefault::default());
        Self { ids, ..Self::default() }
    }

    pub(super) fn find(&self, digest: MessageDigest, found: &mut Vec<u64>) {
        found.extend(self.ids.get(&digest.get()));
        if !self.doubles.is_empty() {
            let same = self.doubles.iter().filter(|entry| entry.digest() == digest.get());
            found.extend(same.map(|entry| entry.sequence()));
        }
    }

    pub(super) fn insert(&mut self, digest: MessageDigest, sequence: u64, at: i64) {
        match self.ids.entry(digest.get()) {
            HashEntry::Occupied(_) => self.doubles.push(Entry::new(digest, sequence)),
            HashEntry::Vacant(place) => drop(place.insert(sequence)),
        }
        let span = self.span.get_or_insert(Span { from: sequence, next: sequence, newest_at: at });
        span.next = sequence + 1;
        span.newest_at = span.newest_at.max(at);
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len() + self.doubles.len()
    }

    pub(super) fn sorted(&self) -> Vec<Entry> {
        let ids = self.ids.iter().map(|(digest, sequence)| Entry::of_parts(*digest, *sequence));
        let mut entries: Vec<Entry> = ids.chain(self.doubles.iter().copied()).collect();
        entries.sort_unstable();
        entries
    }
}
