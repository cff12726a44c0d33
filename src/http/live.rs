//! The live feed: server-sent events, one an item, in the order in which they become visible.
//!
//! The id of an event is where to resume. A reader that comes back with it gets what it missed, once, from the views,
//! and then goes on with the ring of [`super::hub`]. Nothing is kept for a reader but its place; one that was up to date
//! and then fell far behind is too slow: its stream ends, and it may resume. Framed by hand: three kinds of lines are not worth a crate.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};

use super::guard::Hold;
use super::hub::{self, Hub, Seat, Shown, Taken};
use super::parameters::Asked;
use super::problem::Problem;
use super::{Site, guard, people, reads};
use crate::journal::Sequence;
use crate::views::identity::NodeKey;

/// How often a quiet stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon a quiet stream notices that the server stops.
const LOOK: Duration = Duration::from_millis(500);
/// A reader that was up to date may fall behind by so many records.
const BEHIND_MAX: u64 = 100_000;
/// Items of one write.
const ITEMS_AT_ONCE: usize = 64;
/// What a reader sends to resume.
const LAST_EVENT_ID: header::HeaderName = header::HeaderName::from_static("last-event-id");
/// Browsers come back after so long.
const RETRY: &str = "retry: 2000\n";

/// Which items a reader wants.
#[derive(Clone, Debug, Default)]
struct Filter {
    kind: Option<String>,
    event: Option<String>,
    group: Option<String>,
    source: Option<String>,
    hidden: bool,
    /// Any key of the person; whom it belongs to may change while the stream runs.
    person: Option<NodeKey>,
}

impl Filter {
    /// Whether the item is wanted; `person` is the id that the person goes by now.
    fn takes(&self, one: &Shown, person: Option<&str>) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        let item = &one.item;
        (self.hidden || !item.hidden)
            && same(&self.kind, Some(item.kind))
            && same(&self.event, item.event.as_deref())
            && same(&self.group, item.group.as_ref().map(|group| group.id.as_str()))
            && same(&self.source, Some(item.source.as_str()))
            && (self.person.is_none() || person == item.person.as_ref().map(|face| face.id.as_str()))
    }
}

struct Stream {
    site: Arc<Site>,
    seat: Seat,
    filter: Filter,
    /// The next record to look at.
    next: Sequence,
    /// Whether it has reached the ring.
    is_live: bool,
    is_over: bool,
    said_at: Instant,
    _hold: Option<Hold>,
}

/// Opens a stream.
///
/// # Errors
/// When too many are open, the person is unknown, or the place to resume at was not given by this server.
pub(super) async fn live(site: &Arc<Site>, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let resume = resume(site, request)?;
    let filter = Filter {
        kind: asked.owned("type"),
        event: asked.owned("event"),
        group: asked.owned("group"),
        source: asked.owned("source"),
        hidden: asked.flag("hidden"),
        person: match asked.owned("person") {
            Some(text) => Some(people::key(site, text).await?),
            None => None,
        },
    };
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let seat = Hub::follow(site)?;
    let connection = request.conn_data::<Rc<guard::Connection>>();
    let stream = Stream {
        site: Arc::clone(site),
        seat,
        filter,
        next: resume.unwrap_or_else(|| site.views.through()),
        is_live: false,
        is_over: false,
        said_at: Instant::now(),
        _hold: connection.map(guard::Connection::hold),
    };
    let opening = Bytes::from(format!("{RETRY}id: {}\n\n", stream.token()));
    let rest = futures_util::stream::unfold(stream, |mut stream| async move {
        let part = stream.part().await?;
        Some((Ok::<_, std::io::Error>(part), stream))
    });
    let opening = futures_util::stream::once(async move { Ok(opening) });
    Ok(answer.streaming(futures_util::StreamExt::chain(opening, rest)))
}

/// The place after the event that the reader saw last.
fn resume(site: &Site, request: &HttpRequest) -> Result<Option<Sequence>, Problem> {
    let Some(given) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let number = given.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok());
    // An id beyond what there is comes from another data folder: what would be left out is not known.
    let seen = number.filter(|seen| *seen < site.views.through().get());
    let seen = seen.ok_or_else(|| {
        Problem::BadRequest(
            "`Last-Event-ID` has to be the id of an event of this feed; leave it out to begin now".into(),
        )
    })?;
    Ok(Some(Sequence::new(seen + 1)))
}

impl Stream {
    /// The id that resumes after what was looked at so far.
    fn token(&self) -> u64 {
        self.next.get() - 1
    }

    /// The next bytes; none when the stream is over.
    async fn part(&mut self) -> Option<Bytes> {
        while !self.is_over && !self.site.stopping.load(Ordering::Relaxed) {
            let text = match self.site.hub.take(self.next, ITEMS_AT_ONCE) {
                Taken::Behind(newest) if self.is_live && newest.since(self.next) > BEHIND_MAX => {
                    self.is_over = true;
                    return Some(Bytes::from_static(b": too slow; come back with Last-Event-ID\n\n"));
                }
                Taken::Behind(_) => self.missed().await,
                Taken::Items(items, next) => {
                    self.is_live = true;
                    let is_news = next > self.next;
                    self.next = next;
                    let text = self.wanted(items.iter().map(AsRef::as_ref)).await;
                    if !is_news {
                        // Whether there is something new is told by the ring; the rest is looked at now and then.
                        let _ = tokio::time::timeout(LOOK, self.seat.moved.changed()).await;
                    }
                    text
                }
            };
            match text {
                Ok(text) if !text.is_empty() => {
                    self.said_at = Instant::now();
                    return Some(text);
                }
                Ok(_) if self.said_at.elapsed() >= HEARTBEAT => {
                    self.said_at = Instant::now();
                    // An id without data moves the place to resume at and shows nothing.
                    return Some(Bytes::from(format!(": alive\nid: {}\n\n", self.token())));
                }
                Ok(_) => {}
                Err(problem) => {
                    tracing::warn!(%problem, "a reader of the live feed was let go");
                    self.is_over = true;
                }
            }
        }
        None
    }

    /// What was visible before the ring begins.
    async fn missed(&mut self) -> Result<Bytes, Problem> {
        let from = self.next;
        let (items, next) = reads::ask(&self.site, move |views| hub::read(views, from)).await?;
        self.next = next;
        self.wanted(items.iter()).await
    }

    async fn wanted<'a>(&self, items: impl Iterator<Item = &'a Shown>) -> Result<Bytes, Problem> {
        let mut items = items.peekable();
        if items.peek().is_none() {
            return Ok(Bytes::new());
        }
        let person = match self.filter.person {
            Some(key) => Some(people::current_id(&self.site, key).await?),
            None => None,
        };
        let mut text = BytesMut::new();
        for one in items.filter(|one| self.filter.takes(one, person.as_deref())) {
            text.extend_from_slice(&one.text);
        }
        Ok(text.freeze())
    }
}
