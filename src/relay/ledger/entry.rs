//! From what a worker enters to atoms.

use std::collections::{BTreeMap, BTreeSet};

use super::Entry;
use super::atom::{Atom, Letter, RECORDS_MAX};
use super::chunk::CHUNK_RECORDS;
use super::codec::capped;
use crate::journal::Sequence;
use crate::relay::outbox::Change;
use crate::relay::policy::Answer;

/// Records of one filtered range at most; a longer one becomes several atoms, so that each takes little memory.
const FILTERED_RECORDS_MAX: u64 = 64 * CHUNK_RECORDS;

/// Said of a record that was given up when no answer to it is known any more.
pub(super) static UNKNOWN: Answer = Answer::Status { status: 0, retry_after: None, text: String::new() };

/// Records that the entry gives up though they were not in its request: their last answer is an older one.
pub(super) fn given_up_apart(entry: &Entry) -> BTreeSet<u64> {
    let sent: BTreeSet<Sequence> = entry.attempt.iter().flat_map(|(records, _)| records.iter().copied()).collect();
    let dead = entry.changes.iter().filter_map(|change| match change {
        Change::Dead { sequence, .. } => Some(*sequence),
        _ => None,
    });
    dead.filter(|sequence| !sent.contains(sequence)).map(Sequence::get).collect()
}

/// The atoms of an entry, apart from its order to deliver again. `answers` are the last ones of [`given_up_apart`].
pub(super) fn atoms(entry: Entry, answers: &BTreeMap<u64, Answer>) -> Vec<Atom> {
    let delivered: BTreeSet<u64> = entry
        .changes
        .iter()
        .filter_map(|change| if let Change::Delivered(sequence) = change { Some(sequence.get()) } else { None })
        .collect();
    let mut atoms = Vec::with_capacity(entry.changes.len().min(RECORDS_MAX) + 1);
    let mut settled = BTreeSet::new();
    let mut last_answer = None;
    if let Some((records, attempt)) = entry.attempt {
        let records: Vec<u64> = records.into_iter().map(Sequence::get).collect();
        for records in records.chunks(RECORDS_MAX) {
            let all = records.iter().all(|record| delivered.contains(record));
            if all {
                settled.extend(records.iter().copied());
            }
            atoms.push(Atom::Request { records: records.to_vec(), attempt: attempt.clone(), delivered: all });
        }
        last_answer = Some((records.into_iter().collect::<BTreeSet<u64>>(), attempt.answer));
    }
    for change in entry.changes {
        atoms.push(match change {
            Change::Delivered(sequence) if settled.contains(&sequence.get()) => continue,
            Change::Delivered(sequence) => Atom::Delivered(sequence.get()),
            Change::Waiting { sequence, tried } => Atom::Waiting { sequence: sequence.get(), tried },
            Change::Dead { sequence, code, tried } => {
                let sequence = sequence.get();
                let own = last_answer.as_ref().filter(|(records, _)| records.contains(&sequence));
                let answer = own.map(|(_, answer)| answer).or_else(|| answers.get(&sequence)).unwrap_or(&UNKNOWN);
                Atom::Dead { sequence, letter: Letter { code: code.to_owned(), tried, answer: kept(answer) } }
            }
        });
    }
    for (from, to) in entry.filtered {
        let (mut from, to) = (from.get(), to.get());
        while from < to {
            let end = to.min(from.saturating_add(FILTERED_RECORDS_MAX));
            atoms.push(Atom::Filtered(from, end));
            from = end;
        }
    }
    atoms
}

/// An answer as far as it is kept: no text of a success, and not more than the cap of any other.
fn kept(answer: &Answer) -> Answer {
    match answer {
        Answer::Status { status, retry_after, .. } if (200..300).contains(status) => {
            Answer::Status { status: *status, retry_after: *retry_after, text: String::new() }
        }
        Answer::Status { status, retry_after, text } => {
            Answer::Status { status: *status, retry_after: *retry_after, text: capped(text).to_owned() }
        }
        Answer::Failed { failure, text } => Answer::Failed { failure: *failure, text: capped(text).to_owned() },
    }
}
