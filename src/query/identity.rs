//! Why a person is who it is: its ids, the call behind each link, and what was refused.

use serde::Serialize;

use super::error::QueryError;
use super::face::face;
use super::json::time_or_null;
use super::scan::{Watch, in_time};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::card::Card;
use crate::views::identity::{IdKind, Link, NodeNo, Refusal, RefusalCode, Rule};
use crate::views::snapshot::Snapshot;

/// Ids, and links, that one answer names at most.
const ROWS_MAX: usize = 10_000;

/// An id and its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Id {
    /// `user_id` or `anonymous_id`.
    pub kind: &'static str,
    /// As sent.
    pub id: String,
}

impl Id {
    fn of(snapshot: &dyn Snapshot, node: NodeNo) -> Result<Self, QueryError> {
        Ok(Self { kind: snapshot.graph().kind(node).as_str(), id: snapshot.node(node)?.id })
    }

    fn worded(&self) -> String {
        let kind = if self.kind == IdKind::User.as_str() { "user" } else { "visitor" };
        format!("{kind} {}", self.id)
    }
}

/// The two sides of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ends {
    /// The id that was joined.
    pub from: Id,
    /// The id that it was joined to.
    pub to: Id,
}

impl Ends {
    pub(super) fn of(snapshot: &dyn Snapshot, link: &Link) -> Result<Self, QueryError> {
        Ok(Self { from: Id::of(snapshot, link.from)?, to: Id::of(snapshot, link.to)? })
    }
}

/// One id of the person.
#[derive(Clone, Debug, Serialize)]
pub struct IdRow {
    /// `user_id` or `anonymous_id`.
    pub kind: &'static str,
    /// As sent.
    pub id: String,
    /// When the first call that carried it happened.
    #[serde(serialize_with = "time_or_null")]
    pub first_seen: Option<Time>,
    /// When the last one happened.
    #[serde(serialize_with = "time_or_null")]
    pub last_seen: Option<Time>,
    /// Calls that carried it.
    pub calls: u64,
}

/// One link, and the call that is the reason for it.
#[derive(Clone, Debug, Serialize)]
pub struct LinkRow {
    /// The id that was joined.
    pub from: Id,
    /// The id that it was joined to.
    pub to: Id,
    /// Which rule.
    pub rule: &'static str,
    /// The message id of the call.
    pub message_id: Option<String>,
    /// The call. Undoing the link names it.
    pub sequence: u64,
    /// When the call happened.
    #[serde(serialize_with = "time_or_null")]
    pub at: Option<Time>,
    /// In words.
    pub text: String,
    /// The record that removed the link again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<u64>,
}

/// Something that was not linked.
#[derive(Clone, Debug, Serialize)]
pub struct RefusalRow {
    /// The id that stays apart, if it is one that calls belong to.
    pub from: Option<Id>,
    /// The id that it would have been joined to.
    pub to: Id,
    /// Why.
    pub code: &'static str,
    /// The message id of the call.
    pub message_id: Option<String>,
    /// The call.
    pub sequence: u64,
    /// When the call happened.
    #[serde(serialize_with = "time_or_null")]
    pub at: Option<Time>,
    /// In words.
    pub text: String,
}

/// Somebody who may be the same person.
#[derive(Clone, Debug, Serialize)]
pub struct Duplicate {
    /// Who.
    pub person: DuplicateFace,
    /// `email` or `phone`: what is equal.
    pub by: &'static str,
}

/// Who may be the same person.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "as in the person")]
pub struct DuplicateFace {
    pub id: String,
    pub name: Option<String>,
    pub email: Option<String>,
}

/// Why a person is who it is.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// The person's id.
    pub id: String,
    /// Its ids, in order of appearance.
    pub ids: Vec<IdRow>,
    /// What joins them, in order.
    pub links: Vec<LinkRow>,
    /// Links that an operator removed.
    pub undone: Vec<LinkRow>,
    /// What was not linked.
    pub refused: Vec<RefusalRow>,
    /// Others with the same email or phone; never merged by that.
    pub possible_duplicates: Vec<Duplicate>,
    /// Whether there is more than is named here.
    pub cut: bool,
    /// True for all records below this one.
    pub through: u64,
}

