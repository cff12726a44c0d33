//! A test call: this server sends a call as one of its sources, on the way that all calls take.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::health::json_answer;
use super::problem::Problem;
use super::{Site, capture};
use crate::access::AccessError;
use crate::call::CallType;
use crate::ingest::receipt::{Item, Status};
use crate::ingest::source::Source;
use crate::ingest::{Code, Refusal, Refused, Route};

/// What is sent. All test calls are of one anonymous person.
const BODY: &str = r#"{"anonymousId":"roundtower-test","event":"Test Call","properties":{"sent_from":"dashboard"}}"#;
const ROUTE: Route = Route::Single { kind: CallType::Track, short: false };

/// Sends it, and tells what a sender would have been told.
///
/// # Errors
/// When there is no such source.
pub(super) async fn send(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let name = capture::part(request, "name");
    let source = site.sources.named(&name).ok_or(Problem::Access(AccessError::Unknown { what: "source", name }))?;
    let item = match call(site, &source).await {
        Ok(item) => item,
        Err(Refused::Disabled) => refused(
            Code::SourceDisabled,
            "the source is disabled: what it sends is answered 200 and dropped".to_owned(),
        ),
        Err(Refused::Body(refusal)) => refused(refusal.code(), refusal.to_string()),
    };
    let answer = json!({
        "message_id": item.message_id,
        "sequence": item.sequence,
        "status": item.status,
        "code": item.code,
        "message": item.message,
        "fix": item.code.map(Code::fix),
    });
    Ok(json_answer(StatusCode::OK, &answer))
}

async fn call(site: &Site, source: &Arc<Source>) -> Result<Item, Refused> {
    let admission = site.ingest.admit_as(source, ROUTE, BODY.to_owned())?;
    if let Err(retry_after_s) = site.limits.request(source) {
        let refusal = Refusal::RateLimited { retry_after_s };
        site.ingest.note_refused(&admission, &refusal);
        return Err(Refused::Body(refusal));
    }
    let receipt = site.ingest.accept(admission).await.map_err(Refused::Body)?;
    site.verdicts.add(site.clock.now(), receipt.counts.duplicate, receipt.counts.rejected);
    let item = receipt.items.into_iter().next();
    Ok(item.expect("a receipt was asked for, and there is one message"))
}

fn refused(code: Code, message: String) -> Item {
    Item { message_id: None, status: Status::Rejected, sequence: None, code: Some(code), message: Some(message) }
}
