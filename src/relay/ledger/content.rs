//! What a destination's book says, in memory: its tables, what waits, its pause and its orders.

use std::collections::BTreeMap;

use super::atom::{Atom, Fragment, pause_number, pause_of};
use super::chunk::CHUNK_RECORDS;
use super::codec::{Fault, put, put_again, put_tried, take, take_again, take_byte, take_tried};
use super::letters::{LetterPage, place};
use super::pages::{Pages, Source};
use super::table::Table;
use super::{Again, State, keys};
use crate::journal::Sequence;
use crate::relay::outbox::{Pause, Tried};
use crate::store::StoreError;

/// Pages of dead letters kept in memory beside the changed ones.
const LETTERS_KEPT: usize = 4;
/// Bytes of one stored piece before it is packed.
const PIECE_BYTES: usize = 40 * 1024;
/// What filtering a chunk weighs among unwritten bytes: it stays in memory until it is written.
const CHUNK_WEIGHT: u64 = CHUNK_RECORDS / 4;

pub(super) struct Content {
    pub(super) table: Table,
    pub(super) letters: Pages<LetterPage>,
    pub(super) waiting: BTreeMap<u64, Tried>,
    pub(super) pause: Option<Pause>,
    /// By their numbers, which rise.
    pub(super) orders: BTreeMap<u64, Again>,
    /// What the committing thread has not taken yet.
    pub(super) fragments: Vec<Fragment>,
    /// Which pieces count.
    generation: u8,
    /// Something changed since the last flush.
    changed: bool,
}

impl Content {
    /// That of a new destination.
    pub(super) fn new(start: u64) -> Self {
        Self {
            table: Table::new(start),
            letters: Pages::new(LETTERS_KEPT),
            waiting: BTreeMap::new(),
            pause: None,
            orders: BTreeMap::new(),
            fragments: Vec::new(),
            generation: 0,
            changed: true,
        }
    }

    /// Reads what was written last.
    pub(super) fn read(source: Source<'_>, start: u64) -> Result<Self, StoreError> {
        let damaged = |what: &str, fault| source.state.damaged(what, fault);
        let header = source.state.get(&keys::header(source.book), "the header of a destination")?;
        let header = header.ok_or_else(|| damaged("the header of a destination", Fault::Missing))?;
        let mut rest = header.as_slice();
        let fields = take_byte(&mut rest).zip(take(&mut rest)).zip(take(&mut rest));
        let Some(((generation, pieces), sum)) = fields else {
            return Err(damaged("the header of a destination", Fault::Meaning));
        };
        let mut bytes = Vec::new();
        for number in 0..u16::try_from(pieces).unwrap_or(u16::MAX) {
            let what = "what a destination keeps";
            let piece = source.state.get(&keys::piece(source.book, generation, number), what)?;
            bytes.extend(piece.ok_or_else(|| damaged(what, Fault::Missing))?);
        }
        if u64::from(crc32fast::hash(&bytes)) != sum {
            return Err(damaged("what a destination keeps", Fault::Checksum));
        }
        let mut content =
            Self::decode(start, &bytes).ok_or_else(|| damaged("what a destination keeps", Fault::Meaning))?;
        content.generation = generation;
        Ok(content)
    }

    fn decode(start: u64, mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let mut content = Self { table: Table::take(start, bytes)?, changed: false, ..Self::new(start) };
        content.pause = pause_of(take_byte(bytes)?)?;
        for _ in 0..take(bytes)? {
            content.orders.insert(take(bytes)?, take_again(bytes)?);
        }
        let mut sequence = 0_u64;
        for _ in 0..take(bytes)? {
            sequence = sequence.checked_add(take(bytes)?)?;
            content.waiting.insert(sequence, take_tried(bytes)?);
        }
        bytes.is_empty().then_some(content)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.table.put(&mut bytes);
        bytes.push(pause_number(self.pause.as_ref()));
        put(self.orders.len() as u64, &mut bytes);
        for (number, again) in &self.orders {
            put(*number, &mut bytes);
            put_again(again, &mut bytes);
        }
        put(self.waiting.len() as u64, &mut bytes);
        let mut before = 0;
        for (sequence, tried) in &self.waiting {
            put(sequence - before, &mut bytes);
            put_tried(tried, &mut bytes);
            before = *sequence;
        }
        bytes
    }

