//! The feed over HTTP, the catalogue of events, and counts.

use std::collections::BTreeMap;
use std::sync::Mutex;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::orders::{self, Order};
use super::parameters::Asked;
use super::people::{Emails, calls};
use super::problem::Problem;
use super::reads::{Turn, ask, shown};
use super::{Site, capture, control};
use crate::call::time::Time;
use crate::query::address::Address;
use crate::query::events::{self, EventName, EventSort};
use crate::query::feed::{self, FeedFilter};
use crate::query::stats::{self, Interval, Unrecorded};

/// Minutes of which duplicates and refusals are remembered.
const MINUTES_MAX: usize = 50_000;
/// Buckets without `since`.
const BUCKETS_USUAL: i64 = 48;
const MINUTE_MS: i64 = 60_000;

/// Duplicates and refusals by minute since the server started: they leave no record that could be counted later.
#[derive(Debug, Default)]
pub(super) struct Verdicts(Mutex<BTreeMap<i64, Unrecorded>>);

impl Verdicts {
    /// Counts what became of the messages of one request.
    pub(super) fn add(&self, now: Time, duplicate: u64, rejected: u64) {
        if duplicate == 0 && rejected == 0 {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let minute = all.entry(now.as_millis().div_euclid(MINUTE_MS)).or_default();
        minute.duplicate += duplicate;
        minute.rejected += rejected;
        while all.len() > MINUTES_MAX {
            all.pop_first();
        }
    }

    fn all(&self) -> BTreeMap<i64, Unrecorded> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    hidden: bool,
}

#[derive(Serialize)]
struct Set {
    sequence: u64,
    items: Vec<EventName>,
}

/// What happened, newest first.
pub(super) async fn feed(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let turn = Turn::new(site, request, asked);
    let person = asked.text("person").map(Address::parse).transpose()?;
    let mut filter =
        FeedFilter { calls: calls(asked)?, person: None, group: asked.owned("group"), hidden: asked.flag("hidden") };
    let found = ask(site, move |views| {
        views.read(|snapshot| {
            filter.person = person.map(|one| one.root(snapshot, &Emails(&views.search()))).transpose()?;
            feed::feed(snapshot, &filter, &turn.page())
        })
    });
    shown(StatusCode::OK, &found.await?)
}

/// Every name that ever came, those with most calls first unless told otherwise.
pub(super) async fn events(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (turn, search) = (Turn::new(site, request, asked), asked.owned("search"));
    let sort = match asked.text("sort") {
        Some("last_seen") => EventSort::LastSeen,
        Some("name") => EventSort::Name,
        _ => EventSort::Count,
    };
    let order = (sort, asked.is_descending(sort == EventSort::Name));
    let found =
        ask(site, move |views| views.read(|snapshot| events::events(snapshot, search.as_deref(), order, &turn.page())));
    shown(StatusCode::OK, &found.await?)
}

/// Hides an event from the feed, or shows it, by a record in the journal.
pub(super) async fn put_event(
    site: &Site,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let Wanted { hidden } = control::parse(site, request, payload).await?;
    let name = capture::part(request, "name");
    let _turn = site.ordering.lock().await;
    let asked = name.clone();
    ask(site, move |views| views.read(|snapshot| events::event(snapshot, &asked))).await?;
    let sequence = orders::give(site, &Order::Hide { name: name.clone(), hidden }).await?;
    let items = ask(site, move |views| views.read(|snapshot| events::event(snapshot, &name))).await?;
    shown(StatusCode::OK, &Set { sequence: sequence.get(), items })
}

/// Counts by interval.
pub(super) async fn stats(site: &Site, asked: &Asked) -> Result<HttpResponse, Problem> {
    let interval = match asked.text("interval") {
        Some("minute") => Interval::Minute,
        Some("day") => Interval::Day,
        _ => Interval::Hour,
    };
    let until = asked.time("until").unwrap_or_else(|| site.clock.now());
    let usual = until.as_millis().saturating_sub(interval.minutes() * MINUTE_MS * BUCKETS_USUAL);
    let since = asked.time("since").unwrap_or(Time::from_millis(usual));
    let unrecorded = site.verdicts.all();
    let found =
        ask(site, move |views| views.read(|snapshot| stats::stats(snapshot, interval, since, until, &unrecorded)));
    shown(StatusCode::OK, &found.await?)
}
