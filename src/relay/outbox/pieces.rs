//! The halves of requests that were refused as a whole: each is sent by itself, until what was refused stands alone.

use std::collections::{BTreeSet, HashMap};

use super::lanes::{Key, Lanes};

/// Who has to be sent with whom.
#[derive(Default)]
pub(super) struct Pieces {
    made: u64,
    members: HashMap<u64, BTreeSet<Key>>,
}

impl Pieces {
    /// Halves what was sent together. None of them may be on the agenda.
    pub(super) fn halve(&mut self, lanes: &mut Lanes, sent: &[Key]) {
        let (first, second) = sent.split_at(sent.len() / 2);
        for half in [first, second] {
            self.made += 1;
            for &key in half {
                self.leave(lanes, key);
                if let Some(held) = lanes.get_mut(key) {
                    held.piece = self.made;
                    self.members.entry(self.made).or_default().insert(key);
                }
            }
        }
    }

    /// Takes a record out of its piece: it is settled, or may be sent with any others again.
    pub(super) fn leave(&mut self, lanes: &mut Lanes, key: Key) {
        let Some(held) = lanes.get_mut(key) else { return };
        let piece = std::mem::take(&mut held.piece);
        if let Some(members) = self.members.get_mut(&piece) {
            members.remove(&key);
            if members.is_empty() {
                self.members.remove(&piece);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members of a piece in order.
    pub(super) fn members(&self, piece: u64) -> impl Iterator<Item = Key> + '_ {
        self.members.get(&piece).into_iter().flatten().copied()
    }
}
