//! Many calls: a long outage, lanes of every shape, a million in a row. Bounded in room, in requests and in steps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{Breaker, HELD_MAX};
use super::{Change, Destination, Format, Next, Offer, Outbox, at, destination};
use crate::relay::policy::Verdict;

#[test]
fn two_hours_of_outage_end_with_everything_delivered_in_order() {
    let seed = 20_240_101;
    println!("seed {seed}");
    let calls: Vec<_> = (0..30_000_u64).map(|number| vec![number % 700, 1_000 + number % 90]).collect();
    let mut outbox = Outbox::new(&Destination { format: Format::Windsor, ..destination() }, seed, None);
    let mut now = at(0);
    let (mut next, mut requests, mut held) = (0, 0, 0);
    let (mut delivered, mut outage) = (Vec::new(), 0);
    while delivered.len() < calls.len() {
        for _ in 0..outbox.room() {
            let Some(ids) = calls.get(next) else { break };
            next += 1;
            super::offer_to(&mut outbox, Offer { ids: ids.clone(), ..super::offer(next as u64, &[]) }, now);
        }
        held = held.max(outbox.numbers().held);
        let is_down = now < at(2 * 3_600);
        match outbox.next(now) {
            Next::Send(sent) => {
                requests += 1;
                outage += usize::from(is_down);
                let verdict = if is_down { Verdict::Retry { after: None } } else { Verdict::Delivered };
                for change in outbox.answered(&sent, verdict, Duration::from_millis(50), now) {
                    match change {
                        Change::Delivered(sequence) => delivered.push(sequence.get()),
                        Change::Waiting { .. } => assert!(is_down),
                        Change::Dead { .. } => panic!("{change:?}"),
                    }
                }
            }
            Next::Wait(Some(until)) => {
                assert!(until > now);
                now = until;
            }
            other => panic!("{other:?} while {} are owed", calls.len() - delivered.len()),
        }
    }
    assert!(outage < 300, "{outage} requests during the outage");
    assert!(requests - outage < calls.len() / 20 * 2, "{requests}");
    assert!(held <= HELD_MAX);
    assert!(now < at(2 * 3_600 + 80), "its return is noticed within a minute and a quarter: {now}");
    assert_eq!(outbox.numbers().breaker, Breaker::Closed);
    let mut last = BTreeMap::new();
    for number in delivered {
        for id in &calls[usize::try_from(number).unwrap() - 1] {
            let before = last.insert(*id, number).unwrap_or_default();
            assert!(before < number, "{number} after {before}");
        }
    }
}

#[test]
fn no_shape_of_lanes_makes_it_slow() {
    // A step that looks at all others would make this two hundred million steps: minutes, not a moment.
    let shapes: [fn(u64) -> Vec<u64>; 5] = [
        |_| vec![1],
        |number| vec![number],
        |number| vec![number, number + 1],
        |number| vec![number % 6, number % 7, number],
        |number| vec![u64::MAX - number / 2, number % 100],
    ];
    for shape in shapes {
        let mut outbox = Outbox::new(&destination(), 1, None);
        outbox.crowd.lane_max = usize::MAX;
        let mut delivered = 0;
        for number in 1..=HELD_MAX as u64 {
            super::offer_to(&mut outbox, Offer { ids: shape(number), ..super::offer(number, &[]) }, at(0));
        }
        let mut now = at(0);
        let mut failures = 0;
        while outbox.numbers().held > 0 {
            match outbox.next(now) {
                Next::Send(sent) => {
                    failures += 1;
                    let verdict = if failures % 3 == 0 && failures < 90 {
                        Verdict::Retry { after: None }
                    } else {
                        Verdict::Delivered
                    };
                    let changes = outbox.answered(&sent, verdict, Duration::ZERO, now);
                    delivered += changes.iter().filter(|change| matches!(change, Change::Delivered(_))).count();
                }
                Next::Wait(Some(until)) => now = until,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(delivered, HELD_MAX);
    }
}

#[test]
fn a_million_calls_pass_through() {
    let mut outbox = Outbox::new(&destination(), 1, None);
    let (mut offered, mut delivered) = (0_u64, 0_usize);
    while delivered < 1_000_000 {
        for _ in 0..outbox.room().min(1_000) {
            if offered < 1_000_000 {
                offered += 1;
                super::offer_to(
                    &mut outbox,
                    super::offer(offered, &[offered % 50_000, 100_000 + offered % 30_000]),
                    at(0),
                );
            }
        }
        while let Next::Send(sent) = outbox.next(at(0)) {
            delivered += outbox.answered(&sent, Verdict::Delivered, Duration::ZERO, at(0)).len();
        }
    }
    assert_eq!((offered, delivered, outbox.numbers().held), (1_000_000, 1_000_000, 0));
}
