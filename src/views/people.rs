//! What is kept by person in memory: when it was seen, how many events it has, which group it is in.
//!
//! Every node keeps what it did itself; a person's own line is the join of its nodes' lines, made again where people fall
//! apart.

use std::collections::BTreeSet;

use super::delta::earliest;
use super::identity::{Graph, NodeNo, Shift};
use super::names::GroupNo;
use super::numbered::Numbered;
use super::state::{Stamp, Summary};
use crate::call::time::Time;

/// A line in little room: times in milliseconds, `NEVER` for none.
#[derive(Clone, Copy, Debug)]
struct Line {
    first: i64,
    last: i64,
    events: u64,
}

const NEVER: i64 = i64::MIN;
const EMPTY: Line = Line { first: NEVER, last: NEVER, events: 0 };

impl Line {
    fn summary(self) -> Summary {
        let time = |millis: i64| (millis != NEVER).then(|| Time::from_millis(millis));
        Summary { first_seen: time(self.first), last_seen: time(self.last), events: self.events }
    }

    fn of(summary: Summary) -> Self {
        let millis = |time: Option<Time>| time.map_or(NEVER, Time::as_millis);
        Self { first: millis(summary.first_seen), last: millis(summary.last_seen), events: summary.events }
    }

    fn raise(&mut self, other: Self) {
        self.first = self.first.max(other.first);
        self.last = self.last.max(other.last);
        self.events = self.events.max(other.events);
    }

    fn join(&mut self, other: Self) {
        let (ours, theirs) = (self.summary(), other.summary());
        *self = Self::of(Summary {
            first_seen: earliest(ours.first_seen, theirs.first_seen),
            last_seen: ours.last_seen.max(theirs.last_seen),
            events: ours.events + theirs.events,
        });
    }
}

/// Nodes that share a bound: few enough that a page looks at few, many enough that their bounds are looked through at once.
pub(super) const BLOCK: u32 = 256;

/// Everything that is kept by person.
#[derive(Debug, Default)]
pub(super) struct People {
    /// By node: what it did itself.
    own: Vec<Line>,
    /// By root: what the whole person did.
    joined: Vec<Line>,
    /// By [`BLOCK`] roots: what none of them exceeds. Only ever raised, so it may be more than anybody has.
    bounds: Vec<Line>,
    /// By node: the group that its own calls put it into.
    own_group: Numbered<NodeNo, (GroupNo, Stamp)>,
    /// By root: the group that the person is in.
    group: Numbered<NodeNo, (GroupNo, Stamp)>,
    members: Numbered<GroupNo, BTreeSet<NodeNo>>,
}

impl People {
    /// Makes room for nodes up to this number.
    fn reach(&mut self, node: NodeNo) -> usize {
        let at = node.0 as usize;
        for lines in [&mut self.own, &mut self.joined] {
            if lines.len() <= at {
                // Doubling would leave up to half of a large list unused.
                if at >= lines.capacity() {
                    lines.reserve_exact(at + 1 - lines.len() + lines.len() / 8);
                }
                lines.resize(at + 1, EMPTY);
            }
        }
        at
    }

    /// Changes what a whole person did.
    fn change(&mut self, root: usize, how: impl FnOnce(&mut Line)) {
        let Some(joined) = self.joined.get_mut(root) else { return };
        how(joined);
        let (joined, block) = (*joined, root / BLOCK as usize);
        if self.bounds.len() <= block {
            self.bounds.resize(block + 1, EMPTY);
        }
        if let Some(bound) = self.bounds.get_mut(block) {
            bound.raise(joined);
        }
    }

    /// Makes room for a node that appeared.
    pub(super) fn appear(&mut self, node: NodeNo) {
        self.reach(node);
    }

    /// Counts a call of a node that belongs to the person `root`.
    pub(super) fn seen(&mut self, node: NodeNo, root: NodeNo, at: Option<Time>, events: u64) {
        let line = Line::of(Summary { first_seen: at, last_seen: at, events });
        let (node, root) = (self.reach(node), self.reach(root));
        if let Some(own) = self.own.get_mut(node) {
            own.join(line);
        }
        self.change(root, |joined| joined.join(line));
    }

    /// A group call of a node that belongs to the person `root`. Returns whether the node's own group changed.
    pub(super) fn joins_group(&mut self, node: NodeNo, root: NodeNo, group: GroupNo, stamp: Stamp) -> bool {
        let own = self.own_group.entry(node).or_insert((group, stamp));
        let newer = own.1 <= stamp;
        if newer {
            *own = (group, stamp);
        }
        self.move_to(root, Some((group, stamp)));
        newer
    }

