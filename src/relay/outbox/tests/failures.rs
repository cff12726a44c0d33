//! Failures that pass: pauses, breaker, pace, and the clock.

use std::time::Duration;

use super::super::{Breaker, Pause};
use super::steps::{RETRY, TOOK, answer, dead, delivered, outbox, run, sent, waiting, waits};
use super::{Destination, Next, Offer, Outbox, START_MS, Time, Tried, at, destination, offer, offer_to};
use crate::relay::policy::Verdict;

#[test]
fn pauses_grow_as_the_policy_says_until_the_call_is_given_up() {
    let mut outbox = outbox(&destination());
    let mut now = at(0);
    offer_to(&mut outbox, offer(1, &[1]), now);
    // A healthy neighbour now and then keeps the breaker closed.
    let mut due = Vec::new();
    for number in 2.. {
        match outbox.next(now) {
            Next::Send(sequences) => {
                due.push((now.as_millis() - START_MS) / 1_000);
                outbox.answered(&sequences, RETRY, TOOK, now);
                offer_to(&mut outbox, offer(number, &[number]), now);
                let Next::Send(sequences) = outbox.next(now) else { panic!("the neighbour is free") };
                outbox.answered(&sequences, Verdict::Delivered, TOOK, now);
            }
            Next::Wait(Some(until)) => now = until,
            Next::Settle(changes) => {
                assert_eq!(dead(&changes), [(1, "EXPIRED")]);
                break;
            }
            Next::Wait(None) => panic!("it is still owed"),
        }
    }
    let policy = [0, 10, 30, 90, 300, 900, 2_400, 5_400, 9_000, 13_500];
    assert_eq!(due.len(), policy.len(), "{due:?}");
    for (due, policy) in due.into_iter().zip(policy) {
        assert!((policy * 3 / 4..=policy * 5 / 4).contains(&due), "{due} {policy}");
    }
    assert_eq!(now, at(4 * 3_600), "given up at its time, not before");
    assert_eq!(outbox.numbers().held, 0);
}

#[test]
fn the_last_failure_after_its_time_gives_it_up_at_once() {
    let mut outbox = outbox(&Destination { expire_after_s: 5, ..destination() });
    offer_to(&mut outbox, offer(1, &[1]), at(0));
    sent(&mut outbox, at(0));
    let changes = answer(&mut outbox, &[1], RETRY, at(5));
    assert_eq!(dead(&changes), [(1, "EXPIRED")]);
}

#[test]
fn the_breaker_opens_probes_with_one_call_and_closes() {
    let mut outbox = outbox(&destination());
    for number in 1..=1_000 {
        offer_to(&mut outbox, offer(number, &[number]), at(0));
    }
    for _ in 0..5 {
        let numbers = sent(&mut outbox, at(0));
        answer(&mut outbox, &numbers, RETRY, at(0));
    }
    let Breaker::Open(until) = outbox.numbers().breaker else { panic!("it is closed") };
    assert_eq!(outbox.room(), 0);
    let mut pauses = vec![until.as_millis() - START_MS];
    let mut now = until;
    for _ in 0..6 {
        assert_eq!(waits(&mut outbox, Time::from_millis(now.as_millis() - 1)), Some(now.as_millis() - START_MS));
        let numbers = sent(&mut outbox, now);
        assert_eq!(numbers.len(), 1, "one call is enough to see");
        assert_eq!(outbox.numbers().breaker, Breaker::HalfOpen);
        assert_eq!(waits(&mut outbox, now), None, "nothing else is sent meanwhile");
        answer(&mut outbox, &numbers, RETRY, now);
        let Breaker::Open(until) = outbox.numbers().breaker else { panic!("it is closed") };
        pauses.push(until.as_millis() - now.as_millis());
        now = until;
    }
    for (pause, expected) in pauses.into_iter().zip([10_000, 20_000, 40_000, 60_000, 60_000, 60_000]) {
        assert!((expected * 3 / 4..=expected * 5 / 4).contains(&pause), "{pause} {expected}");
    }
    let numbers = sent(&mut outbox, now);
    answer(&mut outbox, &numbers, Verdict::Delivered, now);
    assert_eq!(outbox.numbers().breaker, Breaker::Closed);
    let start = now;
    let (_, changes) = run(&mut outbox, &mut now, 2_000, |_| Verdict::Delivered);
    assert_eq!((changes.len(), now), (999, start), "what waited is due at once");
}

