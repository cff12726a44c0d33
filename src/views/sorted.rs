//! A list in memory, sorted oldest first, that takes late entries without moving everything that is newer.

use super::entry::Entry;

/// Entries of one piece at most.
const PIECE_ENTRIES_MAX: usize = 256;

/// Entries in order, in pieces that do not overlap.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    /// What came before the newest piece, oldest first. Most lists have none.
    older: Vec<Vec<Entry>>,
    newest: Vec<Entry>,
}

impl Sorted {
    /// Adds an entry. Most are the newest.
    pub(super) fn insert(&mut self, entry: Entry) {
        let ends_before = |piece: &Vec<Entry>| piece.last().is_none_or(|end| end.place < entry.place);
        if self.older.last().is_none_or(ends_before) {
            insert(&mut self.newest, entry);
            if self.newest.len() > PIECE_ENTRIES_MAX {
                let newest = self.newest.split_off(PIECE_ENTRIES_MAX / 2);
                self.older.push(std::mem::replace(&mut self.newest, newest));
            }
            return;
        }
        let at = self.older.partition_point(ends_before);
        let Some(piece) = self.older.get_mut(at) else { return };
        insert(piece, entry);
        if piece.len() > PIECE_ENTRIES_MAX {
            let half = piece.split_off(PIECE_ENTRIES_MAX / 2);
            self.older.insert(at + 1, half);
        }
    }

    /// The pieces, oldest first.
    pub(super) fn pieces(&self) -> impl DoubleEndedIterator<Item = &[Entry]> {
        self.older.iter().chain(std::iter::once(&self.newest)).map(Vec::as_slice)
    }
}

fn insert(piece: &mut Vec<Entry>, entry: Entry) {
    let at = match piece.last() {
        Some(newest) if newest.place > entry.place => piece.partition_point(|one| one.place < entry.place),
        _ => piece.len(),
    };
    piece.insert(at, entry);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::call::time::Time;
    use crate::journal::Sequence;
    use crate::views::entry::{EntryKind, Place, Tag};
    use crate::views::names::{NameNo, SourceNo};

    proptest! {
        #[test]
        fn entries_come_out_in_order_however_late_they_came_in(times in proptest::collection::vec(0..5_000_i64, 0..6_000)) {
            let tag = Tag { kind: EntryKind::Page, source: SourceNo(0), name: NameNo(1) };
            let mut sorted = Sorted::default();
            let mut expected = Vec::new();
            for (at, time) in times.into_iter().enumerate() {
                let place = Place { time: Time::from_millis(time), sequence: Sequence::new(at as u64 + 1) };
                sorted.insert(Entry { place, tag });
                expected.push(Entry { place, tag });
            }
            expected.sort_unstable_by_key(|entry| entry.place);
            prop_assert!(sorted.pieces().all(|piece| piece.len() <= PIECE_ENTRIES_MAX));
            prop_assert_eq!(sorted.pieces().flatten().copied().collect::<Vec<_>>(), expected);
        }
    }
}
