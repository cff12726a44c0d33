//! Calls that were answered 401 or 403: whether they or the key are at fault shows only later.
//!
//! An accepted request says that the key is good: they were at fault. Several such answers in a row speak against the key,
//! but a sender may have sent several bad calls in a row. So one more is asked, from the other end of what may be sent: a
//! **stranger**. If it gets the same answer, or there is none and nothing else is under way, it is the key.

use std::collections::BTreeMap;

use super::lanes::{Key, Lanes};

/// The requests that are not yet judged.
pub(super) struct Suspects {
    requests: BTreeMap<u64, Vec<Key>>,
    made: u64,
    in_a_row: u32,
    /// The request under way with the stranger.
    asked: Option<u64>,
    in_a_row_max: u32,
}

impl Suspects {
    /// None. So many answers in a row speak against the key.
    pub(super) fn new(in_a_row_max: u32) -> Self {
        Self { requests: BTreeMap::new(), made: 0, in_a_row: 0, asked: None, in_a_row_max: in_a_row_max.max(1) }
    }

    /// A request was answered 401 or 403; the name of its suspicion.
    pub(super) fn add(&mut self, sent: &[Key]) -> u64 {
        self.made += 1;
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.requests.insert(self.made, sent.to_vec());
        self.made
    }

    /// Whether enough of them speak against the key.
    pub(super) fn speak_against_key(&self) -> bool {
        self.in_a_row >= self.in_a_row_max
    }

    /// Whether the stranger is under way.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// The stranger is under way in this request.
    pub(super) fn ask(&mut self, flight: u64) {
        self.asked = Some(flight);
    }

    /// A request came back: whether it was the stranger's.
    pub(super) fn hear(&mut self, flight: u64) -> bool {
        self.asked.take_if(|asked| *asked == flight).is_some()
    }

    /// The count begins anew: the key was accepted, or an operator saw to it.
    pub(super) fn forget_row(&mut self) {
        self.in_a_row = 0;
    }

    /// All requests that are not yet judged, without the calls that were sent again since. They are judged now. True: it
    /// was sent alone.
    pub(super) fn take(&mut self, lanes: &Lanes) -> Vec<(bool, Vec<Key>)> {
        let is_open = |name: u64, key: &Key| lanes.get(*key).is_some_and(|held| held.suspicion == name);
        std::mem::take(&mut self.requests)
            .into_iter()
            .map(|(name, sent)| {
                (sent.len() == 1, sent.into_iter().filter(|key| is_open(name, key)).collect::<Vec<_>>())
            })
            .filter(|(_, sent)| !sent.is_empty())
            .collect()
    }
}
