//! One line of a timeline or feed.

use serde::Serialize;
use serde_json::value::RawValue;

use super::category;
use super::error::QueryError;
use super::face::{Face, Faces, GroupFace};
use super::identity::Ends;
use super::json::{object, time};
use super::title::{one_line, title};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::card::Card;
use crate::views::entry::EntryKind;
use crate::views::fold_parts::{group_of_context, members, name_of, string};
use crate::views::identity::{IdKind, Link, NodeKey, NodeNo};
use crate::views::snapshot::Snapshot;

/// What a line is. An alias or an operator's order that joined two people is a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names in the API")]
pub enum ItemType {
    Identify,
    Track,
    Page,
    Screen,
    Group,
    Alias,
    Merge,
    Undo,
}

impl ItemType {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Identify, Self::Track, Self::Page, Self::Screen, Self::Group, Self::Alias, Self::Merge, Self::Undo];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Merge => "merge",
            Self::Undo => "undo",
        }
    }

    /// The type with this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(name: &str) -> Result<Self, QueryError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            QueryError::parameter("type", format!("is one of {names}"))
        })
    }

    /// What a record is; `joined` says whether it made a link.
    pub(super) fn of(kind: EntryKind, joined: bool) -> Self {
        match kind {
            EntryKind::Identify => Self::Identify,
            EntryKind::Track => Self::Track,
            EntryKind::Page => Self::Page,
            EntryKind::Screen => Self::Screen,
            EntryKind::Group => Self::Group,
            EntryKind::Alias | EntryKind::Control if joined => Self::Merge,
            EntryKind::Alias => Self::Alias,
            EntryKind::Control => Self::Undo,
        }
    }
}

/// One line of a timeline or feed.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// The record.
    pub sequence: u64,
    /// Its message id.
    pub message_id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The event, or the full name of a page or screen.
    pub event: Option<String>,
    /// The line.
    pub title: String,
    /// The chapter of the specification that the event is from.
    pub category: Option<&'static str>,
    /// When it happened, by the sender.
    #[serde(serialize_with = "time")]
    pub timestamp: Time,
    /// When it was received.
    #[serde(serialize_with = "time")]
    pub received_at: Time,
    /// Whose it is.
    pub person: Option<Face>,
    /// The group that the call names.
    pub group: Option<GroupFace>,
    /// Who sent it.
    pub source: String,
    /// Whether the feed leaves it out.
    pub hidden: bool,
    /// Properties or traits, as sent.
    pub properties: Box<RawValue>,
    /// As sent.
    pub context: Box<RawValue>,
    /// How many heartbeats of one session this line stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collapsed: Option<u32>,
    /// Who was merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<Ends>,
}

/// Makes lines of cards.
pub(super) struct Lines<'a> {
    snapshot: &'a dyn Snapshot,
    faces: Faces<'a>,
    person: Option<Face>,
    before: Option<Sequence>,
}

impl<'a> Lines<'a> {
    /// Lines of all people.
    pub(super) fn new(snapshot: &'a dyn Snapshot) -> Self {
        Self { snapshot, faces: Faces::new(snapshot), person: None, before: None }
    }

    /// Lines of one person; with `before`, as they were before that record.
    pub(super) fn of(snapshot: &'a dyn Snapshot, person: Face, before: Option<Sequence>) -> Self {
        Self { snapshot, faces: Faces::new(snapshot).before(before), person: Some(person), before }
    }

