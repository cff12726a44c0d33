//! People over HTTP: a list with filters, and one person with its timeline, ids and traits.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::parameters::{Asked, Compare};
use super::problem::Problem;
use super::reads::{Turn, ask, of_search, searchable, shown};
use super::{Site, capture};
use crate::journal::Sequence;
use crate::query::address::{Address, EmailLookup};
use crate::query::item::ItemType;
use crate::query::people::{self as listing, PeopleFilter, Sort, TextPlace};
use crate::query::{QueryError, as_of, identity, person, timeline, traits};
use crate::views::Views;
use crate::views::identity::{NodeKey, NodeNo};
use crate::views::search::{self, Search};
use crate::views::snapshot::Snapshot;

/// People with one email, from the search index.
pub(super) struct Emails<'a>(pub(super) &'a Search);

impl EmailLookup for Emails<'_> {
    fn by_email(&self, email: &str) -> Vec<NodeNo> {
        self.0.by_email(email).unwrap_or_else(|error| {
            tracing::warn!(%error, "the search index could not be asked for an email");
            Vec::new()
        })
    }
}

/// The person that the path names. The search index, which knows emails, is a moment behind.
pub(super) async fn address(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<Address, Problem> {
    let address = Address::parse(&capture::part(request, "person"))?;
    if matches!(address, Address::Email(_)) {
        searchable(site, asked).await?;
    }
    Ok(address)
}

/// The key of the person that this text names.
///
/// # Errors
/// When there is no such person.
pub(super) async fn key(site: &Site, text: String) -> Result<NodeKey, Problem> {
    ask(site, move |views| {
        let address = Address::parse(&text)?;
        views.read(|snapshot| Ok(snapshot.graph().key(address.root(snapshot, &Emails(&views.search()))?)))
    })
    .await
}

/// The id that the person with this key goes by now.
///
/// # Errors
/// When the views cannot be read.
pub(super) async fn current_id(site: &Site, key: NodeKey) -> Result<String, Problem> {
    ask(site, move |views| {
        views.read(|snapshot| {
            let graph = snapshot.graph();
            Ok(graph.by_key(&key).map_or(key, |node| graph.key(graph.root(node))).to_string())
        })
    })
    .await
}

/// The record that `as_of` ends before.
fn before(snapshot: &dyn Snapshot, asked: &Asked) -> Result<Option<Sequence>, QueryError> {
    Ok(asked.time("as_of").map(|time| snapshot.sequence_after(time)).transpose()?)
}

/// Asks something about the person that the path names.
pub(super) async fn about<T: Send + 'static>(
    site: &Site,
    request: &HttpRequest,
    asked: &Asked,
    question: impl FnOnce(&Views, &dyn Snapshot, NodeNo) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, Problem> {
    let address = address(site, request, asked).await?;
    ask(site, move |views| {
        views.read(|snapshot| {
            let root = address.root(snapshot, &Emails(&views.search()))?;
            question(views, snapshot, root)
        })
    })
    .await
}

/// People with filters, in some order.
pub(super) async fn list(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let turn = Turn::new(site, request, asked);
    let index = of_index(asked);
    let filter = filter(asked);
    let Order { by_text, sort, is_descending } = Order::of(asked);
    let needs_index = needs_index(&index);
    if by_text.is_some() || needs_index {
        searchable(site, asked).await?;
    }
    let found = ask(site, move |views| {
        if let Some(by) = by_text {
            let sorted = |after: Option<TextPlace>, limit: usize| {
                views.search().sorted(&index, by, is_descending, after, limit).map_err(of_search)
            };
            return views.read(|snapshot| listing::people_by_text(snapshot, &filter, &sorted, &turn.page()));
        }
        let found = needs_index.then(|| views.search().roots(&index)).transpose().map_err(of_search)?;
        let order = (sort, is_descending);
        views.read(|snapshot| listing::people(snapshot, &filter, found.as_ref(), order, &turn.page()))
    });
    shown(StatusCode::OK, &found.await?)
}

/// How many people.
pub(super) async fn count(site: &Site, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (index, filter) = (of_index(asked), filter(asked));
    let needs_index = needs_index(&index);
    if needs_index {
        searchable(site, asked).await?;
    }
    let found = ask(site, move |views| {
        views.read(|snapshot| {
            let found = needs_index.then(|| views.search().roots(&index)).transpose().map_err(of_search)?;
            listing::count(snapshot, &filter, found.as_ref())
        })
    });
    shown(StatusCode::OK, &found.await?)
}

/// One person, now or as of a time.
pub(super) async fn person(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (address, asked) = (address(site, request, asked).await?, asked.clone());
    let found = ask(site, move |views| {
        views.read(|snapshot| {
            let before = before(snapshot, &asked)?;
            let node = address.node(snapshot, &Emails(&views.search()), before)?;
            match before {
                Some(before) => as_of::person_as_of(snapshot, node, before),
                None => person::person(snapshot, snapshot.graph().root(node)),
            }
        })
    });
    shown(StatusCode::OK, &found.await?)
}

/// The calls of one person, newest first.
pub(super) async fn timeline(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let (address, filter) = (address(site, request, asked).await?, calls(asked)?);
    let (turn, asked) = (Turn::new(site, request, asked), asked.clone());
    let found = ask(site, move |views| {
        views.read(|snapshot| {
            let before = before(snapshot, &asked)?;
            let node = address.node(snapshot, &Emails(&views.search()), before)?;
            timeline::timeline(snapshot, node, before, &filter, &turn.page())
        })
    });
    shown(StatusCode::OK, &found.await?)
}

/// Which calls the parameters ask for.
pub(super) fn calls(asked: &Asked) -> Result<timeline::Filter, Problem> {
    Ok(timeline::Filter {
        kind: asked.text("type").map(ItemType::parse).transpose()?,
        events: asked.owned("event").into_iter().collect(),
        source: asked.owned("source"),
        since: asked.time("since"),
        until: asked.time("until"),
    })
}

/// Which ids are this person, and why.
pub(super) async fn identity(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    searchable(site, asked).await?;
    let found = about(site, request, asked, |views, snapshot, root| {
        let known = person::person(snapshot, root)?;
        let mut alike: Vec<(NodeNo, &'static str)> = Vec::new();
        let by_email = known.email.as_deref().map(|email| views.search().by_email(email));
        let by_phone = known.phone.as_deref().map(|phone| views.search().by_phone(phone));
        for (found, by) in [(by_email, "email"), (by_phone, "phone")] {
            let found = found.transpose().map_err(of_search)?.unwrap_or_default();
            let shown = found.into_iter().filter(|node| !snapshot.is_hidden(*node));
            alike.extend(shown.take(ALIKE_MAX).map(|node| (node, by)));
        }
        identity::identity(snapshot, root, &alike)
    });
    shown(StatusCode::OK, &found.await?)
}

/// People with the same email, or phone, that are named at most.
const ALIKE_MAX: usize = 100;

/// The traits of one person, and what they were before.
pub(super) async fn traits(site: &Site, request: &HttpRequest, asked: &Asked) -> Result<HttpResponse, Problem> {
    let found = about(site, request, asked, |_, snapshot, root| traits::traits(snapshot, root));
    shown(StatusCode::OK, &found.await?)
}

/// The part of the filter that memory answers.
pub(super) fn filter(asked: &Asked) -> PeopleFilter {
    PeopleFilter {
        group: asked.owned("group"),
        event: asked.owned("event"),
        seen_after: asked.time("seen_after"),
        seen_before: asked.time("seen_before"),
        anonymous: match asked.text("anonymous") {
            Some("true") => listing::Anonymous::Include,
            Some("only") => listing::Anonymous::Only,
            _ => listing::Anonymous::Hide,
        },
        incomplete: asked.flag("incomplete"),
    }
}

/// In which order people are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// By a text, which the search index knows.
    pub(super) by_text: Option<search::SortBy>,
    /// By times or events otherwise.
    pub(super) sort: Sort,
    /// The greatest first.
    pub(super) is_descending: bool,
}

impl Order {
    pub(super) fn of(asked: &Asked) -> Self {
        let (by_text, sort) = match asked.text("sort") {
            Some("name") => (Some(search::SortBy::Name), Sort::default()),
            Some("email") => (Some(search::SortBy::Email), Sort::default()),
            Some("first_seen") => (None, Sort::FirstSeen),
            Some("events") => (None, Sort::Events),
            _ => (None, Sort::LastSeen),
        };
        Self { by_text, sort, is_descending: asked.is_descending(by_text.is_some()) }
    }
}

/// Whether the filter says anything that only the search index knows.
pub(super) const fn needs_index(index: &search::Filter) -> bool {
    index.text.is_some() || !index.traits.is_empty() || index.audience.is_some() || index.incomplete
}

/// The part of the filter that the search index answers; none if it is not needed.
pub(super) fn of_index(asked: &Asked) -> search::Filter {
    let test = |compare, value: &str| match compare {
        Compare::Equals => search::Test::Equals(value.to_owned()),
        Compare::Greater => search::Test::Greater(value.to_owned()),
        Compare::Less => search::Test::Less(value.to_owned()),
        Compare::Exists => search::Test::Exists(value == "true"),
    };
    search::Filter {
        text: asked.owned("search"),
        traits: asked.traits().iter().map(|one| (one.key.clone(), test(one.compare, &one.value))).collect(),
        audience: asked.owned("audience"),
        anonymous: match asked.text("anonymous") {
            Some("true") => search::Anonymous::Include,
            Some("only") => search::Anonymous::Only,
            _ => search::Anonymous::Hide,
        },
        incomplete: asked.flag("incomplete"),
    }
}
