//! Cross-origin headers for senders: any page may send, and may read every answer, errors included.
//!
//! Without them a browser sees a network error instead of a 400 or 429, and tries again instead of giving up or waiting.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

const PRIVATE_NETWORK_ASKED: HeaderName = HeaderName::from_static("access-control-request-private-network");
const PRIVATE_NETWORK_GIVEN: HeaderName = HeaderName::from_static("access-control-allow-private-network");
const ALLOWED_HEADERS: &str = "authorization, content-type, x-retry-count";
/// Longer lists of headers are not repeated to the asker.
const ASKED_BYTES_MAX: usize = 1_024;

/// Adds the headers of an answer that a page may read.
pub(super) fn open(request: &HttpRequest, mut answer: HttpResponse) -> HttpResponse {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.unwrap_or(HeaderValue::from_static("*")));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    let exposed = HeaderValue::from_static("Retry-After, X-RateLimit-Reset");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    answer
}

/// The answer to a preflight.
pub(super) fn preflight(request: &HttpRequest) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    answer.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"));
    answer.insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"));
    answer.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, allowed(request)));
    if request.headers().contains_key(PRIVATE_NETWORK_ASKED) {
        answer.insert_header((PRIVATE_NETWORK_GIVEN, "true"));
    }
    answer.finish()
}

/// What was asked for, and what SDKs need in any case.
fn allowed(request: &HttpRequest) -> HeaderValue {
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    let more = asked.filter(|asked| asked.len() <= ASKED_BYTES_MAX).into_iter().flat_map(|asked| asked.split(','));
    let mut list = ALLOWED_HEADERS.to_owned();
    for name in more.map(str::trim).filter(|name| is_token(name)) {
        if !list.split(", ").any(|known| known.eq_ignore_ascii_case(name)) {
            list.push_str(", ");
            list.push_str(name);
        }
    }
    HeaderValue::try_from(list).unwrap_or(HeaderValue::from_static(ALLOWED_HEADERS))
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
