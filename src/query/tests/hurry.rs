//! Questions of somebody who does not wait: every page gets on, and what has no pages is refused.

use std::collections::BTreeMap;

use serde_json::Value;

use super::calls::{START_MS, group, identify, minute, track};
use super::json as answer;
use super::world::{World, first};
use crate::call::time::Time;
use crate::query::as_of::person_as_of;
use crate::query::events::{EventSort, events};
use crate::query::feed::{FeedFilter, feed};
use crate::query::groups::{GroupSort, groups};
use crate::query::people::{PeopleFilter, Sort, TextPlace, people, people_by_text};
use crate::query::stats::{Interval, stats};
use crate::query::traits::traits;
use crate::query::{Page, QueryError};
use crate::views::snapshot::Snapshot as _;

/// The items of all pages, and how many pages there were.
fn paged(limit: usize, ask: impl Fn(&Page<'_>) -> Value) -> (Vec<Value>, usize) {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    for pages in 1..2_000 {
        let page = ask(&Page { cursor: cursor.as_deref(), ..first(limit) });
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return (items, pages),
        }
    }
    panic!("the pages do not end");
}

#[test]
fn a_list_of_calls_comes_in_more_pages() {
    let rare = |number: usize| if number % 400 == 7 { "Rare" } else { "Usual" };
    let mut world = World::of((0..1_500).map(|number| track(["u1", "u2"][number % 2], "-", rare(number)).by("web")));
    let mut filter = FeedFilter { person: Some(world.root_at("user_id:u2")), ..FeedFilter::default() };
    filter.calls.events = vec!["Rare".to_owned()];
    let ask = |world: &World, limit| paged(limit, |page| answer(feed(world, &filter, page).unwrap()));
    let (whole, pages) = ask(&world, 10);
    assert_eq!((whole.len(), pages), (4, 1));
    world.is_forsaken = true;
    let (found, pages) = ask(&world, 10);
    assert_eq!(found, whole);
    assert!(pages > 2, "{pages}");
    assert_eq!(ask(&world, 1).0, whole);
}

#[test]
fn people_come_one_by_one() {
    let mut world = World::of((0..20).map(|number| identify(&format!("u{number}"), "-", r#"{"a":1}"#)));
    let by_time = |world: &World, limit| {
        let ask = |page: &Page<'_>| people(world, &PeopleFilter::default(), None, (Sort::LastSeen, true), page);
        paged(limit, |page| answer(ask(page).unwrap()))
    };
    let rows: Vec<_> = (0..20).map(|number| (None, world.node_at(&format!("user_id:u{number}")))).collect();
    let by_name = |world: &World, limit| {
        let sorted = |after: Option<TextPlace>, limit: usize| {
            let start = after.map_or(0, |after| rows.iter().position(|row| *row == after).unwrap() + 1);
            Ok(rows[start..].iter().take(limit).map(|(text, node)| (*node, text.clone())).collect())
        };
        let ask = |page: &Page<'_>| people_by_text(world, &PeopleFilter::default(), &sorted, page);
        paged(limit, |page| answer(ask(page).unwrap()))
    };
    let whole = (by_time(&world, 50), by_name(&world, 50));
    assert_eq!((whole.0.0.len(), whole.0.1, whole.1.0.len(), whole.1.1), (20, 1, 20, 1));
    world.is_forsaken = true;
    assert_eq!((by_time(&world, 50), by_name(&world, 50)), ((whole.0.0, 20), (whole.1.0, 20)));
}

#[test]
fn what_has_no_pages_is_refused_or_cut() {
    let calls = (0..600).map(|number| match number % 2 {
        0 => group("u1", "-", &format!("g{number}"), "{}"),
        _ => identify("u1", "-", &format!(r#"{{"n":{number}}}"#)).at(number),
    });
    let mut world = World::of(calls.chain((0..600).map(|number| track("u1", "-", &format!("E{number}")))));
    let root = world.root_at("user_id:u1");
    let ask = |world: &World| {
        [
            groups(world, None, GroupSort::LastSeen, true, &first(9)).map(|_| ()),
            events(world, None, (EventSort::Count, true), &first(9)).map(|_| ()),
            person_as_of(world, root, world.through()).map(|_| ()),
            stats(world, Interval::Hour, Time::from_millis(START_MS), minute(600), &BTreeMap::new()).map(|_| ()),
        ]
    };
    assert!(ask(&world).iter().all(Result::is_ok));
    let whole = traits(&world, root).unwrap();
    assert!(!whole.cut && whole.items[0].former.len() == 100);
    world.is_forsaken = true;
    for (number, refused) in ask(&world).into_iter().enumerate() {
        assert!(matches!(refused, Err(QueryError::TooSlow)), "{number}: {refused:?}");
    }
    let part = traits(&world, root).unwrap();
    assert!(part.cut && part.items[0].former.is_empty());
    assert_eq!(answer(&part.items[0])["value"], answer(&whole.items[0])["value"]);
}
