//! The first half of taking a request: read the body once, find the source.

use std::sync::Arc;

use super::code::Code;
use super::refusal::Refusal;
use super::rejections::Rejection;
use super::request::{Credentials, Request, Route, Sender};
use super::settings::UnknownKeys;
use super::source::Source;
use super::wire::{Document, Shape};
use super::{Ingest, body, debugger, key, pixel, webhook};
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

/// What a request is told whose source takes nothing.
const DROPPED: &str = "answered 200 and dropped";

/// Why a call of this server's own is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The source is switched off.
    Disabled,
    /// The body is no call.
    Body(Refusal),
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
        let head = match request.route {
            // It may hold a write key that cannot be recognised before it is decoded.
            Route::Pixel(_) => pixel::shown(&request.body),
            _ => request.body.get(..self.rejections.body_bytes_max).unwrap_or(&request.body).to_vec(),
        };
        let mut draft = Draft { route: request.route, received_at: self.clock.now(), source: None, head };
        let result = self.admit(request, &mut draft);
        match &result {
            Err(refusal) => self.record_request(draft, refusal.code(), &refusal.to_string()),
            Ok(Admission { verdict: Err(code), .. }) => {
                self.record_request(draft, *code, DROPPED);
            }
            Ok(Admission { verdict: Ok(_), .. }) => {}
        }
        result
    }

    /// The source that a request names outside of its body.
    pub fn source_outside(&self, credentials: &Credentials) -> Option<Arc<Source>> {
        key::outside(credentials).and_then(|key| self.sources.lookup(key))
    }

    /// Notes a request whose body was refused before it was read.
    pub fn note_unread(&self, route: Route, credentials: &Credentials, refusal: &Refusal) {
        let source = self.source_outside(credentials);
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
            Route::Pixel(_) => {
                let text = pixel::text(&body::text(Vec::from(request.body), None, route.body_bytes_max())?)?;
                draft.head = self.cut(&text);
                text
            }
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

    fn cut(&self, text: &str) -> Vec<u8> {
        text.as_bytes().get(..self.rejections.body_bytes_max).unwrap_or(text.as_bytes()).to_vec()
    }

    /// The checked body.
    fn document(&self, text: String, route: Route, draft: &mut Draft) -> Result<Document, Refusal> {
        let shape = match route {
            Route::Single { .. } | Route::Pixel(_) => Shape::Single,
            Route::Batch { .. } | Route::Import | Route::Hook => Shape::Envelope,
            Route::Webhook => Shape::Either,
        };
        let document = Document::read(text, shape).map_err(|(syntax, text)| {
            draft.head = self.cut(&text);
            Refusal::InvalidJson { detail: syntax.to_string() }
        })?;
        let own = match shape {
            Shape::Single => document.messages.first().and_then(|message| message.fault),
            Shape::Envelope | Shape::Either => document.envelope.fault,
        };
        match own {
            Some(fault) => {
                draft.head = self.cut(document.text());
                Err(Refusal::InvalidJson { detail: fault.to_string() })
            }
            None => Ok(document),
        }
    }

    /// A call of this server's own as a request of this source: as if it had come with a key.
    ///
    /// # Errors
    /// When the source is switched off, and as [`Ingest::authenticate`] for the body.
    pub fn admit_as(&self, source: &Arc<Source>, route: Route, text: String) -> Result<Admission, Refused> {
        let mut draft = Draft {
            route,
            received_at: self.clock.now(),
            source: Some(Arc::clone(source)),
            head: text.clone().into_bytes(),
        };
        if !source.enabled {
            self.record_request(draft, Code::SourceDisabled, DROPPED);
            return Err(Refused::Disabled);
        }
        match self.document(text, route, &mut draft) {
            Ok(document) => Ok(Admission {
                route,
                verdict: Ok(Arc::clone(source)),
                document,
                sender: Sender::default(),
                received_at: draft.received_at,
                receipts: true,
                oddity: None,
            }),
            Err(refusal) => {
                self.record_request(draft, refusal.code(), &refusal.to_string());
                Err(Refused::Body(refusal))
            }
        }
    }

    /// Shows a refusal that came after the request was read to who watches; it is in no list, because its sender tries again.
    pub fn note_refused(&self, admission: &Admission, refusal: &Refusal) {
        let source = admission.source().map(|source| Arc::clone(&source.name));
        self.debugger.refused(source, admission.received_at, admission.route.name(), |glance| {
            let glance = match admission.document.messages.as_slice() {
                [only] => debugger::of_message(glance, &admission.document, only),
                _ => glance.with_body(admission.document.text().as_bytes()),
            };
            glance.because(refusal.code(), Some(refusal.to_string()))
        });
    }

    /// Puts a whole request into the list of rejections.
    fn record_request(&self, draft: Draft, code: Code, message: &str) {
        let source = draft.source.map(|source| Arc::clone(&source.name));
        self.debugger.refused(source.clone(), draft.received_at, draft.route.name(), |glance| {
            glance.because(code, Some(message.to_owned())).with_body(&draft.head)
        });
        self.rejections.add(Rejection {
            number: 0,
            at: draft.received_at,
            source,
            kind: draft.route.name(),
            code,
            message: message.to_owned(),
            message_id: None,
            messages: 0,
            body: key::masked(&String::from_utf8_lossy(&draft.head)),
        });
    }
}
