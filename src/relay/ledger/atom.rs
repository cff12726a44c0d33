//! The smallest things that happen to a destination, and their bytes: what the log and the history are made of.
//!
//! A **fragment** is atoms of one destination, one after another; sequences and times are written as differences to the
//! ones before, beginning anew with each fragment, so that fragments stand alone. Each atom may happen twice: what it
//! says is the outcome, never a difference to what was before.

use super::codec::{
    fold_sign, put, put_again, put_answer, put_bytes, put_signed, put_tried, take, take_again, take_answer, take_byte,
    take_signed, take_text, take_tried, unfold_sign,
};
use super::{Again, Attempt};
use crate::call::time::Time;
use crate::relay::outbox::{Pause, Tried};
use crate::relay::policy::Answer;
use crate::store::SMALL_VALUE_BYTES_MAX;

/// Records of one atom at most; a larger request becomes several.
pub(super) const RECORDS_MAX: usize = 512;
/// A fragment has at most this many bytes: it fits into one value even if it does not compress.
pub(super) const FRAGMENT_BYTES: usize = SMALL_VALUE_BYTES_MAX - 512;

/// Answers that take no byte of their own.
const USUAL: [u16; 8] = [200, 201, 202, 204, 400, 429, 500, 503];
/// The request byte: this bit tells it from the other kinds.
const REQUEST: u8 = 0x80;
const DELIVERED: u8 = 0x40;
const SINGLE: u8 = 0x20;
const SPELLED: u8 = 0x1F;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Atom {
    /// A request, and whether it settled all its records as delivered.
    Request { records: Vec<u64>, attempt: Attempt, delivered: bool },
    /// A record was settled apart from the request it was in.
    Delivered(u64),
    /// A record was given up.
    Dead { sequence: u64, letter: Letter },
    /// A record waits for its next attempt.
    Waiting { sequence: u64, tried: Tried },
    /// Records from, to (not included), as far as they were pending, are not owed.
    Filtered(u64, u64),
    /// The pause, or none.
    Pause(Option<Pause>),
    /// An order to deliver again, by its number: how far it got, or that it is done.
    Again(u64, Option<Again>),
    /// The journal ended here when it was opened: of records from here on nothing is known.
    Forget(u64),
}

/// Why a record was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) code: String,
    pub(super) tried: Tried,
    pub(super) answer: Answer,
}

impl Letter {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.code.as_bytes(), out);
        put_tried(&self.tried, out);
        put_answer(&self.answer, out);
    }

    pub(super) fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self { code: take_text(bytes)?, tried: take_tried(bytes)?, answer: take_answer(bytes)? })
    }
}

/// What differences are counted from.
#[derive(Clone, Copy, Debug, Default)]
struct Base {
    /// The sequence after the last one named.
    sequence: u64,
    at: i64,
}

impl Base {
    /// The difference, sign folded in, and moves on.
    fn step(&mut self, sequence: u64) -> u64 {
        let step = fold_sign(sequence.wrapping_sub(self.sequence).cast_signed());
        self.sequence = sequence.wrapping_add(1);
        step
    }

    fn stepped(&mut self, step: u64) -> u64 {
        let sequence = self.sequence.wrapping_add(unfold_sign(step).cast_unsigned());
        self.sequence = sequence.wrapping_add(1);
        sequence
    }
}

/// Atoms of one destination that are being collected.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragment {
    pub(super) bytes: Vec<u8>,
    base: Base,
}

impl Fragment {
    /// Appends an atom; false, and nothing changed, if the fragment would become too large by it.
    pub(super) fn push(&mut self, atom: &Atom) -> bool {
        let (length, base) = (self.bytes.len(), self.base);
        self.append(atom);
        let fits = length == 0 || self.bytes.len() <= FRAGMENT_BYTES;
        if !fits {
            self.bytes.truncate(length);
            self.base = base;
        }
        fits
    }

    /// Appends an atom to the last of several fragments, or to a new one.
    pub(super) fn push_to(fragments: &mut Vec<Self>, atom: &Atom) {
        if !fragments.last_mut().is_some_and(|last| last.push(atom)) {
            let mut fresh = Self::default();
            fresh.push(atom);
            fragments.push(fresh);
        }
    }

    fn append(&mut self, atom: &Atom) {
        let Self { bytes: out, base } = self;
        match atom {
            Atom::Request { records, attempt, delivered } => put_request(records, attempt, *delivered, base, out),
            Atom::Delivered(sequence) => {
                out.push(1);
                put(base.step(*sequence), out);
            }
            Atom::Dead { sequence, letter } => {
                out.push(2);
                put(base.step(*sequence), out);
                letter.put(out);
            }
            Atom::Waiting { sequence, tried } => {
                out.push(3);
                put(base.step(*sequence), out);
                put_tried(tried, out);
            }
            Atom::Filtered(from, to) => {
                out.push(4);
                put(base.step(*from), out);
                put(to.saturating_sub(*from), out);
            }
            Atom::Pause(pause) => out.extend([5, pause_number(pause.as_ref())]),
            Atom::Again(number, again) => {
                out.push(if again.is_some() { 6 } else { 7 });
                put(*number, out);
                if let Some(again) = again {
                    put_again(again, out);
                }
            }
            Atom::Forget(from) => {
                out.push(8);
                put(base.step(*from), out);
            }
        }
    }
}

