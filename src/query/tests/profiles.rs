//! The shapes of the Profile API.

use serde_json::json;

use super::calls::{group, identify, minute, page, track};
use super::json as answer;
use super::world::{World, first};
use crate::query::profile::{
    TraitQuery, account_links, account_traits, events, external_ids, metadata, user_links, user_traits,
};
use crate::query::{Page, QueryError};
use crate::views::state::Class;

fn small() -> World {
    let vip = r#"{"personas":{"computation_class":"audience","computation_key":"vip"}}"#;
    World::of([
        track("-", "a1", "A"),
        identify("u1", "a1", r#"{"name":"Ann","plan":"pro","gone":1}"#).by("ios"),
        identify("u1", "-", r#"{"vip":true,"gone":null}"#).within(vip),
        group("u1", "-", "g1", r#"{"name":"Acme"}"#),
        page("u1", "a1", "Home").of(r#"{"x":1.0}"#),
    ])
}

#[test]
fn traits_are_paged_by_key() {
    let world = small();
    let root = world.root_at("user_id:u1");
    let ask = |query: &TraitQuery, page: &Page<'_>| user_traits(&world, root, query, page).unwrap();
    let whole = answer(ask(&TraitQuery::default(), &first(3)));
    let end = json!({"url": "r", "has_more": false, "next": "", "limit": 3});
    assert_eq!(whole, json!({"traits": {"name": "Ann", "plan": "pro", "vip": true}, "cursor": end}));
    let one = ask(&TraitQuery::default(), &first(2));
    assert!(one.cursor.has_more);
    let rest = ask(&TraitQuery::default(), &Page { cursor: Some(&one.cursor.next), ..first(2) });
    assert_eq!(answer(&rest.traits), json!({"vip": true}));
    assert!(!rest.cursor.has_more);
    let of_class = TraitQuery::parse(None, Some("audience")).unwrap();
    assert_eq!(of_class.class, Some(Class::Audience));
    assert_eq!(answer(ask(&of_class, &first(9)).traits), json!({"vip": true}));
    let named = TraitQuery::parse(Some("plan, gone,name"), None).unwrap();
    assert_eq!(answer(ask(&named, &first(9)).traits), json!({"name": "Ann", "plan": "pro"}));
    assert!(matches!(TraitQuery::parse(None, Some("x")), Err(QueryError::BadParameter { name: "class", .. })));
    let account = account_traits(&world, "g1", &TraitQuery::default(), &first(9)).unwrap();
    assert_eq!(answer(account.traits), json!({"name": "Acme"}));
    assert!(account_traits(&world, "Z", &TraitQuery::default(), &first(9)).is_err());
}

#[test]
fn events_carry_their_ids() {
    let world = small();
    let root = world.root_at("user_id:u1");
    let found = answer(events(&world, root, &[], &first(9)).unwrap());
    let id = |kind: &str, id: &str| json!({"collection": "users", "type": kind, "id": id, "encoding": "none"});
    assert_eq!(
        found["data"][0],
        json!({
            "external_ids": [id("user_id", "u1"), id("anonymous_id", "a1")],
            "context": {}, "type": "page", "message_id": "m5", "source_id": "web", "timestamp": minute(5).to_string(),
            "properties": {"x": 1.0}, "event": "Home", "related": {"users": world.key("user_id:u1").to_string()},
        })
    );
    assert_eq!(found["data"].as_array().unwrap().len(), 2, "changes are no events");
    let named = events(&world, root, &["A".to_owned()], &first(9)).unwrap();
    assert_eq!(named.data[0].message_id, "m1");
    assert_eq!(named.data.len(), 1);
}

#[test]
fn ids_links_and_metadata() {
    let world = small();
    let root = world.root_at("user_id:u1");
    let found = external_ids(&world, root, &[], &first(1)).unwrap();
    assert_eq!(
        answer(&found.data),
        json!([{
            "source_id": "web", "collection": "users", "id": "a1", "type": "anonymous_id",
            "created_at": minute(1).to_string(), "encoding": "none", "first_message_id": "m1",
        }])
    );
    let next = Page { cursor: Some(&found.cursor.next), ..first(1) };
    let rest = external_ids(&world, root, &[], &next).unwrap();
    assert_eq!((rest.data[0].id.as_str(), rest.data[0].source_id.as_deref()), ("u1", Some("ios")));
    assert!(!rest.cursor.has_more);
    let users = external_ids(&world, root, &["user_id".to_owned()], &first(9)).unwrap();
    assert_eq!(users.data.len(), 1);
    let world_with_email = World::of([identify("u1", "-", "{}"), identify("u1", "-", r#"{"email":"x"}"#)]);
    let root_with_email = world_with_email.root_at("user_id:u1");
    let ids = external_ids(&world_with_email, root_with_email, &[], &first(9)).unwrap();
    let shown: Vec<_> = ids.data.iter().map(|id| (id.r#type, id.first_message_id.as_deref().unwrap())).collect();
    assert_eq!(shown, [("user_id", "m1"), ("email", "m2")]);
    let accounts = answer(user_links(&world, root, &first(9)).unwrap());
    assert_eq!(
        accounts["data"],
        json!([{
            "to_collection": "accounts",
            "external_ids": [{
                "source_id": null, "collection": "accounts", "id": "g1", "type": "group_id",
                "created_at": minute(4).to_string(), "encoding": "none",
            }],
        }])
    );
    let people = account_links(&world, "g1", &first(9)).unwrap();
    assert_eq!(people.data[0].external_ids, rest.data);
    assert_eq!(
        answer(metadata(&world, root).unwrap()),
        json!({"metadata": {
            "created_at": minute(1).to_string(), "updated_at": minute(5).to_string(), "expires_at": null,
            "first_message_id": "m1", "first_source_id": "web", "last_message_id": "m5", "last_source_id": "web",
        }})
    );
}
