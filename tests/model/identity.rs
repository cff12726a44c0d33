//! The graph of identities against the plain model: after every record, after every restart, and about every moment of
//! the past.

use std::collections::{BTreeMap, BTreeSet};

use roundtower::journal::Sequence;
use roundtower::views::identity::{Change, Graph, IdKind, Naming, NodeKey, NodeNo, Order, Rule, Shift};

use super::actions::{Action, Alias, USERS, shuffled_aliases, stories};
use super::chance::prove;
use super::plain::{Id, Link, People, Plain, Refusal};

/// The graph beside the model, and what has to follow from its words alone.
#[derive(Default)]
struct Pair {
    graph: Graph,
    plain: Plain,
    stored: Vec<u8>,
    /// The texts of nodes, as the graph told them when they appeared.
    ids: BTreeMap<NodeNo, Id>,
    /// The roots, as shifts alone tell them.
    roots: BTreeSet<NodeNo>,
    /// People and reservations after each record.
    past: Vec<(People, BTreeSet<(Id, String)>)>,
    last: u64,
}

fn kind(id: &Id) -> IdKind {
    if id.0 { IdKind::Anonymous } else { IdKind::User }
}

fn key(id: &Id) -> NodeKey {
    NodeKey::of(kind(id), &id.1)
}

fn named((is_anonymous, text): (bool, &str)) -> Id {
    (is_anonymous, text.to_owned())
}

fn dump(graph: &Graph) -> Vec<u8> {
    let mut bytes = Vec::new();
    graph.dump(&mut bytes);
    bytes
}

impl Pair {
    fn go(&mut self, action: &Action) {
        if let Action::Restart = action {
            return self.restart();
        }
        self.last += 1;
        let sequence = Sequence::new(self.last);
        let mut changes = Vec::new();
        self.plain.at(self.last);
        let shifts = match *action {
            Action::Call { user, anonymous } => {
                let naming = naming(sequence, user, anonymous, None, true);
                let expected = self.plain.call(user, anonymous);
                self.apply(&naming, &mut changes, &expected)
            }
            Action::Alias { previous, user, anonymous, may_merge_users } => {
                let naming = naming(sequence, Some(user), anonymous, Some(previous), may_merge_users);
                let owner = self.plain.alias(previous, user, may_merge_users);
                let device = anonymous.map(|id| (true, id.to_owned()));
                let people = self.plain.people();
                let is_one = |device: &Id| {
                    people.values().any(|ids| ids.contains(device) && owner.as_ref().is_some_and(|id| ids.contains(id)))
                };
                let carried = device.filter(is_one);
                self.apply(&naming, &mut changes, &(owner, carried))
            }
            Action::Merge { from, into } => {
                let (from, into) = (named(from), named(into));
                let order = Order::Merge { from: key(&from), into: key(&into) };
                let is_done = self.plain.merge(&from, &into);
                self.order(sequence, &order, &mut changes, is_done)
            }
            Action::Undo { back } => {
                let reason = self.last.saturating_sub(back).max(1);
                let is_done = self.plain.undo(reason);
                self.order(sequence, &Order::Undo(Sequence::new(reason)), &mut changes, is_done)
            }
            Action::Restart => Vec::new(),
        };
        for change in &changes {
            change.encode(&mut self.stored);
        }
        self.follow(&shifts);
        self.compare();
    }

    fn apply(
        &mut self,
        naming: &Naming<'_>,
        changes: &mut Vec<Change>,
        expected: &(Option<Id>, Option<Id>),
    ) -> Vec<Shift> {
        let verdict = self.graph.apply(naming, changes);
        for (node, id) in &verdict.appeared {
            let id = (self.graph.kind(*node) == IdKind::Anonymous, id.clone());
            assert_eq!(key(&id), self.graph.key(*node));
            self.ids.insert(*node, id);
            self.roots.insert(*node);
        }
        let id = |node: Option<NodeNo>| node.map(|node| self.ids[&node].clone());
        assert_eq!((id(verdict.node), id(verdict.carried)), *expected);
        verdict.shifts
    }

    fn order(&mut self, now: Sequence, order: &Order, changes: &mut Vec<Change>, is_done: bool) -> Vec<Shift> {
        let answer = self.graph.order(now, order, changes);
        assert_eq!(answer.is_ok(), is_done, "{answer:?}");
        assert_eq!(changes.is_empty(), !is_done);
        answer.unwrap_or_default()
    }

