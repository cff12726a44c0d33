//! Sources and tokens over HTTP. Changes are written to the disk before they are answered.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::body::{self, BodyError};
use super::health::json_answer;
use super::problem::Problem;
use super::{Site, blocking, capture, reads};
use crate::access::token::Scope;
use crate::access::{Access, AccessError, SourceChange, SourceView};
use crate::call::secret::Secret;
use crate::ingest::source::{Kind, Merges};

/// No request here needs more.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSource {
    name: String,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    merges: Merges,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedSource {
    enabled: Option<bool>,
    kind: Option<Kind>,
    merges: Option<Merges>,
    deletes: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    scope: Scope,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedToken {
    scope: Scope,
}

/// All sources; keys are not among what is shown.
pub(super) async fn list_sources(site: &Site) -> Result<HttpResponse, Problem> {
    let sources = site.access.list_sources();
    let (items, through) = with_calls(site, sources).await?;
    Ok(json_answer(StatusCode::OK, &json!({"items": items, "next": null, "through": through})))
}

/// Sources with how many of their calls were stored and when the last one came, as of the views: what is counted there
/// is still known after a restart. Views that are switched off know nothing.
async fn with_calls(site: &Site, sources: Vec<SourceView>) -> Result<(Vec<Value>, u64), Problem> {
    reads::ask(site, move |views| {
        let is_known = views.is_enabled();
        views.read(|snapshot| {
            let shown = sources.iter().map(|source| {
                let sender = snapshot.source_no(&source.name).and_then(|number| snapshot.sender(number));
                let last = sender.and_then(|sender| sender.last_call_at).filter(|_| is_known);
                let mut view = json!(source);
                if let Value::Object(members) = &mut view {
                    members.insert("last_call_at".to_owned(), json!(last.map(|time| time.to_string())));
                    let calls = is_known.then(|| sender.map_or(0, |sender| sender.calls));
                    members.insert("calls".to_owned(), json!(calls));
                }
                view
            });
            Ok((shown.collect(), snapshot.through().get()))
        })
    })
    .await
}

/// One source in the same form. It was just changed: the answer has to say so, and may hold a key that is shown once,
/// also when nobody can tell how many calls there were.
async fn shown_source(site: &Site, source: SourceView) -> Value {
    let mut unknown = json!(source);
    if let Value::Object(members) = &mut unknown {
        members.extend([("last_call_at".to_owned(), Value::Null), ("calls".to_owned(), Value::Null)]);
    }
    let known = with_calls(site, vec![source]).await;
    known.ok().and_then(|(mut sources, _)| sources.pop()).unwrap_or(unknown)
}

/// Makes a source; its write key is in this answer and nowhere else.
pub(super) async fn add_source(
    site: &Site,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let wanted: NewSource = parse(site, request, payload).await?;
    let now = site.clock.now();
    let (view, key) =
        change(site, move |access| access.add_source(&wanted.name, wanted.kind, wanted.merges, now)).await?;
    Ok(json_answer(StatusCode::CREATED, &with_secret(&shown_source(site, view).await, "write_key", &key)))
}

/// Gives a source a new write key; the old one is unknown at once.
pub(super) async fn rotate_source(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let name = name(request);
    let (view, key) = change(site, move |access| access.rotate_source(&name)).await?;
    Ok(json_answer(StatusCode::OK, &with_secret(&shown_source(site, view).await, "write_key", &key)))
}

/// Switches a source on or off, or changes its kind or whom it may merge.
pub(super) async fn patch_source(
    site: &Site,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let wanted: ChangedSource = parse(site, request, payload).await?;
    let name = name(request);
    let edit =
        SourceChange { enabled: wanted.enabled, kind: wanted.kind, merges: wanted.merges, deletes: wanted.deletes };
    let view = change(site, move |access| access.patch_source(&name, edit)).await?;
    Ok(json_answer(StatusCode::OK, &shown_source(site, view).await))
}

/// All tokens; the secrets are not among what is shown.
pub(super) fn list_tokens(site: &Site) -> HttpResponse {
    list(site, &site.access.list_tokens().iter().map(|token| json!(token)).collect::<Vec<_>>())
}

/// Makes a token; the secret is in this answer and nowhere else.
pub(super) async fn add_token(
    site: &Site,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let wanted: NewToken = parse(site, request, payload).await?;
    let now = site.clock.now();
    let (view, token) = change(site, move |access| access.add_token(&wanted.name, wanted.scope, now)).await?;
    Ok(json_answer(StatusCode::CREATED, &with_secret(&json!(view), "token", &token)))
}

/// Gives a token a new secret; the old one is unknown at once.
pub(super) async fn rotate_token(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let name = name(request);
    let (view, token) = change(site, move |access| access.rotate_token(&name)).await?;
    Ok(json_answer(StatusCode::OK, &with_secret(&json!(view), "token", &token)))
}

/// Changes what a token may do.
pub(super) async fn patch_token(
    site: &Site,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let wanted: ChangedToken = parse(site, request, payload).await?;
    let name = name(request);
    let view = change(site, move |access| access.patch_token(&name, wanted.scope)).await?;
    Ok(json_answer(StatusCode::OK, &json!(view)))
}

/// Makes a token unknown at once.
pub(super) async fn revoke_token(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let name = name(request);
    change(site, move |access| access.revoke_token(&name)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn list(site: &Site, items: &[Value]) -> HttpResponse {
    use crate::journal::Reader as _;
    let through = site.journal.tail().next().get();
    json_answer(StatusCode::OK, &json!({"items": items, "next": null, "through": through}))
}

async fn change<T: Send + 'static>(
    site: &Site,
    work: impl FnOnce(&Access) -> Result<T, AccessError> + Send + 'static,
) -> Result<T, Problem> {
    let access = Arc::clone(&site.access);
    Ok(blocking(move || work(&access)).await??)
}

fn name(request: &HttpRequest) -> String {
    capture::part(request, "name")
}

fn with_secret(view: &Value, member: &str, secret: &Secret) -> Value {
    let mut view = view.clone();
    if let Value::Object(members) = &mut view {
        members.insert(member.to_owned(), json!(secret.expose()));
    }
    view
}

pub(super) async fn parse<T: DeserializeOwned>(
    site: &Site,
    request: &HttpRequest,
    mut payload: web::Payload,
) -> Result<T, Problem> {
    let bytes = read(request, &mut payload, BODY_BYTES_MAX, site.body_deadline).await?;
    // serde's messages for these shapes name fields and expectations; of what was sent they repeat at most one word.
    serde_json::from_slice(&bytes)
        .map_err(|error| Problem::BadRequest(format!("the body does not fit: {}", place(&error))))
}

/// Where and of what kind, without repeating what was sent.
pub(super) fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a member is missing, unknown or of the wrong type",
        _ => "it is no JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// Reads a body of the control surface.
pub(super) async fn read(
    request: &HttpRequest,
    payload: &mut web::Payload,
    bytes_max: usize,
    deadline: Duration,
) -> Result<bytes::Bytes, Problem> {
    body::read(request, payload, bytes_max, deadline).await.map_err(|error| match error {
        BodyError::TooLarge => Problem::TooLarge { bytes_max },
        BodyError::Late => Problem::Timeout,
        BodyError::Broken => Problem::BadRequest("the body ends early".to_owned()),
    })
}