fn put_request(records: &[u64], attempt: &Attempt, delivered: bool, base: &mut Base, out: &mut Vec<u8>) {
    let usual = match &attempt.answer {
        Answer::Status { status, retry_after: None, text } if text.is_empty() || (200..300).contains(status) => {
            USUAL.iter().zip(0_u8..).find(|(usual, _)| *usual == status).map(|(_, number)| number)
        }
        _ => None,
    };
    let single = if records.len() == 1 { SINGLE } else { 0 };
    out.push(REQUEST | if delivered { DELIVERED } else { 0 } | single | usual.unwrap_or(SPELLED));
    if usual.is_none() {
        put_answer(&attempt.answer, out);
    }
    let at = attempt.at.as_millis();
    put_signed(at.wrapping_sub(base.at), out);
    base.at = at;
    put(u64::from(attempt.latency_ms), out);
    if single != 0 {
        for record in records {
            put(base.step(*record), out);
        }
        return;
    }
    put(records.len() as u64, out);
    let mut rest = records;
    while let Some((first, after)) = rest.split_first() {
        // How many follow each by one.
        let more = after.iter().zip(1..).take_while(|(record, more)| **record == first.wrapping_add(*more)).count();
        // The lowest bit says whether any do. A difference has 64 bits, but sequences never have the highest two set.
        put(base.step(*first) << 1 | u64::from(more > 0), out);
        if more > 0 {
            put(more as u64, out);
            base.sequence = base.sequence.wrapping_add(more as u64);
        }
        rest = after.get(more..).unwrap_or_default();
    }
}

fn take_request(kind: u8, base: &mut Base, bytes: &mut &[u8]) -> Option<Atom> {
    let answer = if kind & SPELLED == SPELLED {
        take_answer(bytes)?
    } else {
        let status = *USUAL.get(usize::from(kind & SPELLED))?;
        Answer::Status { status, retry_after: None, text: String::new() }
    };
    base.at = base.at.wrapping_add(take_signed(bytes)?);
    let attempt = Attempt { at: Time::from_millis(base.at), latency_ms: u32::try_from(take(bytes)?).ok()?, answer };
    let delivered = kind & DELIVERED != 0;
    if kind & SINGLE != 0 {
        let records = vec![base.stepped(take(bytes)?)];
        return Some(Atom::Request { records, attempt, delivered });
    }
    let count = usize::try_from(take(bytes)?).ok().filter(|count| *count <= RECORDS_MAX)?;
    let mut records = Vec::with_capacity(count);
    while records.len() < count {
        let step = take(bytes)?;
        let first = base.stepped(step >> 1);
        let more = if step & 1 == 1 { take(bytes)? } else { 0 };
        if more >= (count - records.len()) as u64 {
            return None;
        }
        records.extend((0..=more).map(|more| first.wrapping_add(more)));
        base.sequence = base.sequence.wrapping_add(more);
    }
    Some(Atom::Request { records, attempt, delivered })
}

/// A pause as one byte.
pub(super) fn pause_number(pause: Option<&Pause>) -> u8 {
    match pause {
        None => 0,
        Some(Pause::Operator) => 1,
        Some(Pause::Unauthorized) => 2,
    }
}

/// Undoes [`pause_number`].
#[expect(clippy::option_option, reason = "no pause, and no decodable pause")]
pub(super) fn pause_of(number: u8) -> Option<Option<Pause>> {
    match number {
        0 => Some(None),
        1 => Some(Some(Pause::Operator)),
        2 => Some(Some(Pause::Unauthorized)),
        _ => None,
    }
}

/// The atoms of a fragment. Yields `None` once, at its end, if it does not decode.
pub(super) struct Atoms<'a> {
    bytes: &'a [u8],
    base: Base,
}

impl<'a> Atoms<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, base: Base::default() }
    }

    fn atom(&mut self) -> Option<Atom> {
        let Self { bytes, base } = self;
        let kind = take_byte(bytes)?;
        if kind & REQUEST != 0 {
            return take_request(kind, base, bytes);
        }
        Some(match kind {
            1 => Atom::Delivered(base.stepped(take(bytes)?)),
            2 => Atom::Dead { sequence: base.stepped(take(bytes)?), letter: Letter::take(bytes)? },
            3 => Atom::Waiting { sequence: base.stepped(take(bytes)?), tried: take_tried(bytes)? },
            4 => {
                let from = base.stepped(take(bytes)?);
                Atom::Filtered(from, from.checked_add(take(bytes)?)?)
            }
            5 => Atom::Pause(pause_of(take_byte(bytes)?)?),
            6 => Atom::Again(take(bytes)?, Some(take_again(bytes)?)),
            7 => Atom::Again(take(bytes)?, None),
            8 => Atom::Forget(base.stepped(take(bytes)?)),
            _ => return None,
        })
    }
}

