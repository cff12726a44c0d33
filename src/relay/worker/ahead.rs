//! Reading ahead: from the journal to what can be offered, skipping what is settled or not owed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Stop;
use super::bodies::Bodies;
use super::lanes::Lanes;
use crate::call::{Call, Target};
use crate::journal::{Reader, Record, Sequence};
use crate::relay::filter;
use crate::relay::ledger::{Book, Entry, State};
use crate::relay::outbox::Offer;
use crate::relay::settings::Destination;

/// Bytes of the members that every format writes around a call.
const ENVELOPE_BYTES: usize = 400;

/// Where a destination reads, and what it found there.
pub(super) struct Ahead {
    reader: Arc<dyn Reader>,
    lanes: Arc<Lanes>,
    slice_bytes: usize,
    /// The next record to look at.
    pub(super) position: Sequence,
    found: VecDeque<Offer>,
}

impl Ahead {
    /// Reads from `position` on.
    pub(super) fn new(reader: Arc<dyn Reader>, lanes: Arc<Lanes>, slice_bytes: usize, position: Sequence) -> Self {
        Self { reader, lanes, slice_bytes, position, found: VecDeque::new() }
    }

    /// The next record to offer.
    pub(super) fn pop(&mut self) -> Option<Offer> {
        self.found.pop_front()
    }

    /// Reads again from an earlier record on: what is settled is skipped, what is held already is not held twice.
    pub(super) fn go_back(&mut self, to: Sequence) {
        let next = self.found.front().map_or(self.position, |offer| offer.sequence);
        self.found.clear();
        self.position = self.position.min(next).min(to);
    }

    /// Whether everything that was found has been offered.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether everything there is was looked at.
    pub(super) fn is_level(&self) -> bool {
        self.position >= self.reader.tail().next()
    }

    /// Looks at one more slice. What is not owed is entered at once. Returns how many records were skipped.
    pub(super) fn read(&mut self, to: &Destination, book: &Book, bodies: &mut Bodies) -> Result<u64, Stop> {
        let slice = self.reader.read(self.position, self.slice_bytes)?;
        let (from, mut first, mut owed) = (self.position, None, 0);
        let mut skipped = Skipped::default();
        let mut expected = from;
        for record in slice.records() {
            let record = record?;
            skip_lost(&mut skipped, book, expected, record.sequence)?;
            expected = record.sequence.plus(1);
            first.get_or_insert(record.sequence);
            let ids = self.lanes.of(&record.call);
            if book.state(record.sequence)? != State::Pending {
                continue;
            }
            if filter::skip(&record, to).is_some() {
                skipped.add(record.sequence, expected);
                continue;
            }
            owed += 1;
            self.found.push_back(offer(&record, ids, book));
        }
        skip_lost(&mut skipped, book, expected, slice.next)?;
        self.position = slice.next.max(expected);
        let count = skipped.count();
        if count > 0 {
            book.enter(Entry { filtered: skipped.ranges, ..Entry::default() });
        }
        if let Some(first) = first {
            bodies.keep(first, slice, owed);
        }
        Ok(count)
    }

    /// A record for delivering it again.
    pub(super) fn again(&self, record: &Record<'_>, book: &Book) -> Offer {
        offer(record, self.lanes.of(&record.call), book)
    }
}

/// Sequences that the journal lost for good are owed to nobody.
fn skip_lost(skipped: &mut Skipped, book: &Book, from: Sequence, to: Sequence) -> Result<(), Stop> {
    if from < to && book.state(from)? == State::Pending {
        skipped.add(from, to);
    }
    Ok(())
}

fn offer(record: &Record<'_>, ids: Vec<u64>, book: &Book) -> Offer {
    let sequence = record.sequence;
    Offer { sequence, ids, bytes: size(&record.call), tried: book.tried(sequence) }
}

/// About how many bytes a call takes in a request.
fn size(call: &Call<'_>) -> usize {
    let user = call.user_id.as_ref().map_or(0, |id| id.as_str().len());
    let anonymous = call.anonymous_id.as_ref().map_or(0, |id| id.as_str().len());
    let target = match &call.target {
        Target::None => 0,
        Target::Group(id) => id.as_str().len(),
        Target::Previous(id) => id.as_str().len(),
    };
    let texts = [Some(&call.payload), Some(&call.context), Some(&call.extra), call.integrations.as_ref()];
    let names = [call.name.as_ref(), call.category.as_ref()];
    let texts = texts.into_iter().chain(names).flatten().map(|text| text.len()).sum::<usize>();
    ENVELOPE_BYTES + user + anonymous + target + call.message_id.as_str().len() + texts
}

/// Records that are not owed, as ranges.
#[derive(Default)]
struct Skipped {
    ranges: Vec<(Sequence, Sequence)>,
}

impl Skipped {
    fn add(&mut self, from: Sequence, to: Sequence) {
        if from >= to {
            return;
        }
        match self.ranges.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ => self.ranges.push((from, to)),
        }
    }

    fn count(&self) -> u64 {
        self.ranges.iter().map(|(from, to)| to.since(*from)).sum()
    }
}