    /// The line of a card.
    pub(super) fn line(&mut self, card: Card) -> Result<Item, QueryError> {
        let link = link(self.snapshot, card.kind, card.sequence, self.before);
        let event =
            name_of(card.kind, card.name.as_deref(), card.category.as_deref()).map(std::borrow::Cow::into_owned);
        let group = match card.kind {
            EntryKind::Group => card.target.clone(),
            _ => group_of_context(&card.context).map(std::borrow::Cow::into_owned),
        };
        let person = match &self.person {
            Some(person) => Some(person.clone()),
            None => owner(self.snapshot, &card).map(|node| self.faces.of(node)).transpose()?,
        };
        let merge = link.map(|link| Ends::of(self.snapshot, &link)).transpose()?;
        let title = match (&merge, card.kind) {
            (Some(ends), _) => {
                let undone = link.and_then(|link| link.undone_by);
                let is_undone = undone.is_some_and(|by| self.before.is_none_or(|before| by < before));
                let undone = if is_undone { " (undone)" } else { "" };
                one_line(format!("merged {} into {}{undone}", ends.from.id, ends.to.id))
            }
            (None, EntryKind::Control) => one_line(self.order(&card)?),
            _ => title(&card),
        };
        Ok(Item {
            sequence: card.sequence.get(),
            message_id: card.message_id,
            kind: ItemType::of(card.kind, merge.is_some()).as_str(),
            category: event.as_deref().filter(|_| card.kind == EntryKind::Track).and_then(category::of),
            hidden: event.as_deref().is_some_and(|event| is_hidden(self.snapshot, card.kind, event)),
            event,
            title,
            timestamp: card.timestamp,
            received_at: card.received_at,
            person,
            group: group.map(|id| self.faces.group(&id)).transpose()?,
            source: card.source,
            properties: object(&card.payload),
            context: object(&card.context),
            collapsed: None,
            merge,
        })
    }

    /// What an operator's order that made no link says.
    fn order(&self, card: &Card) -> Result<String, QueryError> {
        let undone = undone_by(card).and_then(|sequence| self.snapshot.graph().link_by(sequence));
        Ok(match undone.map(|link| Ends::of(self.snapshot, &link)).transpose()? {
            Some(ends) => format!("undid the merge of {} into {}", ends.from.id, ends.to.id),
            None => title(card),
        })
    }
}

/// The link that an alias or order made, if any; with `before`, if it was there before that record.
pub(super) fn link(
    snapshot: &dyn Snapshot,
    kind: EntryKind,
    sequence: Sequence,
    before: Option<Sequence>,
) -> Option<Link> {
    let may_join = matches!(kind, EntryKind::Alias | EntryKind::Control);
    let found = may_join.then(|| snapshot.graph().link_by(sequence)).flatten();
    found.filter(|link| before.is_none_or(|before| link.made_by < before))
}

/// The node that a call belongs to (R1), or that an operator's order is about.
pub(super) fn owner(snapshot: &dyn Snapshot, card: &Card) -> Option<NodeNo> {
    let graph = snapshot.graph();
    if card.kind == EntryKind::Control {
        let link = graph.link_by(undone_by(card).unwrap_or(card.sequence));
        return link.map(|link| link.to).or_else(|| {
            let key: NodeKey = string(members(&card.payload).get("into")?.get())?.parse().ok()?;
            graph.by_key(&key)
        });
    }
    match (&card.user_id, &card.anonymous_id) {
        (Some(id), _) => graph.node(IdKind::User, id),
        (None, Some(id)) => graph.node(IdKind::Anonymous, id),
        (None, None) => None,
    }
}

/// The record whose link an undo removes.
fn undone_by(card: &Card) -> Option<Sequence> {
    members(&card.payload).get("sequence")?.get().parse().ok().map(Sequence::new)
}

/// Whether the feed leaves out calls of this kind and name.
pub(super) fn is_hidden(snapshot: &dyn Snapshot, kind: EntryKind, text: &str) -> bool {
    let names = snapshot.names_called(text);
    names.iter().filter_map(|number| snapshot.name(*number)).any(|name| name.kind == kind && name.hidden)
}

/// What heartbeats of one session have in common: their event and session.
pub(super) fn heartbeat(card: &Card) -> Option<(String, String)> {
    let event = card.name.as_deref().filter(|_| card.kind == EntryKind::Track)?.trim();
    if !event.ends_with(" Playing") && !event.ends_with("_playing") {
        return None;
    }
    let properties = members(&card.payload);
    let session = properties.get("session_id")?.get();
    (session != "null" && session != "\"\"").then(|| (event.to_owned(), session.to_owned()))
}
