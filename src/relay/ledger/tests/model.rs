//! Random entries against a plain model, with reopening, kills and power cuts in between.

use std::collections::BTreeMap;

use super::super::atom::{Atom, Letter};
use super::super::chunk::{CHUNK_RECORDS, GROUP_RECORDS};
use super::super::{Again, Attempt, Book, Counts, State, entry};
use super::faulty::Faulty;
use super::*;
use crate::relay::outbox::Pause;
use crate::relay::policy::Failure;

/// What a book should say.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    start: u64,
    states: BTreeMap<u64, State>,
    letters: BTreeMap<u64, Letter>,
    waiting: BTreeMap<u64, Tried>,
    attempts: BTreeMap<u64, Vec<Attempt>>,
    pause: Option<Pause>,
    orders: BTreeMap<u64, Again>,
}

impl Model {
    pub(super) fn new(start: u64) -> Self {
        Self { start, ..Self::default() }
    }

    fn settle(&mut self, sequence: u64, state: State) {
        if sequence >= self.start {
            self.states.insert(sequence, state);
        }
        self.waiting.remove(&sequence);
    }

    pub(super) fn apply(&mut self, atom: &Atom) {
        match atom {
            Atom::Request { records, attempt, delivered } => {
                for record in records {
                    self.attempts.entry(*record).or_default().push(attempt.clone());
                    if *delivered {
                        self.settle(*record, State::Delivered);
                    }
                }
            }
            Atom::Delivered(sequence) => self.settle(*sequence, State::Delivered),
            Atom::Dead { sequence, letter } => {
                self.settle(*sequence, State::Dead);
                self.letters.insert(*sequence, letter.clone());
            }
            Atom::Waiting { sequence, tried } => {
                if *sequence >= self.start {
                    self.waiting.insert(*sequence, *tried);
                }
            }
            Atom::Filtered(from, to) => {
                for sequence in *from..*to {
                    if self.states.get(&sequence).is_none_or(|state| *state == State::Filtered) {
                        self.settle(sequence, State::Filtered);
                    }
                }
            }
            Atom::Pause(pause) => self.pause.clone_from(pause),
            Atom::Again(number, Some(again)) => drop(self.orders.insert(*number, again.clone())),
            Atom::Again(number, None) => drop(self.orders.remove(number)),
            Atom::Forget(from) => {
                self.states.split_off(from);
                self.waiting.split_off(from);
                self.orders.values_mut().for_each(|order| order.end = order.end.min(Sequence::new(*from)));
                self.orders.retain(|_, order| order.next < order.end);
                self.start = self.start.min(*from);
            }
        }
    }

    fn of(&self, state: State) -> Vec<u64> {
        self.states.iter().rev().filter(|(_, held)| **held == state).map(|(sequence, _)| *sequence).collect()
    }

    fn counts(&self, tail: u64) -> Counts {
        let mut counts = Counts { filtered: self.start.min(tail) - 1, ..Counts::default() };
        for state in self.states.range(..tail).map(|(_, state)| state) {
            match state {
                State::Pending => unreachable!(),
                State::Delivered => counts.delivered += 1,
                State::Filtered => counts.filtered += 1,
                State::Dead => counts.dead += 1,
            }
        }
        counts.pending = tail - 1 - counts.delivered - counts.filtered - counts.dead;
        counts
    }

