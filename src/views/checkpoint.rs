//! Checkpoints: what is in memory becomes one sorted run, atomically; and the way back, at start.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::codec;
use super::delta::{self, Delta};
use super::identity::{Change, NodeNo};
use super::keys::{self, Family};
use super::names::{GroupNo, NameNo};
use super::runs::{Checkpoint, Runs};
use super::snapshot::ViewError;
use super::world::World;
use crate::journal::Sequence;

/// A key with its value, as stored.
type Stored = (Vec<u8>, Vec<u8>);

/// What a checkpoint writes.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) checkpoint: Checkpoint,
    delta: Arc<Delta>,
    /// Values that are the whole truth, as of the cut.
    whole: Vec<Stored>,
}

impl World {
    /// Moves what changed aside, to be written. Nothing may be aside already.
    pub(super) fn cut(&mut self) -> Cut {
        let after = self.fresh.changes_first + self.fresh.changes.len() as u64;
        let delta = Arc::new(std::mem::replace(&mut self.fresh, Delta::after(after)));
        self.frozen = Some(Arc::clone(&delta));
        let mut whole = Vec::new();
        for node in delta.summaries.iter().map(NodeNo) {
            whole.push((keys::summary(node), codec::write_summary(&self.people.own(node))));
        }
        for node in delta.memberships.iter().map(NodeNo) {
            if let Some((group, stamp)) = self.people.own_group(node) {
                whole.push((keys::membership(node), delta::write_membership(group, stamp)));
            }
        }
        for number in &delta.names {
            whole.extend(self.names.get(*number).map(|name| (keys::name(*number), codec::write_name(name))));
        }
        for number in &delta.sources {
            let source = self.sources.get(usize::from(number.0));
            whole.extend(source.map(|source| (keys::source(*number), codec::write_source(source))));
        }
        let note = Note { parked: self.parked, stale: &self.stale | &self.searching }.write();
        Cut { checkpoint: Checkpoint { next: self.next, note }, delta, whole }
    }
}

impl Cut {
    /// Everything to write, in the order of keys.
    pub(super) fn entries(self) -> (Checkpoint, Vec<Stored>) {
        let mut entries = self.delta.entries();
        entries.extend(self.whole);
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        (self.checkpoint, entries)
    }
}

/// What a checkpoint says besides where it is.
#[derive(Debug, Default)]
struct Note {
    parked: u64,
    stale: RoaringBitmap,
}

impl Note {
    fn write(&self) -> Vec<u8> {
        codec::write_plain((self.parked, delta::write_nodes(&self.stale)))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let (parked, stale): (u64, Vec<u8>) = codec::read_plain(bytes).ok()?;
        Some(Self { parked, stale: delta::read_nodes(&stale)? })
    }
}

/// Everything that is kept in memory, from disk.
///
/// # Errors
/// When the disk fails or something does not decode: the views then have to be made anew.
pub(super) fn load(runs: &Runs) -> Result<World, ViewError> {
    let Checkpoint { next, note } = runs.checkpoint();
    let mut world = World::new(next.max(Sequence::FIRST));
    let note = Note::read(&note).ok_or_else(undecodable)?;
    (world.parked, world.stale) = (note.parked, note.stale);
    let changes = load_graph(runs, &mut world)?;
    world.fresh = Delta::after(changes);
    each(runs, Family::Summary, |key, value| {
        let summary = codec::read_summary(value).ok()?;
        world.people.restore(NodeNo(keys::number(key)?), summary);
        Some(())
    })?;
    each(runs, Family::Membership, |key, value| {
        let (group, stamp) = delta::read_membership(value)?;
        world.people.restore_group(NodeNo(keys::number(key)?), group, stamp);
        Some(())
    })?;
    each(runs, Family::Name, |key, value| {
        (world.names.restore(codec::read_name(value).ok()?) == NameNo(keys::number(key)?)).then_some(())
    })?;
    each(runs, Family::NameNodes, |key, value| {
        world.names.restore_nodes(NameNo(keys::number(key)?), delta::read_nodes(value)?);
        Some(())
    })?;
    each(runs, Family::Source, |key, value| {
        let number = world.restore_source(codec::read_source(value).ok()?);
        (keys::source(number) == key).then_some(())
    })?;
    each(runs, Family::Group, |key, value| {
        let number = world.restore_group(codec::read_group(value).ok()?.id);
        (number == GroupNo(keys::number(key)?)).then_some(())
    })?;
    world.people.gather_all(&world.graph);
    Ok(world)
}

fn load_graph(runs: &Runs, world: &mut World) -> Result<u64, ViewError> {
    let mut changes = 0;
    each(runs, Family::Change, |key, value| {
        let first = keys::first_change(key)?;
        if first != changes {
            return None;
        }
        let mut rest = value;
        while !rest.is_empty() {
            let change = Change::decode(&mut rest)?;
            world.graph.replay(&change);
            changes += 1;
        }
        Some(())
    })?;
    if let Some(last) = world.graph.len().checked_sub(1) {
        world.people.appear(NodeNo(last));
    }
    Ok(changes)
}

/// Visits everything of a family.
fn each(runs: &Runs, family: Family, mut visit: impl FnMut(&[u8], &[u8]) -> Option<()>) -> Result<(), ViewError> {
    let (from, to) = family.range();
    for item in runs.scan(&from, &to) {
        let (key, value) = item.map_err(|error| ViewError::Unreadable(error.to_string()))?;
        visit(&key, &value).ok_or_else(undecodable)?;
    }
    Ok(())
}

fn undecodable() -> ViewError {
    ViewError::Unreadable("a stored value does not decode".to_owned())
}
