//! A full disk.

use super::faulty::Faulty;
use super::*;
use crate::relay::ledger::Standing;

/// Full at any moment: syncs say so, nothing that was entered is lost, and it goes on by itself once there is room.
#[test]
fn a_full_disk_loses_nothing_and_is_tried_again() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open(folder.path(), &faulty.engine()).unwrap();
    for round in 0..6_u64 {
        let to = book(&ledger, "to", 1);
        to.enter(delivered([round * 10 + 1]));
        to.sync().unwrap();
        faulty.set_full(true);
        to.enter(dead(round * 10 + 2, "refused"));
        assert!(matches!(to.sync(), Err(StoreError::Full(_))) && !to.writable() && to.failed().is_none());
        assert!(matches!(ledger.book("another", &|| Sequence::FIRST), Err(StoreError::Full(_))) || round > 0);
        assert_eq!(to.counts(Sequence::new(round * 10 + 9)).dead, round + 1, "what is in memory counts");
        faulty.set_full(false);
        to.sync().unwrap();
        assert_eq!(to.attempts(Sequence::new(round * 10 + 2)).unwrap().len(), 1);
        let mut standing = ledger.standing();
        while *standing.borrow_and_update() != Standing::Writing {
            std::thread::yield_now();
        }
        book(&ledger, "another", 1);
        if round % 2 == 0 {
            ledger.halt();
        } else {
            ledger.close();
        }
        faulty.memory.cut_power();
        ledger = open(folder.path(), &faulty.engine()).unwrap();
        let to = book(&ledger, "to", 1);
        let counts = to.counts(Sequence::new(round * 10 + 9));
        assert_eq!((counts.delivered, counts.dead), (round + 1, round + 1));
        assert_eq!(to.recount(Sequence::new(round * 10 + 9)).unwrap(), counts);
        assert_eq!(to.attempts(Sequence::new(round * 10 + 2)).unwrap().len(), 1);
    }
}

/// Full while the tables are written: what is in the log is durable all the same.
#[test]
fn a_disk_that_is_full_for_the_tables_only_holds_up_no_sync() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    to.enter(delivered(1..50));
    to.sync().unwrap();
    faulty.set_full(true);
    ledger.close();
    faulty.heal();
    drop(ledger);
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    assert_eq!(book(&ledger, "to", 1).counts(Sequence::new(60)).delivered, 49);
}

/// What cannot be written yet is bounded: whoever enters more waits, and can ask before.
#[test]
fn entering_waits_while_too_much_is_unwritten() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    faulty.set_full(true);
    let mut number = 1;
    while to.has_room() {
        to.enter(dead(number, &"t".repeat(1_000)));
        number += 1;
    }
    assert!(number > 1_000, "{number}");
    let waiting = {
        let to = to.clone();
        std::thread::spawn(move || to.enter(delivered([number])))
    };
    assert!(to.sync().is_err() && !waiting.is_finished());
    faulty.set_full(false);
    waiting.join().unwrap();
    to.sync().unwrap();
    let counts = to.counts(Sequence::new(number + 1));
    assert_eq!((counts.dead, counts.delivered, counts.pending), (number - 1, 1, 0));
}
