//! The light form of a person or group, for lists: whom a line is about without all that is known.

use std::collections::HashMap;

use serde::Serialize;

use super::error::QueryError;
use crate::views::fold_parts::{Contact, string};
use crate::views::identity::NodeNo;
use crate::views::names::GroupNo;
use crate::views::snapshot::{Snapshot, ViewError};
use crate::views::state::{Traits, join_traits};

/// Ids of one person whose traits a face is made from: of somebody with more, the first ones and the one it goes by.
const NODES_MAX: usize = 1_000;

/// Who somebody is, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Face {
    /// The person's id.
    pub id: String,
    /// Its name, if known.
    pub name: Option<String>,
    /// Its email, if known.
    pub email: Option<String>,
    /// Where its picture is, if known.
    pub avatar: Option<String>,
}

impl Face {
    /// From what the person's traits say.
    pub fn new(id: String, contact: Contact) -> Self {
        Self { id, name: contact.name, email: contact.email, avatar: contact.avatar }
    }
}

/// Which group, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupFace {
    /// The group's id as sent.
    pub id: String,
    /// Its name, if known.
    pub name: Option<String>,
}

impl GroupFace {
    /// From the group's traits.
    pub fn new(id: String, traits: &Traits) -> Self {
        Self { id, name: group_name(traits) }
    }
}

/// What a group's traits say it is called.
pub(super) fn group_name(traits: &Traits) -> Option<String> {
    let name = traits.get("name").and_then(|found| string(found.value.as_deref()?));
    name.filter(|name| !name.trim().is_empty())
}

/// The face of the person with this root.
///
/// # Errors
/// When the views cannot be read.
pub fn face(snapshot: &dyn Snapshot, root: NodeNo) -> Result<Face, ViewError> {
    let graph = snapshot.graph();
    let nodes = graph.ids(root);
    let others = nodes.iter().copied().filter(|node| *node != root).take(NODES_MAX);
    let mut traits = Traits::new();
    for node in std::iter::once(root).chain(others) {
        join_traits(&mut traits, snapshot.contact_traits(node)?);
    }
    Ok(Face::new(graph.key(root).to_string(), Contact::of(&traits)))
}

/// Faces of one page: each person and group is read once.
pub(super) struct Faces<'a> {
    snapshot: &'a dyn Snapshot,
    people: HashMap<NodeNo, Face>,
    groups: HashMap<String, GroupFace>,
    groups_before: Option<crate::journal::Sequence>,
}

impl<'a> Faces<'a> {
    pub(super) fn new(snapshot: &'a dyn Snapshot) -> Self {
        Self { snapshot, people: HashMap::new(), groups: HashMap::new(), groups_before: None }
    }

    /// Groups are called what they were called before this record.
    pub(super) fn before(mut self, before: Option<crate::journal::Sequence>) -> Self {
        self.groups_before = before;
        self
    }

    /// The person that a node belongs to now.
    pub(super) fn of(&mut self, node: NodeNo) -> Result<Face, QueryError> {
        let root = self.snapshot.graph().root(node);
        if let Some(known) = self.people.get(&root) {
            return Ok(known.clone());
        }
        let found = face(self.snapshot, root)?;
        self.people.insert(root, found.clone());
        Ok(found)
    }

    /// The group with this id, also when nothing more is known of it.
    pub(super) fn group(&mut self, id: &str) -> Result<GroupFace, QueryError> {
        if let Some(known) = self.groups.get(id) {
            return Ok(known.clone());
        }
        let found = match self.snapshot.group_no(id) {
            Some(number) => group_face(self.snapshot, number, self.groups_before)?,
            None => GroupFace { id: id.to_owned(), name: None },
        };
        self.groups.insert(id.to_owned(), found.clone());
        Ok(found)
    }
}

/// The face of a group; with `before`, as it was before that record.
pub(super) fn group_face(
    snapshot: &dyn Snapshot,
    number: GroupNo,
    before: Option<crate::journal::Sequence>,
) -> Result<GroupFace, QueryError> {
    let state = snapshot.group(number)?;
    Ok(match before {
        None => GroupFace::new(state.id, &state.traits),
        Some(before) => {
            let traits = super::as_of::group_traits(snapshot, number, before)?;
            GroupFace::new(state.id, &traits)
        }
    })
}
