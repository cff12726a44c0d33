//! Groups and audiences over HTTP.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::parameters::Asked;
use super::people::calls;
use super::problem::Problem;
use super::reads::{Turn, ask, of_search, searchable, shown};
use super::{Site, capture};
use crate::query::groups::{self, GroupSort};
use crate::query::people::{Anonymous, PeopleFilter, Sort, people as list_people};
use crate::query::{QueryError, audiences};

/// All groups.
pub(super) async fn list(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (turn, search) = (Turn::new(site, request, asked), asked.owned("search"));
    let sort = match asked.text("sort") {
        Some("first_seen") => GroupSort::FirstSeen,
        Some("members") => GroupSort::Members,
        Some("name") => GroupSort::Name,
        _ => GroupSort::LastSeen,
    };
    let is_descending = asked.is_descending(sort == GroupSort::Name);
    let found = ask(site, move |views| {
        views.read(|snapshot| groups::groups(snapshot, search.as_deref(), sort, is_descending, &turn.page()))
    });
    shown(StatusCode::OK, &found.await?)
}

/// One group.
pub(super) async fn group(site: &Site, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let id = capture::part(request, "group");
    let found = ask(site, move |views| views.read(|snapshot| groups::group(snapshot, &id)));
    shown(StatusCode::OK, &found.await?)
}

/// The people of one group, who was seen last first.
pub(super) async fn people(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (turn, id) = (Turn::new(site, request, asked), capture::part(request, "group"));
    let found = ask(site, move |views| {
        views.read(|snapshot| {
            snapshot.group_no(&id).ok_or(QueryError::NotFound("group"))?;
            let filter = PeopleFilter { group: Some(id), anonymous: Anonymous::Include, ..PeopleFilter::default() };
            list_people(snapshot, &filter, None, (Sort::LastSeen, true), &turn.page())
        })
    });
    shown(StatusCode::OK, &found.await?)
}

/// What was filed under one group, newest first.
pub(super) async fn timeline(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (turn, filter) = (Turn::new(site, request, asked), calls(asked)?);
    let id = capture::part(request, "group");
    let found =
        ask(site, move |views| views.read(|snapshot| groups::group_timeline(snapshot, &id, &filter, &turn.page())));
    shown(StatusCode::OK, &found.await?)
}

/// Audiences and computed traits, by key.
pub(super) async fn audiences(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let turn = Turn::new(site, request, asked);
    searchable(site, asked).await?;
    let found = ask(site, move |views| {
        let through = views.search().through();
        audiences::audiences(views.search().audiences().map_err(of_search)?, through, &turn.page())
    });
    shown(StatusCode::OK, &found.await?)
}
