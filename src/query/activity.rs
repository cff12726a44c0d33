//! How active somebody was: calls by interval, from the times in the person's lists alone.
//!
//! A long list is read in turns, so that nothing waits for the end of it. What is counted is what the first turn saw: a
//! list only grows, and what was received later is left out.

use serde::Serialize;

use super::calendar::Every;
use super::error::QueryError;
use super::json::time;
use super::scan::{Budget, Union};
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::views::entry::{EntryKind, ListId, Place};
use crate::views::identity::NodeNo;
use crate::views::snapshot::Snapshot;

/// Rows of one turn.
const TURN_ROWS: usize = 200_000;
/// Intervals of one answer at most: the newest ones.
pub const INTERVALS_MAX: usize = 10_000;

/// The calls of one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// When it begins.
    #[serde(serialize_with = "time")]
    pub at: Time,
    /// How many calls happened in it.
    pub count: u64,
}

/// The calls of one person by interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// `hour`, `day` or `week`.
    pub interval: &'static str,
    /// In order, empty ones left out.
    pub items: Vec<Calls>,
    /// Whether older intervals are missing, because there was too much to count.
    pub cut: bool,
    /// True for all records below this one.
    pub through: u64,
}

/// Counts in turns.
#[derive(Debug)]
pub struct Counting {
    every: Every,
    since: Option<Time>,
    lists: Vec<ListId>,
    through: Sequence,
    /// Where the next turn begins.
    before: Option<Place>,
    /// Newest first.
    items: Vec<Calls>,
    cut: bool,
}

impl Counting {
    /// Begins with the person of this root, in the whole intervals from `since` to `until`.
    ///
    /// # Errors
    /// When `until` is not after `since`.
    pub fn new(
        snapshot: &dyn Snapshot,
        root: NodeNo,
        every: Every,
        since: Option<Time>,
        until: Option<Time>,
    ) -> Result<Self, QueryError> {
        let (since, until) = every.range(since, until)?;
        Ok(Self {
            every,
            since,
            lists: snapshot.graph().ids(root).into_iter().map(ListId::Node).collect(),
            through: snapshot.through(),
            before: until.map(|time| Place { time, sequence: Sequence::FIRST }),
            items: Vec::new(),
            cut: false,
        })
    }

    /// Counts for one turn. Returns whether another one is needed.
    ///
    /// # Errors
    /// When the views cannot be read.
    pub fn turn(&mut self, snapshot: &dyn Snapshot) -> Result<bool, QueryError> {
        self.turn_of(snapshot, TURN_ROWS)
    }

    fn turn_of(&mut self, snapshot: &dyn Snapshot, rows: usize) -> Result<bool, QueryError> {
        let budget = Budget::new(snapshot, rows);
        let mut calls = match Union::new(snapshot, self.lists.iter().copied(), self.before, &budget) {
            Err(QueryError::TooSlow) if !self.items.is_empty() => return Ok(self.give_up()),
            calls => calls?,
        };
        while let Some(entry) = calls.next()? {
            if self.since.is_some_and(|since| entry.place.time < since) {
                return Ok(false);
            }
            self.before = Some(entry.place);
            if entry.tag.kind == EntryKind::Control || entry.place.sequence >= self.through {
                continue;
            }
            let at = self.every.start(entry.place.time);
            if let Some(last) = self.items.last_mut().filter(|last| last.at == at) {
                last.count += 1;
                continue;
            }
            if self.items.len() == INTERVALS_MAX {
                self.cut = true;
                return Ok(false);
            }
            self.items.push(Calls { at, count: 1 });
        }
        if !budget.is_spent() {
            return Ok(false);
        }
        Ok(if snapshot.has_time() { true } else { self.give_up() })
    }

    /// Ends early. Nobody knows how many calls are missing in the oldest interval, so it goes, unless it is the only one.
    fn give_up(&mut self) -> bool {
        self.cut = true;
        if self.items.len() > 1 {
            self.items.pop();
        }
        false
    }

