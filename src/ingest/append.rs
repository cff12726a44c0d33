//! The second half of taking a request: messages become calls, calls become one batch, and everybody learns the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::admit::Admission;
use super::code::{Code, Rejected};
use super::debugger::{self, Glance, Notes};
use super::normalize::{Frame, Shared, Typing, random_id};
use super::receipt::{Counts, Item, Receipt, Status};
use super::refusal::Refusal;
use super::rejections::Rejection;
use super::request::Route;
use super::source::Source;
use super::times::Rule;
use super::value::{Members, Value};
use super::wire::{Document, Field, Message};
use super::{Ingest, key};
use crate::call::limits::{BATCH_MESSAGES_MAX, MESSAGE_BYTES_MAX};
use crate::call::{CallType, Marks};
use crate::journal::{Batch, Outcome};

/// A message before the journal answered.
struct Pending {
    message_id: Option<String>,
    state: State,
}

enum State {
    Pushed {
        filtered: bool,
    },
    Rejected(Rejected),
    /// It asks to erase the user with this id.
    Deletes(String),
}

impl Ingest {
    /// The second half of [`Ingest::take`].
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when the journal cannot take it.
    pub async fn accept(&self, admission: Admission) -> Result<Receipt, Refusal> {
        let source = match &admission.verdict {
            Ok(source) => Arc::clone(source),
            Err(code) => return Ok(Receipt { notes: vec![*code], ..Receipt::default() }),
        };
        let watched = self.debugger.is_watched(admission.received_at);
        let (batch, pending) = self.gather(&admission, &source, watched);
        match self.append(batch).await {
            Ok(outcomes) => {
                let notes = watched.then(|| self.debugger.notes(&source.name, admission.received_at));
                Ok(self.settle(&admission, &source, pending, &outcomes, notes))
            }
            Err(refusal) => {
                self.note_refused(&admission, &refusal);
                Err(refusal)
            }
        }
    }

