//! What the views say, as one number: equal for equal journals, whenever checkpoints fell and however often it crashed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::codec;
use super::handle::Parked;
use super::keys::{self, Family};
use super::list::{self, Merged};
use super::shared::Shared;
use super::snapshot::ViewError;
use crate::journal::Sequence;

/// How often it looks whether the checkpoint is written.
const PAUSE: Duration = Duration::from_millis(5);

fn unreadable(error: &dyn std::fmt::Display) -> ViewError {
    ViewError::Unreadable(error.to_string())
}

/// While it lives nothing is folded: under a steady load a checkpoint would never be the newest state.
struct Hold<'a>(&'a Shared);

impl<'a> Hold<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.holds.fetch_add(1, Ordering::AcqRel);
        shared.woken.notify_one();
        Self(shared)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.holds.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Waits until everything folded so far is on disk, and keeps the views as they are while `work` runs.
fn on_disk<T>(
    shared: &Shared,
    work: impl FnOnce(&super::world::World) -> Result<T, ViewError>,
) -> Result<T, ViewError> {
    let _hold = Hold::new(shared);
    loop {
        let world = shared.world();
        if world.frozen.is_none() && shared.runs.checkpoint().next >= world.next {
            return work(&world);
        }
        drop(world);
        if let Some(reason) = shared.stopped() {
            return Err(unreadable(&reason));
        }
        if shared.closing.load(Ordering::Acquire) {
            return Err(unreadable(&"the views are closing"));
        }
        std::thread::sleep(PAUSE);
    }
}

/// The digest, and the sequence it holds for.
pub(super) fn digest(shared: &Shared) -> Result<(Sequence, [u8; 32]), ViewError> {
    on_disk(shared, |world| {
        let mut hasher = blake3::Hasher::new();
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        let mut graph = Vec::new();
        world.graph.dump(&mut graph);
        add(&graph);
        for family in Family::ALL.into_iter().filter(|family| super::reading::is_dumped(*family)) {
            let (from, to) = family.range();
            for item in shared.runs.scan(&from, &to) {
                let (key, value) = item.map_err(|error| unreadable(&error))?;
                add(&key);
                add(&value);
            }
        }
        let (from, to) = Family::List.range();
        let mut parts = shared.runs.scan(&from, &to).map(|item| item.map_err(|error| unreadable(&error))).peekable();
        while let Some(part) = parts.next() {
            let part = part?;
            let id = keys::list_of(&part.0).ok_or_else(|| unreadable(&codec::Undecodable))?;
            let mut all = vec![Ok(part)];
            let same = |part: &list::Part| part.as_ref().is_ok_and(|(key, _)| keys::list_of(key) == Some(id));
            while let Some(more) = parts.next_if(same) {
                all.push(more);
            }
            add(&keys::list(id));
            for entry in Merged::new(None, std::iter::empty(), all.into_iter()) {
                let entry = entry?;
                add(&keys::list_part(id, entry.place));
                add(&[entry.tag.kind as u8]);
                add(&entry.tag.source.0.to_be_bytes());
                add(&entry.tag.name.0.to_be_bytes());
            }
        }
        Ok((world.next, *hasher.finalize().as_bytes()))
    })
}

/// Records that could not be folded.
pub(super) fn parked(shared: &Shared) -> Result<Vec<Parked>, ViewError> {
    let world = shared.world();
    let (from, to) = Family::Parked.range();
    let mut found = Vec::new();
    for item in shared.runs.scan(&from, &to) {
        let (key, value) = item.map_err(|error| unreadable(&error))?;
        let sequence = keys::parked_at(&key).ok_or_else(|| unreadable(&codec::Undecodable))?;
        found.push(Parked { sequence, reason: codec::read_plain(&value).map_err(|error| unreadable(&error))? });
    }
    let newer = world.deltas().flat_map(|delta| &delta.parked);
    found.extend(newer.map(|(sequence, reason)| Parked { sequence: *sequence, reason: reason.clone() }));
    found.sort_unstable_by_key(|parked| parked.sequence);
    Ok(found)
}
