//! From what operators name (a time, a range) to places in the journal.

use super::RelayError;
use super::ledger::Again;
use super::settings::From;
use super::status::{Edge, Span};
use crate::call::time::Time;
use crate::journal::{ReadError, Reader, Sequence};

/// Where a new destination begins.
pub(super) fn start(reader: &dyn Reader, from: From) -> Result<Sequence, ReadError> {
    match from {
        From::Now => Ok(reader.tail().next()),
        From::Start => Ok(reader.first()),
        From::Time(time) => first_at(reader, time),
    }
}

/// The first record received at `time` or later, or the tail. Records lie nearly in the order they were received in; where
/// the clock of this server was set back, one of the places that fit.
pub(super) fn first_at(reader: &dyn Reader, time: Time) -> Result<Sequence, ReadError> {
    let (mut low, mut high) = (reader.first(), reader.tail().next());
    while low < high {
        let middle = low.plus(high.since(low) / 2);
        let slice = reader.read(middle, 1)?;
        let Some(record) = slice.records().next().transpose()? else {
            high = middle;
            continue;
        };
        if record.received_at < time {
            low = record.sequence.plus(1);
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The order to deliver a range again.
pub(super) fn order(reader: &dyn Reader, span: &Span) -> Result<Again, RelayError> {
    let tail = reader.tail().next();
    let place = |edge: Edge| match edge {
        Edge::Sequence(sequence) => Ok(sequence),
        Edge::Time(time) => first_at(reader, time),
    };
    let next = span.from.map_or(Ok(reader.first()), place)?.max(reader.first());
    let end = span.until.map_or(Ok(tail), place)?.min(tail);
    if next >= end {
        return Err(RelayError::EmptyRange);
    }
    let kind = span.kind.map(|kind| kind.as_str().to_owned());
    Ok(Again { next, end, dead_only: !span.delivered_too, kind, event: span.event.clone() })
}