    async fn append(&self, batch: Batch) -> Result<Vec<Outcome>, Refusal> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.appender.append(batch)?.await?)
    }

    /// Turns every message into a stored call or a rejection.
    fn gather(&self, admission: &Admission, source: &Arc<Source>, watched: bool) -> (Batch, Vec<Pending>) {
        let frame = self.frame(admission, source);
        let document = &admission.document;
        let mut batch = Batch::new(Arc::clone(&source.name), admission.received_at, document.text().len());
        let named = admission.receipts || watched;
        let pending = document.messages.iter().enumerate().map(|(place, message)| {
            let result = if place < BATCH_MESSAGES_MAX {
                self.push(&mut batch, &frame, message, Asked::of(named, admission, source))
            } else {
                Err(Rejected::new(Code::BatchTooMany, too_many()))
            };
            match result {
                Ok(pending) => pending,
                Err(rejected) => {
                    let message_id = Members { document, message }.message_id();
                    Pending { message_id: message_id.map(|id| id.to_string()), state: State::Rejected(rejected) }
                }
            }
        });
        let pending = pending.collect();
        (batch, pending)
    }

    fn frame<'a>(&'a self, admission: &'a Admission, source: &Source) -> Frame<'a> {
        let route = admission.route;
        let webhook = route == Route::Webhook;
        Frame {
            document: &admission.document,
            settings: &self.settings,
            received_at: admission.received_at,
            typing: match route {
                Route::Single { kind, .. } | Route::Pixel(kind) => Typing::Route(kind),
                Route::Batch { .. } | Route::Import | Route::Webhook => Typing::Message,
                Route::Hook => Typing::Windsor,
            },
            rule: if webhook { Rule::Corrected } else { Rule::BySender },
            sender: (!webhook).then_some(&admission.sender),
            client_side: !webhook && (route.client_side() || admission.sender.text_plain),
            pixel: matches!(route, Route::Pixel(_)),
            restores: false,
            message_bytes_max: MESSAGE_BYTES_MAX,
            alias_marks: source.merges.marks(),
            shared: Shared::default(),
        }
    }

    /// Writes the receipt, and what was rejected into the list of rejections.
    fn settle(
        &self,
        admission: &Admission,
        source: &Arc<Source>,
        pending: Vec<Pending>,
        outcomes: &[Outcome],
        mut notes: Option<Notes<'_>>,
    ) -> Receipt {
        let mut receipt = Receipt { notes: admission.oddity.into_iter().collect(), ..Receipt::default() };
        if let Some(oddity) = admission.oddity {
            self.warn_of(oddity, source);
        }
        let document = &admission.document;
        let listed = !matches!(admission.route, Route::Single { .. } | Route::Pixel(_));
        let mut outcomes = outcomes.iter();
        let beyond = document.messages.len().saturating_sub(BATCH_MESSAGES_MAX) + document.more;
        for (message, Pending { message_id, state }) in document.messages.iter().zip(pending) {
            let (status, sequence, rejected) = match state {
                State::Rejected(rejected) => (Status::Rejected, None, Some(rejected)),
                State::Deletes(user_id) => {
                    receipt.deletions.push(user_id);
                    (Status::Erased, None, None)
                }
                State::Pushed { filtered } => match outcomes.next() {
                    Some(Outcome::Appended(at)) if filtered => (Status::Filtered, Some(at.get()), None),
                    Some(Outcome::Appended(at)) => (Status::Appended, Some(at.get()), None),
                    Some(Outcome::Duplicate(at)) => (Status::Duplicate, Some(at.get()), None),
                    None => continue,
                },
            };
            receipt.counts.add(status);
            // Those beyond a batch's limit are told together below.
            let is_beyond = rejected.as_ref().is_some_and(|one| one.code == Code::BatchTooMany);
            if let Some(notes) = notes.as_mut().filter(|_| !is_beyond) {
                let place = (message_id.as_deref(), sequence);
                note(notes, admission, message, (status, rejected.as_ref()), place);
            }
            if let Some(rejected) = rejected.as_ref().filter(|_| !is_beyond) {
                self.record_message(admission, source, message, message_id.clone(), rejected);
            }
            if admission.receipts {
                let code = rejected.as_ref().map(|one| one.code);
                let code = code.or((status == Status::Filtered).then_some(Code::Filtered));
                let message = rejected.map(|one| one.message.into_owned());
                receipt.items.push(Item { message_id, status, sequence, code, message });
            }
        }
        if let Some(notes) = notes {
            notes.keep();
        }
        if receipt.counts.filtered > 0 {
            self.filtered.fetch_add(receipt.counts.filtered, Ordering::Relaxed);
        }
        receipt.counts.rejected += count(document.more);
        self.appender.accounts().reject(receipt.counts.rejected);
        if listed {
            self.remark(admission, source, &mut receipt, beyond);
        }
        receipt
    }

    /// Remarks on a batch as a whole.
    fn remark(&self, admission: &Admission, source: &Arc<Source>, receipt: &mut Receipt, beyond: usize) {
        let counts = receipt.counts;
        let taken = counts.appended + counts.duplicate + count(receipt.deletions.len());
        if taken + counts.rejected == 0 {
            let words = if admission.document.listed { "\"batch\" is empty" } else { "there is no \"batch\"" };
            receipt.notes.push(Code::EmptyBatch);
            self.record_batch(admission, source, Code::EmptyBatch, words.to_owned(), 0);
        } else if taken == 0 {
            receipt.notes.push(Code::EmptyBatchResult);
        } else if counts.rejected > 0 {
            receipt.notes.push(Code::MultiUserError);
        }
        if beyond > 0 {
            receipt.notes.push(Code::BatchTooMany);
            self.record_batch(admission, source, Code::BatchTooMany, too_many(), count(beyond));
        }
    }

    fn record_message(
        &self,
        admission: &Admission,
        source: &Arc<Source>,
        message: &Message,
        message_id: Option<String>,
        rejected: &Rejected,
    ) {
        let is_suppressed = is_suppressed(Some(rejected));
        let text = if is_suppressed { "" } else { message.span.of(admission.document.text()) };
        self.rejections.add(Rejection {
            number: 0,
            at: admission.received_at,
            source: Some(Arc::clone(&source.name)),
            kind: kind_name(admission.route, &admission.document, message),
            code: rejected.code,
            message: rejected.message.to_string(),
            message_id: message_id.filter(|_| !is_suppressed),
            messages: 1,
            body: self.shown(text),
        });
    }

    fn record_batch(&self, admission: &Admission, source: &Arc<Source>, code: Code, message: String, messages: u64) {
        let name = Some(Arc::clone(&source.name));
        self.debugger.refused(name, admission.received_at, admission.route.name(), |glance| {
            glance.because(code, Some(message.clone())).with_body(admission.document.text().as_bytes())
        });
        self.rejections.add(Rejection {
            number: 0,
            at: admission.received_at,
            source: Some(Arc::clone(&source.name)),
            kind: admission.route.name(),
            code,
            message,
            message_id: None,
            messages,
            body: self.shown(admission.document.text()),
        });
    }

    /// As much of a text as is kept.
    fn shown(&self, text: &str) -> String {
        let head = text.as_bytes().get(..self.rejections.body_bytes_max).unwrap_or(text.as_bytes());
        key::masked(&String::from_utf8_lossy(head))
    }

    /// Once a minute at most: who sends with a public key may send it often.
    fn warn_of(&self, oddity: Code, source: &Source) {
        if self.warned.is_due(self.clock.now()) {
            tracing::warn!(source.id = %source.name, code = %oddity, "a request names its write key oddly; it was taken");
        }
    }
}