    /// The first difference to what a book says, in words. All of it: states, counts by both ways, letters, waiting ones.
    pub(super) fn difference(&self, book: &Book) -> Option<String> {
        let tail = self.states.keys().next_back().map_or(self.start, |last| last + 1) + 7;
        let list = |state| -> Vec<u64> {
            let all = book.list(state, Sequence::new(tail), usize::MAX).unwrap();
            all.into_iter().map(Sequence::get).filter(|sequence| *sequence >= self.start).collect()
        };
        for state in [State::Delivered, State::Filtered, State::Dead] {
            if list(state) != self.of(state) {
                return Some(format!("{state:?} records differ: {:?} {:?}", list(state).len(), self.of(state).len()));
            }
        }
        let counts = (book.counts(Sequence::new(tail)), book.recount(Sequence::new(tail)).unwrap());
        if counts != (self.counts(tail), self.counts(tail)) {
            return Some(format!("{counts:?}, not {:?}", self.counts(tail)));
        }
        let floor = (self.start..=tail).find(|sequence| !self.states.contains_key(sequence)).unwrap();
        if book.floor().get() != floor {
            return Some(format!("the floor is {}, not {floor}", book.floor()));
        }
        let letter = |sequence: &u64| {
            let letter = book.dead_letter(Sequence::new(*sequence)).unwrap();
            letter.map(|letter| Letter { code: letter.code, tried: letter.tried, answer: letter.answer })
        };
        if let Some(sequence) =
            self.of(State::Dead).iter().find(|sequence| letter(sequence).as_ref() != self.letters.get(sequence))
        {
            return Some(format!(
                "the letter {sequence} is {:?}, not {:?}",
                letter(sequence),
                self.letters.get(sequence)
            ));
        }
        let waiting = book.waiting();
        let mut both = waiting.keys().chain(self.waiting.keys());
        if let Some(sequence) = both.find(|sequence| waiting.get(sequence) != self.waiting.get(sequence)) {
            let (found, wanted) = (waiting.get(sequence), self.waiting.get(sequence));
            return Some(format!("{sequence} waits: {found:?}, not {wanted:?}"));
        }
        let rest = (book.pause(), book.again());
        let wanted = (self.pause.clone(), self.orders.values().cloned().collect());
        if rest != wanted {
            return Some(format!("{rest:?}, not {wanted:?}"));
        }
        let attempts = |sequence: u64| book.attempts(Sequence::new(sequence)).unwrap();
        let mut wrong = self.attempts.iter().filter(|(sequence, wanted)| attempts(**sequence) != **wanted);
        wrong
            .next()
            .map(|(sequence, wanted)| format!("attempts of {sequence}: {:?}, not {wanted:?}", attempts(*sequence)))
    }

    /// The same for lists with an end, counts of a part, and single states.
    fn check_parts(&self, book: &Book, chance: &mut Chance) {
        let tail = self.states.keys().next_back().map_or(self.start, |last| last + 1);
        for _ in 0..5 {
            let below = chance.below(tail + 50) + 1;
            assert_eq!(book.counts(Sequence::new(below)), self.counts(below), "below {below}");
            assert_eq!(book.recount(Sequence::new(below)).unwrap(), self.counts(below), "below {below}");
            let state = |sequence: u64| match self.states.get(&sequence) {
                Some(state) => *state,
                None if sequence < self.start => State::Filtered,
                None => State::Pending,
            };
            assert_eq!(book.state(Sequence::new(below)).unwrap(), state(below), "{below}");
            for asked in [State::Pending, State::Delivered, State::Filtered, State::Dead] {
                let wanted: Vec<u64> = (1..below).rev().filter(|sequence| state(*sequence) == asked).take(9).collect();
                let listed = book.list(asked, Sequence::new(below), 9).unwrap();
                assert_eq!(listed, sequences(wanted), "{asked:?} below {below}");
            }
        }
    }
}

/// Records from here and there: mostly where a worker is, now and then far behind, with borders of chunks and groups.
pub(super) struct Traffic {
    next: u64,
}

impl Traffic {
    pub(super) fn new(start: u64) -> Self {
        Self { next: start }
    }

    pub(super) fn place(&mut self, start: u64, chance: &mut Chance) -> u64 {
        match chance.below(8) {
            0 => start.saturating_sub(2) + chance.below(self.next + 9 - start.saturating_sub(2)),
            1 => (self.next / CHUNK_RECORDS + 1) * CHUNK_RECORDS - 1 - chance.below(3),
            _ => {
                self.next += 1 + chance.below(3);
                self.next
            }
        }
        .max(1)
    }

