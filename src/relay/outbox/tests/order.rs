//! Order, size and place of calls in requests.

use super::super::HELD_MAX;
use super::steps::{RETRY, answer, dead, delivered, outbox, run, sent, waiting, waits};
use super::{Destination, Format, Next, Offer, START_MS, Sequence, Tried, at, destination, offer, offer_to, sequences};
use crate::relay::policy::Verdict;

#[test]
fn calls_that_share_an_id_go_one_after_the_other_or_together_in_order() {
    let mut outbox = outbox(&Destination { batch_max: 2, ..destination() });
    for (number, ids) in [(1, &[10][..]), (2, &[10, 20]), (3, &[20]), (4, &[30]), (5, &[20, 30]), (6, &[])] {
        offer_to(&mut outbox, offer(number, ids), at(0));
    }
    assert_eq!(sent(&mut outbox, at(0)), [1, 2]);
    assert_eq!(sent(&mut outbox, at(0)), [4, 6], "3 and 5 are tied to what is under way");
    assert_eq!(waits(&mut outbox, at(0)), None);
    assert_eq!(outbox.numbers().in_flight, 4);
    assert_eq!(answer(&mut outbox, &[1, 2], Verdict::Delivered, at(1)), delivered(&[1, 2]));
    assert_eq!(sent(&mut outbox, at(1)), [3], "5 is tied to 4");
    answer(&mut outbox, &[4, 6], Verdict::Delivered, at(1));
    assert_eq!(waits(&mut outbox, at(1)), None, "5 is tied to 3");
    answer(&mut outbox, &[3], Verdict::Delivered, at(1));
    assert_eq!(sent(&mut outbox, at(1)), [5]);
}

#[test]
fn one_that_waits_holds_back_its_lane_only() {
    let mut outbox = outbox(&Destination { batch_max: 1, ..destination() });
    for (number, ids) in [(1, &[10][..]), (2, &[10, 20]), (3, &[20]), (4, &[30])] {
        offer_to(&mut outbox, offer(number, ids), at(0));
    }
    assert_eq!(sent(&mut outbox, at(0)), [1]);
    let changes = answer(&mut outbox, &[1], RETRY, at(0));
    let [(1, tried)] = waiting(&changes)[..] else { panic!("{changes:?}") };
    assert_eq!((tried.attempts, tried.first_at), (1, at(0)));
    assert!((at(0).as_millis() + 7_500..=at(0).as_millis() + 12_500).contains(&tried.due.as_millis()), "{tried:?}");
    assert_eq!(sent(&mut outbox, at(1)), [4]);
    answer(&mut outbox, &[4], Verdict::Delivered, at(1));
    assert_eq!(waits(&mut outbox, at(1)), Some(tried.due.as_millis() - START_MS));
    assert_eq!(outbox.numbers().waiting, 1);
    assert_eq!(sent(&mut outbox, tried.due), [1]);
    assert_eq!(outbox.numbers().waiting, 0);
}

#[test]
fn requests_are_as_large_as_the_format_and_the_settings_say() {
    for (format, batch_max, expected) in [
        (Format::Windsor, 0, 20),
        (Format::Segment, 0, 100),
        (Format::Partner, 0, 1),
        (Format::Partner, 9, 1),
        (Format::Windsor, 7, 7),
    ] {
        let mut outbox = outbox(&Destination { format, batch_max, ..destination() });
        for number in 1..=200 {
            offer_to(&mut outbox, offer(number, &[number % 3]), at(0));
        }
        assert_eq!(sent(&mut outbox, at(0)), (1..=expected).collect::<Vec<_>>(), "{format:?}");
    }
    let mut outbox = outbox(&Destination { body_bytes_max: 250, ..destination() });
    offer_to(&mut outbox, offer(1, &[]), at(0));
    offer_to(&mut outbox, Offer { bytes: 1_000, ..offer(2, &[]) }, at(0));
    for number in 3..=5 {
        offer_to(&mut outbox, offer(number, &[]), at(0));
    }
    assert_eq!(sent(&mut outbox, at(0)), [1]);
    assert_eq!(sent(&mut outbox, at(0)), [2], "too large, but alone");
    assert_eq!(sent(&mut outbox, at(0)), [3, 4]);
}

