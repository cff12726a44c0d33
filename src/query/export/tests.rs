//! Files of a small world.

use super::*;
use crate::query::feed::FeedFilter;
use crate::query::tests::calls::{group, identify, track};
use crate::query::tests::world::World;
use crate::views::identity::NodeNo;

/// The whole file, and in how many parts it came.
fn file(world: &World, form: Form, rows: &mut dyn Rows) -> (String, usize) {
    let (mut sheet, mut text) = (Sheet::new(form, rows.columns()), Vec::new());
    for parts in 1..10_000 {
        let more = rows.write(world, &mut sheet).unwrap();
        text.extend(sheet.take());
        if !more {
            return (String::from_utf8(text).unwrap(), parts);
        }
    }
    panic!("the file does not end");
}

fn roots(world: &World, ids: &[&str]) -> Vec<NodeNo> {
    ids.iter().map(|id| world.root_at(&format!("user_id:{id}"))).collect()
}

#[test]
fn people_are_written_once_each_in_small_parts() {
    let mut world = World::of((0..450).map(|number| identify(&format!("u{number}"), "-", r#"{"a":1}"#)));
    let ids: Vec<String> = (0..450).map(|number| format!("u{number}")).collect();
    let listed = roots(&world, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let of = |world: &World| file(world, Form::Csv, &mut PeopleRows::listing(listed.clone(), false));
    let (whole, parts) = of(&world);
    assert_eq!((whole.lines().count(), parts), (451, 3));
    let ids_of =
        |text: &str| text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids_of(&whole), ids, "in the order of the list");
    world.is_forsaken = true;
    assert_eq!(of(&world), (whole, 450), "who has little time gets a row a part");
}

#[test]
fn large_rows_make_small_parts() {
    let traits = format!(r#"{{"t":"{}"}}"#, "x".repeat(30_000));
    let world = World::of((0..40).map(|number| identify(&format!("u{number}"), "-", &traits)));
    let ids: Vec<String> = (0..40).map(|number| format!("u{number}")).collect();
    let listed = roots(&world, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let mut rows = PeopleRows::listing(listed, false);
    let mut sheet = Sheet::new(Form::Ndjson, rows.columns());
    let mut largest = 0;
    while rows.write(&world, &mut sheet).unwrap() {
        largest = largest.max(sheet.take().len());
    }
    assert!((256 << 10..(256 << 10) + 40_000).contains(&largest), "{largest}");
    assert_eq!(sheet.rows(), 40);
}

#[test]
fn people_who_become_one_meanwhile_get_one_row() {
    let mut world = World::of(["u1", "u2", "u3"].map(|user| identify(user, "-", "{}")));
    let mut both = PeopleRows::listing(roots(&world, &["u1", "u2"]), false);
    let mut one = PeopleRows::listing(roots(&world, &["u2"]), false);
    world.merge("user_id:u2", "user_id:u1");
    for rows in [&mut both, &mut one] {
        let (text, _) = file(&world, Form::Ndjson, rows);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(r#""user_id":"u1""#) && text.contains(r#""former_user_ids":["u2"]"#), "{text}");
    }
}

#[test]
fn who_is_no_longer_incomplete_is_left_out() {
    let mut world = World::of(["u1", "u2"].map(|user| identify(user, "-", "{}")));
    let mut rows = PeopleRows::listing(roots(&world, &["u1", "u2"]), true);
    world.take(identify("u1", "-", r#"{"email":"a@b.c"}"#));
    let (text, _) = file(&world, Form::Csv, &mut rows);
    assert!(text.contains(",u2,") && !text.contains(",u1,"), "{text}");
}

#[test]
fn groups_and_calls_are_written_too() {
    let calls = (0..5).map(|number| group("u1", "-", &format!("g{number}"), r#"{"name":"=Acme, Inc."}"#));
    let calls = calls.chain((0..120).map(|number| track("u1", "-", &format!("E{number}"))));
    let world = World::of(calls);
    let (text, _) = file(&world, Form::Csv, &mut GroupRows::new(None));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,name,members,first_seen,last_seen,traits"));
    assert!(lines.next().unwrap().starts_with("g0,\"'=Acme, Inc.\",0,"), "{text}");
    assert_eq!(file(&world, Form::Csv, &mut GroupRows::new(Some("G3"))).0.lines().count(), 2);
    let (text, _) = file(&world, Form::Csv, &mut FeedRows::new(FeedFilter::default()));
    let events: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').nth(3)).collect();
    let expected: Vec<String> = (0..120).rev().map(|number| format!("E{number}")).collect();
    assert_eq!(events, expected);
    let (text, _) = file(&world, Form::Ndjson, &mut FeedRows::new(FeedFilter::default()));
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}
