//! Who is who, written straight from `docs/IDENTITY.md`: lists and loops, everything computed anew at every question.

use std::collections::{BTreeMap, BTreeSet};

/// A userId (`false`) or an anonymousId (`true`).
pub(super) type Id = (bool, String);

/// Whom each person goes by, and all its ids.
pub(super) type People = BTreeMap<Id, BTreeSet<Id>>;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Link {
    pub(super) from: Id,
    pub(super) to: Id,
    pub(super) rule: &'static str,
    pub(super) sequence: u64,
    pub(super) made_by: u64,
    pub(super) undone_by: Option<u64>,
}

#[derive(Clone, Debug)]
struct Reservation {
    id: String,
    to: Id,
    sequence: u64,
    for_users: bool,
    is_open: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) from: Option<Id>,
    pub(super) to: Id,
    pub(super) code: &'static str,
    pub(super) sequence: u64,
}

/// Everything that is known, in the order in which it became known.
#[derive(Clone, Debug, Default)]
pub(super) struct Plain {
    ids: Vec<Id>,
    pub(super) links: Vec<Link>,
    reservations: Vec<Reservation>,
    pub(super) refusals: Vec<Refusal>,
    now: u64,
}

fn is_blocked(id: &str) -> bool {
    ["null", "0-0"].contains(&id)
}

impl Plain {
    /// The next record has this sequence.
    pub(super) fn at(&mut self, sequence: u64) -> &mut Self {
        self.now = sequence;
        self
    }

    /// Whom each id belongs to: links are followed in the order in which they were made, and the one that is linked to
    /// survives, unless that would make a known person anonymous.
    fn roots(&self) -> BTreeMap<Id, Id> {
        let mut roots: BTreeMap<Id, Id> = self.ids.iter().map(|id| (id.clone(), id.clone())).collect();
        for link in self.links.iter().filter(|link| link.undone_by.is_none()) {
            let (from, to) = (roots[&link.from].clone(), roots[&link.to].clone());
            let survivor = if to.0 && !from.0 { from.clone() } else { to.clone() };
            for root in roots.values_mut() {
                if *root == from || *root == to {
                    root.clone_from(&survivor);
                }
            }
        }
        roots
    }

    pub(super) fn people(&self) -> People {
        let mut people = People::new();
        for (id, root) in self.roots() {
            people.entry(root).or_default().insert(id);
        }
        people
    }

    /// The ids that are reserved, by the person whom they are reserved for.
    pub(super) fn reserved(&self) -> BTreeSet<(Id, String)> {
        let roots = self.roots();
        let open = self.reservations.iter().filter(|reservation| reservation.is_open);
        open.map(|reservation| (roots[&reservation.to].clone(), reservation.id.clone())).collect()
    }

    fn root(&self, id: &Id) -> Id {
        self.roots()[id].clone()
    }

    fn is_there(&self, id: &Id) -> bool {
        self.ids.contains(id)
    }

    /// The first appearance of an id; if it was reserved, it is the reserver's from now on.
    fn appear(&mut self, id: &Id) {
        if self.is_there(id) {
            return;
        }
        self.ids.push(id.clone());
        let is_its = |kept: &&mut Reservation| kept.is_open && kept.id == id.1 && (id.0 || kept.for_users);
        if let Some(kept) = self.reservations.iter_mut().find(is_its) {
            kept.is_open = false;
            let (to, sequence) = (kept.to.clone(), kept.sequence);
            self.link(id, &to, "R4e", sequence);
        }
    }

    fn link(&mut self, from: &Id, to: &Id, rule: &'static str, sequence: u64) {
        let (from, to) = (from.clone(), to.clone());
        self.links.push(Link { from, to, rule, sequence, made_by: self.now, undone_by: None });
    }

    fn refuse(&mut self, from: Option<&Id>, to: &Id, code: &'static str) {
        let (from, to) = (from.cloned(), to.clone());
        if !self.refusals.iter().any(|old| (&old.from, &old.to, old.code) == (&from, &to, code)) {
            self.refusals.push(Refusal { from, to, code, sequence: self.now });
        }
    }

