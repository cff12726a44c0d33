//! What an operator orders: merges, their undoing, what the feed hides. Each is a record in the journal like any call,
//! so that views can be thrown away and made again.
//!
//! Such a record carries [`Marks::CONTROL`], which nothing that reads senders' bytes ever sets. It has no userId and no
//! anonymousId, so that its line in an export is refused by an import instead of becoming an event of somebody.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;

use super::problem::Problem;
use super::{Site, reads};
use crate::access::name::OWN_SOURCE;
use crate::call::ids::MessageId;
use crate::call::time::Time;
use crate::call::{Call, CallType, Marks, Target};
use crate::journal::{AppendError, Appender as _, Batch, Outcome, Sequence};
use crate::views::identity::NodeKey;

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The person of `from` becomes part of the person of `into`.
    Merge {
        /// Any key of the one.
        from: NodeKey,
        /// Any key of the other.
        into: NodeKey,
    },
    /// What the record at this place joined falls apart again.
    Undo(Sequence),
    /// The event is left out of the feed, or not.
    Hide {
        /// Its name.
        name: String,
        /// Whether it is left out.
        hidden: bool,
    },
}

impl Order {
    fn name(&self) -> &'static str {
        match self {
            Self::Merge { .. } => "merge",
            Self::Undo(_) => "undo",
            Self::Hide { hidden: true, .. } => "hide",
            Self::Hide { hidden: false, .. } => "show",
        }
    }

    fn payload(&self) -> String {
        match self {
            Self::Merge { from, into } => json!({"from": from.to_string(), "into": into.to_string()}),
            Self::Undo(sequence) => json!({"sequence": sequence.get()}),
            Self::Hide { name, .. } => json!({"name": name}),
        }
        .to_string()
    }

    /// The batch of one record.
    fn batch(&self, message_id: String, now: Time) -> Result<Batch, Problem> {
        let call = Call {
            kind: CallType::Track,
            message_id: MessageId::parse(message_id).map_err(|_| Problem::Failed)?,
            user_id: None,
            anonymous_id: None,
            target: Target::None,
            name: Some(Cow::Borrowed(self.name())),
            category: None,
            timestamp: now,
            original_timestamp: now,
            sent_at: None,
            channel: Cow::Borrowed("server"),
            payload: Cow::Owned(self.payload()),
            context: Cow::Borrowed("{}"),
            integrations: None,
            extra: Cow::Borrowed("{}"),
            marks: Marks::CONTROL,
        };
        let mut batch = Batch::new(Arc::from(OWN_SOURCE), now, call.payload.len() + 256);
        let fits = batch.push(&call);
        fits.map_err(|_| Problem::BadRequest("the name is too long".to_owned()))?;
        Ok(batch)
    }
}

/// Writes the order into the journal, and waits until it is durable and the views have folded it.
///
/// # Errors
/// When the journal takes nothing; [`Problem::NotYet`] when the views are behind: the order is in the journal then.
pub(super) async fn give(site: &Site, order: &Order) -> Result<Sequence, Problem> {
    let number = || getrandom::u64().map_err(|_| Problem::Failed);
    let id = format!("{}-{:016x}{:016x}", order.name(), number()?, number()?);
    let batch = order.batch(id, site.clock.now())?;
    let ack = site.journal.append(batch).map_err(|error| refused(&error))?;
    let outcomes = ack.await.map_err(|error| refused(&error))?;
    let sequence = match outcomes.as_slice() {
        [Outcome::Appended(sequence) | Outcome::Duplicate(sequence)] => *sequence,
        _ => return Err(Problem::Failed),
    };
    tracing::info!(order = order.name(), sequence = sequence.get(), "the operator gave an order");
    reads::visible(site, sequence).await?;
    Ok(sequence)
}

fn refused(error: &AppendError) -> Problem {
    let retry_after_s = if matches!(error, AppendError::QueueFull { .. }) { 1 } else { 30 };
    Problem::Unavailable { retry_after_s }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::render::export_line;
    use crate::ingest::import::Importer;
    use crate::ingest::source::Merges;
    use crate::journal::memory::MemoryJournal;
    use crate::journal::{Appender, Reader as _};

    /// The record that an order leaves, as an export shows it, and its marks.
    fn recorded(order: &Order) -> (String, Marks) {
        let journal = MemoryJournal::default();
        let now = Time::from_millis(1_700_000_000_000);
        let appender: &dyn Appender = &journal;
        appender.append(order.batch("m".to_owned(), now).unwrap()).unwrap().wait().unwrap();
        let slice = journal.read(journal.first(), usize::MAX).unwrap();
        let record = slice.records().next().unwrap().unwrap();
        let mut line = Vec::new();
        export_line(&record.call, record.source, record.received_at, record.sequence.get(), &mut line);
        (String::from_utf8(line).unwrap(), record.call.marks)
    }

    #[test]
    fn an_order_is_a_marked_record_that_no_import_takes() {
        let (from, into) = (NodeKey([1; 16]), NodeKey([2; 16]));
        for (order, payload) in [
            (Order::Merge { from, into }, json!({"from": from.to_string(), "into": into.to_string()})),
            (Order::Undo(Sequence::new(7)), json!({"sequence": 7})),
            (Order::Hide { name: "A \"b\"".to_owned(), hidden: true }, json!({"name": "A \"b\""})),
            (Order::Hide { name: "A".to_owned(), hidden: false }, json!({"name": "A"})),
        ] {
            let (line, marks) = recorded(&order);
            assert_eq!(marks, Marks::CONTROL);
            let record: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&record["event"], &record["properties"]), (&json!(order.name()), &payload));
            assert_eq!(record["projectId"], OWN_SOURCE);
            let settings = crate::ingest::settings::Settings::default();
            let mut importer = Importer::new("web".into(), Merges::All, settings);
            let refused = importer.read(line.as_bytes(), 1, Time::from_millis(0)).unwrap_err();
            assert_eq!(refused.code.as_str(), "no_user_anon_id");
        }
    }

    #[test]
    fn a_name_that_fits_no_record_is_refused() {
        let order = Order::Hide { name: "x".repeat(crate::call::limits::RECORD_BYTES_MAX), hidden: true };
        assert!(matches!(order.batch("m".to_owned(), Time::from_millis(0)), Err(Problem::BadRequest(_))));
    }
}
