//! The rules R1 to R4: what one call changes. `docs/IDENTITY.md` tells them in words.

use super::blocked::is_blocked;
use super::change::{Change, Link, Refusal, RefusalCode, Rule};
use super::graph::{Graph, Naming, Verdict};
use super::reservations::Reservation;
use super::{IDS_MAX, IdKind, NodeKey, NodeNo};
use crate::journal::Sequence;

impl Graph {
    /// Decides by the rules what a call changes, makes it happen, and appends it to `changes`.
    pub fn apply(&mut self, naming: &Naming<'_>, changes: &mut Vec<Change>) -> Verdict {
        let mut case = Case { graph: self, changes, sequence: naming.sequence, verdict: Verdict::default() };
        match (naming.user_id, naming.previous_id) {
            (Some(user), Some(previous)) => {
                case.alias(user, previous, naming.may_merge_users);
                let own = naming.anonymous_id.and_then(|id| case.graph.node(IdKind::Anonymous, id));
                case.verdict.carried = own.filter(|own| case.verdict.node.is_some_and(|node| case.is_same(*own, node)));
            }
            (Some(user), None) => case.known(user, naming.anonymous_id),
            (None, _) => case.verdict.node = naming.anonymous_id.map(|id| case.appear(IdKind::Anonymous, id)),
        }
        case.verdict
    }
}

/// One call before the rules.
struct Case<'a> {
    graph: &'a mut Graph,
    changes: &'a mut Vec<Change>,
    sequence: Sequence,
    verdict: Verdict,
}

impl Case<'_> {
    /// R1 to R3, for a call with a userId that is no alias.
    fn known(&mut self, user_id: &str, anonymous_id: Option<&str>) {
        let user = self.appear(IdKind::User, user_id);
        self.verdict.node = Some(user);
        let Some(anonymous_id) = anonymous_id else { return };
        let key = NodeKey::of(IdKind::Anonymous, anonymous_id);
        let before = self.graph.by_key(&key);
        if before.is_some_and(|anonymous| self.is_same(anonymous, user)) {
            self.verdict.carried = before;
            return;
        }
        if is_blocked(user_id) || is_blocked(anonymous_id) {
            return self.refuse(before, user, RefusalCode::BlockedId);
        }
        let is_reserved = self.graph.reservations.of_id(&key).is_some();
        if before.is_none() && !is_reserved && self.graph.size(user) >= IDS_MAX {
            return self.refuse(None, user, RefusalCode::TooManyIds);
        }
        let anonymous = self.appear(IdKind::Anonymous, anonymous_id);
        if !self.is_same(anonymous, user) {
            if self.graph.has_user(anonymous) {
                return self.refuse(Some(anonymous), user, RefusalCode::SharedDevice);
            }
            self.join(anonymous, user, Rule::R2, self.sequence);
        }
        self.verdict.carried = Some(anonymous).filter(|anonymous| self.is_same(*anonymous, user));
    }

    /// R4.
    fn alias(&mut self, user_id: &str, previous_id: &str, may_merge_users: bool) {
        let is_self = user_id == previous_id;
        if is_blocked(user_id) && self.graph.node(IdKind::User, user_id).is_none() {
            self.verdict.refused = (!is_self).then_some(RefusalCode::AliasBlockedId);
            return;
        }
        let target = self.appear(IdKind::User, user_id);
        self.verdict.node = Some(target);
        let keys = [IdKind::User, IdKind::Anonymous].map(|kind| NodeKey::of(kind, previous_id));
        let reserved = || keys.iter().find_map(|key| self.graph.reservations.of_id(key)).map(|kept| kept.to);
        let source = keys.iter().find_map(|key| self.graph.by_key(key)).or_else(reserved);
        if source.is_some_and(|source| self.is_same(source, target)) {
            return;
        }
        if is_blocked(user_id) || is_blocked(previous_id) {
            return self.refuse(source, target, RefusalCode::AliasBlockedId);
        }
        let Some(source) = source else {
            let [user, anonymous] = keys;
            return self.reserve(user, anonymous, target, may_merge_users);
        };
        match self.graph.kind(source) {
            IdKind::User if may_merge_users => self.join(source, target, Rule::R4b, self.sequence),
            IdKind::User => self.refuse(Some(source), target, RefusalCode::AliasUserNotAllowed),
            IdKind::Anonymous if self.graph.has_user(source) => {
                self.refuse(Some(source), target, RefusalCode::AliasAnonClaimed);
            }
            IdKind::Anonymous => self.join(source, target, Rule::R4c, self.sequence),
        }
    }

    /// The node of an id. If it is new and was reserved, it is the reserver's (R4e).
    fn appear(&mut self, kind: IdKind, id: &str) -> NodeNo {
        let key = NodeKey::of(kind, id);
        if let Some(node) = self.graph.by_key(&key) {
            return node;
        }
        let node = NodeNo(self.graph.len());
        self.change(Change::Node { kind, key, sequence: self.sequence });
        self.verdict.appeared.push((node, id.to_owned()));
        let reservation = self.graph.reservations.of_id(&key);
        if let Some(kept) = reservation.filter(|kept| kept.for_users || kind == IdKind::Anonymous) {
            self.change(Change::Released { sequence: kept.sequence, by: self.sequence });
            self.join(node, kept.to, Rule::R4e, kept.sequence);
        }
        node
    }

    fn join(&mut self, from: NodeNo, to: NodeNo, rule: Rule, reason: Sequence) {
        if self.graph.size(from) + self.graph.size(to) > IDS_MAX {
            return self.refuse(Some(from), to, RefusalCode::TooManyIds);
        }
        let link = Link { from, to, rule, sequence: reason, made_by: self.sequence, undone_by: None };
        self.change(Change::Linked(link));
    }

    fn reserve(&mut self, user: NodeKey, anonymous: NodeKey, to: NodeNo, for_users: bool) {
        if self.graph.reservations.count(to) >= IDS_MAX as usize {
            return self.refuse(None, to, RefusalCode::TooManyIds);
        }
        let sequence = self.sequence;
        self.change(Reservation { for_users, user, anonymous, to, sequence, ended_by: None }.change());
    }

    fn refuse(&mut self, from: Option<NodeNo>, to: NodeNo, code: RefusalCode) {
        self.verdict.refused = Some(code);
        let refusal = Refusal { from, to, code, sequence: self.sequence };
        if self.graph.refusals.is_news(&refusal) {
            self.change(Change::Refused(refusal));
        }
    }

    fn change(&mut self, change: Change) {
        self.verdict.shifts.extend(self.graph.replay(&change));
        self.changes.push(change);
    }

    fn is_same(&self, one: NodeNo, other: NodeNo) -> bool {
        self.graph.root(one) == self.graph.root(other)
    }
}