impl Iterator for Atoms<'_> {
    type Item = Option<Atom>;

    fn next(&mut self) -> Option<Option<Atom>> {
        if self.bytes.is_empty() {
            return None;
        }
        let atom = self.atom();
        if atom.is_none() {
            self.bytes = &[];
        }
        Some(atom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::codec::FRAME_BYTES;
    use super::*;
    use crate::journal::Sequence;
    use crate::relay::policy::Failure;

    fn tried() -> impl Strategy<Value = Tried> {
        (any::<u32>(), any::<i64>(), any::<i64>()).prop_map(|(attempts, first_at, due)| Tried {
            attempts,
            first_at: Time::from_millis(first_at),
            due: Time::from_millis(due),
        })
    }

    fn answer() -> impl Strategy<Value = Answer> {
        let status =
            (200_u16..600, proptest::option::of(0_u64..1 << 40), "[ -~]{0,9}").prop_map(|(status, after, text)| {
                let text = if status < 300 { String::new() } else { text };
                Answer::Status { status, retry_after: after.map(Duration::from_millis), text }
            });
        prop_oneof![status, "[ -~]{0,9}".prop_map(|text| Answer::Failed { failure: Failure::Reset, text })]
    }

    fn atom() -> impl Strategy<Value = Atom> {
        let sequence = 1_u64..1 << 60;
        let runs = proptest::collection::vec((sequence.clone(), 1_u64..9), 0..20);
        let request = (runs, any::<i64>(), any::<u32>(), answer(), any::<bool>()).prop_map(
            |(runs, at, latency_ms, answer, delivered)| {
                let records = runs.into_iter().flat_map(|(first, count)| first..first + count).collect();
                Atom::Request { records, attempt: Attempt { at: Time::from_millis(at), latency_ms, answer }, delivered }
            },
        );
        let letter =
            ("[A-Z_]{1,9}", tried(), answer()).prop_map(|(code, tried, answer)| Letter { code, tried, answer });
        let again = (sequence.clone(), sequence.clone(), any::<bool>(), proptest::option::of(".{0,9}")).prop_map(
            |(next, end, dead_only, event)| {
                let (next, end) = (Sequence::new(next), Sequence::new(end));
                Again { next, end, dead_only, kind: event.clone(), event }
            },
        );
        prop_oneof![
            request,
            sequence.clone().prop_map(Atom::Delivered),
            (sequence.clone(), letter).prop_map(|(sequence, letter)| Atom::Dead { sequence, letter }),
            (sequence.clone(), tried()).prop_map(|(sequence, tried)| Atom::Waiting { sequence, tried }),
            (sequence.clone(), 0_u64..1 << 60).prop_map(|(from, count)| Atom::Filtered(from, from + count)),
            (0_u8..3).prop_map(|number| Atom::Pause(pause_of(number).unwrap())),
            (any::<u64>(), proptest::option::of(again)).prop_map(|(number, again)| Atom::Again(number, again)),
            sequence.prop_map(Atom::Forget),
        ]
    }

    proptest! {
        #[test]
        fn atoms_come_back_in_order_and_cut_ones_never_panic(
            atoms in proptest::collection::vec(atom(), 0..30), cut: prop::sample::Index
        ) {
            let mut fragments = Vec::new();
            for atom in &atoms {
                Fragment::push_to(&mut fragments, atom);
            }
            let read: Option<Vec<Atom>> = fragments.iter().flat_map(|fragment| Atoms::of(&fragment.bytes)).collect();
            prop_assert_eq!(read, Some(atoms));
            for fragment in &fragments {
                Atoms::of(&fragment.bytes[..cut.index(fragment.bytes.len())]).for_each(drop);
            }
        }
    }

    #[test]
    fn the_largest_fragment_fits_into_a_small_value() {
        let answer = Answer::Failed { failure: Failure::Dns, text: "x".repeat(5_000) };
        let attempt = Attempt { at: Time::from_millis(i64::MIN), latency_ms: u32::MAX, answer };
        let records = (0..RECORDS_MAX as u64).map(|number| number % 2 * (1 << 61) + number).collect();
        let request = Atom::Request { records, attempt, delivered: false };
        let mut fragments = Vec::new();
        (0..9).for_each(|_| Fragment::push_to(&mut fragments, &request));
        let longest = fragments.iter().map(|fragment| fragment.bytes.len()).max().unwrap();
        assert!(longest <= FRAGMENT_BYTES && FRAGMENT_BYTES + FRAME_BYTES + 16 <= SMALL_VALUE_BYTES_MAX, "{longest}");
        let usual = Attempt { at: Time::from_millis(5), latency_ms: 100, answer: usual_answer(200) };
        let mut fragment = Fragment::default();
        fragment.push(&Atom::Request { records: vec![1], attempt: usual.clone(), delivered: true });
        let before = fragment.bytes.len();
        fragment.push(&Atom::Request { records: vec![2], attempt: usual, delivered: true });
        assert_eq!(fragment.bytes.len() - before, 4, "kind, time, latency, record");
    }

    fn usual_answer(status: u16) -> Answer {
        Answer::Status { status, retry_after: None, text: "not kept".to_owned() }
    }
}