/// Why the person with this root is who it is; `duplicates` are the roots of people with the same email or phone.
///
/// # Errors
/// When the views cannot be read.
pub fn identity(
    snapshot: &dyn Snapshot,
    root: NodeNo,
    duplicates: &[(NodeNo, &'static str)],
) -> Result<Identity, QueryError> {
    let graph = snapshot.graph();
    let mut nodes = graph.ids(root);
    nodes.sort_unstable();
    let cut = nodes.len() > ROWS_MAX || graph.has_more_refusals(root);
    nodes.truncate(ROWS_MAX);
    let mut ids = Vec::with_capacity(nodes.len());
    let watch = Watch::new(snapshot);
    for node in nodes {
        watch.in_time()?;
        let state = snapshot.node(node)?;
        let kind = graph.kind(node).as_str();
        let (first_seen, last_seen) = (state.first_seen, state.last_seen);
        ids.push(IdRow { kind, id: state.id, first_seen, last_seen, calls: state.calls });
    }
    let mut possible_duplicates = Vec::new();
    for (other, by) in duplicates.iter().filter(|(other, _)| graph.root(*other) != graph.root(root)) {
        in_time(snapshot)?;
        let face = face(snapshot, graph.root(*other))?;
        possible_duplicates
            .push(Duplicate { person: DuplicateFace { id: face.id, name: face.name, email: face.email }, by });
    }
    Ok(Identity {
        id: graph.key(root).to_string(),
        ids,
        links: links(snapshot, graph.links(root))?,
        undone: links(snapshot, graph.past_links(root))?,
        refused: refusals(snapshot, graph.refusals(root))?,
        possible_duplicates,
        cut,
        through: snapshot.through().get(),
    })
}

fn links(snapshot: &dyn Snapshot, mut links: Vec<Link>) -> Result<Vec<LinkRow>, QueryError> {
    links.sort_by_key(|link| (link.made_by, link.sequence));
    links.truncate(ROWS_MAX);
    let cards = cards(snapshot, links.iter().map(|link| link.sequence))?;
    let mut rows = Vec::with_capacity(links.len());
    let watch = Watch::new(snapshot);
    for link in links {
        watch.in_time()?;
        let ends = Ends::of(snapshot, &link)?;
        let card = cards.get(&link.sequence);
        rows.push(LinkRow {
            text: link_text(link.rule, &ends),
            from: ends.from,
            to: ends.to,
            rule: rule_name(link.rule),
            message_id: card.map(|card| card.message_id.clone()),
            sequence: link.sequence.get(),
            at: card.map(|card| card.timestamp),
            undone_by: link.undone_by.map(Sequence::get),
        });
    }
    Ok(rows)
}

fn refusals(snapshot: &dyn Snapshot, mut refusals: Vec<Refusal>) -> Result<Vec<RefusalRow>, QueryError> {
    refusals.sort_by_key(|refusal| refusal.sequence);
    refusals.truncate(ROWS_MAX);
    let cards = cards(snapshot, refusals.iter().map(|refusal| refusal.sequence))?;
    let mut rows = Vec::with_capacity(refusals.len());
    let watch = Watch::new(snapshot);
    for refusal in refusals {
        watch.in_time()?;
        let from = refusal.from.map(|node| Id::of(snapshot, node)).transpose()?;
        let to = Id::of(snapshot, refusal.to)?;
        let card = cards.get(&refusal.sequence);
        let unlinked = card.and_then(|card| card.target.clone().or_else(|| card.anonymous_id.clone()));
        rows.push(RefusalRow {
            text: refusal_text(refusal.code, from.as_ref().map(|id| id.id.clone()).or(unlinked), &to),
            from,
            to,
            code: refusal_name(refusal.code),
            message_id: card.map(|card| card.message_id.clone()),
            sequence: refusal.sequence.get(),
            at: card.map(|card| card.timestamp),
        });
    }
    Ok(rows)
}

fn cards(
    snapshot: &dyn Snapshot,
    sequences: impl Iterator<Item = Sequence>,
) -> Result<std::collections::BTreeMap<Sequence, Card>, QueryError> {
    let sequences: Vec<Sequence> = sequences.collect();
    Ok(snapshot.cards(&sequences)?.into_iter().map(|card| (card.sequence, card)).collect())
}

/// The name of a rule in the API.
pub const fn rule_name(rule: Rule) -> &'static str {
    match rule {
        Rule::R2 => "R2",
        Rule::R4b => "R4b",
        Rule::R4c => "R4c",
        Rule::R4e => "R4e",
        Rule::Operator => "operator",
    }
}

fn link_text(rule: Rule, ends: &Ends) -> String {
    let (from, to) = (ends.from.worded(), ends.to.worded());
    match rule {
        Rule::R2 => format!("{from} signed in as {} (first claim, R2)", ends.to.id),
        Rule::R4b => format!("{from} was merged into {to} by an alias (R4b)"),
        Rule::R4c => format!("{from} became {to} by an alias (R4c)"),
        Rule::R4e => format!("{from} was kept for {to} by an alias until it appeared (R4e)"),
        Rule::Operator => format!("the operator merged {from} into {to}"),
    }
}

/// The code of a refusal in the API.
pub const fn refusal_name(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::SharedDevice => "shared_device",
        RefusalCode::AliasAnonClaimed => "alias_anon_claimed",
        RefusalCode::AliasBlockedId => "alias_blocked_id",
        RefusalCode::BlockedId => "blocked_id",
        RefusalCode::AliasUserNotAllowed => "alias_user_not_allowed",
        RefusalCode::TooManyIds => "too_many_ids",
    }
}

fn refusal_text(code: RefusalCode, from: Option<String>, to: &Id) -> String {
    let from = from.unwrap_or_else(|| "an id".to_owned());
    let to = to.worded();
    match code {
        RefusalCode::SharedDevice => {
            format!("device {from} belongs to another user, so it was not joined to {to} (shared device, R3)")
        }
        RefusalCode::AliasAnonClaimed => {
            format!("an alias of {from} to {to} was refused: another user has signed in on {from} (R4d)")
        }
        RefusalCode::AliasBlockedId => {
            format!("an alias of {from} to {to} was refused: one of them is a value that stands for nobody (R4f)")
        }
        RefusalCode::BlockedId => {
            format!("{from} was not joined to {to}: one of them is a value that stands for nobody (R2)")
        }
        RefusalCode::AliasUserNotAllowed => {
            format!("an alias of user {from} to {to} was refused: its source may join visitors only")
        }
        RefusalCode::TooManyIds => {
            format!("{from} was not joined to {to}: the person would have more ids than one may have")
        }
    }
}
