//! A story in one line: what calls and orders, one record each, make of people.
//!
//! `u1,a1` is a call with both ids, `-` an absent one; `p->n` an alias, `p->n,a1` one with an anonymousId of its own,
//! `p=>n` one from a source that may not merge users; `merge x into y` and `undo 3` are orders, where `~a1` is an
//! anonymousId. People read `n(p ~a1 ?q)`: the id they go by, then their other ids, then those reserved.

use std::collections::BTreeMap;

use super::super::*;
use crate::journal::Sequence;

/// The graph after a story, and how it was told.
#[derive(Default)]
pub(super) struct Story {
    pub(super) graph: Graph,
    pub(super) changes: Vec<Change>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) shifts: Vec<Vec<Shift>>,
    names: BTreeMap<NodeKey, String>,
    /// The people after each record.
    told: Vec<String>,
}

/// Plays all steps, and proves that the stored changes make the same graph and that the past is told as it was.
pub(super) fn tell(script: &str) -> Story {
    let mut story = Story::default();
    story.go_on(script);
    story
}

fn sequence(number: usize) -> Sequence {
    Sequence::new(u64::try_from(number).unwrap())
}

impl Story {
    /// More of the same story.
    pub(super) fn go_on(&mut self, script: &str) {
        for step in script.split(';').map(str::trim).filter(|step| !step.is_empty()) {
            let next = sequence(self.told.len() + 1);
            self.step(step, next);
            let now = self.people();
            self.told.push(now);
        }
        self.check_replay();
        self.check_past();
    }

    fn step(&mut self, step: &str, sequence: Sequence) {
        if let Some((from, into)) = step.strip_prefix("merge ").and_then(|rest| rest.split_once(" into ")) {
            self.order(sequence, &Order::Merge { from: key(from), into: key(into) }).unwrap();
        } else if let Some(reason) = step.strip_prefix("undo ") {
            self.order(sequence, &Order::Undo(Sequence::new(reason.parse().unwrap()))).unwrap();
        } else {
            self.call(step, sequence);
        }
    }

    pub(super) fn order(&mut self, sequence: Sequence, order: &Order) -> Result<(), OrderError> {
        let shifts = self.graph.order(sequence, order, &mut self.changes)?;
        self.shifts.push(shifts);
        Ok(())
    }

    fn call(&mut self, step: &str, sequence: Sequence) {
        let may_merge_users = !step.contains("=>");
        let step = step.replace("=>", "->");
        let (previous, ids) = match step.split_once("->") {
            Some((previous, ids)) => (Some(previous), ids.to_owned()),
            None => (None, step.clone()),
        };
        let mut ids = ids.split(',').map(|id| Some(id).filter(|id| *id != "-"));
        let (user_id, anonymous_id) = (ids.next().flatten(), ids.next().flatten());
        for name in [previous, user_id, anonymous_id].into_iter().flatten() {
            self.names.insert(NodeKey::of(IdKind::User, name), name.to_owned());
            self.names.insert(NodeKey::of(IdKind::Anonymous, name), format!("~{name}"));
        }
        let naming = Naming { sequence, user_id, anonymous_id, previous_id: previous, may_merge_users };
        let verdict = self.graph.apply(&naming, &mut self.changes);
        self.shifts.push(verdict.shifts.clone());
        self.verdicts.push(verdict);
    }

    pub(super) fn node(&self, name: &str) -> NodeNo {
        self.graph.by_key(&key(name)).unwrap()
    }

    pub(super) fn name(&self, node: NodeNo) -> &str {
        &self.names[&self.graph.key(node)]
    }

    /// Everybody, in order of the node they go by.
    pub(super) fn people(&self) -> String {
        let roots = (0..self.graph.len()).map(NodeNo).filter(|node| self.graph.is_root(*node));
        let people = roots.map(|root| self.person(root, &self.graph.ids(root), &self.graph.reserved(root)));
        people.collect::<Vec<_>>().join(" | ")
    }

