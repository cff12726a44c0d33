//! Server-sent events: what all streams share, whatever they show. Framed by hand: three kinds of lines are not worth a crate.
//!
//! Nothing is kept for a reader but its place. One that takes nothing is cut off like any other connection; a quiet stream
//! says now and then that it is alive; a stop of the server ends all. Seats are limited, over all kinds of streams together.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use tokio::sync::watch;

use super::guard::Hold;
use super::problem::Problem;
use super::{Site, guard};

/// How often a quiet stream says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon a quiet stream notices that the server stops.
const LOOK: Duration = Duration::from_millis(500);
/// What a reader sends to resume.
pub(super) const LAST_EVENT_ID: header::HeaderName = header::HeaderName::from_static("last-event-id");
/// Browsers come back after so long.
const RETRY: &str = "retry: 2000\n";

/// What a stream shows.
pub(super) trait Tap {
    /// What there is now, or after a moment.
    async fn next(&mut self) -> Result<Drawn, Problem>;

    /// The id that resumes after what was shown so far.
    fn token(&self) -> String;
}

/// What came.
#[derive(Debug)]
pub(super) enum Drawn {
    /// Whole events.
    Events(Bytes),
    /// Nothing that is to be shown.
    Nothing,
    /// The reader is too slow for what this stream promises.
    TooSlow,
}

/// How many streams are open.
#[derive(Debug)]
pub(super) struct Seats {
    taken: AtomicUsize,
    streams_max: usize,
}

/// The place of one reader; gives it back when dropped.
pub(super) struct Seat(Arc<Site>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.seats.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Seats {
    /// For so many readers at most.
    pub(super) const fn new(streams_max: usize) -> Self {
        Self { taken: AtomicUsize::new(0), streams_max }
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    fn take(site: &Arc<Site>) -> Result<Seat, Problem> {
        let seats = &site.seats;
        let more = |taken: usize| (taken < seats.streams_max).then(|| taken + 1);
        match seats.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(Seat(Arc::clone(site))),
            Err(_) => Err(Problem::Crowded { streams_max: seats.streams_max }),
        }
    }
}

struct Stream<T> {
    tap: T,
    seat: Seat,
    is_over: bool,
    said_at: Instant,
    _hold: Option<Hold>,
}

/// Opens a stream of what `tap` makes; a HEAD opens nothing.
///
/// # Errors
/// When too many are open.
pub(super) fn open<T: Tap + 'static>(
    site: &Arc<Site>,
    request: &HttpRequest,
    tap: impl FnOnce() -> T,
) -> Result<HttpResponse, Problem> {
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"));
    if request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let seat = Seats::take(site)?;
    let connection = request.conn_data::<Rc<guard::Connection>>();
    let hold = connection.map(guard::Connection::hold);
    let stream = Stream { tap: tap(), seat, is_over: false, said_at: Instant::now(), _hold: hold };
    let opening = Bytes::from(format!("{RETRY}id: {}\n\n", stream.tap.token()));
    let rest = futures_util::stream::unfold(stream, |mut stream| async move {
        let part = stream.part().await?;
        Some((Ok::<_, std::io::Error>(part), stream))
    });
    let opening = futures_util::stream::once(async move { Ok(opening) });
    Ok(answer.streaming(futures_util::StreamExt::chain(opening, rest)))
}

impl<T: Tap> Stream<T> {
    /// The next bytes; none when the stream is over.
    async fn part(&mut self) -> Option<Bytes> {
        while !self.is_over && !self.seat.0.stopping.load(Ordering::Relaxed) {
            match self.tap.next().await {
                Ok(Drawn::Events(text)) => {
                    self.said_at = Instant::now();
                    return Some(text);
                }
                Ok(Drawn::TooSlow) => {
                    self.is_over = true;
                    return Some(Bytes::from_static(b": too slow; come back with Last-Event-ID\n\n"));
                }
                Ok(Drawn::Nothing) if self.said_at.elapsed() >= HEARTBEAT => {
                    self.said_at = Instant::now();
                    // An id without data moves the place to resume at and shows nothing.
                    return Some(Bytes::from(format!(": alive\nid: {}\n\n", self.tap.token())));
                }
                Ok(Drawn::Nothing) => {}
                Err(problem) => {
                    tracing::warn!(%problem, "a reader of a stream was let go");
                    self.is_over = true;
                }
            }
        }
        None
    }
}

/// Waits for something new, which `moved` tells; the rest is looked at now and then.
pub(super) async fn news(moved: &mut watch::Receiver<u64>) {
    let _ = tokio::time::timeout(LOOK, moved.changed()).await;
}

/// Events as readers get them, out of the value of an id and the text of their data. A line break would end an event.
pub(super) fn framed(id: &str, data: &[u8]) -> Vec<u8> {
    let mut text = format!("id: {id}\ndata: ").into_bytes();
    text.extend(data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    text.extend_from_slice(b"\n\n");
    text
}
