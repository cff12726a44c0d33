//! The records held, and their order: each id is a queue, and a record stands in the queues of all its ids.
//!
//! A record is **free** when it is first in all its queues: nothing before it shares an id with it, also by way of others
//! that are held. Every step costs the same however many records are held or tied together.

use std::collections::HashMap;

use super::steady::Moment;
use crate::journal::Sequence;

/// Names a held record. They sort by the order in which records were offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    ticket: u64,
    slot: usize,
}

/// What is known of a held record.
pub(super) struct Held {
    pub(super) sequence: Sequence,
    pub(super) bytes: usize,
    /// Requests it was in so far, and when the first was.
    pub(super) attempts: u32,
    pub(super) first_at: Option<Moment>,
    /// Not before this, unless the receiver recovered since: see `era`.
    pub(super) due: Moment,
    /// How many recoveries the agenda had seen when `due` was set.
    pub(super) era: u64,
    /// The part of a refused request it has to be sent with; 0 is none.
    pub(super) piece: u64,
    /// The request answered 401 or 403 that is not yet judged; 0 is none.
    pub(super) suspicion: u64,
    /// How often a request with it failed: it is sent with fewer others each time.
    pub(super) failures: u32,
    /// The request under way that it is in; 0 is none.
    pub(super) flight: u64,
    ahead: usize,
    links: Vec<Link>,
}

impl Held {
    /// A record that was never tried.
    pub(super) fn new(sequence: Sequence, bytes: usize, due: Moment) -> Self {
        Self {
            sequence,
            bytes,
            attempts: 0,
            first_at: None,
            due,
            era: 0,
            piece: 0,
            suspicion: 0,
            failures: 0,
            flight: 0,
            ahead: 0,
            links: Vec::new(),
        }
    }

    /// In how many of its queues another is ahead of it.
    pub(super) fn ahead(&self) -> usize {
        self.ahead
    }

    /// Whether nothing is ahead of it and it is not under way.
    pub(super) fn is_free(&self) -> bool {
        self.ahead == 0 && self.flight == 0
    }

    /// Whether it was tried in vain and is not under way.
    pub(super) fn is_waiting(&self) -> bool {
        self.attempts > 0 && self.flight == 0
    }

    /// Its ids.
    pub(super) fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.links.iter().map(|link| link.id)
    }

    fn link(&mut self, id: u64) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.id == id)
    }
}

/// A record's place in the queue of one id.
struct Link {
    id: u64,
    before: Option<Key>,
    after: Option<Key>,
}

/// One queue.
struct Queue {
    last: Key,
    count: usize,
}

/// All records held.
#[derive(Default)]
pub(super) struct Lanes {
    slots: Vec<Option<(u64, Held)>>,
    unused: Vec<usize>,
    tickets: u64,
    queues: HashMap<u64, Queue>,
    sequences: HashMap<Sequence, Key>,
}

impl Lanes {
    /// How many are held.
    pub(super) fn len(&self) -> usize {
        self.sequences.len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.sequences.is_empty() && self.unused.len() == self.slots.len()
    }

    /// The record with this sequence.
    pub(super) fn find(&self, sequence: Sequence) -> Option<Key> {
        self.sequences.get(&sequence).copied()
    }

    /// How many with this id are held.
    pub(super) fn count(&self, id: u64) -> usize {
        self.queues.get(&id).map_or(0, |queue| queue.count)
    }

    /// A record.
    pub(super) fn get(&self, key: Key) -> Option<&Held> {
        self.slots.get(key.slot)?.as_ref().filter(|(ticket, _)| *ticket == key.ticket).map(|(_, held)| held)
    }