    fn person(&self, root: NodeNo, ids: &[NodeNo], reserved: &[(NodeKey, NodeKey, Sequence)]) -> String {
        let others = ids.iter().filter(|id| **id != root).map(|id| self.name(*id).to_owned());
        let reserved = reserved.iter().map(|(user, _, _)| format!("?{}", self.names[user]));
        let others: Vec<String> = others.chain(reserved).collect();
        let root = self.name(root);
        if others.is_empty() { root.to_owned() } else { format!("{root}({})", others.join(" ")) }
    }

    fn people_at(&self, before: Sequence) -> String {
        let appeared = (0..self.graph.len()).map(NodeNo).filter(|node| self.graph.appeared(*node) < before);
        let all = appeared.map(|node| (node, self.graph.ids_at(node, before)));
        let people = all.filter(|(node, (root, _))| node == root);
        let people = people.map(|(root, (_, ids))| self.person(root, &ids, &self.graph.reserved_at(root, before)));
        people.collect::<Vec<_>>().join(" | ")
    }

    /// All refusals, once each.
    pub(super) fn refused(&self) -> Vec<String> {
        let kept = self.changes.iter().filter_map(|change| match change {
            Change::Refused(refusal) => Some(refusal),
            _ => None,
        });
        let side = |node: Option<NodeNo>| node.map_or("-", |node| self.name(node)).to_owned();
        kept.map(|refusal| {
            assert!(self.graph.refusals(refusal.to).contains(refusal));
            assert!(refusal.from.is_none_or(|from| self.graph.refusals(from).contains(refusal)));
            let (from, to) = (side(refusal.from), side(Some(refusal.to)));
            format!("{from} {to} {:?} {}", refusal.code, refusal.sequence)
        })
        .collect()
    }

    /// The links of a person, in order, undone ones after them.
    pub(super) fn links(&self, name: &str) -> Vec<String> {
        let node = self.node(name);
        let all = self.graph.links(node).into_iter().chain(self.graph.past_links(node));
        all.map(|link| {
            let by = link.undone_by.map_or(String::new(), |by| format!(" undone by {by}"));
            let made_by =
                if link.made_by == link.sequence { String::new() } else { format!(" made by {}", link.made_by) };
            assert_eq!(self.graph.link_by(link.sequence), Some(link));
            let (from, to) = (self.name(link.from), self.name(link.to));
            format!("{from} {to} {:?} {}{made_by}{by}", link.rule, link.sequence)
        })
        .collect()
    }

    /// Whom each call belonged to, and what carried it.
    pub(super) fn verdicts(&self) -> Vec<String> {
        let name = |node: Option<NodeNo>| node.map_or("-", |node| self.name(node)).to_owned();
        self.verdicts.iter().map(|verdict| format!("{},{}", name(verdict.node), name(verdict.carried))).collect()
    }

    fn check_replay(&self) {
        let mut bytes = Vec::new();
        for change in &self.changes {
            change.encode(&mut bytes);
        }
        let (mut again, mut rest) = (Graph::default(), bytes.as_slice());
        let mut shifts = Vec::new();
        while let Some(change) = Change::decode(&mut rest) {
            shifts.extend(again.replay(&change));
        }
        assert!(rest.is_empty());
        assert_eq!(dump(&again), dump(&self.graph));
        assert_eq!(shifts, self.shifts.concat());
    }

    fn check_past(&self) {
        for (place, told) in self.told.iter().enumerate() {
            assert_eq!(&self.people_at(sequence(place + 2)), told, "as of record {}", place + 1);
        }
    }
}

pub(super) fn key(name: &str) -> NodeKey {
    match name.strip_prefix('~') {
        Some(id) => NodeKey::of(IdKind::Anonymous, id),
        None => NodeKey::of(IdKind::User, name),
    }
}

pub(super) fn dump(graph: &Graph) -> Vec<u8> {
    let mut bytes = Vec::new();
    graph.dump(&mut bytes);
    bytes
}
