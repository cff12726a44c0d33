//! Senders at work: batches, single calls, repeats of what was acknowledged, and copies that race each other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::chance::Chance;
use super::connection::Connection;
use super::ledger::{Ledger, Parcel};

/// Makes ids that no other run on the same folder has.
static RUN: AtomicU64 = AtomicU64::new(0);

/// Some senders on one server.
pub(super) struct Load<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) port: u16,
    pub(super) senders: u64,
    pub(super) batch_max: u64,
    /// Lets the senders finish their request and stop.
    pub(super) enough: &'a AtomicBool,
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Load<'_> {
    /// Sends until `meanwhile`, on this thread, is done, `enough` is set, or the server can no longer be reached.
    pub(super) fn run<T>(&self, chance: &mut Chance, meanwhile: impl FnOnce() -> T) -> T {
        let run = RUN.fetch_add(1, Ordering::SeqCst);
        let races = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for sender in 0..self.senders {
                let own = Chance::seeded(chance.next());
                let races = &races;
                scope.spawn(move || self.send(&format!("r{run}s{sender}"), own, races, run));
            }
            // Also when `meanwhile` panics: senders that go on for ever would hide why.
            let _stop = Stop(self.enough);
            meanwhile()
        })
    }

    fn send(&self, name: &str, mut chance: Chance, races: &AtomicU64, run: u64) {
        let mut number = 0_u64;
        while !self.enough.load(Ordering::SeqCst) {
            let Ok(mut connection) = Connection::open(self.port) else { return };
            while !self.enough.load(Ordering::SeqCst) {
                let parcel = self.parcel(name, &mut number, &mut chance, races, run);
                self.ledger.note_sent(&parcel);
                let sent_at = Instant::now();
                let Ok(answer) = connection.post(parcel.path, &parcel.body) else {
                    self.ledger.note_broken(&parcel);
                    break;
                };
                self.ledger.note_answer(&parcel, sent_at, &answer);
            }
        }
    }

    fn parcel(&self, name: &str, number: &mut u64, chance: &mut Chance, races: &AtomicU64, run: u64) -> Parcel {
        let mut fresh = || {
            *number += 1;
            format!("{name}n{number}")
        };
        match chance.below(10) {
            0 => self.ledger.any_acked(chance).map_or_else(|| Parcel::single(&fresh()), |id| Parcel::single(&id)),
            // Every id is drawn twice, most often by two senders at about the same time.
            1 | 2 => Parcel::single(&format!("r{run}race{}", races.fetch_add(1, Ordering::SeqCst) / 2)),
            3 | 4 => Parcel::single(&fresh()),
            _ => Parcel::batch((0..=chance.below(self.batch_max)).map(|_| fresh()).collect()),
        }
    }
}

/// Sends again, with the same ids, what has no answer yet, and expects it to be taken now.
pub(super) fn settle(ledger: &Ledger, port: u16) {
    let parcels = ledger.take_unsettled();
    let mut connection = Connection::open(port).expect("the server accepts");
    for parcel in parcels {
        ledger.note_sent(&parcel);
        let sent_at = Instant::now();
        let answer = connection.post(parcel.path, &parcel.body).expect("an answer");
        assert_eq!(answer.status, 200, "what was refused before has to be taken now: {}", answer.text());
        ledger.note_answer(&parcel, sent_at, &answer);
    }
}
