//! Timelines and the feed: what is in them, in which order, page by page.

use serde_json::{Value, json};

use super::calls::{alias, group, identify, minute, page, track};
use super::json as answer;
use super::world::{World, first};
use crate::journal::Sequence;
use crate::query::feed::{FeedFilter, feed, items};
use crate::query::groups::group_timeline;
use crate::query::item::ItemType;
use crate::query::json::Listing;
use crate::query::scan::ROWS_MAX;
use crate::query::timeline::{Filter, timeline};
use crate::query::{Page, QueryError};
use crate::views::entry::{Entry, EntryKind, ListId, Place, Tag};
use crate::views::names::{NameNo, SourceNo};

fn sequences(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|item| item["sequence"].as_u64().unwrap()).collect()
}

fn small() -> World {
    World::of([
        track("u1", "-", "A"),
        page("u1", "-", "Home"),
        track("u2", "-", "A").by("ios").within(r#"{"groupId":"g1"}"#),
        group("u1", "-", "g1", r#"{"name":"Acme"}"#),
        track("u1", "-", "B").of(r#"{"b":2, "a":1.0}"#),
        track("-", "a1", "B").at(0),
        identify("u1", "a1", "{}"),
    ])
}

fn feed_of(world: &World, filter: &FeedFilter) -> Vec<u64> {
    sequences(&answer(feed(world, filter, &first(100)).unwrap()))
}

#[test]
fn an_item_has_the_shape_of_the_contract() {
    let world = small();
    let found = feed(&world, &FeedFilter::default(), &first(1)).unwrap();
    let text = serde_json::to_string(&found.items[0]).unwrap();
    let person = format!(r#"{{"id":"{}","name":null,"email":null,"avatar":null}}"#, world.key("user_id:u1"));
    let expected = format!(
        r#"{{"sequence":5,"message_id":"m5","type":"track","event":"B","title":"B","category":null,"timestamp":"{0}","received_at":"{0}","person":{person},"group":null,"source":"web","hidden":false,"properties":{{"b":2, "a":1.0}},"context":{{}}}}"#,
        minute(5)
    );
    assert_eq!(text, expected);
}

#[test]
fn the_feed_shows_visible_events_newest_first() {
    let mut world = small();
    let everything = FeedFilter { hidden: true, ..FeedFilter::default() };
    assert_eq!(feed_of(&world, &FeedFilter::default()), [5, 3, 1, 6], "late ones find their place");
    assert_eq!(feed_of(&world, &everything), [5, 3, 2, 1, 6]);
    world.hide("B", true);
    world.hide("Home", false);
    assert_eq!(feed_of(&world, &FeedFilter::default()), [3, 2, 1]);
    let page = answer(feed(&world, &everything, &first(100)).unwrap());
    let hidden: Vec<bool> = page["items"].as_array().unwrap().iter().map(|item| item["hidden"] == true).collect();
    assert_eq!(hidden, [true, false, false, false, true]);
}

#[test]
fn the_feed_is_filtered() {
    let world = small();
    let calls = |calls: Filter| FeedFilter { calls, hidden: true, ..FeedFilter::default() };
    let text = |text: &str| Some(text.to_owned());
    let person = |address: &str| FeedFilter { person: Some(world.node_at(address)), ..FeedFilter::default() };
    let in_group = FeedFilter { group: text("g1"), ..FeedFilter::default() };
    for (what, filter, expected) in [
        ("type", calls(Filter { kind: Some(ItemType::Page), ..Filter::default() }), vec![2]),
        ("event", calls(Filter { events: vec!["B".into()], ..Filter::default() }), vec![5, 6]),
        (
            "events",
            calls(Filter { events: vec!["B".into(), "Home".into(), "B".into()], ..Filter::default() }),
            vec![5, 2, 6],
        ),
        ("no event", calls(Filter { events: vec!["Z".into()], ..Filter::default() }), vec![]),
        ("source", calls(Filter { source: text("ios"), ..Filter::default() }), vec![3]),
        ("no source", calls(Filter { source: text("Z"), ..Filter::default() }), vec![]),
        ("since", calls(Filter { since: Some(minute(3)), ..Filter::default() }), vec![5, 3]),
        ("until", calls(Filter { until: Some(minute(3)), ..Filter::default() }), vec![2, 1, 6]),
        ("person", person("user_id:u1"), vec![5, 1, 6]),
        ("group", in_group.clone(), vec![5, 3]),
        ("no group", FeedFilter { group: text("Z"), ..FeedFilter::default() }, vec![]),
        ("group and person", FeedFilter { person: Some(world.node_at("user_id:u2")), ..in_group }, vec![3]),
    ] {
        assert_eq!(feed_of(&world, &filter), expected, "{what}");
    }
}

#[test]
fn little_that_is_visible_is_found_among_much_that_is_hidden() {
    let mut calls: Vec<_> = (0..100).map(|_| page("u1", "-", "Home")).collect();
    calls.insert(3, track("u1", "-", "A"));
    calls.insert(60, track("u2", "-", "B"));
    let mut world = World::of(calls);
    assert_eq!(feed_of(&world, &FeedFilter::default()), [61, 4]);
    world.lists.remove(&ListId::Feed);
    assert_eq!(feed_of(&world, &FeedFilter::default()), [61, 4], "the hidden calls were not read");
}

#[test]
fn a_live_feed_has_the_same_items() {
    let world = small();
    let all: Vec<Sequence> = (1..9).map(Sequence::new).collect();
    let live = answer(items(&world, &all).unwrap());
    let found: Vec<u64> = live.as_array().unwrap().iter().map(|item| item["sequence"].as_u64().unwrap()).collect();
    assert_eq!(found, [1, 2, 3, 5, 6]);
    let everything = FeedFilter { hidden: true, ..FeedFilter::default() };
    let mut paged = answer(feed(&world, &everything, &first(100)).unwrap())["items"].as_array().unwrap().clone();
    paged.sort_by_key(|item| item["sequence"].as_u64());
    assert_eq!(live, json!(paged));
}

#[test]
fn a_timeline_has_all_calls_of_all_ids() {
    let world = small();
    let of = |filter: Filter| {
        let page = timeline(&world, world.node_at("anonymous_id:a1"), None, &filter, &first(100)).unwrap();
        sequences(&answer(page))
    };
    assert_eq!(of(Filter::default()), [7, 5, 4, 2, 1, 6]);
    assert_eq!(of(Filter { kind: Some(ItemType::Group), ..Filter::default() }), [4]);
    assert_eq!(of(Filter { kind: Some(ItemType::Identify), ..Filter::default() }), [7]);
    assert_eq!(of(Filter { events: vec!["B".into()], ..Filter::default() }), [5, 6]);
    let page = group_timeline(&world, "g1", &Filter::default(), &first(100)).unwrap();
    assert_eq!(sequences(&answer(page)), [5, 4, 3]);
    let nobody = group_timeline(&world, "Z", &Filter::default(), &first(100));
    assert!(matches!(nobody, Err(QueryError::NotFound("group"))));
}

#[test]
fn merges_name_both_sides() {
    let mut world = World::of([
        identify("p", "-", r#"{"name":"P"}"#),
        identify("n", "-", "{}"),
        alias("p", "n"),
        alias("p", "n"),
        identify("q", "-", "{}"),
    ]);
    let merge = world.merge("user_id:q", "user_id:n");
    let of = |world: &World, kind: Option<ItemType>| {
        let filter = Filter { kind, ..Filter::default() };
        let page = answer(timeline(world, world.node_at("user_id:n"), None, &filter, &first(100)).unwrap());
        let items = page["items"].as_array().unwrap().clone();
        let shown = |item: Value| format!("{} {} {}", item["sequence"], item["type"].as_str().unwrap(), item["title"]);
        items.into_iter().map(shown).collect::<Vec<_>>()
    };
    let merges = [r#"6 merge "merged q into n""#, r#"3 merge "merged p into n""#];
    assert_eq!(of(&world, Some(ItemType::Merge)), merges);
    assert_eq!(of(&world, Some(ItemType::Alias)), [r#"4 alias "alias: p is n""#]);
    world.undo(merge);
    let undone = [r#"7 undo "undid the merge of q into n""#, r#"6 merge "merged q into n (undone)""#];
    assert_eq!(of(&world, None)[..2], undone);
    assert_eq!(of(&world, Some(ItemType::Undo)), undone[..1]);
    let feed = feed_of(&world, &FeedFilter { hidden: true, ..FeedFilter::default() });
    assert!(feed.is_empty(), "changes are no events: {feed:?}");
}

#[test]
fn heartbeats_of_one_session_are_one_line() {
    let beat = |session: &str| track("u1", "-", "Video Content Playing").of(&format!(r#"{{"session_id":{session}}}"#));
    let calls = [
        beat("1"),
        beat("1"),
        beat("2"),
        track("u1", "-", "A"),
        beat("2"),
        beat("2"),
        beat("2"),
        track("u1", "-", "Video Content Playing"),
        track("u1", "-", "Video Content Playing"),
    ];
    let world = World::of(calls);
    let page = answer(feed(&world, &FeedFilter::default(), &first(100)).unwrap());
    let items = page["items"].as_array().unwrap();
    let shown: Vec<_> = items.iter().map(|item| (item["sequence"].as_u64(), item["collapsed"].as_u64())).collect();
    let expected = [(9, None), (8, None), (7, Some(3)), (4, None), (3, None), (2, Some(2))];
    assert_eq!(shown, expected.map(|(sequence, count)| (Some(sequence), count)));
    let page = answer(feed(&world, &FeedFilter::default(), &first(4)).unwrap());
    assert_eq!(sequences(&page), [9, 8, 7, 4], "a page is full of lines, not of calls");
}

/// Follows `next` to the end.
fn walk(mut ask: impl FnMut(&Page<'_>) -> Listing<crate::query::item::Item>, limit: usize) -> Vec<Vec<u64>> {
    let (mut pages, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let found = ask(&Page { cursor: cursor.as_deref(), ..first(limit) });
        pages.push(found.items.iter().map(|item| item.sequence).collect());
        cursor = found.next;
        if cursor.is_none() {
            return pages;
        }
    }
}

#[test]
fn pages_neither_skip_nor_repeat() {
    let calls = (0..25).map(|number| track(if number % 3 == 0 { "u1" } else { "u2" }, "-", "A").at(number / 4));
    let world = World::of(calls);
    let whole = feed_of(&world, &FeedFilter::default());
    assert_eq!(whole.len(), 25);
    for limit in [1, 2, 7, 24, 25, 26] {
        let pages = walk(|page| feed(&world, &FeedFilter::default(), page).unwrap(), limit);
        assert_eq!(pages.concat(), whole);
        assert_eq!(pages.len(), 25_usize.div_ceil(limit), "no empty last page");
    }
    let own = walk(|page| timeline(&world, world.node_at("user_id:u1"), None, &Filter::default(), page).unwrap(), 2);
    assert_eq!(own.concat().len(), 9);
}

#[test]
fn a_page_goes_on_where_it_ended_while_calls_come_in() {
    let mut world = World::of((0..6).map(|_| track("u1", "-", "A")));
    let page = feed(&world, &FeedFilter::default(), &first(3)).unwrap();
    world.take(track("u1", "-", "A"));
    let next = Page { cursor: page.next.as_deref(), ..first(3) };
    let rest = answer(feed(&world, &FeedFilter::default(), &next).unwrap());
    assert_eq!(sequences(&rest), [3, 2, 1]);
    let elsewhere = Page { filter: "other", ..next };
    assert!(matches!(feed(&world, &FeedFilter::default(), &elsewhere), Err(QueryError::BadCursor)));
    let unknown = FeedFilter { group: Some("Z".into()), ..FeedFilter::default() };
    assert!(matches!(feed(&world, &unknown, &elsewhere), Err(QueryError::BadCursor)), "also when nothing matches");
}

/// Fills a list with track calls that nobody asks for, one millisecond after the other.
fn fill(world: &mut World, list: ListId, from_ms: i64, count: usize, first: u64) {
    let tag = Tag { kind: EntryKind::Track, source: SourceNo(0), name: NameNo(1) };
    let entries = (from_ms..).zip(first..).take(count).map(|(at, number)| {
        let place = Place { time: crate::call::time::Time::from_millis(at), sequence: Sequence::new(number) };
        (place, Entry { place, tag })
    });
    world.lists.entry(list).or_default().extend(entries);
}

#[test]
fn a_spent_budget_ends_the_page_and_the_next_one_goes_on() {
    let mut world = World::of([page("u1", "-", "Home"), track("u1", "-", "A")]);
    fill(&mut world, ListId::Feed, minute(5).as_millis(), ROWS_MAX + 5, 100);
    let calls = Filter { kind: Some(ItemType::Page), ..Filter::default() };
    let filter = FeedFilter { calls, hidden: true, ..FeedFilter::default() };
    assert_eq!(walk(|page| feed(&world, &filter, page).unwrap(), 3), [vec![], vec![1]]);
}

#[test]
fn what_a_person_did_in_a_group_is_found_across_budgets() {
    let mut world = World::of([track("u1", "-", "A").within(r#"{"groupId":"g1"}"#)]);
    let (node, start) = (world.node_at("user_id:u1"), minute(5).as_millis());
    fill(&mut world, ListId::Node(node), start, ROWS_MAX, 100);
    let group = *world.lists.keys().find(|list| matches!(list, ListId::Group(_))).unwrap();
    fill(&mut world, group, start + 1_000, ROWS_MAX, 1_000_000);
    let filter = FeedFilter { person: Some(node), group: Some("g1".into()), ..FeedFilter::default() };
    let pages = walk(|page| feed(&world, &filter, page).unwrap(), 3);
    assert_eq!(pages.concat(), [1]);
    assert!(pages.len() > 1, "{pages:?}");
}