#[test]
fn what_was_tried_before_a_restart_counts() {
    let mut outbox = outbox(&destination());
    let tried = Tried { attempts: 3, first_at: at(-100), due: at(50) };
    offer_to(&mut outbox, Offer { tried: Some(tried), ..offer(1, &[1]) }, at(0));
    offer_to(&mut outbox, offer(2, &[1]), at(0));
    offer_to(&mut outbox, Offer { tried: Some(Tried { first_at: at(-4 * 3_600), ..tried }), ..offer(3, &[3]) }, at(0));
    assert_eq!(outbox.numbers().waiting, 2);
    let Next::Settle(changes) = outbox.next(at(0)) else { panic!("3 ran out of time") };
    assert_eq!(dead(&changes), [(3, "EXPIRED")]);
    assert_eq!(waits(&mut outbox, at(0)), Some(50_000));
    assert_eq!(sent(&mut outbox, at(50)), [1], "what failed goes with few others");
    let changes = answer(&mut outbox, &[1], RETRY, at(50));
    assert_eq!((waiting(&changes)[0].1.attempts, waiting(&changes)[0].1.first_at), (4, at(-100)));
    assert_eq!(Tried { attempts: 0, ..tried }.attempts, 0);
}

#[test]
fn a_record_that_was_never_tried_does_not_expire() {
    let mut outbox = outbox(&destination());
    let tried = Tried { attempts: 0, first_at: at(-900_000), due: at(900_000) };
    offer_to(&mut outbox, Offer { tried: Some(tried), ..offer(1, &[1]) }, at(0));
    assert_eq!(sent(&mut outbox, at(100_000)), [1]);
}

#[test]
fn redelivered_records_stand_at_the_end_and_those_held_stay() {
    let mut outbox = outbox(&Destination { batch_max: 1, ..destination() });
    for number in [5, 6, 2, 5] {
        offer_to(&mut outbox, offer(number, &[1]), at(0));
    }
    assert_eq!(outbox.numbers().held, 3);
    let mut now = at(0);
    let (requests, _) = run(&mut outbox, &mut now, 100, |_| Verdict::Delivered);
    assert_eq!(requests, [[5], [6], [2]]);
}

#[test]
fn what_was_not_sent_is_owed_as_before() {
    let mut outbox = outbox(&destination());
    for number in 1..=4 {
        offer_to(&mut outbox, offer(number, &[1]), at(0));
    }
    assert_eq!(sent(&mut outbox, at(0)), [1, 2, 3, 4]);
    outbox.unsent(&sequences([3, 4]), at(0));
    assert_eq!(waits(&mut outbox, at(0)), None, "the lane is under way");
    assert_eq!(answer(&mut outbox, &[1, 2], Verdict::Delivered, at(1)), delivered(&[1, 2]));
    assert_eq!(answer(&mut outbox, &[1, 2, 9], Verdict::Delivered, at(1)), [], "answered twice");
    assert_eq!(sent(&mut outbox, at(1)), [3, 4]);
    assert_eq!(outbox.numbers().in_flight, 2);
}

#[test]
fn the_number_held_is_bounded() {
    let mut outbox = outbox(&destination());
    assert_eq!(outbox.room(), HELD_MAX);
    for number in 1..=HELD_MAX as u64 {
        offer_to(&mut outbox, offer(number, &[number % 10]), at(0));
    }
    assert_eq!(outbox.room(), 0);
    sent(&mut outbox, at(0));
    assert_eq!(outbox.room(), 0, "what is under way is held");
    answer(&mut outbox, &(1..=100).collect::<Vec<_>>(), Verdict::Delivered, at(0));
    assert_eq!(outbox.room(), 100);
}

#[test]
fn a_lane_that_stands_still_leaves_room_for_the_others() {
    let mut outbox = outbox(&destination());
    outbox.crowd.lane_max = 4;
    let mut now = at(0);
    for number in 1..=4 {
        offer_to(&mut outbox, offer(number, &[1]), now);
    }
    assert!(!outbox.offer(offer(5, &[1, 2]), now), "its lane is full");
    assert!(!outbox.offer(offer(6, &[2]), now), "it must not overtake 5");
    assert!(!outbox.offer_again(offer(3_000, &[2]), now));
    offer_to(&mut outbox, offer(7, &[3]), now);
    assert_eq!(outbox.left_behind(), None, "there is no room yet");
    assert_eq!(sent(&mut outbox, now), [1, 2, 3, 4, 7]);
    answer(&mut outbox, &[1, 2, 3, 4, 7], Verdict::Delivered, now);
    assert_eq!((outbox.left_behind(), outbox.left_behind()), (Some(Sequence::new(5)), None));
    for number in [5, 6] {
        offer_to(&mut outbox, offer(number, if number == 5 { &[1, 2] } else { &[2] }), now);
    }
    assert_eq!(run(&mut outbox, &mut now, 10, |_| Verdict::Delivered).0, [[5, 6]]);
}
