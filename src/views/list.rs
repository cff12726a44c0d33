//! Reading and storing lists: parts of entries on disk, whole lists in memory, one order over all of them.
//!
//! On disk a list is cut into parts of at most [`PART_ENTRIES_MAX`] entries, none of which reaches over the edge of a
//! window of time. So everything older than a place lies in parts that begin at the end of its window or later, and a
//! reader finds its place without looking at what is newer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;

use super::entry::{Entry, EntryKind, ListId, Place, Tag};
use super::keys;
use super::names::{NameNo, SourceNo};
use super::snapshot::ViewError;
use super::sorted::Sorted;
use crate::call::time::Time;
use crate::journal::Sequence;

/// Entries of one part.
const PART_ENTRIES_MAX: usize = 256;

/// The window of a list, in milliseconds: short where many calls come in, longer where one sender stands behind.
const fn window_ms(list: ListId) -> i64 {
    match list {
        ListId::Feed | ListId::Name(_) | ListId::Source(_) => 1_000,
        ListId::Node(_) | ListId::Group(_) => 60_000,
    }
}

/// Cuts a list into its stored parts: keys in order, with values.
pub(super) fn parts(id: ListId, list: &Sorted, out: &mut Vec<(Vec<u8>, Vec<u8>)>) {
    for piece in list.pieces().rev() {
        cut(id, piece, out);
    }
}

fn cut(id: ListId, list: &[Entry], out: &mut Vec<(Vec<u8>, Vec<u8>)>) {
    let window = |entry: &Entry| entry.place.time.as_millis().div_euclid(window_ms(id));
    let mut end = list.len();
    while let Some(newest) = list.get(..end).and_then(|rest| rest.last()) {
        let lowest = end.saturating_sub(PART_ENTRIES_MAX);
        let part = list.get(lowest..end).unwrap_or_default();
        let start = lowest + part.partition_point(|entry| window(entry) < window(newest));
        let part = list.get(start..end).unwrap_or_default();
        out.push((keys::list_part(id, newest.place), write(part)));
        end = start;
    }
}

/// The bytes of a part: over how many milliseconds it reaches, then the entries, newest first, differences as
/// variable-length numbers.
fn write(part: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(part.len() * 6);
    if let (Some(oldest), Some(newest)) = (part.first(), part.last()) {
        number(newest.place.time.as_millis().abs_diff(oldest.place.time.as_millis()), &mut bytes);
    }
    let mut former = part.last().map(|entry| entry.place);
    for entry in part.iter().rev() {
        let place = former.replace(entry.place).unwrap_or(entry.place);
        number(place.time.as_millis().abs_diff(entry.place.time.as_millis()), &mut bytes);
        let step = place.sequence.get().wrapping_sub(entry.place.sequence.get()).cast_signed();
        number(((step << 1) ^ (step >> 63)).cast_unsigned(), &mut bytes);
        number(u64::from(entry.tag.name.0) << 3 | entry.tag.kind as u64, &mut bytes);
        number(u64::from(entry.tag.source.0), &mut bytes);
    }
    bytes
}

fn number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

/// Seven bits.
const fn low_bits(value: u64) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low & 0x7f
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The entries of a part older than `before`, newest first.
fn read(newest: Place, before: Option<Place>, bytes: &[u8]) -> Option<Vec<Entry>> {
    let (mut rest, mut place, mut entries) = (bytes, newest, Vec::new());
    let oldest = newest.time.as_millis().saturating_sub_unsigned(take(&mut rest)?);
    if before.is_some_and(|before| oldest > before.time.as_millis()) {
        return Some(entries);
    }
    while !rest.is_empty() {
        let back = take(&mut rest)?.cast_signed();
        let step = take(&mut rest)?;
        let step = (step >> 1).cast_signed() ^ -(step & 1).cast_signed();
        place.time = Time::from_millis(place.time.as_millis().wrapping_sub(back));
        place.sequence = Sequence::new(place.sequence.get().wrapping_sub(step.cast_unsigned()));
        let name = take(&mut rest)?;
        let kind = EntryKind::of(low_bits(name) & 7)?;
        let name = NameNo(u32::try_from(name >> 3).ok()?);
        let source = SourceNo(u16::try_from(take(&mut rest)?).ok()?);
        if before.is_none_or(|before| place < before) {
            entries.push(Entry { place, tag: Tag { kind, source, name } });
        }
    }
    Some(entries)
}

/// The keys of stored parts that hold entries older than `before`, as a range.
pub(super) fn range(id: ListId, before: Option<Place>) -> (Vec<u8>, Vec<u8>) {
    let mut end = keys::list(id);
    end.extend_from_slice(&[0xff; 17]);
    let start = before.map_or_else(
        || keys::list(id),
        |before| {
            let window = window_ms(id);
            let last = before.time.as_millis().div_euclid(window).saturating_mul(window).saturating_add(window - 1);
            keys::list_part(id, Place { time: Time::from_millis(last), sequence: Sequence::new(u64::MAX) })
        },
    );
    (start, end)
}

/// One stored part, or why it could not be read.
pub(super) type Part = Result<(Vec<u8>, Vec<u8>), ViewError>;

