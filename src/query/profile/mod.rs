//! People and groups in the shapes of Segment's Profile API, so that its clients read from here.

mod calls;
mod ids;
mod traits;

use serde::Serialize;

pub use calls::{Call, Related, events};
pub use ids::{ExternalId, Link, Metadata, MetadataAnswer, account_links, external_ids, metadata, user_links};
pub use traits::{TraitAnswer, TraitQuery, account_traits, user_traits};

use super::cursor::Page;

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cursor {
    /// Path of this list.
    pub url: String,
    /// Whether there is more.
    pub has_more: bool,
    /// The parameter `next` of the next page; empty on the last.
    pub next: String,
    /// Rows of a page at most.
    pub limit: usize,
}

impl Cursor {
    fn of(page: &Page<'_>, next: Option<String>) -> Self {
        let has_more = next.is_some();
        Self { url: page.route.to_owned(), has_more, next: next.unwrap_or_default(), limit: page.limit }
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize)]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where it goes on.
    pub cursor: Cursor,
}
