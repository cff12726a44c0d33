//! Destinations over HTTP: how each stands, what became of calls there, and what operators order.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::health::json_answer;
use super::parameters::Asked;
use super::problem::Problem;
use super::reads::Turn;
use super::{Site, blocking, capture, control};
use crate::journal::Reader as _;
use crate::relay::ledger::State;
use crate::relay::{Relay, RelayError, Wanted, shown};

/// What a body may hold, for who sent something else.
const MEMBERS: &str = "it takes `message_id` (and `source`) or `sequence` for one call; `from`, `to` (sequences or \
    times), `type`, `event` and `state` (`dead` or `all`) for a range; `{}` for all dead letters";

/// All destinations, in the order of the configuration.
pub(super) async fn list(site: &Site) -> Result<HttpResponse, Problem> {
    let through = site.journal.tail().next().get();
    let all = ask(site, |relay| Ok(relay.list())).await?;
    let items: Vec<_> = all.iter().map(shown::destination).collect();
    Ok(json_answer(StatusCode::OK, &json!({"items": items, "next": null, "through": through})))
}

/// One of them.
pub(super) async fn destination(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let name = name(request);
    let status = ask(site, move |relay| relay.status(&name)).await?;
    Ok(json_answer(StatusCode::OK, &shown::destination(&status)))
}

/// What became of calls there, newest first.
pub(super) async fn deliveries(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (name, limit) = (name(request), asked.page());
    let through = site.journal.tail().next().get();
    let turn = Turn::new(site, request, asked);
    let before = turn.page().sequence()?;
    let state = asked.text("state").and_then(|word| State::ALL.into_iter().find(|state| state.as_str() == word));
    // One more than asked for tells whether there is another page.
    let found = ask(site, move |relay| match state {
        Some(state) => relay.deliveries(&name, state, before, limit + 1),
        None => relay.recent(&name, before, limit + 1),
    });
    let mut found = found.await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|last| turn.page().below(last.sequence));
    let items: Vec<_> = found.iter().map(shown::delivery).collect();
    Ok(json_answer(StatusCode::OK, &json!({"items": items, "next": next, "through": through})))
}

/// Stops sending until it is resumed.
pub(super) async fn pause(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    change(site, name(request), "pause", Relay::pause).await
}

/// Goes on sending.
pub(super) async fn resume(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    change(site, name(request), "resume", Relay::resume).await
}

/// Orders calls to be delivered again; the worker does it in its time.
pub(super) async fn redeliver(
    site: &Site,
    request: &HttpRequest,
    mut payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body = control::read(request, &mut payload, control::BODY_BYTES_MAX, site.body_deadline).await?;
    let wanted: Wanted = if body.is_empty() {
        Wanted::default()
    } else {
        let unclear =
            |error| Problem::BadRequest(format!("the body does not fit: {}; {MEMBERS}", control::place(&error)));
        serde_json::from_slice(&body).map_err(unclear)?
    };
    let names: Vec<String> = site.access.list_sources().into_iter().map(|source| source.name).collect();
    let (name, relay, journal) = (name(request), site.relay.clone(), site.journal.clone());
    let ordered = blocking(move || {
        relay.status(&name)?;
        let find = |id: &str| {
            let places = names.iter().map(|source| Ok(journal.find(source, id)?.map(|place| (source.clone(), place))));
            places.filter_map(Result::transpose).collect()
        };
        let what = wanted.selection(&find)?;
        let order = relay.redeliver(&name, &what)?;
        tracing::info!(
            destination = name,
            from = order.next.get(),
            to = order.end.get(),
            "the operator ordered calls to be delivered again"
        );
        Ok::<_, Problem>(shown::order(&name, &order))
    });
    Ok(json_answer(StatusCode::ACCEPTED, &ordered.await??))
}

async fn change(
    site: &Site,
    name: String,
    what: &'static str,
    order: impl FnOnce(&Relay, &str) -> Result<(), RelayError> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let relay = site.relay.clone();
    let status = blocking(move || {
        order(&relay, &name)?;
        tracing::info!(order = what, destination = name, "the operator gave an order to the relay");
        relay.status(&name)
    });
    Ok(json_answer(StatusCode::OK, &shown::destination(&status.await??)))
}

/// Asks the relay on a thread that may block, when it is the asker's turn.
async fn ask<T: Send + 'static>(
    site: &Site,
    question: impl FnOnce(&Relay) -> Result<T, RelayError> + Send + 'static,
) -> Result<T, Problem> {
    let _turn = site.turns.next().await?;
    let relay = site.relay.clone();
    Ok(blocking(move || question(&relay)).await??)
}

fn name(request: &HttpRequest) -> String {
    capture::part(request, "destination")
}
