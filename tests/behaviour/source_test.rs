//! A test call goes the way of all calls, as the source that it is for.

use serde_json::{Value, json};

use crate::support::stream::Stream;
use crate::support::{Answer, Setup, TestServer};

fn test(server: &TestServer, token: &str, source: &str) -> Answer {
    let headers = [("Authorization", &*format!("Bearer {token}"))];
    server.request("POST", &format!("/api/sources/{source}/test"), &headers, "")
}

#[test]
fn it_is_a_call_of_the_source_and_of_one_anonymous_person() {
    let server = TestServer::start();
    let mut live = Stream::open(&server, "/api/calls/live", None);
    let (first, second) = (test(&server, "admin-token", "web"), test(&server, "admin-token", "api").json());
    assert_eq!(first.status, 200);
    let first = first.json();
    assert_eq!((&first["status"], &first["sequence"]), (&json!("appended"), &json!(1)));
    assert_eq!((&first["code"], &first["message"], &first["fix"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!((&second["status"], &second["sequence"]), (&json!("appended"), &json!(2)));
    assert!(live.until(|live| live.items().len() == 2), "{}", live.text);
    let seen = &live.items()[0];
    assert_eq!(
        (&seen["source"], &seen["status"], &seen["event"]),
        (&json!("web"), &json!("appended"), &json!("Test Call"))
    );
    assert_eq!((&seen["message_id"], &seen["anonymous_id"]), (&first["message_id"], &json!("roundtower-test")));
    let records = server.export();
    assert_eq!(records[0]["projectId"], "web");
    assert_eq!(records[0]["properties"], json!({"sent_from": "dashboard"}));
    assert_eq!(records[0]["messageId"], first["message_id"]);
    let receipt = server.get_as("read-token", &format!("/api/calls/{}", first["message_id"].as_str().expect("an id")));
    assert_eq!(receipt.json()["sequence"], 1);
    let people = server.get_as("read-token", "/api/people?anonymous=true&wait_for=2").json();
    assert_eq!(people["items"].as_array().map(Vec::len), Some(1), "both are of one person: {people}");
    assert_eq!(server.get_as("read-token", "/api/people").json()["items"], json!([]));
}

#[test]
fn a_source_that_takes_nothing_says_so() {
    let server = Setup::default().tables("[http]\nserver_requests_per_second = 1").start();
    let admin = [("Authorization", "Bearer admin-token")];
    assert_eq!(server.request("POST", "/api/sources", &admin, r#"{"name":"shop","kind":"browser"}"#).status, 201);
    assert_eq!(server.request("PATCH", "/api/sources/shop", &admin, r#"{"enabled":false}"#).status, 200);
    let refused = test(&server, "admin-token", "shop");
    assert_eq!(refused.status, 200);
    let refused = refused.json();
    assert_eq!((&refused["status"], &refused["code"]), (&json!("rejected"), &json!("source_disabled")));
    assert!(refused["fix"].as_str().is_some_and(|fix| fix.starts_with("Enable")), "{refused}");
    assert_eq!(server.get_as("read-token", "/api/rejections").json()["items"][0]["source"], "shop");
    let all: Vec<Value> = (0..50).map(|_| test(&server, "admin-token", "api").json()).collect();
    assert!(all.iter().any(|one| one["code"] == "rate_limited"), "the limit of the source counts: {all:?}");
    assert!(server.export().iter().all(|record| record["projectId"] == "api"));
    assert_eq!((test(&server, "admin-token", "none").status, test(&server, "read-token", "api").status), (404, 403));
    assert_eq!(test(&server, "wrong", "api").status, 401);
}
