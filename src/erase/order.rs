//! Giving the order: what is durable before it is answered.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;

use super::{EraseError, Eraser, Erasure, Inner, Target};
use crate::access::name::OWN_SOURCE;
use crate::call::ids::MessageId;
use crate::call::{Call, CallType, Marks, Target as CallTarget};
use crate::journal::{Appender as _, Batch, Outcome, Sequence};

impl Eraser {
    /// Orders a person to be erased; `by` says who orders it. When it returns, the order is durable and nobody is shown the
    /// person any more. Blocks for a moment.
    ///
    /// # Errors
    /// When it cannot be written down: then nothing was ordered.
    pub fn order(&self, target: &Target, suppress: bool, by: &str) -> Result<Erasure, EraseError> {
        let inner = &self.inner;
        let erasure = {
            let mut book = inner.book();
            let erasure = book.order(target, suppress, by, inner.parts.clock.now())?;
            book.publish(&inner.suppressed);
            erasure
        };
        inner.hide();
        inner.parts.rejections.forget(&target.ids);
        // From here on the order stands: what does not work now is done by the thread.
        if let Err(error) = inner.enter(&erasure.id, suppress) {
            tracing::warn!(%error, "the record of an erasure waits to be stored");
        }
        tracing::info!(erasure = erasure.id, "somebody is to be erased");
        inner.ring();
        Ok(erasure)
    }
}

impl Inner {
    /// Enters the order into the journal; twice is the same as once.
    pub(super) fn enter(&self, id: &str, suppress: bool) -> Result<Sequence, EraseError> {
        let now = self.parts.clock.now();
        let message_id = MessageId::parse(format!("erase-{id}"));
        let payload = json!({"erasure": id, "suppress": suppress}).to_string();
        let call = Call {
            kind: CallType::Track,
            message_id: message_id.map_err(|error| EraseError::Failed(error.to_string()))?,
            user_id: None,
            anonymous_id: None,
            target: CallTarget::None,
            name: Some(Cow::Borrowed("erase")),
            category: None,
            timestamp: now,
            original_timestamp: now,
            sent_at: None,
            channel: Cow::Borrowed("server"),
            payload: Cow::Owned(payload),
            context: Cow::Borrowed("{}"),
            integrations: None,
            extra: Cow::Borrowed("{}"),
            marks: Marks::CONTROL,
        };
        let mut batch = Batch::new(Arc::from(OWN_SOURCE), now, 512);
        batch.push(&call).map_err(|error| EraseError::Failed(error.to_string()))?;
        let outcomes = self.parts.journal.append(batch)?.wait()?;
        let sequence = match outcomes.as_slice() {
            [Outcome::Appended(sequence) | Outcome::Duplicate(sequence)] => *sequence,
            _ => return Err(EraseError::Failed("the order was not stored".to_owned())),
        };
        self.book().change(id, |running| running.sequence = Some(sequence.get()))?;
        Ok(sequence)
    }
}
