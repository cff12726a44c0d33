//! All people of a filter.

use roaring::RoaringBitmap;

use super::csv::Line;
use super::{Rows, Sheet};
use crate::query::error::QueryError;
use crate::query::people::{PeopleFilter, Sort, Test, rank};
use crate::query::person::{Person, person};
use crate::query::scan::{Watch, in_time};
use crate::views::Views;
use crate::views::identity::NodeNo;
use crate::views::search;
use crate::views::snapshot::Snapshot;

/// People that are asked of the search at once when it orders them.
const SORTED_AT_ONCE: usize = 20_000;

const COLUMNS: &[&str] = &[
    "id",
    "user_id",
    "anonymous_ids",
    "name",
    "email",
    "phone",
    "group_id",
    "group_name",
    "first_seen",
    "last_seen",
    "events",
    "anonymous",
    "incomplete",
    "traits",
];

/// What people are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A time or number.
    Number(Sort),
    /// A text that the search index knows.
    Text(search::SortBy),
}

/// Who is wanted, and in which order.
#[derive(Clone, Debug)]
pub struct PeopleWanted {
    /// What memory answers.
    pub filter: PeopleFilter,
    /// What the search index answers.
    pub index: search::Filter,
    /// Whether the search index has to be asked.
    pub needs_index: bool,
    /// By what.
    pub order: Order,
    /// The greatest first.
    pub is_descending: bool,
}

/// The people of a filter as they were when this was made, one row each.
#[derive(Debug)]
pub struct PeopleRows {
    people: Vec<NodeNo>,
    /// The next one.
    at: usize,
    /// Whoever has a row, or gets one.
    listed: RoaringBitmap,
    incomplete: bool,
}

impl PeopleRows {
    /// Decides who is in the file.
    ///
    /// # Errors
    /// When the filter is too long, the views or the search index cannot be read, or it takes too long.
    pub fn open(views: &Views, wanted: &PeopleWanted) -> Result<Self, QueryError> {
        let people = match wanted.order {
            Order::Number(sort) => by_number(views, wanted, sort)?,
            Order::Text(by) => by_text(views, wanted, by)?,
        };
        Ok(Self::of(people, wanted.filter.incomplete))
    }

    fn of(people: Vec<NodeNo>, incomplete: bool) -> Self {
        Self { listed: people.iter().map(|root| root.0).collect(), people, at: 0, incomplete }
    }

    /// The person behind a row now. Two who have become one get the row of the one they are.
    fn root(&mut self, snapshot: &dyn Snapshot, listed: NodeNo) -> Option<NodeNo> {
        let root = snapshot.graph().root(listed);
        (root == listed || self.listed.insert(root.0)).then_some(root)
    }
}

/// Who passes, with what orders them.
fn ranked(
    snapshot: &dyn Snapshot,
    wanted: &PeopleWanted,
    found: Option<&RoaringBitmap>,
    sort: Sort,
) -> Result<Vec<(Option<i64>, NodeNo)>, QueryError> {
    let Some(test) = Test::of_all(snapshot, &wanted.filter, found) else { return Ok(Vec::new()) };
    let (watch, mut late, mut people) = (Watch::new(snapshot), false, Vec::new());
    let mut look = |root: NodeNo| {
        late = late || !watch.has_time();
        let summary = snapshot.summary(root);
        if !late && test.may_take(root, &summary) {
            people.push((rank(sort, &summary), root));
        }
    };
    test.each(&mut look);
    if late { Err(QueryError::TooSlow) } else { Ok(people) }
}

fn by_number(views: &Views, wanted: &PeopleWanted, sort: Sort) -> Result<Vec<NodeNo>, QueryError> {
    let mut people = views.read(|snapshot| {
        let found = wanted.needs_index.then(|| views.search().roots(&wanted.index)).transpose()?;
        ranked(snapshot, wanted, found.as_ref(), sort)
    })?;
    // Turning all bits around turns the order of numbers around; who has none comes last.
    let turned = |number: i64| if wanted.is_descending { !number } else { number };
    people.sort_unstable_by_key(|(number, _)| (number.is_none(), number.map(turned)));
    // Between equals the list goes by keys, which are looked up where it matters.
    views.read(|snapshot| {
        let graph = snapshot.graph();
        for equals in people.chunk_by_mut(|(one, _), (other, _)| one == other) {
            in_time(snapshot)?;
            equals.sort_unstable_by_key(|(_, root)| graph.key(*root).0);
        }
        Ok::<_, QueryError>(())
    })?;
    Ok(people.into_iter().map(|(_, root)| root).collect())
}

fn by_text(views: &Views, wanted: &PeopleWanted, by: search::SortBy) -> Result<Vec<NodeNo>, QueryError> {
    let (mut people, mut after) = (Vec::new(), None);
    loop {
        views.read(in_time)?;
        let some = views.search().sorted(&wanted.index, by, wanted.is_descending, after, SORTED_AT_ONCE)?;
        people.extend(some.iter().map(|(root, _)| *root));
        match some.into_iter().nth(SORTED_AT_ONCE - 1) {
            Some((root, text)) => after = Some((text, root)),
            None => break,
        }
    }
    views.read(|snapshot| {
        let Some(test) = Test::of_all(snapshot, &wanted.filter, None) else { return Ok(Vec::new()) };
        // Somebody whose name changed meanwhile may have come twice.
        let (graph, mut seen) = (snapshot.graph(), RoaringBitmap::new());
        people.retain(|root| {
            graph.is_root(*root) && seen.insert(root.0) && test.may_take(*root, &snapshot.summary(*root))
        });
        Ok(people)
    })
}

impl Rows for PeopleRows {
    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn write(&mut self, snapshot: &dyn Snapshot, sheet: &mut Sheet) -> Result<bool, QueryError> {
        while !sheet.is_full() {
            let Some(listed) = self.people.get(self.at).copied() else { return Ok(false) };
            if let Some(root) = self.root(snapshot, listed).filter(|root| !snapshot.is_hidden(*root)) {
                let found = person(snapshot, root)?;
                if found.incomplete || !self.incomplete {
                    sheet.row(&found, |line| cells(&found, line))?;
                }
            }
            self.at += 1;
            if !snapshot.has_time() {
                break;
            }
        }
        Ok(self.at < self.people.len())
    }
}

fn cells(one: &Person, line: &mut Line<'_>) {
    line.text(&one.id);
    line.maybe(one.user_id.as_deref());
    line.json(&one.anonymous_ids);
    line.maybe(one.name.as_deref());
    line.maybe(one.email.as_deref());
    line.maybe(one.phone.as_deref());
    line.maybe(one.group.as_ref().map(|group| group.id.as_str()));
    line.maybe(one.group.as_ref().and_then(|group| group.name.as_deref()));
    line.time(one.first_seen);
    line.time(one.last_seen);
    line.number(one.events);
    line.flag(one.anonymous);
    line.flag(one.incomplete);
    line.json(&one.traits);
}

#[cfg(test)]
impl PeopleRows {
    /// Of these, for tests with views of their own.
    pub(super) fn listing(people: Vec<NodeNo>, incomplete: bool) -> Self {
        Self::of(people, incomplete)
    }
}
