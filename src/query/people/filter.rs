//! Which people are wanted, and whether somebody is: by what memory holds, and by the person's record where that is not
//! enough.

use roaring::RoaringBitmap;

use crate::call::time::Time;
use crate::query::error::QueryError;
use crate::query::face::face;
use crate::views::identity::{Graph, NodeNo};
use crate::views::snapshot::Snapshot;
use crate::views::state::Summary;

/// What to do with people who have no userId.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Leave them out.
    #[default]
    Hide,
    /// Take them in.
    Include,
    /// Leave out all others.
    Only,
}

/// Which people are wanted. Text, traits and audiences are the search's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleFilter {
    /// Who is in this group.
    pub group: Option<String>,
    /// Who ever did this.
    pub event: Option<String>,
    /// Who was seen last at this time or later.
    pub seen_after: Option<Time>,
    /// Who was seen last before this time.
    pub seen_before: Option<Time>,
    /// Whether to show people without a userId.
    pub anonymous: Anonymous,
    /// Only who lacks a userId or an email.
    pub incomplete: bool,
}

/// Of so many nodes, a set with one at most is looked through itself.
const FEW: u32 = 64;

/// A filter, ready to be asked of many.
pub(in crate::query) struct Test<'a> {
    snapshot: &'a dyn Snapshot,
    filter: &'a PeopleFilter,
    members: Option<Set>,
    did: Option<Set>,
    found: Option<Set>,
}

impl<'a> Test<'a> {
    /// For a look at all people. `found` are the roots that the search has found, if it was asked. None when nobody can pass.
    pub(in crate::query) fn of_all(
        snapshot: &'a dyn Snapshot,
        filter: &'a PeopleFilter,
        found: Option<&RoaringBitmap>,
    ) -> Option<Self> {
        Self::new(snapshot, filter, found, |nodes| Set::People(Roots::of(snapshot, nodes)))
    }

    /// For a look at some people only: what is known of many stays as it is until somebody is asked for.
    pub(in crate::query) fn of_some(
        snapshot: &'a dyn Snapshot,
        filter: &'a PeopleFilter,
        found: Option<&RoaringBitmap>,
    ) -> Option<Self> {
        let few = u64::from(snapshot.graph().len() / FEW);
        Self::new(snapshot, filter, found, |nodes| {
            if nodes.len() <= few { Set::People(Roots::of(snapshot, nodes)) } else { Set::Nodes(nodes) }
        })
    }

    fn new(
        snapshot: &'a dyn Snapshot,
        filter: &'a PeopleFilter,
        found: Option<&RoaringBitmap>,
        set: impl Fn(RoaringBitmap) -> Set,
    ) -> Option<Self> {
        let members = match &filter.group {
            Some(id) => {
                let members = snapshot.members(snapshot.group_no(id)?);
                Some(set(members.into_iter().map(|root| root.0).collect()))
            }
            None => None,
        };
        let did = filter.event.as_deref().map(|event| {
            let nodes = snapshot.names_called(event).into_iter().map(|number| snapshot.name_nodes(number));
            set(nodes.fold(RoaringBitmap::new(), |all, nodes| all | nodes))
        });
        Some(Self { snapshot, filter, members, did, found: found.map(|found| set(found.clone())) })
    }

    /// The smallest set of people that everybody who passes is in, if one is known.
    fn among(&self) -> Option<&Roots> {
        let sets = [&self.members, &self.did, &self.found].into_iter().flatten();
        let people = sets.filter_map(|set| if let Set::People(people) = set { Some(people) } else { None });
        people.min_by_key(|people| people.count)
    }

    /// Shows everybody who may pass, in no order that anybody may rely on.
    pub(in crate::query) fn each(&self, look: &mut dyn FnMut(NodeNo)) {
        let mut look = self.roots_only(look);
        match self.among() {
            Some(people) => people.each(&mut look),
            None => (0..self.snapshot.graph().len()).map(NodeNo).for_each(&mut look),
        }
    }