    /// R1 to R3. Answers whom the call belongs to and what carried it.
    pub(super) fn call(&mut self, user: Option<&str>, anonymous: Option<&str>) -> (Option<Id>, Option<Id>) {
        let device = anonymous.map(|id| (true, id.to_owned()));
        let Some(user) = user else {
            if let Some(device) = &device {
                self.appear(device);
            }
            return (device, None);
        };
        let user = (false, user.to_owned());
        self.appear(&user);
        if let Some(device) = &device {
            self.claim(&user, device);
        }
        let carried = device.filter(|device| self.is_there(device) && self.root(device) == self.root(&user));
        (Some(user), carried)
    }

    fn claim(&mut self, user: &Id, device: &Id) {
        let is_there = self.is_there(device);
        let is_mine = is_there && self.root(device) == self.root(user);
        if (is_blocked(&user.1) || is_blocked(&device.1)) && !is_mine {
            return self.refuse(Some(device).filter(|_| is_there), user, "BlockedId");
        }
        self.appear(device);
        if self.root(device) == self.root(user) {
            return;
        }
        if self.root(device).0 {
            self.link(device, user, "R2", self.now);
        } else {
            self.refuse(Some(device), user, "SharedDevice");
        }
    }

    /// R4. Answers whom the call belongs to.
    pub(super) fn alias(&mut self, previous: &str, user: &str, may_merge_users: bool) -> Option<Id> {
        let target = (false, user.to_owned());
        if is_blocked(user) && !self.is_there(&target) {
            return None;
        }
        self.appear(&target);
        let ids = [(false, previous.to_owned()), (true, previous.to_owned())];
        let kept = self.reservations.iter().find(|kept| kept.is_open && kept.id == previous);
        let kept = kept.map(|kept| kept.to.clone());
        let source = ids.into_iter().find(|id| self.is_there(id)).or(kept);
        let is_same = source.as_ref().is_some_and(|source| self.root(source) == self.root(&target));
        if previous == user || is_same {
            return Some(target);
        }
        if is_blocked(user) || is_blocked(previous) {
            self.refuse(source.as_ref(), &target, "AliasBlockedId");
            return Some(target);
        }
        match source {
            None => self.reservations.push(Reservation {
                id: previous.to_owned(),
                to: target.clone(),
                sequence: self.now,
                for_users: may_merge_users,
                is_open: true,
            }),
            Some(source) if !source.0 && may_merge_users => self.link(&source, &target, "R4b", self.now),
            Some(source) if !source.0 => self.refuse(Some(&source), &target, "AliasUserNotAllowed"),
            Some(source) if self.root(&source).0 => self.link(&source, &target, "R4c", self.now),
            Some(source) => self.refuse(Some(&source), &target, "AliasAnonClaimed"),
        }
        Some(target)
    }

    /// Whether the operator's merge did anything.
    pub(super) fn merge(&mut self, from: &Id, into: &Id) -> bool {
        if !self.is_there(from) || !self.is_there(into) || self.root(from) == self.root(into) {
            return false;
        }
        let is_turned = self.root(into).0 && !self.root(from).0;
        let (from, to) = if is_turned { (into, from) } else { (from, into) };
        self.link(from, to, "Operator", self.now);
        true
    }

    /// Whether the operator's undo did anything.
    pub(super) fn undo(&mut self, sequence: u64) -> bool {
        let mut is_done = false;
        for link in self.links.iter_mut().filter(|link| link.sequence == sequence && link.undone_by.is_none()) {
            link.undone_by = Some(self.now);
            is_done = true;
        }
        for kept in self.reservations.iter_mut().filter(|kept| kept.sequence == sequence && kept.is_open) {
            kept.is_open = false;
            is_done = true;
        }
        is_done
    }
}
