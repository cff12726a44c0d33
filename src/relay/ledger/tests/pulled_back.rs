//! The journal lost its end: what was known of it is forgotten for good, wherever a kill falls.

use super::super::State;
use super::super::chunk::GROUP_RECORDS;
use super::faulty::Faulty;
use super::*;

/// Where the second destination begins: behind what is kept.
const LATE: u64 = 150;

fn fill(faulty: &Faulty, dir: &Path) {
    let ledger = open(dir, &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    to.enter(delivered(1..200));
    to.enter(dead(200, "refused"));
    to.enter(delivered(GROUP_RECORDS..GROUP_RECORDS + 9));
    to.order_again(Again {
        next: Sequence::new(20),
        end: Sequence::new(90),
        dead_only: false,
        kind: None,
        event: None,
    })
    .unwrap();
    book(&ledger, "late", LATE).enter(delivered(LATE..180));
    ledger.close();
}

/// Forgets in a ledger that stops after so many puts, and then in one that works. Returns whether it was stopped.
fn cut(after: u64, power: bool) -> bool {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    fill(&faulty, folder.path());
    faulty.stop_after(after);
    let stopped = faulty.puts() + after;
    if let Ok(ledger) = open(folder.path(), &faulty.engine()) {
        for name in ["to", "late"] {
            if let Ok(book) = ledger.book(name, &|| Sequence::FIRST) {
                let _ = book.forget_from(Sequence::new(50));
            }
        }
        ledger.close();
    }
    let was_stopped = faulty.puts() > stopped;
    faulty.heal();
    if power {
        faulty.memory.cut_power();
    }
    for round in 0..2 {
        let ledger = open(folder.path(), &faulty.engine()).unwrap_or_else(|error| panic!("cut after {after}: {error}"));
        let (to, late) = (book(&ledger, "to", 1), book(&ledger, "late", 1));
        let forgotten = [&to, &late].map(|book| book.forget_from(Sequence::new(50)).unwrap());
        assert!(round == 0 || forgotten == [false; 2], "cut after {after}: not for good");
        let tail = Sequence::new(300);
        assert_eq!(to.counts(tail), Counts { pending: 250, delivered: 49, filtered: 0, dead: 0 });
        assert_eq!(late.counts(tail), Counts { pending: 250, delivered: 0, filtered: 49, dead: 0 });
        for book in [&to, &late] {
            assert_eq!(book.recount(tail).unwrap(), book.counts(tail));
            assert_eq!(book.floor(), Sequence::new(50));
            assert_eq!(book.list(State::Dead, tail, 9).unwrap(), []);
            assert_eq!(book.state(Sequence::new(GROUP_RECORDS + 3)).unwrap(), State::Pending);
        }
        assert_eq!(to.again().iter().map(|order| order.end.get()).collect::<Vec<_>>(), [50]);
        ledger.halt();
    }
    was_stopped
}

#[test]
fn what_is_forgotten_is_forgotten_for_good_wherever_a_cut_falls() {
    for power in [false, true] {
        let cuts = (0..1_000).take_while(|after| cut(*after, power)).count();
        assert!(cuts > 9, "{cuts}");
    }
}

#[test]
fn what_was_forgotten_can_be_entered_anew() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    fill(&faulty, folder.path());
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    assert!(to.forget_from(Sequence::new(50)).unwrap());
    assert!(!to.forget_from(Sequence::new(50)).unwrap());
    to.enter(dead(60, "refused"));
    to.enter(delivered(50..55));
    ledger.close();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    let tail = Sequence::new(70);
    assert_eq!(to.counts(tail), Counts { pending: 14, delivered: 54, filtered: 0, dead: 1 });
    assert_eq!(to.recount(tail).unwrap(), to.counts(tail));
    assert!(to.dead_letter(Sequence::new(60)).unwrap().is_some());
    assert!(to.dead_letter(Sequence::new(200)).unwrap().is_none());
}