    /// What is kept by person follows the shifts and nothing else.
    fn follow(&mut self, shifts: &[Shift]) {
        for shift in shifts {
            match shift {
                Shift::Joined { from, into } => {
                    assert!(self.roots.remove(from));
                    assert!(self.roots.contains(into));
                }
                Shift::Split { from, into } => {
                    assert!(self.roots.remove(from));
                    assert_eq!(into.len(), 2);
                    self.roots.extend(into);
                }
            }
        }
        let roots = self.nodes().filter(|node| self.graph.is_root(*node));
        assert!(roots.eq(self.roots.iter().copied()));
    }

    fn nodes(&self) -> impl Iterator<Item = NodeNo> + use<> {
        (0..self.graph.len()).map(NodeNo)
    }

    fn people(&self, of: impl Fn(NodeNo) -> (NodeNo, Vec<NodeNo>), before: Sequence) -> People {
        let mut people = People::new();
        for node in self.nodes().filter(|node| self.graph.appeared(*node) < before) {
            let (root, ids) = of(node);
            let ids: BTreeSet<Id> = ids.iter().map(|id| self.ids[id].clone()).collect();
            assert!(ids.contains(&self.ids[&node]));
            let same = people.entry(self.ids[&root].clone()).or_insert_with(|| ids.clone());
            assert_eq!(*same, ids);
        }
        people
    }

    fn compare(&mut self) {
        let (graph, never) = (&self.graph, Sequence::new(u64::MAX));
        let people = self.people(|node| (graph.root(node), graph.ids(node)), never);
        assert_eq!(people, self.plain.people());
        let is_known = |root: &NodeNo| graph.has_user(*root) == (graph.primary_user(*root) == Some(*root));
        assert!(self.roots.iter().all(is_known));
        let reserved = self.reserved(|root| graph.reserved(root));
        assert_eq!(reserved, self.plain.reserved());
        self.past.push((people, reserved));
    }

    /// The reserved ids by whom they are for. Their texts are found by their keys.
    fn reserved(&self, of: impl Fn(NodeNo) -> Vec<(NodeKey, NodeKey, Sequence)>) -> BTreeSet<(Id, String)> {
        let text = |user: NodeKey| USERS.into_iter().find(|text| NodeKey::of(IdKind::User, text) == user).unwrap();
        let mut found = BTreeSet::new();
        for root in &self.roots {
            for (user, anonymous, _) in of(*root) {
                assert_eq!(NodeKey::of(IdKind::Anonymous, text(user)), anonymous);
                found.insert((self.ids[root].clone(), text(user).to_owned()));
            }
        }
        found
    }

    /// A graph from what was stored, which takes the place of the old one.
    fn restart(&mut self) {
        let (mut again, mut rest) = (Graph::default(), self.stored.as_slice());
        while let Some(change) = Change::decode(&mut rest) {
            again.replay(&change);
        }
        assert!(rest.is_empty());
        assert_eq!(dump(&again), dump(&self.graph));
        self.graph = again;
    }

