//! Asking the views: away from the threads that serve requests, a few questions at a time, each within its budget.
//!
//! Each question has a budget of rows and time, and ends when its asker leaves. Ingest has threads of its own and never
//! waits for a question.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::parameters::Asked;
use super::problem::Problem;
use super::{Site, blocking};
use crate::journal::Sequence;
use crate::query::{CursorKey, Page, QueryError};
use crate::views::Views;
use crate::views::patience::Patience;
use crate::views::search::SearchError;

/// Longest wait for a record to become visible.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a turn.
const TURN_MAX: Duration = Duration::from_secs(5);
/// Longest work on an answer; lists then answer what was found.
const WORK_MAX: Duration = Duration::from_secs(5);
/// Questions at the same time, for each core.
const AT_ONCE_PER_CORE: usize = 4;

/// Lets a few questions through at a time.
#[derive(Debug)]
pub(super) struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self(Semaphore::new(cores * AT_ONCE_PER_CORE))
    }
}

impl Turns {
    /// Waits until it is the caller's turn, which lasts until what this returns is dropped.
    ///
    /// # Errors
    /// [`Problem::TooSlow`] when it does not come.
    pub(super) async fn next(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let turn = tokio::time::timeout(TURN_MAX, self.0.acquire()).await.map_err(|_| Problem::TooSlow)?;
        turn.map_err(|_| Problem::Failed)
    }
}

/// Says so when it is dropped with its request.
struct Asker(Arc<AtomicBool>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until the views have folded what the caller wants to see, if it says so.
///
/// # Errors
/// [`Problem::NotYet`] after ten seconds.
pub(super) async fn fresh(site: &Site, asked: &Asked) -> Result<(), Problem> {
    match asked.sequence("wait_for") {
        Some(sequence) => visible(site, sequence).await,
        None => Ok(()),
    }
}

/// Waits until the views have folded the record at `sequence`.
///
/// # Errors
/// [`Problem::NotYet`] after ten seconds.
pub(super) async fn visible(site: &Site, sequence: Sequence) -> Result<(), Problem> {
    if site.views.through() > sequence || site.views.wait(sequence, WAIT_MAX).await {
        return Ok(());
    }
    Err(Problem::NotYet { through: site.views.through().get() })
}

/// The same for the search index, which is a moment behind.
///
/// # Errors
/// [`Problem::NotYet`] after ten seconds.
pub(super) async fn searchable(site: &Site, asked: &Asked) -> Result<(), Problem> {
    let Some(sequence) = asked.sequence("wait_for") else { return Ok(()) };
    let views = site.views.clone();
    if site.views.search().through() > sequence || blocking(move || views.wait_search(sequence, WAIT_MAX)).await? {
        return Ok(());
    }
    Err(Problem::NotYet { through: site.views.search().through().get() })
}

/// Asks the views on a thread that may block.
///
/// # Errors
/// As the question; [`Problem::TooSlow`] when its turn does not come.
pub(super) async fn ask<T: Send + 'static>(
    site: &Site,
    question: impl FnOnce(&Views) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, Problem> {
    ask_for(site, WORK_MAX, question).await
}

/// The same with more or less patience.
///
/// # Errors
/// As [`ask`].
pub(super) async fn ask_for<T: Send + 'static>(
    site: &Site,
    longest: Duration,
    question: impl FnOnce(&Views) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, Problem> {
    let _turn = site.turns.next().await?;
    let asker = Asker(Arc::default());
    let (views, has_left) = (site.views.clone(), Arc::clone(&asker.0));
    let work = move || {
        let patience = Patience::new(has_left, longest);
        (!patience.is_over()).then(|| question(&views.within(patience)))
    };
    Ok(blocking(work).await?.ok_or(Problem::Failed)??)
}

/// What a search that was not answered means to the asker.
pub(super) fn of_search(error: SearchError) -> QueryError {
    error.into()
}

/// One page of a list, as a request asks for it.
#[derive(Debug)]
pub(super) struct Turn {
    limit: usize,
    cursor: Option<String>,
    key: CursorKey,
    route: String,
    filter: String,
}

impl Turn {
    /// As the parameters say.
    pub(super) fn new(site: &Site, request: &HttpRequest, asked: &Asked) -> Self {
        Self {
            limit: asked.page(),
            cursor: asked.owned("cursor"),
            key: site.cursor_key.clone(),
            route: request.path().to_owned(),
            filter: asked.filter(),
        }
    }

    /// The same with another number of items.
    pub(super) fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// In the words of the queries.
    pub(super) fn page(&self) -> Page<'_> {
        let Self { limit, cursor, key, route, filter } = self;
        Page { limit: *limit, cursor: cursor.as_deref(), key, route, filter }
    }
}

/// An answer of the control surface.
pub(super) fn shown(status: StatusCode, body: &impl Serialize) -> Result<HttpResponse, Problem> {
    let bytes = serde_json::to_vec(body).map_err(|_| Problem::Failed)?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes))
}
