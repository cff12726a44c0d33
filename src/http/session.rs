//! Logging in and out: a token traded for a cookie that scripts cannot read.
//!
//! Neither the token nor the cookie is logged or repeated in an answer.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::health::json_answer;
use super::problem::Problem;
use super::rights::Caller;
use super::{Site, blocking, control};
use crate::access::sessions::Seen;
use crate::access::token::Scope;

/// The name of the cookie.
const NAME: &str = "roundtower_session";
const DAY_S: u64 = 24 * 60 * 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    token: String,
}

/// What the request has as the cookie of a session; whether it is one is another question.
pub(super) fn cookie(request: &HttpRequest) -> Option<&str> {
    let all = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value.trim_matches('"'))
}

/// Trades a token for a session.
///
/// # Errors
/// When nobody knows the token, too many wrong ones came from there, or a page of a stranger asks.
pub(super) async fn begin(
    site: &Arc<Site>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    if site.hosts.is_strange_page(request) {
        return Err(Problem::CrossOrigin);
    }
    let sender = site.hosts.sender(request);
    site.limits.may_log_in(sender).map_err(|retry_after_s| Problem::TooManyFailures { retry_after_s })?;
    let wanted: Wanted = control::parse(site, request, payload).await?;
    let (access, now) = (Arc::clone(&site.access), site.clock.now());
    // It is written to the disk.
    let begun = blocking(move || access.begin_session(wanted.token.trim(), now)).await?;
    let Some((id, holder, seen)) = begun else {
        let counted = site.limits.wrong_login(sender);
        counted.map_err(|retry_after_s| Problem::TooManyFailures { retry_after_s })?;
        return Err(Problem::Unauthorized);
    };
    let mut answer = shown(site, &holder.name, holder.scope, Some(seen));
    put(site, request, &mut answer, id.expose(), u64::from(site.session_days) * DAY_S);
    Ok(answer)
}

/// Who is logged in; the browser keeps the cookie for as long again.
pub(super) fn get(site: &Site, request: &HttpRequest, caller: &Caller) -> HttpResponse {
    let session = caller.session.as_ref();
    let mut answer = shown(site, &caller.name, caller.scope, session.map(|(seen, _)| *seen));
    if let Some((_, id)) = session {
        put(site, request, &mut answer, id.expose(), u64::from(site.session_days) * DAY_S);
    }
    answer
}

/// Ends the session at once; a token goes on.
pub(super) async fn end(site: &Arc<Site>, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    if let Some(id) = cookie(request).map(str::to_owned) {
        let (access, now) = (Arc::clone(&site.access), site.clock.now());
        blocking(move || access.end_session(&id, now)).await?;
    }
    let mut answer = HttpResponse::NoContent().finish();
    put(site, request, &mut answer, "", 0);
    Ok(answer)
}

fn shown(site: &Site, name: &str, scope: Scope, session: Option<Seen>) -> HttpResponse {
    let expires_at = session.map(|seen| seen.expires_at.to_string());
    let body = json!({"name": name, "scope": scope, "expires_at": expires_at, "avatars": site.pages.shows_avatars()});
    json_answer(StatusCode::OK, &body)
}

fn put(site: &Site, request: &HttpRequest, answer: &mut HttpResponse, id: &str, seconds: u64) {
    if request.method() == Method::HEAD {
        return;
    }
    let is_tls = site.hosts.public(request).is_some_and(|public| public.protocol == "https");
    let secure = if is_tls { "; Secure" } else { "" };
    let text = format!("{NAME}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
}
