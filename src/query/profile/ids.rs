//! Ids, links and metadata in the shapes of the Profile API.

use serde::Serialize;

use super::{Cursor, List};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::query::cursor::{Page, Row};
use crate::query::error::QueryError;
use crate::query::json::time_or_null;
use crate::query::order::First;
use crate::query::person::parts;
use crate::query::scan::{Budget, ROWS_MAX, Union};
use crate::views::card::Card;
use crate::views::entry::ListId;
use crate::views::fold_parts::Contact;
use crate::views::identity::NodeNo;
use crate::views::snapshot::Snapshot;

/// One id of a person or group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExternalId {
    /// Name of the source that sent it first.
    pub source_id: Option<String>,
    /// `users` or `accounts`.
    pub collection: &'static str,
    /// As sent.
    pub id: String,
    /// `user_id`, `anonymous_id`, `email` or `group_id`.
    pub r#type: &'static str,
    /// When it was first seen.
    #[serde(serialize_with = "time_or_null")]
    pub created_at: Option<Time>,
    /// `none`: nothing is hashed.
    pub encoding: &'static str,
    /// The first message that carried it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_message_id: Option<String>,
}

/// A group of a person, or a person of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// `accounts` or `users`.
    pub to_collection: &'static str,
    /// Its ids.
    pub external_ids: Vec<ExternalId>,
}

/// When a person was first and last heard of, and in which message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// When the first call happened.
    #[serde(serialize_with = "time_or_null")]
    pub created_at: Option<Time>,
    /// When the last one happened.
    #[serde(serialize_with = "time_or_null")]
    pub updated_at: Option<Time>,
    /// Never.
    #[serde(serialize_with = "time_or_null")]
    pub expires_at: Option<Time>,
    /// The first message that named one of its ids.
    pub first_message_id: Option<String>,
    /// Name of its source.
    pub first_source_id: Option<String>,
    /// The message that happened last.
    pub last_message_id: Option<String>,
    /// Name of its source.
    pub last_source_id: Option<String>,
}

/// The same in the envelope of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MetadataAnswer {
    /// What there is.
    pub metadata: Metadata,
}

fn card(snapshot: &dyn Snapshot, sequence: Sequence) -> Result<Option<Card>, QueryError> {
    Ok(snapshot.cards(&[sequence])?.pop())
}

fn external_id(snapshot: &dyn Snapshot, node: NodeNo) -> Result<ExternalId, QueryError> {
    let state = snapshot.node(node)?;
    let first = card(snapshot, snapshot.graph().appeared(node))?;
    Ok(ExternalId {
        source_id: first.as_ref().map(|card| card.source.clone()),
        collection: "users",
        id: state.id,
        r#type: snapshot.graph().kind(node).as_str(),
        created_at: state.first_seen,
        encoding: "none",
        first_message_id: first.map(|card| card.message_id),
    })
}

/// Rows of nodes by number: one page, and where it goes on.
fn page_of(nodes: impl Iterator<Item = NodeNo>, page: &Page<'_>) -> Result<(Vec<NodeNo>, Option<String>), QueryError> {
    let mut first = First::new(page.limit, false, page.row()?);
    for node in nodes {
        let rank = Some(i64::from(node.0));
        if first.may_take(rank) {
            first.offer(rank, [0; 16], node);
        }
    }
    let (rows, last): (Vec<NodeNo>, Option<Row>) = first.into_rows();
    Ok((rows, last.map(|row| page.after_row(&row))))
}

