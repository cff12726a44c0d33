//! Numbers over time, for charts: how active somebody was, and who came into an audience and left it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::parameters::Asked;
use super::people::{Emails, address};
use super::problem::Problem;
use super::reads::{ask, of_search, searchable, shown};
use super::{Site, capture};
use crate::query::activity::Counting;
use crate::query::calendar::Every;
use crate::query::{QueryError, turnover};

/// The interval that was asked for.
fn every(asked: &Asked) -> Every {
    match asked.text("interval") {
        Some("hour") => Every::Hour,
        Some("week") => Every::Week,
        _ => Every::Day,
    }
}

/// The calls of one person by interval. A long list is read in turns, between which the views go on.
pub(super) async fn activity(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let address = address(site, request, asked).await?;
    let (every, since, until) = (every(asked), asked.time("since"), asked.time("until"));
    let found = ask(site, move |views| {
        let mut counting = views.read(|snapshot| {
            let root = address.root(snapshot, &Emails(&views.search()))?;
            Counting::new(snapshot, root, every, since, until)
        })?;
        while views.read(|snapshot| counting.turn(snapshot))? {}
        Ok(counting.into_activity())
    });
    shown(StatusCode::OK, &found.await?)
}

/// Who came into an audience and who left it, by interval.
pub(super) async fn audience(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    searchable(site, asked).await?;
    let (key, every) = (capture::part(request, "key"), every(asked));
    let (since, until) = (asked.time("since"), asked.time("until").unwrap_or_else(|| site.clock.now()));
    let found = ask(site, move |views| {
        let history = views.read(|snapshot| turnover::history(snapshot, &key, every, since, until))?;
        // Nothing happened in this time, or ever: the search index knows which audiences there are.
        if history.items.is_empty() {
            let known = views.search().audiences().map_err(of_search)?;
            if !known.iter().any(|one| one.key == key) {
                return Err(QueryError::NotFound("audience"));
            }
        }
        Ok(history)
    });
    shown(StatusCode::OK, &found.await?)
}
