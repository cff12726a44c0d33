//! The ledger as a whole: against a plain model, under kills, power cuts, full disks and changed bytes, and what it takes.

mod cuts;
mod damage;
mod erase;
mod faulty;
mod full;
mod model;
mod orders;
mod pace;
mod pulled_back;
mod size;

use std::path::Path;
use std::sync::Arc;

use super::{Again, Attempt, Book, Counts, Entry, Ledger};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::relay::outbox::{Change, Tried};
use crate::relay::policy::Answer;
use crate::store::{Engine, StoreError};

/// Random numbers that come again with the same seed.
struct Chance(u64);

impl Chance {
    /// With a new seed, printed.
    fn new(what: &str) -> Self {
        let seed = getrandom::u64().unwrap() | 1;
        println!("{what}: seed {seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 up to, but not including, `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn is_one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

fn open(dir: &Path, engine: &Arc<dyn Engine>) -> Result<Ledger, StoreError> {
    Ledger::open(dir, engine)
}

fn book(ledger: &Ledger, name: &str, start: u64) -> Book {
    ledger.book(name, &|| Sequence::new(start)).unwrap()
}

fn answer(status: u16, text: &str) -> Answer {
    Answer::Status { status, retry_after: None, text: text.to_owned() }
}

fn attempt(at: u64, status: u16, text: &str) -> Attempt {
    let at = Time::from_millis(1_790_000_000_000 + i64::try_from(at).unwrap());
    Attempt { at, latency_ms: 31, answer: answer(status, text) }
}

fn tried(attempts: u32) -> Tried {
    Tried { attempts, first_at: Time::from_millis(1_790_000_000_000), due: Time::from_millis(1_790_000_010_000) }
}

fn sequences(numbers: impl IntoIterator<Item = u64>) -> Vec<Sequence> {
    numbers.into_iter().map(Sequence::new).collect()
}

/// A request whose calls were all accepted.
fn delivered(numbers: impl IntoIterator<Item = u64> + Clone) -> Entry {
    let changes = numbers.clone().into_iter().map(|number| Change::Delivered(Sequence::new(number))).collect();
    Entry { attempt: Some((sequences(numbers), attempt(0, 200, ""))), changes, ..Entry::default() }
}

/// A request whose one call was refused.
fn dead(number: u64, text: &str) -> Entry {
    let change = Change::Dead { sequence: Sequence::new(number), code: "REFUSED", tried: tried(1) };
    Entry { attempt: Some((sequences([number]), attempt(1, 400, text))), changes: vec![change], ..Entry::default() }
}
