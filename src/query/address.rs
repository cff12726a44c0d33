//! Whom a request is about: a person's id, or one of its ids or its email.

use std::cmp::Reverse;

use super::error::QueryError;
use crate::views::identity::{IdKind, NodeKey, NodeNo};
use crate::views::snapshot::Snapshot;

/// Finds people by email; the search index does.
pub trait EmailLookup {
    /// Nodes of the people whose email this is, letter case aside; none if there are none.
    fn by_email(&self, email: &str) -> Vec<NodeNo>;
}

/// How a person is addressed. Former and merged ids lead to the person that they belong to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// By the id of the person, or one that it had before.
    Key(NodeKey),
    /// `user_id:X`.
    User(String),
    /// `anonymous_id:X`.
    Anonymous(String),
    /// `email:X`.
    Email(String),
}

impl Address {
    /// Reads an address, percent-decoded already.
    ///
    /// # Errors
    /// When it is neither an id nor has one of the known prefixes: there can be no such person.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        match text.split_once(':') {
            Some(("user_id", id)) => Ok(Self::User(id.to_owned())),
            Some(("anonymous_id", id)) => Ok(Self::Anonymous(id.to_owned())),
            Some(("email", email)) => Ok(Self::Email(email.to_owned())),
            _ => text.parse().map(Self::Key).map_err(|_| NOBODY),
        }
    }

    /// The node it names; with `before`, as it was before that record.
    ///
    /// # Errors
    /// When there is no such person.
    pub fn node(
        &self,
        snapshot: &dyn Snapshot,
        emails: &dyn EmailLookup,
        before: Option<crate::journal::Sequence>,
    ) -> Result<NodeNo, QueryError> {
        let graph = snapshot.graph();
        let found = match self {
            Self::Key(key) => graph.by_key(key),
            Self::User(id) => graph.node(IdKind::User, id),
            Self::Anonymous(id) => graph.node(IdKind::Anonymous, id),
            Self::Email(email) => latest(snapshot, &emails.by_email(email)),
        };
        let found = found.filter(|node| !snapshot.is_hidden(*node));
        found.filter(|node| before.is_none_or(|before| graph.appeared(*node) < before)).ok_or(NOBODY)
    }

    /// The root of the person it names now.
    ///
    /// # Errors
    /// When there is no such person.
    pub fn root(&self, snapshot: &dyn Snapshot, emails: &dyn EmailLookup) -> Result<NodeNo, QueryError> {
        self.node(snapshot, emails, None).map(|node| snapshot.graph().root(node))
    }
}

const NOBODY: QueryError = QueryError::NotFound("person");

/// Of several with one email the one that was seen last.
fn latest(snapshot: &dyn Snapshot, nodes: &[NodeNo]) -> Option<NodeNo> {
    let graph = snapshot.graph();
    let roots = nodes.iter().map(|node| graph.root(*node));
    roots.max_by_key(|root| (snapshot.summary(*root).last_seen, Reverse(graph.key(*root))))
}