#[test]
fn one_call_that_makes_the_receiver_fail_does_not_keep_the_breaker_open() {
    let mut outbox = outbox(&destination());
    let mut now = at(0);
    offer_to(&mut outbox, offer(1, &[1]), now);
    let receiver = |numbers: &[u64]| if numbers.contains(&1) { RETRY } else { Verdict::Delivered };
    for _ in 0..200 {
        if matches!(outbox.numbers().breaker, Breaker::Open(_)) {
            break;
        }
        run(&mut outbox, &mut now, 1, receiver);
    }
    assert!(matches!(outbox.numbers().breaker, Breaker::Open(_)));
    assert!(outbox.room() > 0, "another call may be tried");
    for number in 2..=60 {
        offer_to(&mut outbox, offer(number, &[number]), now);
    }
    let (_, changes) = run(&mut outbox, &mut now, 10, receiver);
    assert!(changes.len() > 50, "{changes:?}");
}

#[test]
fn a_call_that_makes_the_receiver_fail_is_soon_alone() {
    let mut outbox = outbox(&destination());
    let mut now = at(0);
    for number in 1..=1_000 {
        offer_to(&mut outbox, offer(number, &[number]), now);
    }
    let receiver = |numbers: &[u64]| if numbers.contains(&50) { RETRY } else { Verdict::Delivered };
    let (_, changes) = run(&mut outbox, &mut now, 10_000, receiver);
    assert_eq!(dead(&changes), [(50, "EXPIRED")]);
    let innocent = waiting(&changes).into_iter().filter(|(number, _)| *number != 50);
    assert!(innocent.map(|(_, tried)| tried.attempts).max().unwrap() <= 4);
}

#[test]
fn retry_after_holds_for_the_whole_destination() {
    let mut outbox = outbox(&Destination { batch_max: 1, ..destination() });
    offer_to(&mut outbox, offer(1, &[1]), at(0));
    offer_to(&mut outbox, offer(2, &[2]), at(0));
    sent(&mut outbox, at(0));
    let after = Some(Duration::from_secs(100));
    let changes = answer(&mut outbox, &[1], Verdict::Retry { after }, at(0));
    assert_eq!(waiting(&changes)[0].1.due, at(100), "longer than its own pause");
    assert_eq!(waits(&mut outbox, at(0)), Some(100_000));
    assert_eq!(sent(&mut outbox, at(100)), [1], "the oldest first");
    let changes = answer(&mut outbox, &[1], Verdict::Retry { after: Some(Duration::from_secs(1)) }, at(100));
    assert!(waiting(&changes)[0].1.due >= at(115), "its own pause is longer");
}

#[test]
fn an_operator_pauses_and_resumes() {
    let mut outbox = outbox(&destination());
    offer_to(&mut outbox, offer(1, &[1]), at(0));
    offer_to(&mut outbox, offer(2, &[1]), at(0));
    let numbers = sent(&mut outbox, at(0));
    outbox.pause(Some(Pause::Operator));
    assert_eq!((outbox.room(), waits(&mut outbox, at(1))), (0, None));
    assert_eq!(answer(&mut outbox, &numbers, Verdict::Delivered, at(1)), delivered(&[1, 2]));
    offer_to(&mut outbox, offer(3, &[1]), at(1));
    assert_eq!(waits(&mut outbox, at(1)), None);
    assert_eq!(outbox.pause_wanted(), None);
    outbox.pause(None);
    assert_eq!(sent(&mut outbox, at(2)), [3]);
    let paused = Outbox::new(&destination(), 1, Some(Pause::Unauthorized));
    assert_eq!((paused.room(), paused.numbers().pause), (0, Some(Pause::Unauthorized)));
}

