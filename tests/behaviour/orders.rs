//! What an operator orders: merges, their undoing, and what the feed hides. And that no sender can.

use serde_json::{Value, json};

use crate::support::{Answer, TestServer};

const ADMIN: [(&str, &str); 1] = [("Authorization", "Bearer admin-token")];

fn order(server: &TestServer, verb: &str, path: &str, body: &Value) -> Answer {
    server.request(verb, path, &ADMIN, body.to_string())
}

fn person(server: &TestServer, id: &str) -> Value {
    let answer = server.get_as("read-token", &format!("/api/people/{id}"));
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    answer.json()
}

/// Two people with a few calls each.
fn two_people(server: &TestServer) -> u64 {
    let batch = json!({"batch": [
        {"type": "identify", "userId": "u1", "traits": {"plan": "free", "name": "One"}},
        {"type": "identify", "userId": "u2", "traits": {"plan": "pro"}},
        {"type": "track", "userId": "u1", "event": "A"},
        {"type": "track", "userId": "u2", "event": "B"},
    ]});
    let receipts = server.post("/v1/batch?receipt=1", batch.to_string()).json();
    let last = receipts["receipts"][3]["sequence"].as_u64().expect("a sequence");
    assert_eq!(server.get_as("read-token", &format!("/api/feed?wait_for={last}")).status, 200);
    last
}

#[test]
fn a_merge_is_previewed_made_and_undone() {
    let mut server = TestServer::start();
    two_people(&server);
    let (one, two) = (person(&server, "user_id:u1"), person(&server, "user_id:u2"));
    let wanted = json!({"from": two["id"], "into": "user_id:u1"});
    let read = [("Authorization", "Bearer read-token")];
    let preview = server.request("POST", "/api/merges/preview", &read, wanted.to_string()).json();
    assert_eq!(person(&server, "user_id:u1"), one, "a preview changes nothing");
    let merged = order(&server, "POST", "/api/merges", &wanted);
    assert_eq!(merged.status, 200, "{}", merged.text());
    let merged = merged.json();
    assert_eq!(merged["person"], preview["person"]);
    assert_eq!(person(&server, "user_id:u2"), merged["person"], "the former id keeps working");
    assert_eq!(merged["person"]["former_user_ids"], json!(["u2"]));
    let again = order(&server, "POST", "/api/merges", &wanted);
    assert_eq!((again.status, again.code().as_str()), (409, "same_person"));
    let undone = order(&server, "POST", &format!("/api/merges/{}/undo", merged["sequence"]), &json!({}));
    assert_eq!(undone.status, 200, "{}", undone.text());
    let undone = undone.json();
    assert_eq!(undone["people"], json!([one, two]), "exactly the former two");
    assert!(undone["note"].as_str().is_some_and(|note| note.contains("cannot be called back")));
    let twice = order(&server, "POST", &format!("/api/merges/{}/undo", merged["sequence"]), &json!({}));
    assert_eq!((twice.status, twice.code().as_str()), (409, "nothing_to_undo"));
    server.restart();
    assert_eq!(person(&server, "user_id:u1"), one, "the same after a restart");
}

