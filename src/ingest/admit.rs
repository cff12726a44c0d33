//! The first half of taking a request: read the body once, find the source.

use std::sync::Arc;

use super::code::Code;
use super::refusal::Refusal;
use super::rejections::Rejection;
use super::request::{Credentials, Request, Route, Sender};
use super::settings::UnknownKeys;
use super::source::Source;
use super::wire::{Document, Shape};
use super::{Ingest, body, key, pixel, webhook};
use crate::call::time::Time;

/// A request whose body was read and whose sender is known.
#[derive(Debug)]
pub struct Admission {
    pub(super) route: Route,
    /// Who sent it, or why it is answered and dropped.
    pub(super) verdict: Result<Arc<Source>, Code>,
    pub(super) document: Document,
    pub(super) sender: Sender,
    pub(super) received_at: Time,
    pub(super) receipts: bool,
    /// What is odd about its keys.
    pub(super) oddity: Option<Code>,
}

impl Admission {
    /// The enabled source it came from, for rate limits. None when the request will be answered 200 and dropped.
    pub fn source(&self) -> Option<&Arc<Source>> {
        self.verdict.as_ref().ok()
    }
}

/// What is known about a request while it is looked at, for the list of rejections.
struct Draft {
    route: Route,
    received_at: Time,
    source: Option<Arc<Source>>,
    /// The beginning of the body, decoded as far as it got.
    head: Vec<u8>,
}

impl Ingest {
    /// The first half of [`Ingest::take`]: between the two halves a caller may limit the source's rate.
    ///
    /// # Errors
    /// Every [`Refusal`] but [`Refusal::Unavailable`] and [`Refusal::RateLimited`].
    pub fn authenticate(&self, request: Request) -> Result<Admission, Refusal> {
        let head = request.body.get(..self.rejections.body_bytes_max).unwrap_or(&request.body).to_vec();
        let mut draft = Draft { route: request.route, received_at: self.clock.now(), source: None, head };
        let result = self.admit(request, &mut draft);
        match &result {
            Err(refusal) => self.record_request(draft, refusal.code(), &refusal.to_string()),
            Ok(Admission { verdict: Err(code), .. }) => {
                self.record_request(draft, *code, "answered 200 and dropped");
            }
            Ok(Admission { verdict: Ok(_), .. }) => {}
        }
        result
    }

    /// Notes a request whose body was refused before it was read.
    pub fn note_unread(&self, route: Route, credentials: &Credentials, refusal: &Refusal) {
        let source = key::outside(credentials).and_then(|key| self.sources.lookup(key));
        let draft = Draft { route, received_at: self.clock.now(), source, head: Vec::new() };
        self.record_request(draft, refusal.code(), &refusal.to_string());
    }

    fn admit(&self, request: Request, draft: &mut Draft) -> Result<Admission, Refusal> {
        let route = request.route;
        let mut outside = key::outside(&request.credentials);
        if matches!(route, Route::Webhook | Route::Hook) {
            outside = outside.or(key::in_query(&request.credentials));
        }
        let mut admission = Admission {
            route,
            verdict: Err(Code::UnknownSource),
            document: Document::default(),
            sender: request.sender,
            received_at: draft.received_at,
            receipts: request.receipts,
            oddity: None,
        };
        if let Some(outside) = outside {
            admission.verdict = self.verdict(outside, draft)?;
            if admission.verdict.is_err() {
                return Ok(admission);
            }
        }
        if let (Route::Webhook, Ok(Some(secret))) = (route, admission.verdict.as_ref().map(|one| &one.signing_secret))
            && !webhook::is_signed(secret, &request.body, request.signature.as_deref())
        {
            return Err(Refusal::BadSignature);
        }
        let text = match route {
            Route::Pixel(_) => pixel::text(&body::text(Vec::from(request.body), None, route.body_bytes_max())?)?,
            _ => body::text(Vec::from(request.body), request.content_encoding.as_deref(), route.body_bytes_max())?,
        };
        admission.document = self.document(text, route, draft)?;
        let inside = key::inside(route, &admission.document);
        if outside.is_none() {
            let key = inside.as_deref().or(key::in_query(&request.credentials)).ok_or(Refusal::MissingWriteKey)?;
            admission.verdict = self.verdict(key, draft)?;
        }
        admission.oddity = key::oddity(&request.credentials, outside, inside.as_deref());
        Ok(admission)
    }

    /// The source of a key, or why its requests are dropped.
    fn verdict(&self, key: &str, draft: &mut Draft) -> Result<Result<Arc<Source>, Code>, Refusal> {
        match self.sources.lookup(key) {
            Some(source) => {
                draft.source = Some(Arc::clone(&source));
                Ok(if source.enabled { Ok(source) } else { Err(Code::SourceDisabled) })
            }
            None if self.settings.unknown_keys == UnknownKeys::Drop => Ok(Err(Code::UnknownSource)),
            None => Err(Refusal::UnknownWriteKey),
        }
    }

    /// The checked body.
    fn document(&self, text: String, route: Route, draft: &mut Draft) -> Result<Document, Refusal> {
        let shape = match route {
            Route::Single { .. } | Route::Pixel(_) => Shape::Single,
            Route::Batch { .. } | Route::Import | Route::Hook => Shape::Envelope,
            Route::Webhook => Shape::Either,
        };
        let cut = |text: &str| text.as_bytes().iter().take(self.rejections.body_bytes_max).copied().collect();
        let document = Document::read(text, shape).map_err(|(syntax, text)| {
            draft.head = cut(&text);
            Refusal::InvalidJson { detail: syntax.to_string() }
        })?;
        let own = match shape {
            Shape::Single => document.messages.first().and_then(|message| message.fault),
            Shape::Envelope | Shape::Either => document.envelope.fault,
        };
        match own {
            Some(fault) => {
                draft.head = cut(document.text());
                Err(Refusal::InvalidJson { detail: fault.to_string() })
            }
            None => Ok(document),
        }
    }

    /// Puts a whole request into the list of rejections.
    fn record_request(&self, draft: Draft, code: Code, message: &str) {
        self.rejections.add(Rejection {
            number: 0,
            at: draft.received_at,
            source: draft.source.map(|source| Arc::clone(&source.name)),
            kind: draft.route.name(),
            code,
            message: message.to_owned(),
            message_id: None,
            messages: 0,
            body: key::masked(&String::from_utf8_lossy(&draft.head)),
        });
    }
}
