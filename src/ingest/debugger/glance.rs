//! One call as the debugger shows it, and which of them somebody wants to see.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::call::time::Time;
use crate::ingest::code::Code;
use crate::ingest::key;
use crate::ingest::receipt::Status;

/// Of a body this much is kept, in bytes.
const BODY_BYTES_MAX: usize = 4_096;
/// Of any other text, in bytes.
const TEXT_BYTES_MAX: usize = 1_024;

/// Whether a call was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Stored now or before.
    Accepted,
    /// Not stored.
    Rejected,
}

impl Verdict {
    /// The verdict behind a status.
    pub const fn of(status: Status) -> Self {
        match status {
            Status::Appended | Status::Duplicate | Status::Filtered | Status::Erased => Self::Accepted,
            Status::Rejected => Self::Rejected,
        }
    }
}

/// One call, or a request of which nothing could be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// When it came.
    pub at: Time,
    /// The source, if the key named one.
    pub source: Option<Arc<str>>,
    /// What became of it.
    pub status: Status,
    /// The message's type, or the route's name when it has none.
    pub kind: &'static str,
    /// The event of a track call; the name of a page or screen.
    pub event: Option<String>,
    /// Its ids, as far as they are usable.
    pub message_id: Option<String>,
    /// The user.
    pub user_id: Option<String>,
    /// The device.
    pub anonymous_id: Option<String>,
    /// Its place in the journal.
    pub sequence: Option<u64>,
    /// Why it was not taken as it is.
    pub code: Option<&'static str>,
    /// The same in words.
    pub message: Option<String>,
    /// What to change.
    pub fix: Option<&'static str>,
    /// The body as received, cut, without write keys.
    pub body: String,
}

impl Glance {
    /// A call of which only this is known.
    pub fn new(at: Time, source: Option<Arc<str>>, kind: &'static str, status: Status) -> Self {
        Self {
            at,
            source,
            status,
            kind,
            event: None,
            message_id: None,
            user_id: None,
            anonymous_id: None,
            sequence: None,
            code: None,
            message: None,
            fix: None,
            body: String::new(),
        }
    }

    /// With this code, its fix, and words.
    #[must_use]
    pub fn because(self, code: Code, message: Option<String>) -> Self {
        self.because_of(code.as_str(), message, code.fix())
    }

    /// The same for reasons that are no code of ingest.
    #[must_use]
    pub fn because_of(mut self, code: &'static str, message: Option<String>, fix: &'static str) -> Self {
        (self.code, self.message, self.fix) = (Some(code), message.map(short), Some(fix));
        self
    }

    /// With as much of this body as is kept.
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        let head = body.get(..BODY_BYTES_MAX).unwrap_or(body);
        self.body = key::masked(&String::from_utf8_lossy(head));
        self
    }
}

/// A text that is kept beside the body.
pub(in crate::ingest) fn short(mut text: String) -> String {
    let mut end = TEXT_BYTES_MAX.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// One call that is kept.
#[derive(Debug)]
pub struct Kept {
    /// Rising; also over restarts.
    pub number: u64,
    /// What it was.
    pub glance: Glance,
    text: OnceLock<Bytes>,
}

impl Kept {
    pub(super) fn new(number: u64, glance: Glance) -> Self {
        Self { number, glance, text: OnceLock::new() }
    }

    /// The call as readers get it: written once for all of them, by the first.
    pub fn text(&self, write: impl FnOnce(&Glance) -> Bytes) -> Bytes {
        self.text.get_or_init(|| write(&self.glance)).clone()
    }
}

/// Which calls somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of this source.
    pub source: Option<String>,
    /// Only with this verdict.
    pub verdict: Option<Verdict>,
}

impl Filter {
    pub(super) fn takes(&self, source: Option<&str>, verdict: Verdict) -> bool {
        self.source.as_deref().is_none_or(|wanted| source == Some(wanted))
            && self.verdict.is_none_or(|wanted| wanted == verdict)
    }
}