#[test]
fn an_alias_of_a_sender_can_be_undone_too() {
    let server = TestServer::start();
    two_people(&server);
    let alias = server.post("/v1/alias?receipt=1", r#"{"userId":"u1","previousId":"u2"}"#).json();
    let at = alias["receipts"][0]["sequence"].as_u64().expect("a sequence");
    let joined = server.get_as("read-token", &format!("/api/people/user_id:u2?wait_for={at}")).json();
    assert_eq!(joined["user_id"], "u1");
    let undone = order(&server, "POST", &format!("/api/merges/{at}/undo"), &json!({}));
    assert_eq!(undone.status, 200, "{}", undone.text());
    assert_eq!(person(&server, "user_id:u2")["user_id"], "u2");
}

#[test]
fn orders_that_cannot_be_change_nothing() {
    let server = TestServer::start();
    let last = two_people(&server);
    let body = |from: &str, into: &str| json!({"from": from, "into": into});
    for (verb, path, body, status, code) in [
        ("POST", "/api/merges", body("user_id:u1", "user_id:none"), 404, "not_found"),
        ("POST", "/api/merges", body("user_id:u1", "user_id:u1"), 409, "same_person"),
        ("POST", "/api/merges", body("", ""), 404, "not_found"),
        ("POST", "/api/merges", json!({"from": "user_id:u1"}), 400, "bad_request"),
        ("POST", "/api/merges", json!({"from": "user_id:u1", "into": "user_id:u2", "x": 1}), 400, "bad_request"),
        ("POST", "/api/merges/preview", body("user_id:u1", "user_id:u1"), 409, "same_person"),
        ("POST", "/api/merges/1/undo", json!({}), 409, "nothing_to_undo"),
        ("POST", "/api/merges/999999/undo", json!({}), 409, "nothing_to_undo"),
        ("POST", "/api/merges/x/undo", json!({}), 400, "bad_request"),
        ("PUT", "/api/events/none", json!({"hidden": true}), 404, "not_found"),
        ("PUT", "/api/events/A", json!({"hidden": 1}), 400, "bad_request"),
    ] {
        let answer = order(&server, verb, path, &body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{verb} {path} {body}: {}", answer.text());
    }
    assert_eq!(server.get("/status").json()["tail"], last + 1, "nothing was recorded");
}

#[test]
fn an_event_is_hidden_and_shown_again() {
    let server = TestServer::start();
    two_people(&server);
    let events = || -> Vec<String> {
        let feed = server.get_as("read-token", "/api/feed").json();
        feed["items"].as_array().expect("items").iter().map(|one| one["event"].to_string()).collect()
    };
    assert_eq!(events(), ["\"B\"", "\"A\""]);
    let hidden = order(&server, "PUT", "/api/events/A", &json!({"hidden": true}));
    assert_eq!((hidden.status, &hidden.json()["items"][0]["hidden"]), (200, &true.into()));
    assert_eq!(events(), ["\"B\""]);
    order(&server, "PUT", "/api/events/A", &json!({"hidden": false}));
    assert_eq!(events(), ["\"B\"", "\"A\""]);
}

#[test]
fn no_sender_and_no_import_gives_orders() {
    let server = TestServer::start();
    two_people(&server);
    let merged = order(&server, "POST", "/api/merges", &json!({"from": "user_id:u2", "into": "user_id:u1"})).json();
    let lines = server.export();
    let line = lines.iter().find(|one| one["sequence"] == merged["sequence"]).expect("it is exported");
    assert_eq!(
        (&line["projectId"], &line["type"], &line["event"]),
        (&"roundtower".into(), &"track".into(), &"merge".into())
    );
    let other = TestServer::start();
    two_people(&other);
    let sent = server_line_with_ids(line);
    assert_eq!(other.post("/v1/track", sent.to_string()).status, 200);
    let imported = other.request("POST", "/api/import?source=api", &ADMIN, format!("{line}\n{sent}\n")).json();
    assert_eq!(imported["bad_lines"][0]["code"], "no_user_anon_id", "{imported}");
    let last = other.get("/status").json()["tail"].as_u64().expect("a tail") - 1;
    let timeline = other.get_as("read-token", &format!("/api/people/user_id:u1/timeline?wait_for={last}")).json();
    assert_eq!(timeline["items"][0]["type"], "track", "an event like any other: {timeline}");
    assert_eq!(person(&other, "user_id:u2")["user_id"], "u2", "two people still");
    let taken = order(&other, "POST", "/api/sources", &json!({"name": "roundtower"}));
    assert_eq!((taken.status, taken.code().as_str()), (400, "invalid_name"));
}

/// The exported line of an order, sent as a call of somebody.
fn server_line_with_ids(line: &Value) -> Value {
    let mut line = line.clone();
    line["userId"] = "u1".into();
    line["marks"] = 32.into();
    line
}

#[test]
fn the_aliases_of_a_careful_source_join_visitors_only() {
    let server = TestServer::start();
    two_people(&server);
    let made =
        order(&server, "POST", "/api/sources", &json!({"name": "pages", "kind": "browser", "merges": "anonymous"}));
    let key = made.json()["write_key"].as_str().expect("a key").to_owned();
    assert_eq!(made.json()["merges"], "anonymous");
    server.post_as(&key, "/v1/track", r#"{"anonymousId":"a","event":"Seen"}"#);
    server.post_as(&key, "/v1/alias", r#"{"userId":"u1","previousId":"a"}"#);
    let sent = server.post_as(&key, "/v1/alias?receipt=1", r#"{"userId":"u1","previousId":"u2"}"#).json();
    let at = sent["receipts"][0]["sequence"].as_u64().expect("a sequence");
    let one = server.get_as("read-token", &format!("/api/people/user_id:u1?wait_for={at}")).json();
    assert_eq!((&one["anonymous_ids"], &one["former_user_ids"]), (&json!(["a"]), &json!([])));
    let why = server.get_as("read-token", "/api/people/user_id:u1/identity").json();
    assert_eq!(why["refused"][0]["code"], "alias_user_not_allowed", "{why}");
    order(&server, "PATCH", "/api/sources/pages", &json!({"merges": "all"}));
    let sent = server.post_as(&key, "/v1/alias?receipt=1", r#"{"userId":"u1","previousId":"u2"}"#).json();
    let at = sent["receipts"][0]["sequence"].as_u64().expect("a sequence");
    let one = server.get_as("read-token", &format!("/api/people/user_id:u1?wait_for={at}")).json();
    assert_eq!(one["former_user_ids"], json!(["u2"]));
}