impl Counts {
    fn add(&mut self, status: Status) {
        match status {
            Status::Appended => self.appended += 1,
            Status::Duplicate => self.duplicate += 1,
            Status::Rejected => self.rejected += 1,
            Status::Filtered => (self.appended, self.filtered) = (self.appended + 1, self.filtered + 1),
            Status::Erased => {}
        }
    }
}

/// What matters of a request for one of its messages.
#[derive(Clone, Copy)]
struct Asked {
    named: bool,
    deletes: bool,
}

impl Asked {
    fn of(named: bool, admission: &Admission, source: &Source) -> Self {
        Self { named, deletes: source.deletes && admission.route == Route::Webhook }
    }
}

impl Ingest {
    /// Normalises one message and adds it to the batch.
    fn push<'a>(
        &self,
        batch: &mut Batch,
        frame: &Frame<'a>,
        message: &'a Message,
        asked: Asked,
    ) -> Result<Pending, Rejected> {
        if asked.deletes
            && let Some(id) = frame.deletion(message)?
        {
            return Ok(Pending { message_id: None, state: State::Deletes(id.as_str().to_owned()) });
        }
        let call = frame.call(message, random_id)?;
        let dropped = || Rejected::new(Code::Suppressed, "of somebody who was erased and is not to come back");
        let call = self.suppressed.pass(call).ok_or_else(dropped)?;
        batch.push(&call).map_err(|too_large| Rejected::new(Code::MessageTooLarge, too_large.to_string()))?;
        let filtered = call.marks.has(Marks::FILTERED);
        let message_id = asked.named.then(|| call.message_id.to_string());
        Ok(Pending { message_id, state: State::Pushed { filtered } })
    }
}

/// With why it was not taken as it is, if it was not.
fn reason(glance: Glance, rejected: Option<&Rejected>, oddity: Option<Code>) -> Glance {
    match (rejected, glance.status) {
        (Some(rejected), _) => glance.because(rejected.code, Some(rejected.message.to_string())),
        (None, Status::Filtered) => glance.because(Code::Filtered, None),
        (None, _) => match oddity {
            Some(code) => glance.because(code, None),
            None => glance,
        },
    }
}

/// Shows a message to whoever watches.
fn note(
    notes: &mut Notes<'_>,
    admission: &Admission,
    message: &Message,
    (status, rejected): (Status, Option<&Rejected>),
    (message_id, sequence): (Option<&str>, Option<u64>),
) {
    let document = &admission.document;
    notes.add(kind_name(admission.route, document, message), status, |mut glance| {
        if status == Status::Erased || is_suppressed(rejected) {
            return reason(glance, rejected, None);
        }
        (glance.message_id, glance.sequence) = (message_id.map(|id| debugger::short(id.to_owned())), sequence);
        reason(debugger::of_message(glance, document, message), rejected, admission.oddity)
    });
}

/// Of somebody who is not to come back nothing is kept, not even to look at.
fn is_suppressed(rejected: Option<&Rejected>) -> bool {
    rejected.is_some_and(|one| one.code == Code::Suppressed)
}

fn too_many() -> String {
    format!("a batch may hold {BATCH_MESSAGES_MAX} messages")
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The message's type if it is one of the six, else the route's name.
fn kind_name(route: Route, document: &Document, message: &Message) -> &'static str {
    if let Route::Single { kind, .. } | Route::Pixel(kind) = route {
        return kind.as_str();
    }
    match (Members { document, message }).get(Field::Type) {
        Value::Text(name) => CallType::parse(&name).map_or(route.name(), CallType::as_str),
        _ => route.name(),
    }
}
