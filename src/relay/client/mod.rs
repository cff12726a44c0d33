//! Sends requests: the only part that touches the network.
//!
//! A receiver is a stranger. Whatever it does, a request ends within its time limit, at most [`ANSWER_BYTES_MAX`] of its
//! answer are read and nothing of it is unpacked; its redirects lead nowhere but to itself; what it said is shown capped,
//! printable and without our keys. Proxies named in the environment are not used, cookies are not kept. HTTP/1.1 only;
//! connections are kept for a few seconds and shared by the requests of one destination.

mod address;
mod failure;
mod said;
mod trust;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};
use tokio::time::{Instant, timeout_at};

use super::format::Request;
use super::policy::{self, Answer, Failure};
use super::settings::Destination;
use crate::clock::Clock;
use address::{Denied, Resolver};
use said::{Masks, Said};
pub use said::{is_unsafe, printable};
pub use trust::Trust;

/// Bytes of an answer that are read; then the connection is dropped.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the text that is kept of an answer or a failure.
pub const TEXT_BYTES_MAX: usize = 1024;
/// Redirects that are followed for one request.
pub const REDIRECTS_MAX: usize = 3;
/// Connections without a request are closed after this time: before common servers do, whose close would cross with
/// our next request.
const IDLE: Duration = Duration::from_secs(4);

/// Sends one request and reads its answer, within all limits. Never panics, never takes longer than its time limit.
pub trait Transport: Send + Sync {
    /// Sends it.
    fn send(&self, request: Request) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>>;
}

/// The client of one destination. It has to be used inside a tokio runtime with time and network.
pub struct Client {
    http: reqwest::Client,
    clock: Clock,
    limit: Duration,
    deny_private: bool,
    is_trusting: bool,
    masks: Masks,
}

/// No client can be made of these settings.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client can be made for destination {name}: {why}")]
pub struct NoClient {
    name: String,
    why: String,
}

/// What an answer asks for.
enum Step {
    Done,
    Follow(Url),
    Refused(&'static str),
}

/// How reading a body ended.
enum End {
    Whole,
    Late,
    Broken(reqwest::Error),
}

impl Client {
    /// A client with connections of its own. `trust` says whose certificates are believed; load it once for all.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(to: &Destination, trust: &Trust, clock: Clock) -> Result<Self, NoClient> {
        let fail = |why: String| NoClient { name: to.name.clone(), why };
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(trust.config().map_err(|error| fail(error.to_string()))?)
            .http1_only()
            .http1_title_case_headers()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(to.concurrency_max.max(1))
            .dns_resolver(Arc::new(Resolver { deny_private: to.deny_private }));
        Ok(Self {
            http: builder.build().map_err(|error| fail(error.without_url().to_string()))?,
            clock,
            limit: Duration::from_millis(to.timeout_ms),
            deny_private: to.deny_private,
            is_trusting: !trust.is_empty(),
            masks: Masks::new(to),
        })
    }

    async fn exchange(&self, request: Request) -> Answer {
        let deadline = Instant::now() + self.limit;
        let Ok(mut url) = Url::parse(&request.url) else {
            return self.failed(Failure::Protocol, "the URL of the destination is no URL");
        };
        let Some(headers) = headers(&request) else {
            return self.failed(Failure::Protocol, "a header has bytes that cannot be sent; look at the key");
        };
        let body = Bytes::from(request.body);
        for _ in 0..=REDIRECTS_MAX {
            if self.deny_private && address::is_private(&url) {
                return self.failed(Failure::Denied, &Denied.to_string());
            }
            let sent = self.http.post(url.clone()).headers(headers.clone()).body(body.clone()).send();
            let response = match timeout_at(deadline, sent).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => return self.failure(&error),
                Err(_) => return self.late(),
            };
            match step(&url, &response) {
                Step::Done => return self.read(response, deadline).await,
                Step::Follow(next) => url = next,
                // An answer like any other that is no use: it will be the same next time.
                Step::Refused(why) => {
                    let status = response.status().as_u16();
                    return Answer::Status { status, retry_after: None, text: why.to_owned() };
                }
            }
        }
        self.failed(Failure::Protocol, "the receiver redirects again and again")
    }

    async fn read(&self, mut response: Response, deadline: Instant) -> Answer {
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| policy::retry_after(text, self.clock.now()));
        let said = Said::of(response.headers());
        let (body, end) = collect(&mut response, deadline).await;
        // A receiver that says it is overloaded is believed, even if the rest of what it says does not come. Any other
        // answer has to be whole: one that breaks off may have been cut by somebody between.
        let is_clear = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        match end {
            End::Late if !is_clear => return self.late(),
            End::Broken(error) if !is_clear => return self.failure(&error),
            _ => {}
        }
        let mut text = said.text(&body, &self.masks);
        if text.is_empty() && status.is_redirection() {
            "the receiver redirects; look at the URL of the destination".clone_into(&mut text);
        }
        Answer::Status { status: status.as_u16(), retry_after, text }
    }

    fn late(&self) -> Answer {
        self.failed(Failure::Timeout, &format!("no whole answer within {} ms", self.limit.as_millis()))
    }

    fn failure(&self, error: &reqwest::Error) -> Answer {
        let (failure, text) = failure::of(error);
        if failure == Failure::Tls && !self.is_trusting {
            let hint = "this machine trusts no certificates at all: install its package ca-certificates";
            return self.failed(failure, &format!("{text}; {hint}"));
        }
        self.failed(failure, &text)
    }

    fn failed(&self, failure: Failure, text: &str) -> Answer {
        Answer::Failed { failure, text: printable(&self.masks.apply(text), TEXT_BYTES_MAX) }
    }
}

impl Transport for Client {
    fn send(&self, request: Request) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        Box::pin(self.exchange(request))
    }
}

/// None when a name or a value cannot be sent.
fn headers(request: &Request) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for (name, value) in &request.headers {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(headers)
}

/// 307 and 308 are followed to the same scheme, host and port; other redirects are answers like any other.
fn step(url: &Url, response: &Response) -> Step {
    match response.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {}
        status if status.is_informational() => return Step::Refused("the receiver wants to change the protocol"),
        _ => return Step::Done,
    }
    let place = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    match place.and_then(|place| url.join(place).ok()) {
        None => Step::Refused("the receiver redirects without saying where to"),
        Some(next) if next.origin() == url.origin() && next.origin().is_tuple() => Step::Follow(next),
        Some(_) => Step::Refused("the receiver redirects to another scheme, host or port, which is not followed"),
    }
}

/// Reads no more than is of use. What is left unread takes its connection with it.
async fn collect(response: &mut Response, deadline: Instant) -> (Vec<u8>, End) {
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES_MAX {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = ANSWER_BYTES_MAX - body.len();
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            }
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return (body, End::Broken(error)),
            Err(_) => return (body, End::Late),
        }
    }
    (body, End::Whole)
}
