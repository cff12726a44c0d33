//! The person: all its ids' states joined.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::error::QueryError;
use super::face::{Face, GroupFace, group_face};
use super::json::{Object, raw, time_or_null};
use super::scan::Watch;
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::fold_parts::{Contact, boolean};
use crate::views::identity::{IdKind, NodeNo};
use crate::views::snapshot::Snapshot;
use crate::views::state::{Class, Summary, Traits, join_traits};

/// A person, as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Person {
    /// Its id: that of the node it goes by.
    pub id: String,
    /// The userId it goes by; none while anonymous.
    pub user_id: Option<String>,
    /// Other userIds that lead to it, in order of appearance.
    pub former_user_ids: Vec<String>,
    /// Devices and browsers, in order of appearance.
    pub anonymous_ids: Vec<String>,
    /// Ids that aliases keep for it and that have not appeared yet.
    pub reserved_ids: Vec<String>,
    /// `name`, or first and last name.
    pub name: Option<String>,
    /// As sent.
    pub email: Option<String>,
    /// As sent.
    pub phone: Option<String>,
    /// Where its picture is.
    pub avatar: Option<String>,
    /// Everything, audiences and computed traits included.
    pub traits: Object,
    /// Which traits are audiences, and whether it is in them.
    pub audiences: BTreeMap<String, bool>,
    /// Which traits are computed.
    pub computed: Object,
    /// The group it is in.
    pub group: Option<GroupFace>,
    /// When its first call happened.
    #[serde(serialize_with = "time_or_null")]
    pub first_seen: Option<Time>,
    /// When its last one happened.
    #[serde(serialize_with = "time_or_null")]
    pub last_seen: Option<Time>,
    /// Track, page and screen calls.
    pub events: u64,
    /// Whether it has no userId.
    pub anonymous: bool,
    /// Whether it has no userId or no email.
    pub incomplete: bool,
}

impl Person {
    /// Its light form.
    pub fn face(&self) -> Face {
        Face { id: self.id.clone(), name: self.name.clone(), email: self.email.clone(), avatar: self.avatar.clone() }
    }
}

/// What a person is made of, now or at another time.
pub(super) struct Parts {
    /// The node it goes by.
    pub(super) root: NodeNo,
    /// The userId it goes by.
    pub(super) primary: Option<NodeNo>,
    /// All its nodes with their ids, in order of appearance.
    pub(super) nodes: Vec<(NodeNo, String)>,
    /// The aliases that keep ids for it.
    pub(super) reserved: Vec<Sequence>,
    /// Joined.
    pub(super) traits: Traits,
    /// The group it is in.
    pub(super) group: Option<GroupFace>,
    /// When and how often it was seen.
    pub(super) summary: Summary,
}

/// The person with this root.
///
/// # Errors
/// When the views cannot be read.
pub fn person(snapshot: &dyn Snapshot, root: NodeNo) -> Result<Person, QueryError> {
    parts(snapshot, root)?.person(snapshot)
}

/// What the person with this root is made of now.
pub(super) fn parts(snapshot: &dyn Snapshot, root: NodeNo) -> Result<Parts, QueryError> {
    let graph = snapshot.graph();
    let mut nodes = graph.ids(root);
    nodes.sort_unstable();
    let mut traits = Traits::new();
    let mut named = Vec::with_capacity(nodes.len());
    let watch = Watch::new(snapshot);
    for node in nodes {
        watch.in_time()?;
        let state = snapshot.node(node)?;
        join_traits(&mut traits, state.traits);
        named.push((node, state.id));
    }
    let group = snapshot.group_of(root);
    Ok(Parts {
        root,
        primary: graph.primary_user(root),
        nodes: named,
        reserved: graph.reserved(root).into_iter().map(|(_, _, sequence)| sequence).collect(),
        traits,
        group: group.map(|number| group_face(snapshot, number, None)).transpose()?,
        summary: snapshot.summary(root),
    })
}

impl Parts {
    /// In the shape of the API.
    pub(super) fn person(self, snapshot: &dyn Snapshot) -> Result<Person, QueryError> {
        let (mut user_id, mut former_user_ids, mut anonymous_ids) = (None, Vec::new(), Vec::new());
        for (node, id) in self.nodes {
            match snapshot.graph().kind(node) {
                IdKind::User if Some(node) == self.primary => user_id = Some(id),
                IdKind::User => former_user_ids.push(id),
                IdKind::Anonymous => anonymous_ids.push(id),
            }
        }
        let aliases = snapshot.cards(&self.reserved)?;
        let mut reserved_ids: Vec<String> = aliases.into_iter().filter_map(|card| card.target).collect();
        reserved_ids.dedup();
        let Contact { name, email, phone, avatar } = Contact::of(&self.traits);
        let shown = Shown::of(&self.traits);
        Ok(Person {
            id: snapshot.graph().key(self.root).to_string(),
            anonymous: user_id.is_none(),
            incomplete: user_id.is_none() || email.is_none(),
            user_id,
            former_user_ids,
            anonymous_ids,
            reserved_ids,
            name,
            email,
            phone,
            avatar,
            traits: shown.traits,
            audiences: shown.audiences,
            computed: shown.computed,
            group: self.group,
            first_seen: self.summary.first_seen,
            last_seen: self.summary.last_seen,
            events: self.summary.events,
        })
    }
}

/// Traits in the shapes of the API; cleared ones are not there.
pub(super) struct Shown {
    pub(super) traits: Object,
    pub(super) audiences: BTreeMap<String, bool>,
    pub(super) computed: Object,
}

impl Shown {
    pub(super) fn of(traits: &Traits) -> Self {
        let mut shown = Self { traits: Object::new(), audiences: BTreeMap::new(), computed: Object::new() };
        for (key, found) in traits {
            let Some(value): Option<Box<RawValue>> = found.value.as_deref().and_then(raw) else { continue };
            match found.class {
                Class::Plain => {}
                Class::Audience | Class::JourneyStep => {
                    if let Some(is_in) = boolean(value.get()) {
                        shown.audiences.insert(key.clone(), is_in);
                    }
                }
                Class::Computed => {
                    shown.computed.insert(key.clone(), value.clone());
                }
            }
            shown.traits.insert(key.clone(), value);
        }
        shown
    }
}
