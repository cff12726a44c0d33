//! People, groups and the feed as files: parts are made while they are read, and no faster.
//!
//! A file has a thread of its own while it is written, so only a few are at the same time. Whoever leaves stops it.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Site;
use super::guard::{Connection, Hold};
use super::parameters::Asked;
use super::people::{Emails, Order, calls, filter, needs_index, of_index};
use super::problem::Problem;
use super::reads::{ask_for, searchable};
use crate::query::QueryError;
use crate::query::address::Address;
use crate::query::export::{self, FeedRows, Form, GroupRows, PeopleRows, PeopleWanted, Rows, Sheet};
use crate::query::feed::FeedFilter;
use crate::views::Views;
use crate::views::patience::Patience;

/// Files that are written at the same time.
const FILES_AT_ONCE: usize = 4;
/// Longest wait for one of them to end.
const TURN_MAX: Duration = Duration::from_secs(5);
/// Longest work on who is in a file.
const OPEN_MAX: Duration = Duration::from_secs(30);
/// Longest work on one part of it.
const PART_MAX: Duration = Duration::from_secs(5);
/// Parts that wait for their reader.
const PARTS_AHEAD: usize = 2;

/// Lets a few files be written at a time.
#[derive(Debug)]
pub(super) struct Desks(Arc<Semaphore>);

impl Default for Desks {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(FILES_AT_ONCE)))
    }
}

impl Desks {
    async fn next(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let desk = tokio::time::timeout(TURN_MAX, Arc::clone(&self.0).acquire_owned()).await;
        desk.map_err(|_| Problem::TooSlow)?.map_err(|_| Problem::Failed)
    }
}

/// All people of a filter.
pub(super) async fn people(site: &Arc<Site>, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (Order { by_text, sort, is_descending }, index) = (Order::of(asked), of_index(asked));
    let wanted = PeopleWanted {
        filter: filter(asked),
        needs_index: needs_index(&index),
        index,
        order: by_text.map_or(export::Order::Number(sort), export::Order::Text),
        is_descending,
    };
    if wanted.needs_index || by_text.is_some() {
        searchable(site, asked).await?;
    }
    file(site, request, asked, "people", move |views| PeopleRows::open(views, &wanted)).await
}

/// All groups.
pub(super) async fn groups(site: &Arc<Site>, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let search = asked.owned("search");
    file(site, request, asked, "groups", move |_| Ok(GroupRows::new(search.as_deref()))).await
}

/// The feed.
pub(super) async fn feed(site: &Arc<Site>, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let person = asked.text("person").map(Address::parse).transpose()?;
    let mut filter =
        FeedFilter { calls: calls(asked)?, person: None, group: asked.owned("group"), hidden: asked.flag("hidden") };
    let open = move |views: &Views| {
        let root = |one: Address| views.read(|snapshot| one.root(snapshot, &Emails(&views.search())));
        filter.person = person.map(root).transpose()?;
        Ok(FeedRows::new(filter))
    };
    file(site, request, asked, "feed", open).await
}

/// Decides what is in the file, and lets the answer begin.
async fn file<R: Rows + 'static>(
    site: &Arc<Site>,
    request: &HttpRequest,
    asked: &Asked,
    name: &str,
    open: impl FnOnce(&Views) -> Result<R, QueryError> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let form = if asked.text("format") == Some("csv") { Form::Csv } else { Form::Ndjson };
    let mut answer = HttpResponse::Ok();
    let shown_as = format!("attachment; filename=\"{name}.{}\"", form.ending());
    answer
        .insert_header((header::CONTENT_TYPE, form.media()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, shown_as));
    if request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let desk = site.desks.next().await?;
    let generation = site.views.generation();
    let rows = ask_for(site, OPEN_MAX, open).await?;
    let (send, receive) = mpsc::channel(PARTS_AHEAD);
    let reader = Reader {
        parts: receive,
        has_left: Arc::default(),
        _hold: request.conn_data::<Rc<Connection>>().map(Connection::hold),
    };
    let (writer_site, has_left) = (Arc::clone(site), Arc::clone(&reader.has_left));
    actix_web::rt::task::spawn_blocking(move || {
        let _desk = desk;
        write((&writer_site, generation), rows, form, &has_left, &send);
    });
    let parts = futures_util::stream::unfold(reader, |mut reader| async {
        reader.parts.recv().await.map(|part| (part, reader))
    });
    Ok(answer.streaming(parts))
}

/// The other end of a file. Dropped with its connection.
struct Reader {
    parts: mpsc::Receiver<Result<Bytes, QueryError>>,
    has_left: Arc<AtomicBool>,
    _hold: Option<Hold>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.has_left.store(true, Ordering::Relaxed);
    }
}

/// Writes part after part, as fast as they are taken. A file that cannot be finished breaks off, so that nobody takes it
/// for a whole one.
fn write(
    (site, generation): (&Site, u64),
    mut rows: impl Rows,
    form: Form,
    has_left: &Arc<AtomicBool>,
    send: &mpsc::Sender<Result<Bytes, QueryError>>,
) {
    let mut sheet = Sheet::new(form, rows.columns());
    loop {
        let views = site.views.within(Patience::new(Arc::clone(has_left), PART_MAX));
        let more = match views.read(|snapshot| rows.write(snapshot, &mut sheet)) {
            Ok(true) if site.stopping.load(Ordering::Relaxed) => Err(QueryError::TooSlow),
            // Somebody was erased meanwhile: the rows that were decided on are of views that are gone.
            Ok(_) if views.generation() != generation => Err(QueryError::TooSlow),
            more => more,
        };
        let part = more.map(|more| (Bytes::from(sheet.take()), more));
        let goes_on = part.as_ref().is_ok_and(|(_, more)| *more);
        if let Err(error) = &part
            && !has_left.load(Ordering::Relaxed)
        {
            tracing::warn!(%error, rows = sheet.rows(), "an export broke off");
        }
        if send.blocking_send(part.map(|(text, _)| text)).is_err() || !goes_on {
            break;
        }
    }
}
