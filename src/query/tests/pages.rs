//! Lists of people, groups and names, and counts.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use serde_json::{Value, json};

use super::calls::{START_MS, alias, group, identify, minute, page, track};
use super::json as answer;
use super::world::{World, first};
use crate::call::time::Time;
use crate::query::events::{event, events};
use crate::query::groups::{GroupSort, group as one_group, groups};
use crate::query::people::{Anonymous, PeopleFilter, Sort, TextPlace, people, people_by_text};
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
    let found = answer(events(&world, None, &first(100)).unwrap());
    assert_eq!(
        found["items"],
        json!([
            {"name": "A", "type": "track", "category": null, "count": 2, "first_seen": minute(2).to_string(),
             "last_seen": minute(3).to_string(), "hidden": false},
            {"name": "Home", "type": "page", "category": null, "count": 1, "first_seen": minute(7).to_string(),
             "last_seen": minute(7).to_string(), "hidden": true},
        ])
    );
    let found = events(&world, Some("hOM"), &first(100)).unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(event(&world, "Home").unwrap(), found.items);
    assert!(matches!(event(&world, "home"), Err(QueryError::NotFound("event"))));
    let one = events(&world, None, &first(1)).unwrap();
    let rest = events(&world, None, &Page { cursor: one.next.as_deref(), ..first(1) }).unwrap();
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