    /// What an atom changes. Twice is the same as once, and so is a part of the log over what came after it, as long as
    /// the log is replayed to its end.
    pub(super) fn apply(&mut self, source: Source<'_>, atom: &Atom) -> Result<(), StoreError> {
        self.changed = true;
        match atom {
            Atom::Request { records, delivered: true, .. } => {
                for run in records.chunk_by(|left, right| left.wrapping_add(1) == *right) {
                    let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
                    self.table.set(source, (*first, last + 1), State::Delivered, false)?;
                    for sequence in run {
                        self.waiting.remove(sequence);
                    }
                }
            }
            Atom::Request { .. } => {}
            Atom::Delivered(sequence) => {
                self.table.set(source, (*sequence, sequence + 1), State::Delivered, false)?;
                self.waiting.remove(sequence);
            }
            Atom::Dead { sequence, letter } => {
                if *sequence >= self.table.start {
                    let (page, place) = place(*sequence);
                    self.letters.change(source, page)?.0.insert(place, letter.clone());
                    self.table.set(source, (*sequence, sequence + 1), State::Dead, false)?;
                }
                self.waiting.remove(sequence);
            }
            Atom::Waiting { sequence, tried } => {
                if *sequence >= self.table.start {
                    self.waiting.insert(*sequence, *tried);
                }
            }
            Atom::Filtered(from, to) => {
                self.table.set(source, (*from, *to), State::Filtered, true)?;
                let waiting: Vec<u64> = self.waiting.range(*from..*to).map(|(sequence, _)| *sequence).collect();
                for sequence in waiting {
                    if self.table.state(source, sequence)? == State::Filtered {
                        self.waiting.remove(&sequence);
                    }
                }
            }
            Atom::Pause(pause) => self.pause.clone_from(pause),
            Atom::Again(number, Some(again)) => drop(self.orders.insert(*number, again.clone())),
            Atom::Again(number, None) => drop(self.orders.remove(number)),
            Atom::Forget(from) => {
                self.table.forget(source, *from)?;
                drop(self.waiting.split_off(from));
                for order in self.orders.values_mut() {
                    order.end = order.end.min(Sequence::new(*from));
                }
                self.orders.retain(|_, order| order.next < order.end);
            }
        }
        Ok(())
    }

    /// Whether something is known of records from here on.
    pub(super) fn knows_from(&self, from: u64) -> bool {
        let table = self.table.start.max(self.table.frontier());
        let ordered = self.orders.values().any(|order| order.end.get() > from);
        table > from || self.waiting.range(from..).next().is_some() || ordered
    }

    /// Applies an atom and keeps it to be written. Returns what it weighs until then.
    pub(super) fn enter(&mut self, source: Source<'_>, atom: &Atom) -> Result<usize, StoreError> {
        self.apply(source, atom)?;
        let bytes = |fragments: &[Fragment]| fragments.iter().map(|fragment| fragment.bytes.len()).sum::<usize>();
        let before = bytes(&self.fragments);
        Fragment::push_to(&mut self.fragments, atom);
        let chunks = if let Atom::Filtered(from, to) = atom { to.saturating_sub(*from) / CHUNK_RECORDS } else { 0 };
        let weight = usize::try_from(chunks * CHUNK_WEIGHT).unwrap_or(usize::MAX);
        Ok((bytes(&self.fragments) - before).saturating_add(weight))
    }

    /// Pages that wait to be written.
    pub(super) fn dirty(&self) -> usize {
        self.table.dirty() + self.letters.dirty()
    }

    /// Hands out all that changed, to be written in this order: tables, then pieces of the generation that does not count,
    /// then the header that makes it count.
    pub(super) fn flush(&mut self, book: u16, puts: &mut Vec<(Vec<u8>, Vec<u8>)>) -> bool {
        if !std::mem::take(&mut self.changed) {
            return false;
        }
        self.table.flush(book, puts);
        self.letters.flush(book, puts);
        self.generation = 1 - self.generation.min(1);
        let bytes = self.encode();
        let mut pieces = 0_u16;
        for piece in bytes.chunks(PIECE_BYTES) {
            puts.push((keys::piece(book, self.generation, pieces), piece.to_vec()));
            pieces = pieces.saturating_add(1);
        }
        let mut header = vec![self.generation];
        put(u64::from(pieces), &mut header);
        put(u64::from(crc32fast::hash(&bytes)), &mut header);
        puts.push((keys::header(book), header));
        true
    }

    /// What was handed out is durable.
    pub(super) fn flushed(&mut self) {
        self.table.flushed();
        self.letters.flushed();
    }

    /// Pages in memory.
    #[cfg(test)]
    pub(super) fn pages(&self) -> usize {
        self.table.pages() + self.letters.len()
    }
}