/// All entries of a list older than `before`, newest first: from stored parts, in order of their keys, and from lists in
/// memory, sorted oldest first.
pub(super) struct Merged<'a, I: Iterator<Item = Part>> {
    before: Option<Place>,
    /// Of each list in memory what is left: pieces, oldest first; never an empty one at the end.
    memory: Vec<Vec<&'a [Entry]>>,
    parts: Peekable<I>,
    open: BinaryHeap<(Entry, Reverse<usize>)>,
    read: Vec<std::vec::IntoIter<Entry>>,
    failed: bool,
}

impl<'a, I: Iterator<Item = Part>> Merged<'a, I> {
    pub(super) fn new(before: Option<Place>, memory: impl Iterator<Item = &'a Sorted>, parts: I) -> Self {
        let cut = |piece: &'a [Entry]| match before {
            Some(before) => piece.get(..piece.partition_point(|entry| entry.place < before)).unwrap_or_default(),
            None => piece,
        };
        let left = |list: &'a Sorted| list.pieces().map(cut).filter(|piece| !piece.is_empty()).collect();
        let memory = memory.map(left).collect();
        Self { before, memory, parts: parts.peekable(), open: BinaryHeap::new(), read: Vec::new(), failed: false }
    }

    /// Opens every part that may hold the next entry.
    fn open_parts(&mut self, newest: Option<Place>) -> Result<(), ViewError> {
        loop {
            let wanted = match self.parts.peek() {
                None => return Ok(()),
                Some(Err(_)) => true,
                Some(Ok((key, _))) => {
                    let top = self.open.peek().map(|(entry, _)| entry.place).max(newest);
                    top.is_none_or(|top| keys::newest_of(key).is_none_or(|place| place > top))
                }
            };
            if !wanted {
                return Ok(());
            }
            let Some(part) = self.parts.next() else { return Ok(()) };
            let (key, value) = part?;
            let entries = keys::newest_of(&key).and_then(|newest| read(newest, self.before, &value));
            let entries =
                entries.ok_or_else(|| ViewError::Unreadable("a part of a list does not decode".to_owned()))?;
            let mut entries = entries.into_iter();
            if let Some(first) = entries.next() {
                self.open.push((first, Reverse(self.read.len())));
                self.read.push(entries);
            }
        }
    }
}

impl<I: Iterator<Item = Part>> Iterator for Merged<'_, I> {
    type Item = Result<Entry, ViewError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let newest = self.memory.iter().enumerate().filter_map(|(at, list)| Some((*list.last()?.last()?, at))).max();
        if let Err(error) = self.open_parts(newest.map(|(entry, _)| entry.place)) {
            self.failed = true;
            return Some(Err(error));
        }
        let stored = self.open.peek().map(|(entry, _)| *entry);
        match (newest, stored) {
            (Some((entry, at)), stored) if stored.is_none_or(|stored| stored.place < entry.place) => {
                if let Some(list) = self.memory.get_mut(at)
                    && let Some((_, rest)) = list.pop().and_then(<[Entry]>::split_last)
                    && !rest.is_empty()
                {
                    list.push(rest);
                }
                Some(Ok(entry))
            }
            (_, None) => None,
            (_, Some(_)) => {
                let (entry, Reverse(at)) = self.open.pop()?;
                if let Some(next) = self.read.get_mut(at).and_then(Iterator::next) {
                    self.open.push((next, Reverse(at)));
                }
                Some(Ok(entry))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn entry(time: i64, sequence: u64) -> Entry {
        let tag = Tag { kind: EntryKind::Track, source: SourceNo(300), name: NameNo(7) };
        Entry { place: Place { time: Time::from_millis(time), sequence: Sequence::new(sequence) }, tag }
    }

    proptest! {
        /// Whatever lies where, a reader sees every older entry once, newest first.
        #[test]
        fn every_older_entry_comes_once_newest_first(
            times in proptest::collection::vec((-5_000_i64..200_000, 0_usize..4), 0..900),
            before in proptest::option::of((-6_000_i64..200_001, 1_u64..900)),
            node in any::<bool>(),
        ) {
            let id = if node { ListId::Node(crate::views::identity::NodeNo(3)) } else { ListId::Feed };
            let mut homes = vec![Sorted::default(); 4];
            for (sequence, (time, home)) in times.iter().enumerate() {
                homes[*home].insert(entry(*time, sequence as u64 + 1));
            }
            let before = before.map(|(time, sequence)| entry(time, sequence).place);
            let mut stored = Vec::new();
            parts(id, &homes[0], &mut stored);
            parts(id, &homes[1], &mut stored);
            let stored: BTreeMap<_, _> = stored.into_iter().collect();
            let (from, to) = range(id, before);
            let found = stored.range(from..to).map(|(key, value)| Ok((key.clone(), value.clone())));
            let merged = Merged::new(before, homes[2..].iter(), found);
            let got: Vec<_> = merged.map(|entry| entry.unwrap()).collect();
            let mut expected: Vec<_> = homes.iter().flat_map(|home| home.pieces().flatten().copied()).collect();
            expected.retain(|entry| before.is_none_or(|before| entry.place < before));
            expected.sort_by_key(|entry| Reverse(entry.place));
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn broken_parts_are_errors() {
        let mut stored = Vec::new();
        cut(ListId::Feed, &[entry(1, 1), entry(2, 2)], &mut stored);
        let (key, value) = stored.remove(0);
        let cut = value[..value.len() - 1].to_vec();
        let mut merged = Merged::new(None, std::iter::empty(), std::iter::once(Ok((key, cut))));
        assert!(merged.next().unwrap().is_err());
        assert!(merged.next().is_none());
    }
}