    /// Shows everybody who may pass and whose place may be among the first; whole blocks of the others are left out.
    /// `place` says where a block's best stands, `may_come` whether that is good enough still.
    pub(super) fn each_first(
        &self,
        place: impl Fn(&Summary) -> Option<i64>,
        may_come: impl Fn(Option<i64>) -> bool,
        look: &mut dyn FnMut(NodeNo),
    ) {
        if self.among().is_some() {
            return self.each(look);
        }
        let mut blocks: Vec<_> =
            self.snapshot.bounds().into_iter().map(|(first, end, best)| (place(&best), first, end)).collect();
        // The best first, so that the others soon cannot come; none is the least.
        blocks.sort_unstable_by_key(|(best, ..)| std::cmp::Reverse(*best));
        let mut look = self.roots_only(look);
        for (best, first, end) in blocks {
            if !may_come(best) {
                break;
            }
            (first..end).map(NodeNo).for_each(&mut look);
        }
    }

    fn roots_only<'b>(&'b self, look: &'b mut dyn FnMut(NodeNo)) -> impl FnMut(NodeNo) + 'b {
        let graph = self.snapshot.graph();
        move |root| {
            if graph.is_root(root) {
                look(root);
            }
        }
    }

    /// Whether somebody passes, by what memory holds. Who is [`Test::doubtful`] may fail nevertheless.
    pub(in crate::query) fn may_take(&self, root: NodeNo, summary: &Summary) -> bool {
        let (graph, filter) = (self.snapshot.graph(), self.filter);
        let seen = summary.last_seen;
        if self.snapshot.is_hidden(root) {
            return false;
        }
        (match filter.anonymous {
            Anonymous::Hide => graph.has_user(root),
            Anonymous::Include => true,
            Anonymous::Only => !graph.has_user(root),
        }) && filter.seen_after.is_none_or(|time| seen.is_some_and(|seen| seen >= time))
            && filter.seen_before.is_none_or(|time| seen.is_some_and(|seen| seen < time))
            && [&self.members, &self.did, &self.found].into_iter().flatten().all(|set| set.has(graph, root))
    }

    /// Whether only the person's own record tells: only who lacks an email is wanted, and a userId is there.
    pub(super) fn doubtful(&self, root: NodeNo) -> bool {
        self.filter.incomplete && self.snapshot.graph().has_user(root)
    }

    /// Whether the person has no email.
    pub(super) fn lacks_email(&self, root: NodeNo) -> Result<bool, QueryError> {
        Ok(face(self.snapshot, root)?.email.is_none())
    }

    /// Whether somebody passes.
    pub(super) fn takes(&self, root: NodeNo, summary: &Summary) -> Result<bool, QueryError> {
        if !self.may_take(root, summary) {
            return Ok(false);
        }
        if self.doubtful(root) { self.lacks_email(root) } else { Ok(true) }
    }
}

/// Who is in something.
enum Set {
    /// Known by person.
    People(Roots),
    /// Known by node: a person is in it with any of its nodes.
    Nodes(RoaringBitmap),
}

impl Set {
    fn has(&self, graph: &Graph, root: NodeNo) -> bool {
        match self {
            Self::People(people) => people.has(root),
            Self::Nodes(nodes) => {
                let is_in = |node: NodeNo| nodes.contains(node.0);
                is_in(root) || graph.size(root) > 1 && graph.ids(root).into_iter().any(is_in)
            }
        }
    }
}

/// A set of people: one bit for each node there is.
pub(in crate::query) struct Roots {
    bits: Vec<u64>,
    /// How many nodes it was made of: at least as many as people are in it.
    count: u64,
}

impl Roots {
    /// The people that these nodes belong to now.
    pub(in crate::query) fn of(snapshot: &dyn Snapshot, nodes: impl IntoIterator<Item = u32>) -> Self {
        let graph = snapshot.graph();
        let (mut bits, mut count) = (vec![0; graph.len() as usize / 64 + 1], 0);
        for node in nodes.into_iter().filter(|node| *node < graph.len()) {
            let root = graph.root(NodeNo(node)).0;
            count += 1;
            if let Some(word) = bits.get_mut(root as usize / 64) {
                *word |= 1 << (root % 64);
            }
        }
        Self { bits, count }
    }

    pub(in crate::query) fn has(&self, root: NodeNo) -> bool {
        self.bits.get(root.0 as usize / 64).is_some_and(|word| word >> (root.0 % 64) & 1 == 1)
    }

    fn each(&self, look: &mut dyn FnMut(NodeNo)) {
        for (mut left, first) in self.bits.iter().copied().zip((0_u32..).step_by(64)) {
            while left != 0 {
                look(NodeNo(first + left.trailing_zeros()));
                left &= left - 1;
            }
        }
    }
}
