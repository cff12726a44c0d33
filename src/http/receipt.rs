//! The receipt of one call: whether it was taken, where it is, whose it became, and whether the views show it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::parameters::Asked;
use super::problem::Problem;
use super::reads::shown;
use super::{Site, blocking, capture};
use crate::call::ids::{AnonymousId, UserId};
use crate::call::{Marks, render};
use crate::journal::embedded::Journal;
use crate::journal::{ReadError, Reader as _, Record, Sequence};
use crate::query::QueryError;
use crate::query::face::{Face, face};
use crate::relay::Relay;
use crate::relay::shown::tried;
use crate::views::Views;
use crate::views::identity::IdKind;

/// The receipt.
#[derive(Debug, Serialize)]
struct Receipt {
    message_id: String,
    status: &'static str,
    accepted: bool,
    source: Option<String>,
    sequence: Option<u64>,
    #[serde(flatten)]
    taken: Option<Taken>,
    #[serde(flatten)]
    refused: Option<Refused>,
    /// What became of it at each destination.
    relay: Vec<Value>,
}

/// What is known of a call that was taken.
#[derive(Debug, Serialize)]
struct Taken {
    r#type: &'static str,
    timestamp: String,
    received_at: String,
    /// `visible`, `pending`, `filtered` by its sender, or `parked` because it could not be folded.
    view: &'static str,
    /// Why it is parked.
    reason: Option<String>,
    person: Option<Face>,
    /// The call itself, as an export writes it.
    call: Option<Box<RawValue>>,
}

/// Why a call was refused.
#[derive(Debug, Serialize)]
struct Refused {
    code: &'static str,
    message: String,
    /// What to change.
    fix: &'static str,
}

/// Where one call is, in whichever source it came from; or why it was refused.
pub(super) async fn find(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let message_id = message_id(request, asked)?;
    let wanted = asked.owned("source");
    let names = site.access.list_sources().into_iter().map(|source| source.name);
    let names: Vec<String> = names.filter(|name| wanted.as_ref().is_none_or(|one| one == name)).collect();
    let (journal, views, id) = (site.journal.clone(), site.views.clone(), message_id.clone());
    let destinations = site.relay.clone();
    let found = blocking(move || {
        let Some((source, sequence)) = place(&journal, names, &id)? else { return Ok::<_, Problem>(None) };
        Ok(Some((source, sequence, taken(&journal, &views, sequence)?, relayed(&destinations, sequence)?)))
    });
    if let Some((source, sequence, taken, relay)) = found.await?? {
        let (source, sequence) = (Some(source), Some(sequence.get()));
        let (status, accepted, refused) = ("accepted", true, None);
        let receipt = Receipt { message_id, status, accepted, source, sequence, taken, refused, relay };
        return shown(StatusCode::OK, &receipt);
    }
    let refused = site.rejections.page(None, 1, |one| one.message_id.as_deref() == Some(message_id.as_str()));
    let one = refused.items.first().ok_or(Problem::NotFound)?;
    let receipt = Receipt {
        source: one.source.as_deref().map(str::to_owned),
        refused: Some(Refused { code: one.code.as_str(), message: one.message.clone(), fix: one.code.fix() }),
        message_id,
        status: "rejected",
        accepted: false,
        sequence: None,
        taken: None,
        relay: Vec::new(),
    };
    shown(StatusCode::OK, &receipt)
}

/// The id in the path, or, for what a path cannot carry, in the query.
fn message_id(request: &HttpRequest, asked: &Asked) -> Result<String, Problem> {
    let in_path = capture::part(request, "id");
    match asked.owned("message_id") {
        Some(id) if in_path.is_empty() => Ok(id),
        Some(_) => Err(Problem::BadRequest("give the id in the path or as `message_id`, not both".to_owned())),
        None => Ok(in_path),
    }
}

fn place(journal: &Journal, names: Vec<String>, message_id: &str) -> Result<Option<(String, Sequence)>, ReadError> {
    for name in names {
        if let Some(sequence) = journal.find(&name, message_id)? {
            return Ok(Some((name, sequence)));
        }
    }
    Ok(None)
}

fn relayed(relay: &Relay, sequence: Sequence) -> Result<Vec<Value>, Problem> {
    let all = relay.of_record(sequence)?;
    Ok(all.iter().map(|(destination, state, attempts)| tried(destination, *state, attempts)).collect())
}

fn taken(journal: &Journal, views: &Views, sequence: Sequence) -> Result<Option<Taken>, Problem> {
    let slice = journal.read(sequence, 1)?;
    let Some(record) = slice.records().next().transpose()?.filter(|record| record.sequence == sequence) else {
        return Ok(None);
    };
    let parked = views.parked().map_err(QueryError::from)?.into_iter().find(|one| one.sequence == sequence);
    let is_folded = views.through() > sequence;
    let view = match &parked {
        Some(_) => "parked",
        None if record.call.marks.has(Marks::FILTERED) => "filtered",
        None if is_folded => "visible",
        None => "pending",
    };
    let person = if view == "visible" {
        let user = record.call.user_id.as_ref().map(UserId::as_str).map(|id| (IdKind::User, id));
        let device = record.call.anonymous_id.as_ref().map(AnonymousId::as_str).map(|id| (IdKind::Anonymous, id));
        views.read(|snapshot| {
            let node = user.or(device).and_then(|(kind, id)| snapshot.graph().node(kind, id));
            let node = node.filter(|node| !snapshot.is_hidden(*node));
            node.map(|node| face(snapshot, snapshot.graph().root(node))).transpose().map_err(QueryError::from)
        })?
    } else {
        None
    };
    Ok(Some(Taken {
        r#type: record.call.kind.as_str(),
        timestamp: record.call.timestamp.to_string(),
        received_at: record.received_at.to_string(),
        view,
        reason: parked.map(|one| one.reason),
        person,
        call: as_exported(&record),
    }))
}

/// The call as a line of an export: what a person reads who wants to know what was really sent.
fn as_exported(record: &Record<'_>) -> Option<Box<RawValue>> {
    let mut line = Vec::new();
    render::export_line(&record.call, record.source, record.received_at, record.sequence.get(), &mut line);
    RawValue::from_string(String::from_utf8(line).ok()?).ok()
}
