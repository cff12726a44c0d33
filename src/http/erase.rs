//! Erasing people over HTTP, and by webhooks of sources that may ask for it.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::json;

use super::health::json_answer;
use super::parameters::Asked;
use super::people::{self, Emails};
use super::problem::Problem;
use super::reads::{ask, shown};
use super::{Site, blocking};
use crate::erase::{EraseError, Erasure, State, Target};
use crate::ingest::source::KeyHash;
use crate::journal::Reader as _;
use crate::query::QueryError;
use crate::query::address::Address;

/// The answer to an order.
#[derive(Serialize)]
struct Ordered {
    erasure: String,
    person: String,
    calls: u64,
    state: State,
}

/// Orders the person that the path names to be erased.
pub(super) async fn erase(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let address = people::address(site, request, asked).await?;
    let by = who(site, request);
    let (person, erasure) = order(site, address, asked.flag("suppress"), by).await?;
    let Erasure { id, calls, state, .. } = erasure;
    shown(StatusCode::ACCEPTED, &Ordered { erasure: id, person, calls, state })
}

/// All erasures, the newest first; nothing in them says whose.
pub(super) fn list(site: &Site) -> HttpResponse {
    let through = site.journal.tail().next().get();
    json_answer(StatusCode::OK, &json!({"items": site.eraser.list(), "next": null, "through": through}))
}

/// Orders the users with these ids to be erased; who is not there is erased already.
///
/// # Errors
/// When one of the orders cannot be given: the sender has to come back.
pub(super) async fn deletions(site: &Site, user_ids: &[String]) -> Result<(), Problem> {
    for id in user_ids {
        match order(site, Address::User(id.clone()), false, "webhook".to_owned()).await {
            Ok(_) | Err(Problem::Query(QueryError::NotFound(_))) => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(())
}

async fn order(site: &Site, address: Address, suppress: bool, by: String) -> Result<(String, Erasure), Problem> {
    // One after another: who is erased already is not there for the next one.
    let _turn = site.ordering.lock().await;
    let found = ask(site, move |views| {
        views.read(|snapshot| {
            let root = address.root(snapshot, &Emails(&views.search()))?;
            Ok(Target::of(snapshot, root)?)
        })
    });
    let (target, eraser) = (found.await?, site.eraser.clone());
    let person = target.person.to_string();
    let erasure = blocking(move || eraser.order(&target, suppress, &by)).await?;
    let erasure = erasure.map_err(refused)?;
    site.hub.forget();
    site.ingest.debugger().forget();
    Ok((person, erasure))
}

fn refused(error: EraseError) -> Problem {
    match error {
        EraseError::Nobody => Problem::NotFound,
        EraseError::Read(error) => error.into(),
        error => {
            tracing::error!(%error, "an erasure could not be ordered");
            Problem::Unavailable { retry_after_s: 30 }
        }
    }
}

/// The name of the token that was sent.
fn who(site: &Site, request: &HttpRequest) -> String {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.trim().split_once(' ')).map(|(_, token)| token.trim());
    match token {
        None => "session".to_owned(),
        Some(token) if KeyHash::of(token) == site.control_token => "command".to_owned(),
        Some(token) => site.access.token_name(token).unwrap_or_default(),
    }
}
