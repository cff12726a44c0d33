//! What operators order: pauses, and delivering again; and what books keep apart.

use super::faulty::Faulty;
use super::*;
use crate::relay::ledger::{Again, State};
use crate::relay::outbox::Pause;

fn again(next: u64, event: &str) -> Again {
    let (next, end) = (Sequence::new(next), Sequence::new(900));
    Again { next, end, dead_only: true, kind: Some("track".to_owned()), event: Some(event.to_owned()) }
}

#[test]
fn pauses_and_orders_are_durable_when_ordered_and_progress_with_entries() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    to.set_pause(Some(Pause::Unauthorized)).unwrap();
    to.order_again(again(1, "first")).unwrap();
    to.order_again(again(1, "second")).unwrap();
    to.enter(Entry { again: Some(Some(again(300, "first"))), ..Entry::default() });
    assert_eq!(to.again(), [again(300, "first"), again(1, "second")]);
    to.sync().unwrap();
    ledger.halt();
    faulty.memory.cut_power();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    assert_eq!((to.pause(), to.again()), (Some(Pause::Unauthorized), vec![again(300, "first"), again(1, "second")]));
    to.enter(Entry { again: Some(None), ..Entry::default() });
    to.set_pause(None).unwrap();
    ledger.close();
    assert!(to.set_pause(None).is_err() && to.order_again(again(1, "late")).is_err(), "it is closed");
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    assert_eq!((to.pause(), to.again()), (None, vec![again(1, "second")]));
    assert!(to.order_again(again(1, &"e".repeat(5_000))).is_err(), "too long");
    (0..63).for_each(|_| to.order_again(again(1, &"e".repeat(4_000))).unwrap());
    assert!(to.order_again(again(1, "one too many")).is_err());
}

#[test]
fn a_record_that_is_delivered_again_keeps_its_state_until_that_is_settled() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    to.enter(dead(5, "no"));
    to.enter(delivered([6]));
    for number in [5, 6] {
        let change = Change::Waiting { sequence: Sequence::new(number), tried: tried(1) };
        to.enter(Entry { changes: vec![change], ..Entry::default() });
    }
    to.sync().unwrap();
    ledger.halt();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let to = book(&ledger, "to", 1);
    assert_eq!((to.state(Sequence::new(5)).unwrap(), to.tried(Sequence::new(5))), (State::Dead, Some(tried(1))));
    assert_eq!((to.state(Sequence::new(6)).unwrap(), to.tried(Sequence::new(6))), (State::Delivered, Some(tried(1))));
    assert_eq!(to.dead_letter(Sequence::new(5)).unwrap().unwrap().answer, answer(400, "no"));
    to.enter(delivered([5]));
    to.enter(dead(6, "now no"));
    assert_eq!((to.dead_letter(Sequence::new(5)).unwrap(), to.tried(Sequence::new(5))), (None, None));
    assert_eq!(to.dead_letter(Sequence::new(6)).unwrap().unwrap().answer, answer(400, "now no"));
    assert_eq!(to.attempts(Sequence::new(6)).unwrap().len(), 2);
}

#[test]
fn a_new_destination_owes_nothing_before_its_start_and_keeps_it() {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    let before = faulty.puts();
    let to = book(&ledger, "to", 5_000_000_000);
    assert!(faulty.puts() - before < 8);
    let counts = to.counts(Sequence::new(5_000_000_100));
    assert_eq!((counts.filtered, counts.pending, to.floor().get()), (4_999_999_999, 100, 5_000_000_000));
    assert_eq!(to.counts(Sequence::new(77)).filtered, 76);
    assert_eq!(
        to.list(State::Filtered, Sequence::new(9_000_000_000), 2).unwrap(),
        sequences([4_999_999_999, 4_999_999_998])
    );
    to.enter(delivered([17, 5_000_000_000]));
    assert_eq!((to.state(Sequence::new(17)).unwrap(), to.floor().get()), (State::Filtered, 5_000_000_001));
    ledger.close();
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    assert_eq!(book(&ledger, "to", 1).floor().get(), 5_000_000_001);
    assert_eq!(ledger.names(), ["to"]);
}