    /// A record.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Held> {
        self.slots.get_mut(key.slot)?.as_mut().filter(|(ticket, _)| *ticket == key.ticket).map(|(_, held)| held)
    }

    /// Puts a record at the end of the queues of its ids.
    pub(super) fn insert(&mut self, mut held: Held, ids: &[u64]) -> Key {
        self.tickets += 1;
        let slot = self.unused.pop().unwrap_or(self.slots.len());
        let key = Key { ticket: self.tickets, slot };
        for &id in ids {
            if held.link(id).is_some() {
                continue;
            }
            let queue = self.queues.entry(id).or_insert(Queue { last: key, count: 0 });
            let before = (queue.count > 0).then_some(queue.last);
            (queue.last, queue.count) = (key, queue.count + 1);
            if let Some(link) = before.and_then(|before| self.get_mut(before)).and_then(|before| before.link(id)) {
                link.after = Some(key);
                held.ahead += 1;
            }
            held.links.push(Link { id, before, after: None });
        }
        self.sequences.insert(held.sequence, key);
        let place = Some((key.ticket, held));
        match self.slots.get_mut(slot) {
            Some(unused) => *unused = place,
            None => self.slots.push(place),
        }
        key
    }

    /// Takes a record out, wherever it stands. Says which ones have nothing ahead of them any more.
    pub(super) fn remove(&mut self, key: Key) -> Option<(Held, Vec<Key>)> {
        let place = self.slots.get_mut(key.slot)?;
        let (_, held) = place.take_if(|(ticket, _)| *ticket == key.ticket)?;
        self.unused.push(key.slot);
        self.sequences.remove(&held.sequence);
        let mut freed = Vec::new();
        for &Link { id, before, after } in &held.links {
            if let Some(queue) = self.queues.get_mut(&id) {
                queue.count = queue.count.saturating_sub(1);
            }
            if let Some(link) = before.and_then(|before| self.get_mut(before)).and_then(|before| before.link(id)) {
                link.after = after;
            }
            match (before, after) {
                (None, None) => drop(self.queues.remove(&id)),
                (Some(last), None) => {
                    if let Some(queue) = self.queues.get_mut(&id) {
                        queue.last = last;
                    }
                }
                (_, Some(after)) => {
                    let Some(next) = self.get_mut(after) else { continue };
                    if let Some(link) = next.link(id) {
                        link.before = before;
                    }
                    if before.is_none() {
                        next.ahead = next.ahead.saturating_sub(1);
                        if next.ahead == 0 {
                            freed.push(after);
                        }
                    }
                }
            }
        }
        Some((held, freed))
    }

    /// Those that stand right behind a record, once for each queue.
    pub(super) fn behind(&self, key: Key) -> impl Iterator<Item = Key> + '_ {
        self.get(key).into_iter().flat_map(|held| held.links.iter().filter_map(|link| link.after))
    }
}

#[cfg(test)]
mod tests {
    use super::{Held, Key, Lanes};
    use crate::journal::Sequence;

    fn insert(lanes: &mut Lanes, number: u64, ids: &[u64]) -> Key {
        lanes.insert(Held::new(Sequence::new(number), 1, super::Moment::default()), ids)
    }

    #[test]
    fn a_record_is_free_when_it_is_first_for_all_its_ids() {
        let mut lanes = Lanes::default();
        let anonymous = insert(&mut lanes, 1, &[10]);
        let known = insert(&mut lanes, 2, &[20]);
        let both = insert(&mut lanes, 3, &[10, 20, 10]);
        let later = insert(&mut lanes, 4, &[20]);
        assert_eq!(lanes.get(both).unwrap().ahead(), 2);
        assert_eq!(lanes.remove(anonymous).unwrap().1, []);
        assert_eq!(lanes.remove(known).unwrap().1, [both]);
        assert_eq!(lanes.behind(both).collect::<Vec<_>>(), [later]);
        assert_eq!(lanes.remove(both).unwrap().1, [later]);
        assert!(lanes.remove(both).is_none(), "its slot may be used again, its key is not");
        let reused = insert(&mut lanes, 5, &[20]);
        assert!(lanes.get(both).is_none());
        assert_eq!(lanes.remove(later).unwrap().1, [reused]);
        assert_eq!(lanes.remove(reused).unwrap().1, []);
        assert!(lanes.is_empty(), "nothing is left behind");
    }

    #[test]
    fn one_is_taken_out_of_the_middle_and_of_the_end() {
        let mut lanes = Lanes::default();
        let [first, middle, last] = [1, 2, 3].map(|number| insert(&mut lanes, number, &[7]));
        assert_eq!(lanes.remove(middle).unwrap().1, []);
        assert_eq!(lanes.remove(last).unwrap().1, []);
        let next = insert(&mut lanes, 4, &[7]);
        assert_eq!(lanes.remove(first).unwrap().1, [next]);
    }
}
