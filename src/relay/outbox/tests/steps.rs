//! The steps that the rules are tried with.

use std::time::Duration;

use super::super::Outbox;
use super::{Change, Destination, Next, START_MS, Sequence, Time, Tried, sequences};
use crate::relay::policy::Verdict;

pub(super) const TOOK: Duration = Duration::from_millis(50);
pub(super) const RETRY: Verdict = Verdict::Retry { after: None };

pub(super) fn outbox(to: &Destination) -> Outbox {
    Outbox::new(to, 7, None)
}

/// What is sent now; panics if it is nothing.
pub(super) fn sent(outbox: &mut Outbox, now: Time) -> Vec<u64> {
    match outbox.next(now) {
        Next::Send(sent) => sent.into_iter().map(Sequence::get).collect(),
        other => panic!("nothing is sent: {other:?}"),
    }
}

/// Until when nothing is sent; panics if something is.
pub(super) fn waits(outbox: &mut Outbox, now: Time) -> Option<i64> {
    match outbox.next(now) {
        Next::Wait(until) => until.map(|until| until.as_millis() - START_MS),
        other => panic!("it does not wait: {other:?}"),
    }
}

pub(super) fn answer(outbox: &mut Outbox, numbers: &[u64], verdict: Verdict, now: Time) -> Vec<Change> {
    outbox.answered(&sequences(numbers.iter().copied()), verdict, TOOK, now)
}

pub(super) fn delivered(numbers: &[u64]) -> Vec<Change> {
    numbers.iter().map(|&number| Change::Delivered(Sequence::new(number))).collect()
}

/// The dead among the changes, with their codes.
pub(super) fn dead(changes: &[Change]) -> Vec<(u64, &'static str)> {
    let dead = |change: &Change| match change {
        Change::Dead { sequence, code, .. } => Some((sequence.get(), *code)),
        _ => None,
    };
    changes.iter().filter_map(dead).collect()
}

pub(super) fn waiting(changes: &[Change]) -> Vec<(u64, Tried)> {
    let waiting = |change: &Change| match change {
        Change::Waiting { sequence, tried } => Some((sequence.get(), *tried)),
        _ => None,
    };
    changes.iter().filter_map(waiting).collect()
}

/// Sends and answers, in virtual time, until nothing is left or `steps` are over; the numbers of all requests.
pub(super) fn run(
    outbox: &mut Outbox,
    now: &mut Time,
    steps: usize,
    receiver: impl Fn(&[u64]) -> Verdict,
) -> (Vec<Vec<u64>>, Vec<Change>) {
    let (mut requests, mut changes) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        match outbox.next(*now) {
            Next::Send(sequences) => {
                let numbers: Vec<u64> = sequences.iter().map(|sequence| sequence.get()).collect();
                changes.extend(outbox.answered(&sequences, receiver(&numbers), TOOK, *now));
                requests.push(numbers);
            }
            Next::Settle(settled) => changes.extend(settled),
            Next::Wait(Some(until)) => *now = until,
            Next::Wait(None) => break,
        }
    }
    (requests, changes)
}
