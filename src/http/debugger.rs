//! The debugger over HTTP: each call that comes, taken or refused, with the reason and what to change.
//!
//! The ring of [`crate::ingest::debugger`] is for all readers; a reader is a filter and a place. What it was not shown, because
//! calls came faster than they are kept or than it reads, is told in an event of its own kind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::sync::watch;

use super::Site;
use super::parameters::Asked;
use super::problem::Problem;
use super::stream::{self, Drawn, LAST_EVENT_ID, Tap};
use crate::ingest::debugger::{Filter, Glance, Place, Verdict};

/// Calls of one write.
const CALLS_AT_ONCE: usize = 32;
/// How often a reader is told how many it was not shown.
const SKIPPED_PAUSE: Duration = Duration::from_secs(1);

/// The calls of one reader.
struct Watching {
    site: Arc<Site>,
    filter: Filter,
    place: Place,
    moved: watch::Receiver<u64>,
    skipped_at: Option<Instant>,
}

/// Opens a stream.
///
/// # Errors
/// When too many are open, or the place to resume at is none.
pub(super) fn live(site: &Arc<Site>, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let last = resume(request)?;
    let filter = Filter {
        source: asked.owned("source"),
        verdict: match asked.text("verdict") {
            Some("accepted") => Some(Verdict::Accepted),
            Some("rejected") => Some(Verdict::Rejected),
            _ => None,
        },
    };
    stream::open(site, request, || {
        look(site);
        let debugger = site.ingest.debugger();
        let (place, moved) = (debugger.place(&filter, last), debugger.follow());
        Watching { site: Arc::clone(site), filter, place, moved, skipped_at: None }
    })
}

/// Keeps it running while somebody reads.
fn look(site: &Site) {
    site.ingest.debugger().look(site.clock.now(), |limit| site.rejections.page(None, limit, |_| true).items);
}

/// An id is the number of a call, and how many the reader has accounted for by then.
fn resume(request: &HttpRequest) -> Result<Option<Place>, Problem> {
    let Some(given) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let place = given.to_str().ok().and_then(|text| {
        let (number, told) = text.trim().split_once('-')?;
        Some(Place { next: number.parse::<u64>().ok()?.checked_add(1)?, told: told.parse().ok()? })
    });
    let wrong = "`Last-Event-ID` has to be the id of an event of this stream; leave it out to begin with what is kept";
    place.map(Some).ok_or_else(|| Problem::BadRequest(wrong.into()))
}

fn token(place: Place) -> String {
    format!("{}-{}", place.next.saturating_sub(1), place.told)
}

impl Tap for Watching {
    fn token(&self) -> String {
        token(self.place)
    }

    async fn next(&mut self) -> Result<Drawn, Problem> {
        look(&self.site);
        self.moved.mark_unchanged();
        let page = self.site.ingest.debugger().take(&self.filter, &mut self.place, CALLS_AT_ONCE);
        let mut text = BytesMut::new();
        for (one, place) in &page.calls {
            text.extend_from_slice(format!("id: {}\n", token(*place)).as_bytes());
            text.extend_from_slice(&one.text(written));
        }
        let is_due = self.skipped_at.is_none_or(|at| at.elapsed() >= SKIPPED_PAUSE);
        if page.skipped > 0 && is_due {
            self.skipped_at = Some(Instant::now());
            self.place.told += page.skipped;
            let event = format!("event: skipped\nid: {}\ndata: {}\n\n", self.token(), json!({"skipped": page.skipped}));
            text.extend_from_slice(event.as_bytes());
        }
        if !text.is_empty() {
            return Ok(Drawn::Events(text.freeze()));
        }
        stream::news(&mut self.moved).await;
        Ok(Drawn::Nothing)
    }
}

/// One call without its id. JSON of our own making has no line breaks.
fn written(one: &Glance) -> Bytes {
    let shown = json!({
        "at": one.at.to_string(),
        "source": one.source.as_deref(),
        "status": one.status,
        "type": one.kind,
        "event": one.event,
        "message_id": one.message_id,
        "user_id": one.user_id,
        "anonymous_id": one.anonymous_id,
        "sequence": one.sequence,
        "code": one.code,
        "message": one.message,
        "fix": one.fix,
        "body": one.body,
    });
    Bytes::from(format!("data: {shown}\n\n"))
}