    /// What was counted.
    pub fn into_activity(mut self) -> Activity {
        self.items.reverse();
        Activity { interval: self.every.as_str(), items: self.items, cut: self.cut, through: self.through.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::tests::calls::{identify, minute, page, track};
    use crate::query::tests::world::World;

    fn counted(world: &World, every: Every, rows: usize) -> Activity {
        let root = world.root_at("user_id:u1");
        let mut counting = Counting::new(world, root, every, None, None).unwrap();
        while counting.turn_of(world, rows).unwrap() {}
        counting.into_activity()
    }

    #[test]
    fn turns_of_any_length_count_the_same() {
        // An hour is sixty of these calls, two ids of one person share some.
        let calls = (0..300).map(|number| match number % 3 {
            0 => identify("u1", "a1", "{}"),
            1 => track("-", "a1", "E"),
            _ => page("u1", "-", "P"),
        });
        let world = World::of(calls.chain((0..50).map(|_| track("u2", "-", "E"))));
        let whole = counted(&world, Every::Hour, 1_000_000);
        assert_eq!(whole.items.iter().map(|one| one.count).sum::<u64>(), 300);
        assert!(whole.items.len() >= 5 && whole.items.is_sorted_by(|one, other| one.at < other.at), "{whole:?}");
        assert!(!whole.cut && whole.through == 351);
        for rows in [2, 7, 60, 299, 300, 301] {
            assert_eq!(counted(&world, Every::Hour, rows), whole, "{rows} rows a turn");
        }
        assert_eq!(counted(&world, Every::Week, 7).items.iter().map(|one| one.count).sum::<u64>(), 300);
    }

    #[test]
    fn only_whole_intervals_of_the_range_count_and_orders_do_not() {
        let mut world = World::of((0..180).map(|_| track("u1", "-", "E")));
        world.take(track("u3", "-", "E"));
        world.merge("user_id:u3", "user_id:u1");
        let root = world.root_at("user_id:u1");
        let ask = |since, until| {
            let mut counting = Counting::new(&world, root, Every::Hour, since, until)?;
            while counting.turn(&world)? {}
            Ok::<_, QueryError>(counting.into_activity().items)
        };
        let all = ask(None, None).unwrap();
        assert_eq!(all.iter().map(|one| one.count).sum::<u64>(), 181, "the merge itself is no call of theirs");
        let second = all[1].at;
        let inside = Time::from_millis(second.as_millis() + 1_800_000);
        assert_eq!(ask(Some(inside), None).unwrap(), all[1..]);
        assert_eq!(ask(None, Some(inside)).unwrap(), all[..2]);
        assert_eq!(ask(None, Some(second)).unwrap(), all[..1]);
        assert!(matches!(ask(Some(second), Some(second)), Err(QueryError::BadParameter { .. })));
    }

    #[test]
    fn too_many_intervals_and_too_little_time_are_told() {
        let hours = |count: usize| {
            World::of((0..count).map(|number| track("u1", "-", "E").at(-60 * i64::try_from(number).unwrap())))
        };
        let full = counted(&hours(INTERVALS_MAX), Every::Hour, 1_000_000);
        assert_eq!((full.items.len(), full.cut), (INTERVALS_MAX, false));
        let over = counted(&hours(INTERVALS_MAX + 1), Every::Hour, 1_000_000);
        assert_eq!((over.items, over.cut), (full.items, true), "the newest ones stay");
        let mut world = World::of((0..600).map(|number| track("u1", "-", "E").at(number / 2)));
        let whole = counted(&world, Every::Hour, 1_000_000);
        world.is_forsaken = true;
        let part = counted(&world, Every::Hour, 1_000_000);
        assert!(part.cut && !part.items.is_empty() && part.items.len() < whole.items.len(), "{part:?}");
        assert!(whole.items.ends_with(&part.items), "what is told is whole");
        assert_eq!(minute(0), Time::from_millis(crate::query::tests::calls::START_MS));
    }
}