#[test]
fn requests_under_way_grow_with_success_and_are_halved_by_failure() {
    let mut outbox = outbox(&Destination { batch_max: 1, ..destination() });
    for number in 1..=2_000 {
        offer_to(&mut outbox, offer(number, &[number]), at(0));
    }
    assert_eq!(outbox.numbers().concurrency, 4);
    // Few requests under way say nothing about many.
    for _ in 0..50 {
        let numbers = sent(&mut outbox, at(0));
        answer(&mut outbox, &numbers, Verdict::Delivered, at(0));
    }
    assert_eq!(outbox.numbers().concurrency, 4);
    let mut under_way = std::collections::VecDeque::new();
    for _ in 0..20 {
        while under_way.len() < outbox.numbers().concurrency {
            under_way.push_back(sent(&mut outbox, at(0)));
        }
        assert_eq!(waits(&mut outbox, at(0)), None, "as many as allowed are under way");
        answer(&mut outbox, &under_way.pop_front().unwrap(), Verdict::Delivered, at(0));
    }
    assert_eq!(outbox.numbers().concurrency, 16, "no more than is set");
    assert_eq!(under_way.len(), 15);
    for numbers in under_way.range(..4) {
        answer(&mut outbox, numbers, RETRY, at(0));
    }
    assert_eq!(outbox.numbers().concurrency, 8, "what was begun before is no news");
}

#[test]
fn requests_begin_small_after_failures() {
    let mut outbox = outbox(&destination());
    for number in 1..=2_000 {
        offer_to(&mut outbox, offer(number, &[number]), at(0));
    }
    for expected in [100, 50, 25] {
        let numbers = sent(&mut outbox, at(0));
        assert_eq!(numbers.len(), expected);
        answer(&mut outbox, &numbers, RETRY, at(0));
    }
    for expected in [12, 24, 48, 96, 100] {
        let numbers = sent(&mut outbox, at(0));
        assert_eq!(numbers.len(), expected);
        answer(&mut outbox, &numbers, Verdict::Delivered, at(0));
    }
}

#[test]
fn no_more_calls_a_second_than_are_allowed() {
    for rate in [1_u32, 7, 50, 1_000] {
        let mut outbox = outbox(&Destination { rate_per_second: rate, ..destination() });
        for number in 1..=u64::from(rate) * 11 {
            offer_to(&mut outbox, offer(number, &[number]), at(0));
        }
        let mut now = at(0);
        let mut calls: Vec<i64> = Vec::new();
        loop {
            match outbox.next(now) {
                Next::Send(sequences) => {
                    calls.extend(sequences.iter().map(|_| now.as_millis()));
                    outbox.answered(&sequences, Verdict::Delivered, TOOK, now);
                }
                Next::Wait(Some(until)) => now = until,
                _ => break,
            }
        }
        let burst = usize::try_from(rate).unwrap();
        assert_eq!(calls.len(), burst * 11);
        let gap_ms = 1_000 - 1_000 / i64::from(rate) - 1;
        for window in calls.windows(burst + 1).skip(burst) {
            assert!(window[burst] - window[0] >= gap_ms, "{rate} a second: {window:?}");
        }
        assert_eq!(now, at(10), "a burst of one second's worth, then {rate} a second");
    }
}

#[test]
fn a_clock_that_is_set_back_starves_nobody() {
    let mut outbox = outbox(&destination());
    offer_to(&mut outbox, offer(1, &[1]), at(0));
    sent(&mut outbox, at(0));
    answer(&mut outbox, &[1], RETRY, at(0));
    let until = waits(&mut outbox, at(-7_200)).unwrap();
    assert!((-7_200_000 + 7_500..=-7_200_000 + 12_500).contains(&until), "{until}");
    assert_eq!(sent(&mut outbox, Time::from_millis(START_MS + until)), [1]);
    let tried = Tried { attempts: 1, first_at: at(900_000), due: at(900_000) };
    offer_to(&mut outbox, Offer { tried: Some(tried), ..offer(2, &[2]) }, at(-7_100));
    assert!(waits(&mut outbox, at(-7_100)).unwrap() <= -7_100_000 + 5_625_000, "no longer than any pause");
}
