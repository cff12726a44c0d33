//! What the ledger takes on the disk and in memory.

use super::faulty::Faulty;
use super::*;
use crate::journal::files;
use crate::relay::ledger::State;
use crate::store::sled::SledEngine;

/// Bytes a call in the folder after `requests` of `calls` each, with latencies and an order as under load.
fn bytes_a_call(requests: u64, calls: u64) -> f64 {
    let mut chance = Chance::new("size");
    let folder = tempfile::tempdir().unwrap();
    let engine: Arc<dyn Engine> = Arc::new(SledEngine);
    let ledger = open(folder.path(), &engine).unwrap();
    let to = book(&ledger, "to", 1);
    for number in 0..requests {
        // A few requests are under way at the same time and end in another order.
        let number = number / 8 * 8 + (number % 8 * 5) % 8;
        let mut entry = delivered(number * calls + 1..=(number + 1) * calls);
        if let Some((records, attempt)) = &mut entry.attempt {
            attempt.at = Time::from_millis(1_790_000_000_000 + i64::try_from(number / 5).unwrap());
            attempt.latency_ms = u32::try_from(5 + chance.below(90)).unwrap();
            // Lanes are interleaved: in a batch not all calls follow each other.
            if calls > 1 {
                let at = usize::try_from(chance.below(calls - 1)).unwrap();
                records.swap(at, at + 1);
            }
        }
        to.enter(entry);
    }
    let total = requests * calls;
    assert_eq!(to.counts(Sequence::new(total + 1)).delivered, total);
    ledger.close();
    drop((to, ledger));
    // The state store's first segment of 4 MiB is there at once, or soon, whatever it holds.
    let state = files::disk_bytes(&folder.path().join("state"));
    assert!(state < 6 << 20, "{state} bytes of state");
    let bytes = files::disk_bytes(folder.path()) - state;
    assert!(bytes > 10_000, "{bytes} bytes of attempts");
    println!("{requests} requests of {calls}: {bytes} bytes");
    let ledger = open(folder.path(), &engine).unwrap();
    assert_eq!(book(&ledger, "to", 1).attempts(Sequence::new(total / 2)).unwrap().len(), 1);
    f64::from(u32::try_from(bytes).unwrap()) / f64::from(u32::try_from(total).unwrap())
}

#[test]
fn a_call_takes_under_12_bytes_sent_alone_and_under_2_in_batches_of_100() {
    let alone = bytes_a_call(160_000, 1);
    assert!(alone < 12.0, "{alone} bytes a call");
    let batched = bytes_a_call(8_000, 100);
    assert!(batched < 2.0, "{batched} bytes a call");
}

/// A hundred destinations that only wait cost little to open.
#[test]
fn idle_destinations_are_cheap() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    (0..100).for_each(|number| book(&ledger, &format!("to {number}"), 1).enter(delivered([1])));
    ledger.close();
    let puts = faulty.puts();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    (0..100).for_each(|number| drop(book(&ledger, &format!("to {number}"), 1)));
    book(&ledger, "to 7", 1).enter(delivered([2]));
    ledger.close();
    assert!(faulty.puts() - puts < 300, "{} puts for one entry", faulty.puts() - puts);
}

/// One call that fails for hours while all others flow: what is in memory does not grow with what flows past.
#[test]
fn memory_is_flat_behind_a_call_that_waits() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    let mut pages = Vec::new();
    for round in 0..4_u64 {
        for number in round * 3_000..(round + 1) * 3_000 {
            to.enter(delivered(number * 1_000 + 2..number * 1_000 + 1_002));
        }
        to.sync().unwrap();
        pages.push(to.pages());
    }
    let last = Sequence::new(12_000_003);
    assert_eq!((to.floor(), to.counts(last).pending), (Sequence::FIRST, 2));
    assert_eq!(to.list(State::Pending, last, 9).unwrap(), sequences([12_000_002, 1]));
    println!("pages in memory: {pages:?}");
    assert!(pages.iter().all(|pages| *pages < 1_100), "{pages:?}");
}

/// Attempts beyond the bound go, the oldest first, and nothing else.
#[test]
fn old_attempts_are_dropped_and_states_stay() {
    const BYTES_MAX: u64 = 4 << 20;
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open_with(folder.path(), &faulty.engine(), BYTES_MAX).unwrap();
    let mut chance = Chance::new("attempts");
    let mut number = 0;
    let kept = |to: &Book, number| to.attempts(Sequence::new(number)).unwrap().len() == 1;
    for round in 0..20 {
        let to = book(&ledger, "to", 1);
        for _ in 0..400 {
            number += 1;
            // Texts that do not compress fill it soon.
            let text: String = (0..1_000).map(|_| char::from(b' ' + u8::try_from(chance.below(95)).unwrap())).collect();
            let mut entry = dead(number, &text);
            entry.changes = vec![Change::Delivered(Sequence::new(number))];
            to.enter(entry);
        }
        assert!(kept(&to, number));
        assert_eq!(to.counts(Sequence::new(number + 1)).delivered, number);
        ledger.close();
        drop(to);
        ledger = Ledger::open_with(folder.path(), &faulty.engine(), BYTES_MAX).unwrap();
        let folders = std::fs::read_dir(folder.path()).unwrap().count();
        assert!(folders < 24, "{folders} folders in round {round}");
    }
    let to = book(&ledger, "to", 1);
    let oldest = (1..=number).find(|number| kept(&to, *number)).unwrap();
    assert!((oldest..=number).all(|number| kept(&to, number)), "the oldest go first");
    let bytes = (number - oldest) * 1_000;
    assert!(bytes > BYTES_MAX / 2 && bytes < BYTES_MAX * 3 / 2, "{bytes} bytes of texts are kept");
}