    /// Every moment of the past, as it was told then.
    fn check_past(&self) {
        for (place, (people, reserved)) in (2..).zip(&self.past) {
            let before = Sequence::new(place);
            assert_eq!(self.people(|node| self.graph.ids_at(node, before), before), *people);
            let roots = people.keys().map(|id| self.graph.by_key(&key(id)).unwrap());
            let kept: Vec<(NodeNo, NodeKey)> = roots
                .flat_map(|root| self.graph.reserved_at(root, before).into_iter().map(move |kept| (root, kept.0)))
                .collect();
            let expected: Vec<(NodeNo, NodeKey)> = reserved
                .iter()
                .map(|(id, text)| (self.graph.by_key(&key(id)).unwrap(), NodeKey::of(IdKind::User, text)))
                .collect();
            assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), expected.into_iter().collect::<BTreeSet<_>>());
            self.check_links_at(before);
        }
    }

    fn check_links_at(&self, before: Sequence) {
        let is_active =
            |link: &&Link| link.made_by < before.get() && link.undone_by.is_none_or(|by| by >= before.get());
        let mut expected: Vec<(u64, u64)> =
            self.plain.links.iter().filter(is_active).map(|link| (link.made_by, link.sequence)).collect();
        let nodes = self.nodes().filter(|node| self.graph.appeared(*node) < before);
        let roots: BTreeSet<NodeNo> = nodes.map(|node| self.graph.ids_at(node, before).0).collect();
        let links = roots.into_iter().flat_map(|root| self.graph.links_at(root, before));
        let mut found: Vec<(u64, u64)> = links.map(|link| (link.made_by.get(), link.sequence.get())).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    /// Links and refusals, each where a reader looks for it.
    fn check_evidence(&self) {
        for link in &self.plain.links {
            let found = self.graph.link_by(Sequence::new(link.sequence)).unwrap();
            assert_eq!(self.plain_link(&found), *link);
            let from = self.graph.by_key(&key(&link.from)).unwrap();
            let links = match link.undone_by {
                None => self.graph.links(from),
                Some(_) => self.graph.past_links(from),
            };
            assert!(links.contains(&found));
        }
        let count: usize = self.roots.iter().map(|root| self.graph.links(*root).len()).sum();
        assert_eq!(count, self.plain.links.iter().filter(|link| link.undone_by.is_none()).count());
        let mut found: Vec<_> = self.roots.iter().flat_map(|root| self.graph.refusals(*root)).collect();
        found.sort_unstable_by_key(|refusal| refusal.sequence);
        found.dedup();
        let id = |node: NodeNo| self.ids[&node].clone();
        let found = found.into_iter().map(|refusal| Refusal {
            from: refusal.from.map(id),
            to: id(refusal.to),
            code: text(&format!("{:?}", refusal.code)),
            sequence: refusal.sequence.get(),
        });
        assert_eq!(found.collect::<Vec<_>>(), self.plain.refusals);
    }

    fn plain_link(&self, link: &roundtower::views::identity::Link) -> Link {
        Link {
            from: self.ids[&link.from].clone(),
            to: self.ids[&link.to].clone(),
            rule: match link.rule {
                Rule::R2 => "R2",
                Rule::R4b => "R4b",
                Rule::R4c => "R4c",
                Rule::R4e => "R4e",
                Rule::Operator => "Operator",
            },
            sequence: link.sequence.get(),
            made_by: link.made_by.get(),
            undone_by: link.undone_by.map(Sequence::get),
        }
    }
}

/// The name of a refusal as the model writes it.
fn text(name: &str) -> &'static str {
    ["SharedDevice", "AliasAnonClaimed", "AliasBlockedId", "BlockedId", "AliasUserNotAllowed"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap()
}

fn naming<'a>(
    sequence: Sequence,
    user_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    previous_id: Option<&'a str>,
    may_merge_users: bool,
) -> Naming<'a> {
    Naming { sequence, user_id, anonymous_id, previous_id, may_merge_users }
}

#[test]
fn the_graph_says_what_the_rules_say() {
    prove("the_graph_says_what_the_rules_say", &stories(), |story| {
        let mut pair = Pair::default();
        for action in &story {
            pair.go(action);
        }
        pair.restart();
        pair.check_past();
        pair.check_evidence();
    });
}

/// The partition that aliases between users make; every id appears at the end, some have before.
fn partition(before: &[&str], aliases: &[Alias]) -> BTreeSet<BTreeSet<NodeKey>> {
    let (mut graph, mut changes, mut last) = (Graph::default(), Vec::new(), 0);
    let appear = before.iter().map(|user| (*user, None));
    let alias = aliases.iter().map(|(previous, user)| (*user, Some(*previous)));
    for (user, previous) in appear.chain(alias).chain(USERS.map(|user| (user, None))) {
        last += 1;
        graph.apply(&naming(Sequence::new(last), Some(user), None, previous, true), &mut changes);
    }
    let ids = |node| graph.ids(NodeNo(node)).into_iter().map(|id| graph.key(id)).collect();
    (0..graph.len()).map(ids).collect()
}

#[test]
fn who_belongs_together_does_not_depend_on_the_order_of_aliases() {
    let known = proptest::sample::subsequence(USERS.to_vec(), 0..=USERS.len());
    let cases = (known, shuffled_aliases());
    prove("who_belongs_together_does_not_depend_on_the_order_of_aliases", &cases, |(known, (one, other))| {
        assert_eq!(partition(&known, &one), partition(&known, &other));
    });
}
