//! People: who they are, why, and where their traits come from.

use serde_json::json;

use super::calls::{alias, call, group, identify, minute, track};
use super::json as answer;
use super::world::World;
use crate::query::address::Address;
use crate::query::face::face;
use crate::query::identity::identity;
use crate::query::merge_preview::merge_preview;
use crate::query::person::person;
use crate::query::traits::traits;
use crate::query::{QueryError, merge_preview};
use crate::views::entry::EntryKind;

fn the_person(world: &World, address: &str) -> serde_json::Value {
    answer(person(world, world.root_at(address)).unwrap())
}

#[test]
fn a_person_is_the_join_of_its_ids() {
    let world = World::of([
        identify("-", "a1", r#"{"plan":"free","n":9007199254740993.50}"#),
        identify("p", "-", r#"{"email":"x@y.example","plan":"old"}"#).at(0),
        identify("n", "a1", r#"{"first_name":"Ann","lastName":"Lee","phone":4917}"#),
        group("n", "-", "g1", r#"{"name":"Acme"}"#),
        track("n", "-", "A"),
        track("-", "a1", "B").within(r#"{"active":false}"#),
        alias("p", "n"),
        alias("later", "n"),
    ]);
    let found = the_person(&world, "user_id:n");
    let expected = json!({
        "id": world.graph.key(world.node_at("user_id:n")).to_string(),
        "user_id": "n",
        "former_user_ids": ["p"],
        "anonymous_ids": ["a1"],
        "reserved_ids": ["later"],
        "name": "Ann Lee",
        "email": "x@y.example",
        "phone": "4917",
        "avatar": null,
        "traits": {"email": "x@y.example", "first_name": "Ann", "lastName": "Lee", "n": 0, "phone": 4917, "plan": "free"},
        "audiences": {},
        "computed": {},
        "group": {"id": "g1", "name": "Acme"},
        "first_seen": minute(0).to_string(),
        "last_seen": minute(5).to_string(),
        "events": 2,
        "anonymous": false,
        "incomplete": false,
    });
    let text = serde_json::to_string(&person(&world, world.root_at("user_id:n")).unwrap()).unwrap();
    assert!(text.contains(r#""n":9007199254740993.50,"#), "numbers keep their digits: {text}");
    let mut found_and_fixed = found.clone();
    found_and_fixed["traits"]["n"] = json!(0);
    assert_eq!(found_and_fixed, expected);
    let keys: Vec<&String> = found.as_object().unwrap().keys().collect();
    assert_eq!(keys, expected.as_object().unwrap().keys().collect::<Vec<_>>(), "in the order of the contract");
    for address in ["user_id:p", "anonymous_id:a1", "email:x@y.example", &world.key("user_id:p").to_string()] {
        assert_eq!(the_person(&world, address), found, "{address}");
    }
    let former = world.graph.key(world.node_at("user_id:p")).to_string();
    assert_eq!(the_person(&world, &former), found, "a merged person's id");
    assert_eq!(
        answer(face(&world, world.root_at("user_id:p")).unwrap()),
        json!({
            "id": expected["id"], "name": "Ann Lee", "email": "x@y.example", "avatar": null,
        })
    );
}

#[test]
fn whoever_is_not_there_is_not_found() {
    let world = World::of([track("u1", "-", "A")]);
    for address in ["user_id:u2", "anonymous_id:u1", "email:u1", "u1", "", "name:u1", "7zzzzzzzzzzzzzzzzzzzzzzzzz"] {
        let found = Address::parse(address).and_then(|address| address.root(&world, &world));
        assert!(matches!(found, Err(QueryError::NotFound("person"))), "{address}");
    }
    let before = Some(crate::journal::Sequence::FIRST);
    assert!(Address::parse("user_id:u1").unwrap().node(&world, &world, before).is_err(), "not yet");
}

#[test]
fn of_two_with_one_email_the_last_seen_is_meant() {
    let world = World::of([
        identify("u1", "-", r#"{"email":"x"}"#),
        identify("u2", "-", r#"{"email":"x"}"#),
        track("u1", "-", "A"),
    ]);
    assert_eq!(the_person(&world, "email:x")["user_id"], "u1");
}

#[test]
fn anonymous_and_incomplete_people_say_so() {
    let world = World::of([track("-", "a1", "A"), identify("u1", "-", r#"{"email":5}"#)]);
    let visitor = the_person(&world, "anonymous_id:a1");
    assert_eq!((&visitor["anonymous"], &visitor["incomplete"]), (&json!(true), &json!(true)));
    assert_eq!(visitor["user_id"], json!(null));
    let user = the_person(&world, "user_id:u1");
    assert_eq!((&user["anonymous"], &user["incomplete"]), (&json!(false), &json!(true)));
}

#[test]
fn audiences_and_computed_traits_are_marked() {
    let class = |class: &str, key: &str| {
        format!(r#"{{"personas":{{"computation_class":"{class}","computation_key":"{key}"}}}}"#)
    };
    let world = World::of([
        identify("u1", "-", r#"{"vip":true}"#).within(&class("audience", "vip")),
        identify("u1", "-", r#"{"gone":false}"#).within(&class("audience", "gone")),
        identify("u1", "-", r#"{"j_o_1":"true"}"#).within(&class("journey_step", "j_o_1")),
        identify("u1", "-", r#"{"odd":7}"#).within(&class("audience", "odd")),
        identify("u1", "-", r#"{"orders":12.50,"plain":1}"#).within(&class("trait", "orders")),
    ]);
    let found = the_person(&world, "user_id:u1");
    assert_eq!(found["audiences"], json!({"gone": false, "j_o_1": true, "vip": true}));
    assert_eq!(found["computed"].to_string(), r#"{"orders":12.50}"#);
    assert_eq!(found["traits"]["j_o_1"], "true", "as sent");
    assert_eq!(found["traits"].as_object().unwrap().len(), 6);
}

#[test]
fn every_link_and_refusal_is_explained() {
    let mut world = World::of([
        track("-", "a1", "A"),
        identify("u1", "a1", "{}"),
        identify("u2", "a1", "{}"),
        alias("p", "u1"),
        identify("p", "-", "{}"),
        alias("a1", "u2"),
    ]);
    let merge = world.merge("user_id:u2", "user_id:u1");
    let found = answer(identity(&world, world.root_at("user_id:u1"), &[]).unwrap());
    let links: Vec<_> = found["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| {
            (link["rule"].as_str().unwrap(), link["message_id"].as_str().unwrap(), link["text"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        links,
        [
            ("R2", "m2", "visitor a1 signed in as u1 (first claim, R2)"),
            ("R4e", "m4", "user p was kept for user u1 by an alias until it appeared (R4e)"),
            ("operator", "m7", "the operator merged user u2 into user u1"),
        ]
    );
    assert_eq!(found["links"][0]["from"], json!({"kind": "anonymous_id", "id": "a1"}));
    assert_eq!(found["links"][2]["sequence"], merge.get());
    assert_eq!(found["links"][2]["at"], minute(7).to_string());
    let codes: Vec<_> = found["refused"].as_array().unwrap().iter().map(|row| row["code"].clone()).collect();
    assert_eq!(codes, ["shared_device", "alias_anon_claimed"]);
    assert_eq!(found["refused"][0]["message_id"], "m3");
    assert_eq!(
        found["ids"][0],
        json!({
            "kind": "anonymous_id", "id": "a1", "first_seen": minute(1).to_string(), "last_seen": minute(2).to_string(),
            "calls": 2,
        })
    );
    world.undo(merge);
    let found = answer(identity(&world, world.root_at("user_id:u1"), &[]).unwrap());
    assert_eq!(found["links"].as_array().unwrap().len(), 2);
    assert_eq!(found["undone"][0]["undone_by"], 8);
}

#[test]
fn possible_duplicates_are_other_people_only() {
    let world =
        World::of([identify("u1", "a1", r#"{"email":"x"}"#), identify("u2", "-", r#"{"email":"x","name":"Bo"}"#)]);
    let others = [(world.node_at("anonymous_id:a1"), "email"), (world.node_at("user_id:u2"), "email")];
    let found = answer(identity(&world, world.root_at("user_id:u1"), &others).unwrap());
    let expected = json!([{
        "person": {"id": world.key("user_id:u2").to_string(), "name": "Bo", "email": "x"}, "by": "email",
    }]);
    assert_eq!(found["possible_duplicates"], expected);
}

#[test]
fn traits_tell_their_call_and_what_they_were_before() {
    let world = World::of([
        identify("-", "a1", r#"{"plan":"free"}"#),
        identify("u1", "a1", r#"{"plan":"pro","city":"x"}"#),
        identify("u1", "-", r#"{"plan":"pro","city":null}"#),
        identify("u1", "-", r#"{"plan":"max"}"#),
        identify("u1", "-", r#"{"plan":"trial"}"#).at(0),
    ]);
    let found = answer(traits(&world, world.root_at("user_id:u1")).unwrap());
    assert_eq!((&found["next"], &found["cut"], &found["through"]), (&json!(null), &json!(false), &json!(6)));
    let setting = |value: serde_json::Value, at: i64, call: i64| json!({"value": value, "time": minute(at).to_string(), "message_id": format!("m{call}"), "sequence": call});
    let mut city = setting(json!(null), 3, 3);
    city["key"] = json!("city");
    city["class"] = json!(null);
    city["former"] = json!([setting(json!("x"), 2, 2)]);
    assert_eq!(found["items"][0], city);
    assert_eq!(found["items"][1]["value"], "max");
    let former = json!([setting(json!("pro"), 3, 3), setting(json!("free"), 1, 1), setting(json!("trial"), 0, 5)]);
    assert_eq!(found["items"][1]["former"], former, "repeated values count once");
}

#[test]
fn a_preview_says_what_a_merge_then_makes() {
    let mut world = World::of([
        identify("p", "a1", r#"{"email":"x","plan":"free","same":1}"#),
        identify("n", "-", r#"{"plan":"pro","same":1}"#).at(0),
        group("n", "-", "g1", "{}"),
        group("p", "-", "g2", r#"{"name":"Two"}"#),
        track("p", "-", "A"),
    ]);
    let (from, into) = (world.node_at("anonymous_id:a1"), world.node_at("user_id:n"));
    let preview = answer(merge_preview(&world, from, into).unwrap());
    assert_eq!(
        preview["conflicts"],
        json!([{
            "key": "plan",
            "from": {"value": "free", "time": minute(1).to_string()},
            "into": {"value": "pro", "time": minute(0).to_string()},
            "winner": "from",
        }])
    );
    assert_eq!(preview["timeline"], json!({"from": 3, "into": 2, "after": 6, "at_least": false}));
    let (one, two) = (json!({"id": "g1", "name": null}), json!({"id": "g2", "name": "Two"}));
    assert_eq!(preview["group"], json!({"from": two, "into": one, "after": two}));
    let before = [the_person(&world, "user_id:p"), the_person(&world, "user_id:n")];
    let sequence = world.merge("user_id:p", "user_id:n");
    assert_eq!(the_person(&world, "user_id:n"), preview["person"]);
    world.undo(sequence);
    assert_eq!([the_person(&world, "user_id:p"), the_person(&world, "user_id:n")], before);
}

#[test]
fn in_a_preview_the_known_user_survives() {
    let world = World::of([call(EntryKind::Identify, "u1", "-"), track("-", "a1", "A")]);
    let (user, visitor) = (world.node_at("user_id:u1"), world.node_at("anonymous_id:a1"));
    let preview = answer(merge_preview(&world, user, visitor).unwrap());
    assert_eq!(preview["person"]["user_id"], "u1");
    assert_eq!(preview["into"]["id"], world.key("user_id:u1").to_string());
    let same = merge_preview::merge_preview(&world, user, user);
    assert!(matches!(same, Err(QueryError::BadParameter { name: "into", .. })));
}
