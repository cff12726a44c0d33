//! The next people in the order of a name or email: each segment gives its first ones, and the firsts of all are merged.

use std::cmp::Ordering;
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, ColumnValues, StrColumn};
use tantivy::termdict::TermOrdinal;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::roots::{column, root};
use super::{Position, SortBy};
use crate::views::identity::NodeNo;

/// Who has no name comes last in both directions.
const NAMELESS: u64 = u64::MAX;

/// Collects the people that come next.
pub(super) struct Next<'a> {
    pub by: SortBy,
    pub is_descending: bool,
    pub after: Option<&'a Position>,
    pub limit: usize,
}

impl Collector for Next<'_> {
    type Fruit = Vec<Position>;
    type Child = SegmentNext;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentNext> {
        let names = segment.fast_fields().str(self.by.column())?;
        let start = match self.after {
            None => None,
            Some((None, node)) => Some((NAMELESS, node.0)),
            Some((Some(name), node)) => Some(start(names.as_ref(), name, *node, self.is_descending)?),
        };
        let ordinals = names.as_ref().map(|names| names.ords().clone());
        Ok(SegmentNext {
            roots: column(segment)?,
            ordinals,
            names,
            is_descending: self.is_descending,
            start,
            bound: None,
            limit: self.limit,
            found: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Vec<Position>>>) -> tantivy::Result<Vec<Position>> {
        let mut all = Vec::new();
        for found in segments {
            all.extend(found?);
        }
        all.sort_unstable_by(|left, right| self.order(left, right));
        all.truncate(self.limit);
        Ok(all)
    }
}

impl Next<'_> {
    fn order(&self, (left, left_root): &Position, (right, right_root): &Position) -> Ordering {
        let by_name = match (left, right) {
            (Some(left), Some(right)) if self.is_descending => right.cmp(left),
            (Some(left), Some(right)) => left.cmp(right),
            (left, right) => left.is_none().cmp(&right.is_none()),
        };
        by_name.then(left_root.cmp(right_root))
    }
}

/// A person's place within its segment: the rank of its name, then its root.
type Place = (u64, u32);

/// The rank of a name in the order that is asked for. Odd, so that there is a rank between any two names.
fn rank(ordinal: TermOrdinal, is_descending: bool) -> u64 {
    let rank = 2 * ordinal + 1;
    if is_descending { NAMELESS - 1 - rank } else { rank }
}

/// The place after which this segment's part of the next page begins. The name need not be in the segment.
fn start(names: Option<&StrColumn>, name: &str, node: NodeNo, is_descending: bool) -> tantivy::Result<Place> {
    let Some(names) = names else {
        return Ok((0, u32::MAX)); // here nobody has a name, and the nameless are still to come
    };
    let dictionary = names.dictionary();
    if let Some(ordinal) = dictionary.term_ord(name)? {
        return Ok((rank(ordinal, is_descending), node.0));
    }
    let next = dictionary.term_bounds_to_ord(std::ops::Bound::Included(name), std::ops::Bound::Unbounded)?.0;
    let next = match next {
        // Behind all names this may be any number that is greater than theirs.
        std::ops::Bound::Included(next) => next.min(dictionary.num_terms() as u64),
        _ => 0,
    };
    let before_next = 2 * next;
    Ok((if is_descending { NAMELESS - 1 - before_next } else { before_next }, u32::MAX))
}

/// The first people of one segment.
pub(super) struct SegmentNext {
    roots: Arc<dyn ColumnValues<u64>>,
    ordinals: Option<Column<u64>>,
    names: Option<StrColumn>,
    is_descending: bool,
    start: Option<Place>,
    /// The greatest place that can still be among the first ones.
    bound: Option<Place>,
    limit: usize,
    found: Vec<Place>,
}

impl SegmentNext {
    /// Keeps the first ones only.
    fn cut(&mut self) {
        if self.limit > 0 && self.found.len() > self.limit {
            let (_, greatest, _) = self.found.select_nth_unstable(self.limit - 1);
            self.bound = Some(*greatest);
        }
        self.found.truncate(self.limit);
    }

    fn people(mut self) -> tantivy::Result<Vec<Position>> {
        self.cut();
        let mut people = Vec::with_capacity(self.found.len());
        for (rank, root) in self.found {
            let mut name = None;
            if rank != NAMELESS
                && let Some(names) = &self.names
            {
                let rank = if self.is_descending { NAMELESS - 1 - rank } else { rank };
                let mut text = String::new();
                names.ord_to_str((rank - 1) / 2, &mut text)?;
                name = Some(text);
            }
            people.push((name, NodeNo(root)));
        }
        Ok(people)
    }
}

impl SegmentCollector for SegmentNext {
    type Fruit = tantivy::Result<Vec<Position>>;

    fn collect(&mut self, doc: DocId, _: Score) {
        let ordinal = self.ordinals.as_ref().and_then(|ordinals| ordinals.first(doc));
        let rank = ordinal.map_or(NAMELESS, |ordinal| rank(ordinal, self.is_descending));
        if self.start.is_some_and(|(start, _)| rank < start) || self.bound.is_some_and(|(bound, _)| rank > bound) {
            return;
        }
        let place = (rank, root(self.roots.get_val(doc)));
        if self.start.is_some_and(|start| place <= start) || self.bound.is_some_and(|bound| place > bound) {
            return;
        }
        self.found.push(place);
        if self.found.len() >= 2 * self.limit.max(256) {
            self.cut();
        }
    }

    fn harvest(self) -> tantivy::Result<Vec<Position>> {
        self.people()
    }
}