    /// Puts a person into a group if that is newer than what it is in.
    fn move_to(&mut self, root: NodeNo, group: Option<(GroupNo, Stamp)>) {
        let Some((group, stamp)) = group else { return };
        let former = self.group.get(&root).copied();
        if former.is_some_and(|(_, newest)| newest > stamp) {
            return;
        }
        self.leave(root);
        self.group.insert(root, (group, stamp));
        self.members.entry(group).or_default().insert(root);
    }

    /// Takes a person out of its group.
    fn leave(&mut self, root: NodeNo) -> Option<(GroupNo, Stamp)> {
        let former = self.group.remove(&root)?;
        if let Some(members) = self.members.get_mut(&former.0) {
            members.remove(&root);
        }
        Some(former)
    }

    /// Follows people who became one or fell apart.
    pub(super) fn shift(&mut self, graph: &Graph, shift: &Shift) {
        match shift {
            Shift::Joined { from, into } => {
                let (from_at, into_at) = (self.reach(*from), self.reach(*into));
                let line = self.joined.get(from_at).copied().unwrap_or(EMPTY);
                self.change(into_at, |joined| joined.join(line));
                let group = self.leave(*from);
                self.move_to(*into, group);
            }
            Shift::Split { from, into } => {
                self.leave(*from);
                for root in into {
                    self.gather(graph, *root);
                }
            }
        }
    }

    /// Makes a person's line from its nodes' lines.
    pub(super) fn gather(&mut self, graph: &Graph, root: NodeNo) {
        let mut line = EMPTY;
        self.leave(root);
        for node in graph.ids(root) {
            let at = self.reach(node);
            line.join(self.own.get(at).copied().unwrap_or(EMPTY));
            let group = self.own_group.get(&node).copied();
            self.move_to(root, group);
        }
        let at = self.reach(root);
        self.change(at, |joined| *joined = line);
    }

    /// What a node did itself.
    pub(super) fn own(&self, node: NodeNo) -> Summary {
        self.own.get(node.0 as usize).copied().unwrap_or(EMPTY).summary()
    }

    /// The group that a node's own calls put it into.
    pub(super) fn own_group(&self, node: NodeNo) -> Option<(GroupNo, Stamp)> {
        self.own_group.get(&node).copied()
    }

    /// Sets what a node did itself, as stored.
    pub(super) fn restore(&mut self, node: NodeNo, summary: Summary) {
        let at = self.reach(node);
        if let Some(own) = self.own.get_mut(at) {
            *own = Line::of(summary);
        }
    }

    /// Sets a node's own group, as stored.
    pub(super) fn restore_group(&mut self, node: NodeNo, group: GroupNo, stamp: Stamp) {
        self.own_group.insert(node, (group, stamp));
    }

    /// Makes every person's line, after all nodes were restored.
    pub(super) fn gather_all(&mut self, graph: &Graph) {
        for number in 0..graph.len() {
            let root = NodeNo(number);
            if graph.is_root(root) {
                self.gather(graph, root);
            }
        }
    }

    /// What a person did.
    pub(super) fn summary(&self, root: NodeNo) -> Summary {
        self.joined.get(root.0 as usize).copied().unwrap_or(EMPTY).summary()
    }

    /// What nobody of a block exceeds in any of the three.
    pub(super) fn bound(&self, block: u32) -> Summary {
        self.bounds.get(block as usize).copied().unwrap_or(EMPTY).summary()
    }

    /// The group that a person is in.
    pub(super) fn group(&self, root: NodeNo) -> Option<GroupNo> {
        self.group.get(&root).map(|(group, _)| *group)
    }

    /// How many people are in a group.
    pub(super) fn member_count(&self, group: GroupNo) -> u64 {
        self.members.get(&group).map_or(0, |members| members.len() as u64)
    }

    /// The people who are in a group.
    pub(super) fn members(&self, group: GroupNo) -> BTreeSet<NodeNo> {
        self.members.get(&group).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_exceeds_the_bound_of_its_block() {
        let at = |millis: i64| Some(Time::from_millis(millis));
        let mut people = People::default();
        let far = NodeNo(BLOCK * 2 + 1);
        people.seen(NodeNo(3), NodeNo(3), at(50), 1);
        people.seen(far, far, at(90), 4);
        people.seen(NodeNo(4), far, None, 7);
        assert_eq!(people.bound(0).last_seen, at(50));
        assert_eq!((people.bound(2).last_seen, people.bound(2).events), (at(90), 11));
        // A block that nobody was seen in, and one that was never reached.
        assert_eq!((people.bound(1), people.bound(9)), (Summary::default(), Summary::default()));
        people.shift(&Graph::default(), &Shift::Joined { from: far, into: NodeNo(3) });
        assert_eq!((people.bound(0).last_seen, people.bound(0).events), (at(90), 12));
        assert_eq!(people.summary(NodeNo(3)), Summary { first_seen: at(50), ..people.bound(0) });
    }
}
