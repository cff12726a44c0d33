//! What was said at a time is what is said as of that time, whatever came after.

use super::calls::{alias, group, identify, minute, page, track};
use super::json as answer;
use super::world::{World, first};
use crate::query::QueryError;
use crate::query::as_of::person_as_of;
use crate::query::person::person;
use crate::query::timeline::{Filter, timeline};
use crate::views::card::Card;
use crate::views::identity::NodeNo;
use crate::views::snapshot::Snapshot as _;

/// Person and timeline of every node there is.
fn everything(world: &World) -> Vec<(serde_json::Value, serde_json::Value)> {
    let nodes = (0..world.graph.len()).map(NodeNo);
    let pages = nodes.map(|node| {
        let person = answer(person(world, world.graph.root(node)).unwrap());
        (person, answer(timeline(world, node, None, &Filter::default(), &first(100)).unwrap()))
    });
    pages.collect()
}

#[test]
fn the_past_is_what_it_was() {
    let calls: Vec<Card> = vec![
        identify("-", "a1", r#"{"plan":"free","email":"x"}"#),
        track("-", "a1", "A").within(r#"{"active":false,"groupId":"g1"}"#),
        alias("p", "n"),
        group("n", "-", "g1", r#"{"name":"One"}"#),
        identify("p", "-", r#"{"plan":"pro"}"#).at(0),
        identify("n", "a1", r#"{"email":null}"#),
        group("n", "-", "g2", "{}"),
        page("-", "a1", "Home"),
        identify("q", "-", r#"{"plan":"max","vip":true}"#),
        alias("q", "n"),
        group("p", "-", "g1", r#"{"name":"Uno"}"#),
        identify("n", "a2", r#"{"plan":"late"}"#).at(3),
    ];
    let mut world = World::default();
    let mut records = vec![everything(&world)];
    for call in calls {
        world.take(call);
        records.push(everything(&world));
    }
    let other = world.take(identify("solo", "a9", r#"{"name":"Solo"}"#));
    records.push(everything(&world));
    let merge = world.merge("user_id:solo", "user_id:n");
    records.push(everything(&world));
    world.take(track("solo", "-", "B"));
    records.push(everything(&world));
    world.undo(merge);
    records.push(everything(&world));
    assert!(other < merge);
    let mut compared = 0;
    for (at, then) in records.iter().enumerate() {
        let before = world.sequence_after(minute(i64::try_from(at).unwrap())).unwrap();
        for (node, (person, lines)) in then.iter().enumerate() {
            let node = NodeNo(u32::try_from(node).unwrap());
            let now = answer(person_as_of(&world, node, before).unwrap());
            assert_eq!(&now, person, "the person of node {node:?} at {at}");
            let page = timeline(&world, node, Some(before), &Filter::default(), &first(100)).unwrap();
            assert_eq!(&answer(page), lines, "the timeline of node {node:?} at {at}");
            compared += 1;
        }
        for node in then.len()..world.graph.len() as usize {
            let node = NodeNo(u32::try_from(node).unwrap());
            assert!(matches!(person_as_of(&world, node, before), Err(QueryError::NotFound(_))), "not yet there");
        }
    }
    assert!(compared > 50, "only {compared} compared");
}
