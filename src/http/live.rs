//! The live feed: server-sent events, one an item, in the order in which they become visible.
//!
//! The id of an event is where to resume. A reader that comes back with it gets what it missed, once, from the views,
//! and then goes on with the ring of [`super::hub`]. One that was up to date and then fell far behind is too slow: its
//! stream ends, and it may resume.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};

use super::hub::{self, Follower, Hub, Shown, Taken};
use super::parameters::Asked;
use super::problem::Problem;
use super::stream::{self, Drawn, LAST_EVENT_ID, Tap};
use super::{Site, people, reads};
use crate::journal::Sequence;
use crate::views::identity::NodeKey;

/// A reader that was up to date may fall behind by so many records.
const BEHIND_MAX: u64 = 100_000;
/// Items of one write.
const ITEMS_AT_ONCE: usize = 64;
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

/// The feed of one reader.
struct Live {
    site: Arc<Site>,
    follower: Follower,
    filter: Filter,
    /// The next record to look at.
    next: Sequence,
    /// Whether it has reached the ring.
    has_caught_up: bool,
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
    stream::open(site, request, || Live {
        follower: Hub::follow(site),
        filter,
        next: resume.unwrap_or_else(|| site.views.through()),
        has_caught_up: false,
        site: Arc::clone(site),
    })
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

impl Tap for Live {
    fn token(&self) -> String {
        (self.next.get() - 1).to_string()
    }

    async fn next(&mut self) -> Result<Drawn, Problem> {
        let text = match self.site.hub.take(self.next, ITEMS_AT_ONCE) {
            Taken::Behind(newest) if self.has_caught_up && newest.since(self.next) > BEHIND_MAX => {
                return Ok(Drawn::TooSlow);
            }
            Taken::Behind(_) => self.missed().await?,
            Taken::Items(items, next) => {
                self.has_caught_up = true;
                let is_news = next > self.next;
                self.next = next;
                let text = self.wanted(items.iter().map(AsRef::as_ref)).await?;
                if !is_news {
                    stream::news(&mut self.follower.moved).await;
                }
                text
            }
        };
        Ok(if text.is_empty() { Drawn::Nothing } else { Drawn::Events(text) })
    }
}

impl Live {
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
