//! Whose call is it: the digests by which the outbox keeps the calls of one person in order.
//!
//! A digest is made with a key that is random in every process, so that no sender can choose ids that meet. What was seen
//! together (a visitor and the user it signed up as, two users an alias joined) is remembered for a while, by all
//! destinations together: the calls of the visitor and those of the user stay in order even when the identify between
//! them is settled already. What is forgotten costs order between two ids of one person, never a call.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::call::{Call, Target};

/// How many links are remembered: half of them at least the newest.
const LINKS_MAX: usize = 262_144;
/// How far links are followed from an id.
const HOPS_MAX: usize = 4;
/// What senders write when they do not know who somebody is. In common to many people, so no lane of anybody.
const NOBODY: [&str; 8] = ["-1", "null", "anonymous", "undefined", "none", "nan", "guest", "[object object]"];

#[derive(Clone, Copy, Hash)]
enum Kind {
    User,
    Anonymous,
}

/// Two generations: when the younger one is full, the older one is forgotten.
#[derive(Default)]
struct Links {
    young: HashMap<u64, u64>,
    old: HashMap<u64, u64>,
}

impl Links {
    fn get(&self, id: u64) -> Option<u64> {
        self.young.get(&id).or_else(|| self.old.get(&id)).copied()
    }

    fn put(&mut self, id: u64, user: u64) {
        if id == user || self.young.get(&id) == Some(&user) {
            return;
        }
        if self.young.len() >= LINKS_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, user);
    }
}

/// Makes the digests. One for all destinations.
#[derive(Default)]
pub(in crate::relay) struct Lanes {
    keys: RandomState,
    links: Mutex<Links>,
}

impl Lanes {
    /// The digests of a call's ids and of those that were seen together with them. Remembers what it says about ids.
    pub(in crate::relay) fn of(&self, call: &Call<'_>) -> Vec<u64> {
        let user = call.user_id.as_ref().and_then(|id| self.digest(Kind::User, id.as_str()));
        let anonymous = call.anonymous_id.as_ref().and_then(|id| self.digest(Kind::Anonymous, id.as_str()));
        let mut ids: Vec<u64> = user.into_iter().chain(anonymous).collect();
        if let Target::Previous(previous) = &call.target {
            // It names a user or a visitor; the call does not say which.
            ids.extend(self.digest(Kind::User, previous.as_str()));
            ids.extend(self.digest(Kind::Anonymous, previous.as_str()));
        }
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(user) = user {
            for id in &ids {
                links.put(*id, user);
            }
        }
        let mut next = 0;
        while let Some(id) = ids.get(next).copied() {
            next += 1;
            let linked = links.get(id).filter(|linked| !ids.contains(linked));
            ids.extend(linked.filter(|_| next <= HOPS_MAX + 3));
        }
        ids
    }

    /// A number that is another one in every process and for every name.
    pub(super) fn seed(&self, name: &str) -> u64 {
        self.keys.hash_one(name)
    }

    fn digest(&self, kind: Kind, id: &str) -> Option<u64> {
        let is_zero = id.bytes().all(|byte| byte == b'0' || byte == b'-');
        let is_nobody = is_zero || NOBODY.iter().any(|word| word.eq_ignore_ascii_case(id));
        (!is_nobody).then(|| self.keys.hash_one((kind, id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::tests::calls;

    fn shares(left: &[u64], right: &[u64]) -> bool {
        left.iter().any(|id| right.contains(id))
    }

    #[test]
    fn a_visitor_and_the_user_it_became_share_a_lane_afterwards() {
        let lanes = Lanes::default();
        let visitor = lanes.of(&calls::track(None, Some("v1"), "a"));
        assert!(!shares(&visitor, &lanes.of(&calls::track(Some("u1"), None, "b"))));
        lanes.of(&calls::identify(Some("u1"), Some("v1")));
        let later = lanes.of(&calls::track(None, Some("v1"), "c"));
        assert!(shares(&later, &lanes.of(&calls::track(Some("u1"), None, "d"))));
        assert!(!shares(&later, &lanes.of(&calls::track(Some("u2"), None, "e"))));
        lanes.of(&calls::alias("u1", "u9"));
        let aliased = lanes.of(&calls::track(None, Some("v1"), "f"));
        assert!(shares(&aliased, &lanes.of(&calls::track(Some("u9"), None, "g"))), "over two links");
    }

    #[test]
    fn what_many_people_share_is_no_lane() {
        let lanes = Lanes::default();
        for nobody in ["null", "NULL", "0", "00000000-0000-0000-0000-000000000000", "guest"] {
            assert!(lanes.of(&calls::track(None, Some(nobody), "a")).is_empty(), "{nobody}");
        }
    }

    #[test]
    fn the_oldest_links_are_forgotten_and_the_newest_kept() {
        let mut links = Links::default();
        for id in 0..1_000_000_u64 {
            links.put(id, id + 10_000_000);
        }
        assert!(links.young.len() + links.old.len() <= LINKS_MAX);
        assert_eq!(links.get(999_999), Some(10_999_999));
        assert_eq!(links.get(999_999 - LINKS_MAX as u64 / 2), Some(10_999_999 - LINKS_MAX as u64 / 2));
        assert_eq!(links.get(0), None);
    }
}
