//! Merges by the operator over HTTP: what one would give, making it, and taking it or an alias back.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::orders::{self, Order};
use super::people::Emails;
use super::problem::Problem;
use super::reads::{ask, shown};
use super::{Site, capture, control};
use crate::journal::Sequence;
use crate::query::QueryError;
use crate::query::address::Address;
use crate::query::merge_preview::merge_preview;
use crate::query::person::{Person, person};
use crate::views::Views;
use crate::views::entry::EntryKind;
use crate::views::identity::{IdKind, NodeNo, OrderError};
use crate::views::snapshot::Snapshot;

/// What an undo cannot do.
const NOTE: &str = "The people are apart again here. What was relayed to destinations before cannot be called back; they keep the merge.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    from: String,
    into: String,
}

#[derive(Serialize)]
struct Merged {
    sequence: u64,
    person: Person,
}

#[derive(Serialize)]
struct Undone {
    sequence: u64,
    #[serde(rename = "undone")]
    of: u64,
    people: Vec<Person>,
    note: &'static str,
}

impl Wanted {
    fn addresses(&self) -> Result<(Address, Address), Problem> {
        Ok((Address::parse(&self.from)?, Address::parse(&self.into)?))
    }
}

/// The two people, by their roots, and what stands against joining them.
fn both(
    views: &Views,
    snapshot: &dyn Snapshot,
    (from, into): &(Address, Address),
) -> Result<Result<(NodeNo, NodeNo), OrderError>, QueryError> {
    let search = views.search();
    let emails = Emails(&search);
    let (from, into) = (from.root(snapshot, &emails)?, into.root(snapshot, &emails)?);
    Ok(snapshot.graph().merge(from, into).map(|_| (from, into)))
}

/// What the merge would give; nothing is changed.
pub(super) async fn preview(
    site: &Site,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let addresses = control::parse::<Wanted>(site, request, payload).await?.addresses()?;
    let found = ask(site, move |views| {
        views.read(|snapshot| {
            Ok(match both(views, snapshot, &addresses)? {
                Ok((from, into)) => Ok(merge_preview(snapshot, from, into)?),
                Err(error) => Err(error),
            })
        })
    });
    shown(StatusCode::OK, &found.await??)
}

/// Merges by a record in the journal, and answers once the views show it.
pub(super) async fn merge(site: &Site, request: &HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let addresses = control::parse::<Wanted>(site, request, payload).await?.addresses()?;
    let _turn = site.ordering.lock().await;
    let keys = ask(site, move |views| {
        views.read(|snapshot| {
            let graph = snapshot.graph();
            Ok(both(views, snapshot, &addresses)?.map(|(from, into)| (graph.key(from), graph.key(into))))
        })
    });
    let (from, into) = keys.await??;
    let sequence = orders::give(site, &Order::Merge { from, into }).await?;
    let merged = ask(site, move |views| {
        views.read(|snapshot| {
            let graph = snapshot.graph();
            // A call that came in between may have changed who they are: only the views know whether this joined them.
            let Some(link) = graph.link_by(sequence) else { return Ok(Err(OrderError::Same)) };
            Ok(Ok(person(snapshot, graph.root(link.to))?))
        })
    });
    let person = merged.await??;
    shown(StatusCode::OK, &Merged { sequence: sequence.get(), person })
}

/// Splits what the record at this place joined.
pub(super) async fn undo(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let number = capture::part(request, "sequence").parse().ok().filter(|number| *number > 0);
    let number = number.ok_or(Problem::BadRequest("the path needs the `sequence` of a merge or alias".to_owned()))?;
    let undone = Sequence::new(number);
    let _turn = site.ordering.lock().await;
    let ends = ask(site, move |views| views.read(|snapshot| ends(snapshot, undone))).await?;
    let ends = ends.ok_or(OrderError::NothingToUndo)?;
    let sequence = orders::give(site, &Order::Undo(undone)).await?;
    let people = ask(site, move |views| {
        views.read(|snapshot| {
            let mut roots: Vec<NodeNo> = ends.iter().map(|node| snapshot.graph().root(*node)).collect();
            roots.dedup();
            roots.into_iter().map(|root| person(snapshot, root)).collect()
        })
    });
    let people = people.await?;
    shown(StatusCode::OK, &Undone { sequence: sequence.get(), of: number, people, note: NOTE })
}

/// The nodes that the record at this place joined and that are still joined by it; for an alias that only keeps an id,
/// the node it is kept for. None when there is nothing to undo.
fn ends(snapshot: &dyn Snapshot, sequence: Sequence) -> Result<Option<Vec<NodeNo>>, QueryError> {
    let graph = snapshot.graph();
    if let Some(link) = graph.link_by(sequence) {
        return Ok(link.undone_by.is_none().then(|| vec![link.to, link.from]));
    }
    let Some(card) = snapshot.cards(&[sequence])?.pop().filter(|card| card.kind == EntryKind::Alias) else {
        return Ok(None);
    };
    let node = card.user_id.as_deref().and_then(|id| graph.node(IdKind::User, id));
    Ok(node.filter(|node| graph.reserved(*node).iter().any(|(_, _, by)| *by == sequence)).map(|node| vec![node]))
}