/// One page of the ids of the person with this root, in order of appearance, and its email; only of these types, if any
/// are named.
///
/// # Errors
/// When the cursor is not of this list, or the views cannot be read.
pub fn external_ids(
    snapshot: &dyn Snapshot,
    root: NodeNo,
    include: &[String],
    page: &Page<'_>,
) -> Result<List<ExternalId>, QueryError> {
    let graph = snapshot.graph();
    let wanted = |kind: &str| include.is_empty() || include.iter().any(|wanted| wanted == kind);
    let nodes = graph.ids(root).into_iter().filter(|node| wanted(graph.kind(*node).as_str()));
    let (rows, next) = page_of(nodes, page)?;
    let mut data = rows.into_iter().map(|node| external_id(snapshot, node)).collect::<Result<Vec<_>, _>>()?;
    // The email stands on the last page, and may make it one longer.
    if next.is_none() && wanted("email") {
        data.extend(email(snapshot, root)?);
    }
    Ok(List { data, cursor: Cursor::of(page, next) })
}

/// The email as an id, with the call that set it.
fn email(snapshot: &dyn Snapshot, root: NodeNo) -> Result<Option<ExternalId>, QueryError> {
    let traits = parts(snapshot, root)?.traits;
    let (Some(id), Some(set)) = (Contact::of(&traits).email, traits.get("email")) else { return Ok(None) };
    let first = card(snapshot, set.stamp.sequence)?;
    Ok(Some(ExternalId {
        source_id: first.as_ref().map(|card| card.source.clone()),
        collection: "users",
        id,
        r#type: "email",
        created_at: Some(set.stamp.time),
        encoding: "none",
        first_message_id: first.map(|card| card.message_id),
    }))
}

/// The group of the person with this root.
///
/// # Errors
/// When the cursor is not of this list, or the views cannot be read.
pub fn user_links(snapshot: &dyn Snapshot, root: NodeNo, page: &Page<'_>) -> Result<List<Link>, QueryError> {
    page.row()?;
    let mut data = Vec::new();
    if let Some(number) = snapshot.group_of(root) {
        let state = snapshot.group(number)?;
        let id = ExternalId {
            source_id: None,
            collection: "accounts",
            id: state.id,
            r#type: "group_id",
            created_at: state.first_seen,
            encoding: "none",
            first_message_id: None,
        };
        data.push(Link { to_collection: "accounts", external_ids: vec![id] });
    }
    Ok(List { data, cursor: Cursor::of(page, None) })
}

/// One page of the people who are in a group, each by the id that it goes by.
///
/// # Errors
/// When there is no such group, the cursor is not of this list, or the views cannot be read.
pub fn account_links(snapshot: &dyn Snapshot, group: &str, page: &Page<'_>) -> Result<List<Link>, QueryError> {
    let number = snapshot.group_no(group).ok_or(QueryError::NotFound("group"))?;
    let (rows, next) = page_of(snapshot.members(number).into_iter(), page)?;
    let link = |root| Ok(Link { to_collection: "users", external_ids: vec![external_id(snapshot, root)?] });
    let data = rows.into_iter().map(link).collect::<Result<_, QueryError>>()?;
    Ok(List { data, cursor: Cursor::of(page, next) })
}

/// When the person with this root was first and last heard of.
///
/// # Errors
/// When the views cannot be read.
pub fn metadata(snapshot: &dyn Snapshot, root: NodeNo) -> Result<MetadataAnswer, QueryError> {
    let graph = snapshot.graph();
    let nodes = graph.ids(root);
    let first = nodes.iter().map(|node| graph.appeared(*node)).min();
    let first = first.map(|sequence| card(snapshot, sequence)).transpose()?.flatten();
    let budget = Budget::new(snapshot, ROWS_MAX);
    let mut rows = Union::new(snapshot, nodes.into_iter().map(ListId::Node), None, &budget)?;
    let last = rows.next()?.map(|entry| card(snapshot, entry.place.sequence)).transpose()?.flatten();
    let summary = snapshot.summary(root);
    Ok(MetadataAnswer {
        metadata: Metadata {
            created_at: summary.first_seen,
            updated_at: summary.last_seen,
            expires_at: None,
            first_message_id: first.as_ref().map(|card| card.message_id.clone()),
            first_source_id: first.map(|card| card.source),
            last_message_id: last.as_ref().map(|card| card.message_id.clone()),
            last_source_id: last.map(|card| card.source),
        },
    })
}
