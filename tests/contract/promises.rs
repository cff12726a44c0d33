//! J1 to J7 where every backend can keep them.

use std::sync::atomic::Ordering;

use roundtower::journal::{AppendError, Appender, Outcome, Sequence};

use super::backends::{Both, Place, append, batch, each, read_all};

fn at(sequence: u64) -> Sequence {
    Sequence::new(sequence)
}

#[test]
fn j3_sequences_rise_by_one_and_keep_the_order_of_the_batch() {
    each(|backend, journal| {
        let first = append(journal, "s", &["a", "b", "c"]);
        let second = append(journal, "s", &["d"]);
        let expected: Vec<_> = (1..=3).map(|n| Outcome::Appended(at(n))).collect();
        assert_eq!(first, expected, "{backend}");
        assert_eq!(second, [Outcome::Appended(at(4))], "{backend}");
        let ids: Vec<_> = read_all(journal, 1).into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids, ["a", "b", "c", "d"], "{backend}");
    });
}

#[test]
fn j4_a_duplicate_is_answered_with_the_first_ones_sequence() {
    each(|backend, journal| {
        append(journal, "s", &["a", "b"]);
        let outcomes = append(journal, "s", &["b", "c", "c", "a"]);
        let (old, new) = (Outcome::Duplicate, Outcome::Appended);
        assert_eq!(outcomes, [old(at(2)), new(at(3)), old(at(3)), old(at(1))], "{backend}");
        assert_eq!(append(journal, "other", &["a"]), [new(at(4))], "{backend}: ids belong to their source");
        let accounts = journal.accounts();
        assert_eq!(accounts.totals(), (7, 4, 3, 0), "{backend}");
        assert_eq!(journal.find("s", "c").unwrap(), Some(at(3)), "{backend}");
        assert_eq!(journal.find("s", "nobody").unwrap(), None, "{backend}");
    });
}

#[test]
fn j4_two_copies_in_flight_are_one_append_and_both_are_answered() {
    each(|backend, journal| {
        let acks: Vec<_> = (0..50).map(|_| journal.append(batch("s", ["same"])).unwrap()).collect();
        let outcomes: Vec<_> = acks.into_iter().flat_map(|ack| ack.wait().unwrap()).collect();
        let appended = outcomes.iter().filter(|outcome| **outcome == Outcome::Appended(at(1))).count();
        let doubled = outcomes.iter().filter(|outcome| **outcome == Outcome::Duplicate(at(1))).count();
        assert_eq!((appended, doubled), (1, 49), "{backend}");
    });
}

#[test]
fn j5_a_reader_sees_exactly_what_is_below_the_tail() {
    each(|backend, journal| {
        assert!(journal.read(at(1), 1000).unwrap().is_empty(), "{backend}");
        assert_eq!(journal.tail().next(), at(1), "{backend}");
        append(journal, "s", &["a", "b", "c"]);
        assert_eq!(journal.tail().next(), at(4), "{backend}");
        let slice = journal.read(at(2), 1).unwrap();
        let seen: Vec<_> = slice.records().map(|record| record.unwrap().sequence.get()).collect();
        assert_eq!((seen, slice.next), (vec![2, 3], at(4)), "{backend}");
        assert!(journal.read(at(4), 1000).unwrap().is_empty(), "{backend}");
        assert!(journal.read(at(99), 1000).unwrap().is_empty(), "{backend}");
    });
}

#[test]
fn j5_a_follower_is_woken_when_its_record_is_durable() {
    each(|backend, journal| {
        let mut tail = journal.tail();
        let follower = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(tail.passed(at(2)))
        });
        append(journal, "s", &["a"]);
        append(journal, "s", &["b"]);
        assert!(follower.join().unwrap(), "{backend}");
    });
}

#[test]
fn j6_a_full_queue_refuses_at_once_and_recovers() {
    let mut place = Place::sled();
    place.settings.queue_bytes_max = 20_000;
    let journal = place.open();
    let (mut refused, mut acks) = (0, Vec::new());
    for number in 0..2000 {
        match journal.append(batch("s", [format!("m{number}")])) {
            Ok(ack) => acks.push(ack),
            Err(error) => {
                assert!(matches!(error, AppendError::QueueFull { .. }) && error.retryable());
                refused += 1;
            }
        }
    }
    let accepted = acks.len();
    for ack in acks {
        ack.wait().unwrap();
    }
    assert!(refused > 0, "the queue never filled");
    assert_eq!(read_all(&journal, 1 << 20).len(), accepted);
    append(&journal, "s", &["later"]);
    journal.close();
}

#[test]
fn j6_a_low_disk_refuses_before_anything_breaks() {
    let mut place = Place::sled();
    place.settings.disk_free_bytes_min = u64::MAX;
    let journal = place.open();
    let error = journal.append(batch("s", ["a"])).unwrap().wait().unwrap_err();
    assert!(matches!(error, AppendError::DiskLow { .. }) && error.retryable());
    assert!(journal.status().disk_low && !journal.status().poisoned);
    journal.close();
    place.settings.disk_free_bytes_min = 0;
    append(&place.open(), "s", &["a"]);
}

#[test]
fn closing_answers_what_is_queued_and_refuses_what_comes_after() {
    let place = Place::sled();
    let journal = place.open();
    let acks: Vec<_> = (0..200).map(|n| journal.append(batch("s", [format!("m{n}")])).unwrap()).collect();
    journal.close();
    for ack in acks {
        ack.wait().unwrap();
    }
    assert_eq!(journal.append(batch("s", ["late"])).unwrap_err(), AppendError::Closed);
    assert_eq!(read_all(&place.open(), 1 << 20).len(), 200);
}

#[test]
fn accounts_and_records_survive_reopening() {
    let place = Place::sled();
    let journal = place.open();
    append(&journal, "s", &["a", "b", "b"]);
    journal.accounts().rejected.fetch_add(5, Ordering::Relaxed);
    journal.close();
    let journal = place.open();
    assert_eq!(journal.accounts().totals(), (8, 2, 1, 5));
    assert_eq!(append(&journal, "s", &["a"]), [Outcome::Duplicate(at(1))]);
    append(&journal, "s", &["c"]);
    let both: &dyn Both = &journal;
    assert_eq!(read_all(both, 1), [(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())]);
}
