//! Lists of people, groups and names, and counts.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use serde_json::{Value, json};

use super::calls::{START_MS, alias, group, identify, minute, page, track};
use super::json as answer;
use super::world::{World, first};
use crate::call::time::Time;
use crate::query::events::{EventSort, event, events};
use crate::query::groups::{GroupSort, group as one_group, groups};
use crate::query::people::{Anonymous, PeopleFilter, Sort, TextPlace, count, people, people_by_text};
use crate::query::stats::{Interval, Unrecorded, stats};
use crate::query::{Page, QueryError};
use crate::views::identity::NodeNo;

fn small() -> World {
    World::of([
        identify("u1", "-", r#"{"email":"1","name":"b"}"#),
        track("u2", "-", "A"),
        track("-", "a3", "A"),
        group("u1", "-", "g1", r#"{"name":"Acme"}"#),
        group("u2", "-", "g2", "{}"),
        identify("u4", "-", r#"{"name":"a"}"#),
        page("u1", "-", "Home"),
        alias("p", "u5"),
    ])
}

fn ids(page: &Value) -> Vec<String> {
    let id = |person: &Value| person["user_id"].as_str().or(person["anonymous_ids"][0].as_str()).unwrap().to_owned();
    page["items"].as_array().unwrap().iter().map(id).collect()
}

fn people_of(world: &World, filter: &PeopleFilter, found: Option<&RoaringBitmap>, order: (Sort, bool)) -> Vec<String> {
    let whole = ids(&answer(people(world, filter, found, order, &first(100)).unwrap()));
    let (mut paged, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = people(world, filter, found, order, &Page { cursor: cursor.as_deref(), ..first(2) }).unwrap();
        cursor = page.next.clone();
        paged.extend(ids(&answer(page)));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, whole, "pages of two are the same list");
    whole
}

#[test]
fn people_are_ordered_and_filtered() {
    let world = small();
    let newest = (Sort::LastSeen, true);
    let with = |filter: PeopleFilter| people_of(&world, &filter, None, newest);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(with(PeopleFilter::default()), ["u1", "u4", "u2", "u5"], "who was never seen comes last");
    let all = PeopleFilter { anonymous: Anonymous::Include, ..PeopleFilter::default() };
    assert_eq!(with(all.clone()), ["u1", "u4", "u2", "a3", "u5"]);
    assert_eq!(with(PeopleFilter { anonymous: Anonymous::Only, ..PeopleFilter::default() }), ["a3"]);
    assert_eq!(with(PeopleFilter { incomplete: true, ..PeopleFilter::default() }), ["u4", "u2", "u5"]);
    assert_eq!(with(PeopleFilter { group: text("g1"), ..PeopleFilter::default() }), ["u1"]);
    assert!(with(PeopleFilter { group: text("Z"), ..PeopleFilter::default() }).is_empty());
    assert_eq!(with(PeopleFilter { event: text("A"), ..all }), ["u2", "a3"]);
    assert!(with(PeopleFilter { event: text("Z"), ..PeopleFilter::default() }).is_empty());
    assert_eq!(with(PeopleFilter { seen_after: Some(minute(6)), ..PeopleFilter::default() }), ["u1", "u4"]);
    assert_eq!(with(PeopleFilter { seen_before: Some(minute(6)), ..PeopleFilter::default() }), ["u2"]);
    let order = |order| people_of(&world, &PeopleFilter::default(), None, order);
    assert_eq!(order((Sort::LastSeen, false)), ["u2", "u4", "u1", "u5"], "and in the other direction, too");
    assert_eq!(order((Sort::FirstSeen, false)), ["u1", "u2", "u4", "u5"]);
    let mut by_events = order((Sort::Events, true));
    let mut without = by_events.split_off(2);
    by_events.sort();
    without.sort();
    assert_eq!((by_events, without), (vec!["u1".into(), "u2".into()], vec!["u4".into(), "u5".into()]));
}

#[test]
fn what_the_search_found_is_filtered_too() {
    let world = small();
    let node = |address: &str| world.node_at(address).0;
    let found: RoaringBitmap = [node("user_id:u2"), node("anonymous_id:a3"), 4_000_000].into_iter().collect();
    let order = (Sort::LastSeen, true);
    assert_eq!(people_of(&world, &PeopleFilter::default(), Some(&found), order), ["u2"]);
    let in_group = PeopleFilter { group: Some("g1".into()), ..PeopleFilter::default() };
    assert!(people_of(&world, &in_group, Some(&found), order).is_empty());
}

#[test]
fn people_by_name_are_paged_through_the_order_of_the_search() {
    let world = small();
    let mut rows: Vec<(Option<String>, NodeNo)> = vec![(Some("a".into()), world.node_at("user_id:u4"))];
    rows.push((Some("b".into()), world.node_at("user_id:u1")));
    rows.push((None, world.node_at("user_id:u2")));
    rows.push((None, world.node_at("anonymous_id:a3")));
    let sorted = |after: Option<TextPlace>, limit: usize| {
        let start = after.map_or(0, |after| rows.iter().position(|row| *row == after).unwrap() + 1);
        Ok(rows[start..].iter().take(limit).map(|(text, node)| (*node, text.clone())).collect())
    };
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    for expected in [1, 1, 1] {
        let next = Page { cursor: cursor.as_deref(), ..first(1) };
        let page = people_by_text(&world, &PeopleFilter::default(), &sorted, &next).unwrap();
        assert_eq!(page.items.len(), expected);
        cursor = page.next.clone();
        found.extend(ids(&answer(page)));
    }
    assert_eq!((found, cursor), (vec!["u4".to_owned(), "u1".into(), "u2".into()], None));
}

#[test]
fn groups_have_members_and_names() {
    let world = small();
    let found = answer(one_group(&world, "g1").unwrap());
    let expected = json!({
        "id": "g1", "name": "Acme", "traits": {"name": "Acme"}, "members": 1,
        "first_seen": minute(4).to_string(), "last_seen": minute(7).to_string(),
    });
    assert_eq!(found, expected);
    assert!(matches!(one_group(&world, "Z"), Err(QueryError::NotFound("group"))));
    let list = |search: Option<&str>, sort, descending| {
        let (mut ids, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = Page { cursor: cursor.as_deref(), ..first(1) };
            let page = groups(&world, search, sort, descending, &page).unwrap();
            ids.extend(page.items.into_iter().map(|group| group.id));
            cursor = page.next;
            if cursor.is_none() {
                return ids;
            }
        }
    };
    assert_eq!(list(None, GroupSort::LastSeen, true), ["g1", "g2"]);
    assert_eq!(list(None, GroupSort::LastSeen, false), ["g2", "g1"]);
    assert_eq!(list(None, GroupSort::Name, true), ["g1", "g2"], "without a name comes last");
    assert_eq!(list(None, GroupSort::Members, true), ["g1", "g2"]);
    assert_eq!(list(Some("ACM"), GroupSort::FirstSeen, true), ["g1"]);
    assert_eq!(list(Some("g"), GroupSort::Name, false), ["g1", "g2"]);
}

#[test]
fn the_catalogue_lists_names_by_count() {
    let world = small();
    let found = answer(events(&world, None, BY_COUNT, &first(100)).unwrap());
    assert_eq!(
        found["items"],
        json!([
            {"name": "A", "type": "track", "category": null, "count": 2, "first_seen": minute(2).to_string(),
             "last_seen": minute(3).to_string(), "hidden": false},
            {"name": "Home", "type": "page", "category": null, "count": 1, "first_seen": minute(7).to_string(),
             "last_seen": minute(7).to_string(), "hidden": true},
        ])
    );
    let found = events(&world, Some("hOM"), BY_COUNT, &first(100)).unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(event(&world, "Home").unwrap(), found.items);
    assert!(matches!(event(&world, "home"), Err(QueryError::NotFound("event"))));
    let one = events(&world, None, BY_COUNT, &first(1)).unwrap();
    let rest = events(&world, None, BY_COUNT, &Page { cursor: one.next.as_deref(), ..first(1) }).unwrap();
    assert_eq!((rest.items[0].name.as_str(), rest.next), ("Home", None));
}

#[test]
fn counts_fall_into_their_intervals() {
    let world = small();
    let minutes = START_MS / 60_000;
    let unrecorded = BTreeMap::from([(minutes + 2, Unrecorded { duplicate: 3, rejected: 1 })]);
    let ask = |interval, since, until| stats(&world, interval, since, until, &unrecorded);
    let found = answer(ask(Interval::Minute, minute(2), minute(4)).unwrap());
    assert_eq!(
        found["buckets"],
        json!([
            {
                "at": minute(2).to_string(),
                "types": {"alias": 0, "group": 0, "identify": 0, "page": 0, "screen": 0, "track": 1},
                "sources": {"web": 1},
                "verdicts": {"appended": 1, "duplicate": 3, "rejected": 1, "filtered": 0},
                "active_people": 1,
            },
            {
                "at": minute(3).to_string(),
                "types": {"alias": 0, "group": 0, "identify": 0, "page": 0, "screen": 0, "track": 1},
                "sources": {"web": 1},
                "verdicts": {"appended": 1, "duplicate": 0, "rejected": 0, "filtered": 0},
                "active_people": 1,
            },
        ])
    );
    let day = answer(ask(Interval::Day, minute(1), minute(2)).unwrap());
    assert_eq!(day["buckets"].as_array().unwrap().len(), 1);
    assert_eq!(day["buckets"][0]["at"], "2023-11-14T00:00:00.000Z");
    assert_eq!(day["buckets"][0]["verdicts"]["appended"], 8);
    assert_eq!(day["buckets"][0]["active_people"], 5);
    let minute_ms = |count: i64| Time::from_millis(minute(0).as_millis() + count * 60_000);
    assert_eq!(ask(Interval::Minute, minute(0), minute_ms(2_000)).unwrap().buckets.len(), 2_000);
    for (since, until) in [(minute(0), minute_ms(2_001)), (minute(1), minute(1)), (minute(1), minute(0))] {
        assert!(matches!(ask(Interval::Minute, since, until), Err(QueryError::BadParameter { .. })));
    }
}

const BY_COUNT: (EventSort, bool) = (EventSort::Count, true);

#[test]
fn names_come_in_each_order_and_in_pages_of_any_size() {
    let long = "z".repeat(300);
    let calls = [("b", 5), ("A", 9), ("b", 7), ("ä", 1), (&format!("{long}2"), 2), (&format!("{long}1"), 3), ("Z", 9)];
    let calls = calls.map(|(name, at)| track("u1", "-", name).at(-at));
    let world = World::of(calls);
    let ask = |order, limit| {
        let (mut names, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = events(&world, None, order, &Page { cursor: cursor.as_deref(), ..first(limit) }).unwrap();
            names.extend(
                page.items
                    .iter()
                    .map(|one| one.name.chars().take(1).chain(one.name.chars().last()).collect::<String>()),
            );
            match page.next {
                Some(next) => cursor = Some(next),
                None => return names.join(" "),
            }
        }
    };
    for (sort, is_descending, expected) in [
        (EventSort::Count, true, "bb AA ää z2 z1 ZZ"),
        (EventSort::Count, false, "AA ää z2 z1 ZZ bb"),
        (EventSort::LastSeen, true, "ää z2 z1 bb AA ZZ"),
        (EventSort::LastSeen, false, "AA ZZ bb z1 z2 ää"),
        (EventSort::Name, false, "AA bb ZZ z2 z1 ää"),
        (EventSort::Name, true, "ää z2 z1 ZZ bb AA"),
    ] {
        for limit in [1, 2, 5, 6, 7] {
            assert_eq!(ask((sort, is_descending), limit), expected, "{sort:?} {is_descending} {limit}");
        }
    }
}

#[test]
fn a_count_is_as_long_as_the_list() {
    let mut world = small();
    let filters = [
        PeopleFilter::default(),
        PeopleFilter { anonymous: Anonymous::Include, ..PeopleFilter::default() },
        PeopleFilter { anonymous: Anonymous::Only, ..PeopleFilter::default() },
        PeopleFilter { group: Some("g1".to_owned()), ..PeopleFilter::default() },
        PeopleFilter { group: Some("none".to_owned()), ..PeopleFilter::default() },
        PeopleFilter { event: Some("A".to_owned()), anonymous: Anonymous::Include, ..PeopleFilter::default() },
        PeopleFilter { seen_after: Some(minute(3)), ..PeopleFilter::default() },
        PeopleFilter { seen_before: Some(minute(3)), ..PeopleFilter::default() },
        PeopleFilter { incomplete: true, ..PeopleFilter::default() },
    ];
    let all = || (0..world.graph.len()).collect::<RoaringBitmap>();
    for filter in &filters {
        for found in [None, Some(all()), Some(RoaringBitmap::new()), Some(RoaringBitmap::from([0]))] {
            world.unsearched = all();
            let list = people(&world, filter, found.as_ref(), (Sort::LastSeen, true), &first(100)).unwrap();
            let counted = count(&world, filter, found.as_ref()).unwrap();
            let expected = (list.items.len() as u64, true, list.through);
            assert_eq!((counted.count, counted.exact, counted.through), expected, "{filter:?} {found:?}");
        }
    }
    // Of whom it knows the newest, the search is believed: it has found who lacks an email.
    world.unsearched.clear();
    let found = world.root_at("user_id:u1").0;
    let incomplete = filters.last().unwrap();
    assert_eq!(count(&world, incomplete, Some(&RoaringBitmap::from([found]))).unwrap().count, 1);
    world.unsearched.insert(found);
    assert_eq!(count(&world, incomplete, Some(&RoaringBitmap::from([found]))).unwrap().count, 0, "u1 has one");
}

#[test]
fn a_count_that_cannot_be_finished_is_the_least() {
    let mut world = World::of((0..600).map(|number| track(&format!("u{number}"), "-", "A")));
    let filter = PeopleFilter::default();
    assert_eq!(count(&world, &filter, None).map(|found| (found.count, found.exact)).unwrap(), (600, true));
    world.is_forsaken = true;
    let part = count(&world, &filter, None).unwrap();
    assert!(!part.exact && (1..600).contains(&part.count), "{part:?}");
}
