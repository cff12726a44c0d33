//! Calls the receiver does not want, and keys it does not know.

use super::super::Pause;
use super::steps::{answer, dead, delivered, outbox, run, sent, waiting, waits};
use super::{Change, Destination, Offer, at, destination, offer, offer_to};
use crate::relay::policy::Verdict;

#[test]
fn a_refused_request_is_halved_until_the_bad_call_is_alone() {
    for (verdict, code) in [
        (Verdict::Refused, "REFUSED"),
        (Verdict::TooLarge, "TOO_LARGE"),
        (Verdict::Unsupported, "UNSUPPORTED_EVENT_TYPE"),
    ] {
        let mut outbox = outbox(&destination());
        let mut now = at(0);
        for number in 1..=100 {
            offer_to(&mut outbox, offer(number, &[number % 5]), now);
        }
        let receiver = |numbers: &[u64]| if numbers.contains(&37) { verdict } else { Verdict::Delivered };
        let (requests, changes) = run(&mut outbox, &mut now, 100, receiver);
        assert_eq!(dead(&changes), [(37, code)]);
        assert!(requests.len() <= 17, "{}", requests.len());
        assert_eq!(now, at(0), "nothing waits");
        for lane in 0..5 {
            let order: Vec<u64> = changes
                .iter()
                .filter_map(|change| match change {
                    Change::Delivered(sequence) => Some(sequence.get()),
                    _ => None,
                })
                .filter(|number| number % 5 == lane)
                .collect();
            let expected: Vec<u64> = (1..=100).filter(|number| number % 5 == lane && *number != 37).collect();
            assert_eq!(order, expected);
        }
        assert_eq!(outbox.numbers().held, 0);
        assert!(outbox.pieces.is_empty());
    }
}

#[test]
fn a_receiver_that_takes_less_at_once_is_soon_sent_less() {
    let mut outbox = outbox(&destination());
    let mut now = at(0);
    for number in 1..=3_000 {
        offer_to(&mut outbox, Offer { bytes: 1_000, ..offer(number, &[]) }, now);
    }
    let receiver = |numbers: &[u64]| if numbers.len() > 30 { Verdict::TooLarge } else { Verdict::Delivered };
    let (requests, changes) = run(&mut outbox, &mut now, 10_000, receiver);
    assert_eq!(changes.iter().filter(|change| matches!(change, Change::Delivered(_))).count(), 3_000);
    assert!(requests.len() < 200, "{}", requests.len());
    assert!(requests.iter().filter(|numbers| numbers.len() > 30).count() < 10);
}

#[test]
fn wrong_keys_pause_the_destination_and_kill_nothing() {
    let mut outbox = outbox(&Destination { batch_max: 2, ..destination() });
    for number in 1..=20 {
        offer_to(&mut outbox, offer(number, &[number]), at(0));
    }
    let requests: Vec<Vec<u64>> = (0..4).map(|_| sent(&mut outbox, at(0))).collect();
    for numbers in &requests[..2] {
        let changes = answer(&mut outbox, numbers, Verdict::Unauthorized, at(1));
        assert_eq!(waiting(&changes).len(), 2);
        assert_eq!(outbox.pause_wanted(), None);
    }
    let changes = answer(&mut outbox, &requests[2], Verdict::Unauthorized, at(1));
    assert_eq!((waiting(&changes).len(), outbox.pause_wanted()), (2, None), "one more is asked, from the other end");
    assert_eq!(sent(&mut outbox, at(1)), [20]);
    assert_eq!(waits(&mut outbox, at(1)), None, "nothing else is sent meanwhile");
    let changes = answer(&mut outbox, &[20], Verdict::Unauthorized, at(1));
    assert_eq!(waiting(&changes).iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 20]);
    assert!(waiting(&changes).iter().all(|(_, tried)| tried.attempts == 0), "owed as if never tried");
    assert_eq!((outbox.pause_wanted(), outbox.pause_wanted()), (Some(Pause::Unauthorized), None), "told once");
    assert_eq!((outbox.room(), waits(&mut outbox, at(1))), (0, None));
    let changes = answer(&mut outbox, &requests[3], Verdict::Unauthorized, at(2));
    assert_eq!((waiting(&changes).len(), dead(&changes).len()), (2, 0), "what was under way is owed, too");
    outbox.pause(None);
    let mut later = at(100_000);
    let (_, changes) = run(&mut outbox, &mut later, 100, |_| Verdict::Delivered);
    assert_eq!((changes, later), (delivered(&(1..=20).collect::<Vec<_>>()), at(100_000)));
}

#[test]
fn bad_calls_in_a_row_do_not_look_like_a_wrong_key() {
    let mut outbox = outbox(&Destination { batch_max: 1, ..destination() });
    let mut now = at(0);
    for number in 1..=20 {
        offer_to(&mut outbox, offer(number, &[number]), now);
    }
    let receiver = |numbers: &[u64]| if numbers[0] < 8 { Verdict::Unauthorized } else { Verdict::Delivered };
    let (requests, changes) = run(&mut outbox, &mut now, 100, receiver);
    assert_eq!(requests[..4], [[1], [2], [3], [20]]);
    assert_eq!(dead(&changes), (1..8).map(|number| (number, "UNAUTHORIZED")).collect::<Vec<_>>());
    assert_eq!((outbox.numbers().pause, outbox.numbers().held), (None, 0));
}

#[test]
fn a_success_between_shows_that_the_call_was_at_fault() {
    let mut outbox = outbox(&Destination { unauthorized_max: 5, batch_max: 4, ..destination() });
    let mut now = at(0);
    for number in 1..=40 {
        offer_to(&mut outbox, offer(number, &[number]), now);
    }
    let receiver = |numbers: &[u64]| if numbers.contains(&2) { Verdict::Unauthorized } else { Verdict::Delivered };
    let (_, changes) = run(&mut outbox, &mut now, 200, receiver);
    assert_eq!(dead(&changes), [(2, "UNAUTHORIZED")], "the others in its request are innocent");
    assert_eq!(outbox.numbers().held, 0);
    assert_eq!(outbox.numbers().pause, None);
}

#[test]
fn one_lone_call_with_a_wrong_key_leads_to_the_pause_as_well() {
    let mut outbox = outbox(&destination());
    let mut now = at(0);
    offer_to(&mut outbox, offer(1, &[1]), now);
    let (requests, changes) = run(&mut outbox, &mut now, 100, |_| Verdict::Unauthorized);
    assert_eq!((requests.len(), outbox.numbers().pause), (3, Some(Pause::Unauthorized)));
    assert_eq!(dead(&changes), []);
}

#[test]
fn the_last_answer_under_way_decides_whether_it_is_the_key() {
    let mut outbox = outbox(&Destination { batch_max: 1, ..destination() });
    for number in 1..=4 {
        offer_to(&mut outbox, offer(number, &[number]), at(0));
    }
    for number in 1..=4 {
        assert_eq!(sent(&mut outbox, at(0)), [number]);
    }
    for number in 1..=3 {
        answer(&mut outbox, &[number], Verdict::Unauthorized, at(0));
    }
    assert_eq!((waits(&mut outbox, at(0)), outbox.numbers().pause), (None, None));
    let changes = answer(&mut outbox, &[4], Verdict::Delivered, at(0));
    assert_eq!(dead(&changes), [(1, "UNAUTHORIZED"), (2, "UNAUTHORIZED"), (3, "UNAUTHORIZED")]);
}
