//! The states of 4,096 neighbouring records, two bits each, and how many there are of each state in neighbouring chunks.

use super::codec::{put, take};
use super::keys;
use super::pages::Page;
use super::{Counts, State};

/// Records of a chunk.
pub(super) const CHUNK_RECORDS: u64 = 4096;
/// Chunks of a group.
pub(super) const GROUP_CHUNKS: u64 = 256;
/// Records of a group.
pub(super) const GROUP_RECORDS: u64 = CHUNK_RECORDS * GROUP_CHUNKS;

const WORD_RECORDS: u64 = 32;
const WORDS: usize = 128;
/// The lower bit of each record of a word.
const LOW: u64 = 0x5555_5555_5555_5555;

/// Settled records by state. What is not settled is pending, so what was never written is pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) delivered: u64,
    pub(super) filtered: u64,
    pub(super) dead: u64,
}

impl Totals {
    pub(super) fn settled(self) -> u64 {
        self.delivered + self.filtered + self.dead
    }

    /// How many are in a state; pending ones are not known here.
    pub(super) fn of(self, state: State) -> u64 {
        match state {
            State::Pending => 0,
            State::Delivered => self.delivered,
            State::Filtered => self.filtered,
            State::Dead => self.dead,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            delivered: self.delivered + other.delivered,
            filtered: self.filtered + other.filtered,
            dead: self.dead + other.dead,
        }
    }

    /// Takes `old` out and `new` in.
    pub(super) fn exchange(&mut self, old: Self, new: Self) {
        self.delivered = (self.delivered + new.delivered).saturating_sub(old.delivered);
        self.filtered = (self.filtered + new.filtered).saturating_sub(old.filtered);
        self.dead = (self.dead + new.dead).saturating_sub(old.dead);
    }

    pub(super) fn add(&mut self, state: State, count: u64) {
        match state {
            State::Pending => {}
            State::Delivered => self.delivered += count,
            State::Filtered => self.filtered += count,
            State::Dead => self.dead += count,
        }
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        for number in [self.delivered, self.filtered, self.dead] {
            put(number, out);
        }
    }

    pub(super) fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self { delivered: take(bytes)?, filtered: take(bytes)?, dead: take(bytes)? })
    }

    /// With everything else of `all` records pending.
    pub(super) fn counts(self, all: u64) -> Counts {
        let Self { delivered, filtered, dead } = self;
        Counts { pending: all.saturating_sub(self.settled()), delivered, filtered, dead }
    }
}

/// The states of [`CHUNK_RECORDS`] records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk(Box<[u64; WORDS]>);

impl Default for Chunk {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

const fn bits(state: State) -> u64 {
    match state {
        State::Pending => 0,
        State::Delivered => 1,
        State::Filtered => 2,
        State::Dead => 3,
    }
}

impl Chunk {
    fn word(place: u64) -> usize {
        usize::try_from(place / WORD_RECORDS).unwrap_or(WORDS)
    }

    /// The state of the record at this place.
    pub(super) fn state(&self, place: u64) -> State {
        let word = self.0.get(Self::word(place)).copied().unwrap_or(0);
        match word >> (place % WORD_RECORDS * 2) & 3 {
            0 => State::Pending,
            1 => State::Delivered,
            2 => State::Filtered,
            _ => State::Dead,
        }
    }

    /// Sets the state of the record at this place.
    pub(super) fn set(&mut self, place: u64, state: State) {
        let shift = place % WORD_RECORDS * 2;
        if let Some(word) = self.0.get_mut(Self::word(place)) {
            *word = *word & !(3 << shift) | bits(state) << shift;
        }
    }

    /// Counts all records.
    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for word in self.0.iter() {
            let (low, high) = (word & LOW, word >> 1 & LOW);
            totals.delivered += u64::from((low & !high).count_ones());
            totals.filtered += u64::from((high & !low).count_ones());
            totals.dead += u64::from((high & low).count_ones());
        }
        totals
    }

    /// Counts the records at places from `from` up to, but not including, `to`.
    pub(super) fn totals_of(&self, from: u64, to: u64) -> Totals {
        let mut totals = Totals::default();
        (from..to).for_each(|place| totals.add(self.state(place), 1));
        totals
    }
}

impl Page for Chunk {
    const FAMILY: u8 = keys::CHUNKS;
    const NAME: &'static str = "a chunk of the state table";

    fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut chunk = Self::default();
        if bytes.len() != WORDS * 8 {
            return None;
        }
        for (word, bytes) in chunk.0.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().ok()?);
        }
        Some(chunk)
    }
}

/// The totals of [`GROUP_CHUNKS`] chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group(Vec<Totals>);

impl Group {
    fn index(chunk: u64) -> usize {
        usize::try_from(chunk % GROUP_CHUNKS).unwrap_or(0)
    }

    /// The totals of a chunk, by its number in the whole table.
    pub(super) fn chunk(&self, chunk: u64) -> Totals {
        self.0.get(Self::index(chunk)).copied().unwrap_or_default()
    }

    /// Sets the totals of a chunk; returns the ones before.
    pub(super) fn set(&mut self, chunk: u64, totals: Totals) -> Totals {
        let index = Self::index(chunk);
        if self.0.len() <= index {
            self.0.resize(index + 1, Totals::default());
        }
        self.0.get_mut(index).map_or_else(Totals::default, |place| std::mem::replace(place, totals))
    }

    /// All chunks together.
    pub(super) fn sum(&self) -> Totals {
        self.0.iter().fold(Totals::default(), |sum, totals| sum.plus(*totals))
    }
}

impl Page for Group {
    const FAMILY: u8 = b'g';
    const NAME: &'static str = "the totals of a group of chunks";

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.iter().for_each(|totals| totals.put(&mut bytes));
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut group = Self::default();
        while !bytes.is_empty() {
            group.0.push(Totals::take(&mut bytes)?);
        }
        (group.0.len() as u64 <= GROUP_CHUNKS).then_some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_totals_come_back() {
        let mut chunk = Chunk::default();
        let states = [State::Pending, State::Delivered, State::Filtered, State::Dead];
        for place in 0..CHUNK_RECORDS {
            chunk.set(place, State::Dead);
            chunk.set(place, states[usize::try_from(place * 7 % 5 % 4).unwrap()]);
        }
        let chunk = Chunk::decode(&chunk.encode()).unwrap();
        for place in 0..CHUNK_RECORDS {
            assert_eq!(chunk.state(place), states[usize::try_from(place * 7 % 5 % 4).unwrap()]);
        }
        assert_eq!(chunk.totals(), chunk.totals_of(0, CHUNK_RECORDS));
        assert_eq!(chunk.totals().settled(), 4096 - 4096_u64.div_ceil(5) - 819);
        let mut group = Group::default();
        assert_eq!(group.set(256 + 9, chunk.totals()), Totals::default());
        let group = Group::decode(&group.encode()).unwrap();
        assert_eq!((group.chunk(9), group.chunk(10), group.sum()), (chunk.totals(), Totals::default(), chunk.totals()));
        assert_eq!((Chunk::decode(&[0; 9]), Group::decode(&[0x80])), (None, None));
    }
}
