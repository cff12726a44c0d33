//! Decompressed blocks that hold records to be sent soon: bounded in bytes; what is not here is read again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::journal::{ReadError, Reader, Sequence, Slice};

struct Kept {
    slice: Slice,
    /// Records in it that are not settled yet; the slice goes when the last one is.
    owed: usize,
}

/// The bodies of one destination.
pub(super) struct Bodies {
    reader: Arc<dyn Reader>,
    bytes_max: usize,
    bytes: usize,
    kept: BTreeMap<Sequence, Kept>,
}

impl Bodies {
    /// None yet, and never much more than `bytes_max` of them.
    pub(super) fn new(reader: Arc<dyn Reader>, bytes_max: usize) -> Self {
        Self { reader, bytes_max, bytes: 0, kept: BTreeMap::new() }
    }

    /// Whether another slice may be read ahead.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < self.bytes_max
    }

    /// Keeps a slice in which `owed` records are still to be settled.
    pub(super) fn keep(&mut self, first: Sequence, slice: Slice, owed: usize) {
        if owed > 0 {
            self.bytes += slice.bytes_len();
            if let Some(before) = self.kept.insert(first, Kept { slice, owed }) {
                self.bytes = self.bytes.saturating_sub(before.slice.bytes_len());
            }
        }
    }

    /// The slice with this record, read again if need be.
    pub(super) fn with(&mut self, sequence: Sequence) -> Result<&Slice, ReadError> {
        let found = self.kept.range(..=sequence).next_back();
        let first = found.filter(|(_, kept)| sequence < kept.slice.next).map(|(first, _)| *first);
        let first = if let Some(first) = first {
            first
        } else {
            let slice = self.reader.read(sequence, 1)?;
            if !self.has_room() {
                self.shed();
            }
            // How many of its records are owed is not known: it goes when room is needed.
            self.keep(sequence, slice, usize::MAX);
            sequence
        };
        let damaged =
            || ReadError::Damaged { sequence, place: "memory".to_owned(), detail: "it is not there".to_owned() };
        self.kept.get(&first).map(|kept| &kept.slice).ok_or_else(damaged)
    }

    /// One of the records is settled, or will not be sent soon.
    pub(super) fn done(&mut self, sequence: Sequence) {
        let Some((first, kept)) = self.kept.range_mut(..=sequence).next_back() else { return };
        if sequence >= kept.slice.next || kept.owed == usize::MAX {
            return;
        }
        kept.owed = kept.owed.saturating_sub(1);
        if kept.owed == 0 {
            let first = *first;
            self.remove(first);
        }
    }

    /// Lets go of the oldest, until half of the room is free.
    pub(super) fn shed(&mut self) {
        while self.bytes > self.bytes_max / 2 {
            let Some(first) = self.kept.keys().next().copied() else { return };
            self.remove(first);
        }
    }

    /// Lets go of everything.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }

    fn remove(&mut self, first: Sequence) {
        if let Some(kept) = self.kept.remove(&first) {
            self.bytes = self.bytes.saturating_sub(kept.slice.bytes_len());
        }
    }
}