    pub(super) fn entry(&mut self, start: u64, chance: &mut Chance) -> Entry {
        let places: std::collections::BTreeSet<u64> =
            (0..=chance.below(5)).map(|_| self.place(start, chance)).collect();
        let mut entry = Entry::default();
        let at = chance.below(1_000_000);
        let try_of = |chance: &mut Chance| {
            let attempts = u32::try_from(chance.below(9)).unwrap();
            let [first_at, due] =
                [chance.below(1 << 40), chance.below(1 << 40)].map(|at| Time::from_millis(i64::try_from(at).unwrap()));
            Tried { attempts, first_at, due }
        };
        match chance.below(9) {
            0..=3 => entry = delivered(places.iter().copied()),
            4 => {
                entry.attempt = Some((sequences(places.iter().copied()), attempt(at, 503, "later")));
                for place in &places {
                    entry.changes.push(Change::Waiting { sequence: Sequence::new(*place), tried: try_of(chance) });
                }
            }
            5 => {
                let failed = Answer::Failed {
                    failure: Failure::Timeout,
                    text: "x".repeat(usize::try_from(chance.below(2_000)).unwrap()),
                };
                let at = Time::from_millis(i64::try_from(at).unwrap());
                let attempt = Attempt { at, latency_ms: u32::try_from(chance.below(10_000)).unwrap(), answer: failed };
                entry.attempt = Some((sequences(places.iter().copied()), attempt));
                for (place, code) in places.iter().zip(["REFUSED", "EXPIRED", "UNAUTHORIZED", "TOO_LARGE"]) {
                    entry.changes.push(Change::Dead { sequence: Sequence::new(*place), code, tried: try_of(chance) });
                }
            }
            6 => {
                // The answer to one call says what becomes of others.
                for place in &places {
                    entry.changes.push(Change::Dead {
                        sequence: Sequence::new(*place),
                        code: "UNAUTHORIZED",
                        tried: try_of(chance),
                    });
                }
            }
            7 => {
                let from = self.place(start, chance);
                let length = if chance.is_one_in(6) { chance.below(3 * CHUNK_RECORDS) } else { chance.below(30) };
                entry.filtered.push((Sequence::new(from), Sequence::new(from + length)));
                self.next = self.next.max(from + length);
            }
            _ => {
                entry.attempt = Some((sequences(places.iter().copied()), attempt(at, 200, "")));
                let half = places.iter().filter(|place| *place % 2 == 0);
                entry.changes.extend(half.map(|place| Change::Delivered(Sequence::new(*place))));
            }
        }
        entry
    }
}

/// The atoms that an entry becomes; the last answers of records that are given up apart come from the model.
pub(super) fn atoms_of(model: &Model, entry: &Entry) -> Vec<Atom> {
    let apart = entry::given_up_apart(entry);
    let last = |sequence: u64| model.attempts.get(&sequence).and_then(|attempts| attempts.last());
    let answers = apart.into_iter().filter_map(|sequence| Some((sequence, last(sequence)?.answer.clone()))).collect();
    entry::atoms(entry.clone(), &answers)
        .into_iter()
        .map(|atom| match atom {
            // What is kept of an attempt: a long text is capped.
            Atom::Request { records, mut attempt, delivered } => {
                if let Answer::Failed { text, .. } = &mut attempt.answer {
                    text.truncate(1024);
                }
                Atom::Request { records, attempt, delivered }
            }
            other => other,
        })
        .collect()
}

const STARTS: [u64; 4] = [1, 3 * CHUNK_RECORDS - 5, GROUP_RECORDS - 2_000, 777];

#[test]
fn what_is_read_is_what_was_entered_whatever_was_reopened_killed_or_cut_in_between() {
    let mut chance = Chance::new("model");
    let folder = tempfile::tempdir().unwrap();
    let faulty = Faulty::default();
    let mut ledger = open(folder.path(), &faulty.engine()).unwrap();
    let mut models: Vec<(Model, Traffic)> = STARTS.map(|start| (Model::new(start), Traffic::new(start))).into();
    for round in 0..60 {
        for (number, (model, traffic)) in models.iter_mut().enumerate() {
            let book = book(&ledger, &format!("to {number}"), STARTS[number]);
            for _ in 0..chance.below(12) {
                let entry = traffic.entry(model.start, &mut chance);
                for atom in atoms_of(model, &entry) {
                    model.apply(&atom);
                }
                book.enter(entry);
            }
            assert_eq!(model.difference(&book), None, "in memory, round {round}, book {number}");
        }
        if chance.is_one_in(3) {
            // Closed in order, killed, or the power cut; what was synced has to be there.
            match chance.below(3) {
                0 => ledger.close(),
                1 => {
                    ledger.book("to 0", &|| Sequence::FIRST).unwrap().sync().unwrap();
                    ledger.halt();
                }
                _ => {
                    ledger.book("to 0", &|| Sequence::FIRST).unwrap().sync().unwrap();
                    ledger.halt();
                    faulty.memory.cut_power();
                }
            }
            ledger = open(folder.path(), &faulty.engine()).unwrap();
        }
        for (number, (model, _)) in models.iter().enumerate() {
            let book = book(&ledger, &format!("to {number}"), 5);
            assert_eq!(model.difference(&book), None, "round {round}, book {number}");
        }
    }
    for (number, (model, _)) in models.iter().enumerate() {
        let book = book(&ledger, &format!("to {number}"), 5);
        if model.start < CHUNK_RECORDS {
            model.check_parts(&book, &mut chance);
        }
    }
}
