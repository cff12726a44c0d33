//! Taking calls: from a request to a receipt or a refusal in Segment's shape.

use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::body::{self, BodyError};
use super::strays::{self, Stray};
use super::{Site, answer, erase};
use crate::call::CallType;
use crate::ingest::{Authorization, Credentials, Receipt, Refusal, Request, Route, Sender};
use crate::journal::AppendError;

const RECEIPT_WANTED: HeaderName = HeaderName::from_static("x-roundtower-receipt");
const WRITE_KEY: HeaderName = HeaderName::from_static("x-write-key");
const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");
/// Client metrics are read up to this size and thrown away.
const DISCARD_BYTES_MAX: usize = 512_000;

/// Takes calls from a body.
pub(super) async fn take(site: &Site, request: &HttpRequest, mut payload: web::Payload, route: Route) -> HttpResponse {
    let body = match body::read(request, &mut payload, route.body_bytes_max(), site.body_deadline).await {
        Ok(body) => body,
        Err(error) => {
            if let Some(refusal) = refusal_of(error, route.body_bytes_max()) {
                site.ingest.note_unread(route, &credentials(request), &refusal);
            }
            return unread(site, request, error, route.body_bytes_max());
        }
    };
    let (receipts, start) = (wants_receipts(request), Instant::now());
    match store(site, request, route, body, receipts).await {
        Ok(receipt) => {
            site.meters.ack(start);
            answer::taken(&receipt, receipts)
        }
        Err(refusal) => answer::refused(&refusal),
    }
}

/// Takes one call from the query string. The answer is an image whatever was sent.
pub(super) async fn pixel(site: &Site, request: &HttpRequest, kind: CallType) -> HttpResponse {
    let body = Bytes::copy_from_slice(request.query_string().as_bytes());
    match store(site, request, Route::Pixel(kind), body, false).await {
        // Only what may be stored later is worth another try.
        Err(refusal) if refusal.retry_after_s().is_some() => {
            let status = answer::refused(&refusal).status();
            let mut image = answer::image(status);
            if let Some(seconds) = refusal.retry_after_s() {
                answer::come_back(&mut image, seconds, status == StatusCode::TOO_MANY_REQUESTS);
            }
            image
        }
        _ => answer::image(StatusCode::OK),
    }
}

/// Reads client metrics and throws them away.
pub(super) async fn discard(site: &Site, request: &HttpRequest, mut payload: web::Payload) -> HttpResponse {
    match body::read(request, &mut payload, DISCARD_BYTES_MAX, site.body_deadline).await {
        Ok(_) => answer::success(),
        Err(error) => unread(site, request, error, DISCARD_BYTES_MAX),
    }
}

async fn store(
    site: &Site,
    request: &HttpRequest,
    route: Route,
    body: Bytes,
    receipts: bool,
) -> Result<Receipt, Refusal> {
    let sender = site.hosts.sender(request);
    let parsed = Request {
        route,
        credentials: credentials(request),
        content_encoding: text(request, &header::CONTENT_ENCODING),
        body,
        sender: Sender {
            ip: sender,
            user_agent: text(request, &header::USER_AGENT),
            referrer: text(request, &header::REFERER),
            text_plain: is_text_plain(request),
        },
        signature: text(request, &SIGNATURE),
        receipts,
    };
    let admission = site.ingest.authenticate(parsed).map_err(|refusal| match refusal {
        Refusal::UnknownWriteKey => match site.limits.failure(sender) {
            Ok(()) => refusal,
            Err(retry_after_s) => Refusal::RateLimited { retry_after_s },
        },
        other => other,
    })?;
    if let Some(Err(retry_after_s)) = admission.source().map(|source| site.limits.request(source)) {
        let refusal = Refusal::RateLimited { retry_after_s };
        site.ingest.note_refused(&admission, &refusal);
        return Err(refusal);
    }
    let receipt = site.ingest.accept(admission).await?;
    if erase::deletions(site, &receipt.deletions).await.is_err() {
        // Its sender comes back; the calls beside it are duplicates then.
        return Err(AppendError::Closed.into());
    }
    site.verdicts.add(site.clock.now(), receipt.counts.duplicate, receipt.counts.rejected);
    Ok(receipt)
}

pub(super) fn credentials(request: &HttpRequest) -> Credentials {
    let authorization = request.headers().get(header::AUTHORIZATION);
    Credentials {
        authorization: authorization.map(|value| Authorization::read(value.as_bytes())).unwrap_or_default(),
        path: request.match_info().get("key").map(decode),
        header: text(request, &WRITE_KEY),
        query: parameter(request.query_string(), "writeKey"),
    }
}

fn wants_receipts(request: &HttpRequest) -> bool {
    let header = request.headers().get(RECEIPT_WANTED).is_some_and(|value| value.as_bytes() == b"1");
    header || parameter(request.query_string(), "receipt").is_some_and(|value| value == "1")
}

fn is_text_plain(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).map(header::HeaderValue::as_bytes).unwrap_or_default();
    kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"text/plain"))
}

fn text(request: &HttpRequest, name: &HeaderName) -> Option<String> {
    request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The first value of a query parameter, decoded.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    if query.is_empty() {
        return None;
    }
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name).then(|| decode(value))
    })
}

/// One part of a path, percent-decoded: here `+` is a plus.
pub(super) fn part(request: &HttpRequest, name: &str) -> String {
    let text = request.match_info().get(name).unwrap_or_default();
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Percent-decoded; `+` is a space, as forms write it.
pub(super) fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// What a body that was not read is refused for; nothing, if its sender was only too slow.
fn refusal_of(error: BodyError, bytes_max: usize) -> Option<Refusal> {
    match error {
        BodyError::TooLarge => Some(Refusal::PayloadTooLarge { bytes_max }),
        BodyError::Late => None,
        BodyError::Broken => {
            let detail = "the body ends early or its transfer encoding is broken".to_owned();
            Some(Refusal::InvalidJson { detail })
        }
    }
}

fn unread(site: &Site, request: &HttpRequest, error: BodyError, bytes_max: usize) -> HttpResponse {
    refusal_of(error, bytes_max).map_or_else(
        || {
            let words = "The body did not arrive in time";
            strays::turn_away(site, request, StatusCode::REQUEST_TIMEOUT, Stray::Timeout, words)
        },
        |refusal| answer::refused(&refusal),
    )
}
