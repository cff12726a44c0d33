//! Lanes that hold too many: what comes later for them is left in the journal, so that one person whose call fails cannot
//! fill the room of all others.
//!
//! An id is **closed** from the first record that was left behind with it: later ones must not overtake it. When a lane
//! that was full has room again, the journal is read again from the first one left behind.

use std::collections::HashSet;

use super::lanes::Lanes;
use crate::journal::Sequence;

/// Records of one id held at most.
const LANE_MAX: usize = 4_000;
/// Ids closed at most; then nothing is read any more until a lane has room.
const CLOSED_MAX: usize = 20_000;

/// Who was left behind.
pub(super) struct Crowd {
    pub(super) lane_max: usize,
    full: HashSet<u64>,
    closed: HashSet<u64>,
    first: Option<Sequence>,
    has_room: bool,
}

impl Default for Crowd {
    fn default() -> Self {
        let (full, closed) = (HashSet::new(), HashSet::new());
        Self { lane_max: LANE_MAX, full, closed, first: None, has_room: false }
    }
}

impl Crowd {
    /// Whether one with these ids has to stay behind.
    pub(super) fn is_closed(&self, lanes: &Lanes, ids: &[u64]) -> bool {
        ids.iter().any(|id| self.closed.contains(id) || lanes.count(*id) >= self.lane_max)
    }

    /// One stays behind.
    pub(super) fn leave(&mut self, lanes: &Lanes, sequence: Sequence, ids: &[u64]) {
        self.full.extend(ids.iter().filter(|id| lanes.count(**id) >= self.lane_max));
        self.closed.extend(ids);
        self.first = Some(self.first.map_or(sequence, |first| first.min(sequence)));
    }

    /// One of an id was settled.
    pub(super) fn settled(&mut self, lanes: &Lanes, id: u64) {
        self.has_room = self.has_room || self.full.contains(&id) && lanes.count(id) <= self.lane_max / 2;
    }

    /// Whether no more can be left behind.
    pub(super) fn is_too_large(&self) -> bool {
        self.closed.len() >= CLOSED_MAX
    }

    /// The first one left behind, if there is room for it now.
    pub(super) fn take(&mut self) -> Option<Sequence> {
        if !std::mem::take(&mut self.has_room) {
            return None;
        }
        self.full = HashSet::new();
        self.closed = HashSet::new();
        self.first.take()
    }
}
