//! Who asks, and whether that is enough: a token in the head, or the cookie of a session.
//!
//! A browser sends the cookie whoever made it ask, so a change by cookie also has to come from a page of this server.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use subtle::ConstantTimeEq as _;

use super::problem::Problem;
use super::routes::{Offer, Right, Verb};
use super::{Site, session};
use crate::access::sessions::Seen;
use crate::access::token::{Holder, Scope};
use crate::call::secret::Secret;
use crate::ingest::Authorization;
use crate::ingest::source::KeyHash;

/// How the token that commands on this machine use is called; it is made anew at each start.
const CONTROL_NAME: &str = "control";

/// Somebody who is known.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The name of the token.
    pub(super) name: Arc<str>,
    /// What it may do now.
    pub(super) scope: Scope,
    /// The hash of the token.
    token: KeyHash,
    /// The session, when it came by cookie, and the cookie.
    pub(super) session: Option<(Seen, Secret)>,
}

impl Caller {
    fn new(holder: Holder, session: Option<(Seen, Secret)>) -> Self {
        Self { name: holder.name, scope: holder.scope, token: holder.hash, session }
    }

    /// Whether the token, and the session if there is one, are still known.
    fn is_known(&self, site: &Site) -> bool {
        match &self.session {
            Some((_, id)) => site.access.session(id.expose(), site.clock.now()).is_some(),
            None => self.token == site.control_token || site.access.tokens().holder(&self.token).is_some(),
        }
    }
}

/// An answer without an end: it goes on while its reader is known.
struct WhileKnown {
    body: BoxBody,
    site: Arc<Site>,
    reader: Caller,
}

impl MessageBody for WhileKnown {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        // Asked when there is something to say, so nothing is said to somebody who logged out meanwhile.
        Pin::new(&mut this.body).poll_next(context).map(|part| part.filter(|_| this.reader.is_known(&this.site)))
    }
}

/// Ends a stream of events when its reader logs out or loses the token.
pub(super) fn while_known(site: &Arc<Site>, reader: Option<Caller>, answer: HttpResponse) -> HttpResponse {
    let is_events = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    match reader {
        Some(reader) if is_events && answer.body().size() == BodySize::Stream => {
            let site = Arc::clone(site);
            answer.map_body(|_, body| WhileKnown { body, site, reader }.boxed())
        }
        _ => answer,
    }
}

/// Who asks, if that is enough for this method of a route.
///
/// # Errors
/// When somebody else is needed, or the request may have been made by a page of a stranger.
pub(super) fn authorize(site: &Site, request: &HttpRequest, offer: Offer) -> Result<Option<Caller>, Problem> {
    let caller = match request.headers().get(header::AUTHORIZATION) {
        Some(value) => Some(by_token(site, request, value, offer.right)?),
        None => by_cookie(site, request, offer)?,
    };
    let needed = match offer.right {
        Right::Open => return Ok(caller),
        Right::Metrics if site.metrics_public => return Ok(caller),
        Right::Metrics | Right::Profile => Scope::Read,
        Right::Token(needed) => needed,
    };
    match caller {
        None => Err(Problem::Unauthorized),
        Some(caller) if caller.scope < needed => Err(Problem::Forbidden),
        Some(caller) => Ok(Some(caller)),
    }
}

/// Who shows a key shows a good one, also where none is needed.
fn by_token(site: &Site, request: &HttpRequest, value: &HeaderValue, right: Right) -> Result<Caller, Problem> {
    let token = bearer(value).map(str::to_owned).or_else(|| (right == Right::Profile).then(|| basic_user(value))?);
    if let Some(caller) = token.and_then(|token| holder_of(site, &token)) {
        return Ok(caller);
    }
    site.limits
        .failure(site.hosts.sender(request))
        .map_err(|retry_after_s| Problem::TooManyFailures { retry_after_s })?;
    Err(Problem::Unauthorized)
}

/// A cookie that nobody knows any more is as good as none: the page that logs in is asked for with it, too.
fn by_cookie(site: &Site, request: &HttpRequest, offer: Offer) -> Result<Option<Caller>, Problem> {
    if offer.verb != Verb::Get && session::cookie(request).is_some() && !site.hosts.is_own_page(request) {
        return Err(Problem::CrossOrigin);
    }
    let Some(id) = session::cookie(request) else { return Ok(None) };
    let found = site.access.session(id, site.clock.now());
    Ok(found.map(|(holder, seen)| Caller::new(holder, Some((seen, Secret::new(id.to_owned()))))))
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The user name of Basic, where clients of Segment's Profile API put their token.
fn basic_user(value: &HeaderValue) -> Option<String> {
    match Authorization::read(value.as_bytes()) {
        Authorization::Basic(user) => Some(user),
        _ => None,
    }
}

fn holder_of(site: &Site, token: &str) -> Option<Caller> {
    let hash = KeyHash::of(token);
    let is_control = bool::from(hash.0.ct_eq(&site.control_token.0));
    let control = is_control.then(|| Holder { name: Arc::from(CONTROL_NAME), hash, scope: Scope::Admin });
    let known = site.access.tokens().holder(&hash);
    control.or(known).map(|holder| Caller::new(holder, None))
}
