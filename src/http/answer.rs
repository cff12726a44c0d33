//! Answers in Segment's shape: exactly 200 with `{"success":true}`, or an error that every SDK can read.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use serde::Serialize;

use crate::ingest::code::Code;
use crate::ingest::receipt::Item;
use crate::ingest::{Receipt, Refusal};

const SUCCESS: &str = r#"{"success":true}"#;
const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// SDKs cap `Retry-After` at this many seconds.
const RETRY_AFTER_S_MAX: u32 = 300;

/// A transparent image of one pixel.
pub(super) const GIF: &[u8] = &[
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF,
    0x21, 0xF9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2C, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x02,
    0x02, 0x44, 0x01, 0x00, 0x3B,
];

#[derive(Serialize)]
struct Taken<'a> {
    success: bool,
    receipts: &'a [Item],
    /// Remarks on the request as a whole, as codes.
    #[serde(skip_serializing_if = "<[Code]>::is_empty")]
    notes: &'a [Code],
}

/// Older Python clients read `code` and `message`, Ruby reads `error`.
#[derive(Serialize)]
struct Failure<'a> {
    success: bool,
    code: &'a str,
    message: &'a str,
    error: &'a str,
}

/// Taken. The receipts are part of the answer when they were asked for.
pub(super) fn taken(receipt: &Receipt, receipts: bool) -> HttpResponse {
    if receipts {
        return json(StatusCode::OK, &Taken { success: true, receipts: &receipt.items, notes: &receipt.notes });
    }
    success()
}

/// Exactly `{"success":true}`.
pub(super) fn success() -> HttpResponse {
    let mut answer = HttpResponse::new(StatusCode::OK).set_body(actix_web::body::BoxBody::new(SUCCESS));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// Nothing was taken.
pub(super) fn refused(refusal: &Refusal) -> HttpResponse {
    let mut answer = failure(status_of(refusal), refusal.code().as_str(), &refusal.to_string());
    if let Some(seconds) = refusal.retry_after_s() {
        let limited = matches!(refusal, Refusal::RateLimited { .. });
        come_back(&mut answer, seconds, limited);
    }
    answer
}

/// Tells when to come back, in whole seconds from 1 to 300.
pub(super) fn come_back(answer: &mut HttpResponse, seconds: u32, limited: bool) {
    let seconds = HeaderValue::from(seconds.clamp(1, RETRY_AFTER_S_MAX));
    if limited {
        answer.headers_mut().insert(RATE_LIMIT_RESET, seconds.clone());
    }
    answer.headers_mut().insert(header::RETRY_AFTER, seconds);
}

/// An error in Segment's shape.
pub(super) fn failure(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    json(status, &Failure { success: false, code, message, error: message })
}

/// The image, which is the answer to every pixel.
pub(super) fn image(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "image/gif"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(GIF)
}

/// Every cause has its status; a new one does not compile until it has one.
fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::InvalidJson { .. }
        | Refusal::PayloadTooLarge { .. }
        | Refusal::MissingWriteKey
        | Refusal::UnsupportedEncoding => StatusCode::BAD_REQUEST,
        Refusal::UnknownWriteKey | Refusal::BadSignature => StatusCode::UNAUTHORIZED,
        Refusal::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    let text = serde_json::to_string(body).expect("these shapes always become JSON");
    HttpResponse::build(status).insert_header((header::CONTENT_TYPE, "application/json")).body(text)
}
