//! The debugger: each call as it comes, with what to change; no key in it, no reader that holds the server up.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::stream::Stream;
use crate::support::{PATIENCE, Setup, TestServer};

const PATH: &str = "/api/calls/live";

/// A route, a body, and why it is refused.
const REFUSED: [(&str, &str, &str); 14] = [
    ("/v1/batch", r#"{"batch":[]}"#, "empty_batch"),
    ("/v1/batch", r#"{"batch":[1]}"#, "invalid_message"),
    ("/v1/batch", r#"{"batch":[{"type":"x","userId":"u"}]}"#, "unknown_type"),
    ("/v1/track", r#"{"event":"e"}"#, "no_user_anon_id"),
    ("/v1/alias", r#"{"userId":"u"}"#, "id_required"),
    ("/v1/track", r#"{"userId":[],"event":"e"}"#, "id_not_string"),
    ("/v1/group", r#"{"userId":"u"}"#, "group_id_required"),
    ("/v1/identify", r#"{"userId":"u","traits":[]}"#, "traits_not_object"),
    ("/v1/track", r#"{"userId":"u","event":"e","properties":1}"#, "properties_not_object"),
    ("/v1/track", r#"{"userId":"u"}"#, "event_not_defined"),
    ("/v1/track", r#"{"userId":"u","event":1}"#, "event_not_string"),
    ("/v1/page", r#"{"userId":"u","name":1}"#, "name_not_string"),
    ("/v1/page", r#"{"userId":"u","category":1}"#, "category_not_string"),
    ("/v1/tracks", "{}", "not_found"),
];

fn watch(server: &TestServer, query: &str) -> Stream {
    Stream::open(server, &format!("{PATH}{query}"), None)
}

fn track(server: &TestServer, key: &str, id: &str) {
    let body = json!({"userId": "u", "event": "Seen", "messageId": id});
    assert_eq!(server.post_as(key, "/v1/track", body.to_string()).status, 200);
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|one| one["message_id"].as_str()).collect()
}

#[test]
fn calls_come_as_they_are_taken_and_refused() {
    let server = TestServer::start();
    track(&server, "server-key", "before anybody looked");
    let mut live = watch(&server, "");
    let call = json!({"type": "track", "userId": 7, "anonymousId": "a", "event": "Paid", "messageId": "m-1", "properties": {"total": 5}});
    server.post("/v1/track", call.to_string());
    server.post("/v1/track", call.to_string());
    server.post("/v1/page", r#"{"userId":"u","name":"Home","integrations":{"All":false}}"#);
    let batch = r#"{"batch":[{"type":"track","userId":"u","messageId":"m-2"},{"type":"identify","userId":"u","messageId":"m-3"}]}"#;
    server.post("/v1/batch", batch);
    assert!(live.until(|live| live.items().len() == 5), "{}", live.text);
    let items = live.items();
    let of = |name: &str| items.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("status"), ["appended", "duplicate", "filtered", "rejected", "appended"]);
    assert_eq!(of("type"), ["track", "track", "page", "track", "identify"]);
    assert_eq!(of("event"), [json!("Paid"), json!("Paid"), json!("Home"), Value::Null, Value::Null]);
    assert_eq!(of("sequence"), [json!(2), json!(2), json!(3), Value::Null, json!(4)]);
    assert_eq!(
        of("code"),
        [Value::Null, Value::Null, json!("FILTERED_BY_INTEGRATIONS_OBJECT"), json!("event_not_defined"), Value::Null]
    );
    assert_eq!(
        (&items[0]["user_id"], &items[0]["anonymous_id"], &items[0]["source"]),
        (&json!("7"), &json!("a"), &json!("api"))
    );
    assert_eq!(items[0]["body"], call.to_string(), "as received");
    assert!(items[2]["message_id"].is_string(), "also when the server made it");
    assert_eq!(items[3]["body"], r#"{"type":"track","userId":"u","messageId":"m-2"}"#, "of a batch the message only");
    assert!(items[3]["fix"].as_str().is_some_and(|fix| fix.contains("`event`")) && items[0]["fix"].is_null());
    let document = server.get("/openapi.json").json();
    let told = &document["components"]["schemas"]["Glance"]["required"];
    let names: BTreeSet<&str> = told.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for item in &items {
        let members: BTreeSet<&str> = item.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(members, names, "as documented");
    }
}

#[test]
fn every_refusal_says_what_to_change() {
    let tables = "[http]\nbody_timeout_ms = 300\nbrowser_requests_per_second = 1";
    let server = Setup::default().tables(tables).start();
    let admin = [("Authorization", "Bearer admin-token")];
    let made = server.request("POST", "/api/sources", &admin, r#"{"name":"off"}"#).json();
    let off = made["write_key"].as_str().expect("a key").to_owned();
    server.request("PATCH", "/api/sources/off", &admin, r#"{"enabled":false}"#);
    let mut live = watch(&server, "?verdict=rejected");
    let deep =
        format!("{{\"userId\":\"u\",\"event\":\"e\",\"properties\":{}1{}}}", "{\"a\":".repeat(70), "}".repeat(70));
    let (many, large) = (json!({"batch": vec![json!({}); 2_600]}).to_string(), "x".repeat(40_000));
    let big =
        json!({"batch": [{"type": "track", "userId": "u", "event": "e", "properties": {"x": large}}]}).to_string();
    let auth = crate::support::http::basic("server-key");
    let auth = [("Authorization", auth.as_str())];
    let encoded = [auth[0], ("Content-Encoding", "br")];
    let plain = REFUSED.iter().map(|(path, body, code)| (*path, *body, &auth[..], *code));
    let special = [
        ("/v1/track", "{", &auth[..], "invalid_json"),
        ("/v1/track", &deep, &auth, "invalid_json"),
        ("/v1/track", &large, &auth, "payload_too_large"),
        ("/v1/track", "{}", &[], "missing_write_key"),
        ("/v1/track", r#"{"writeKey":"no such key"}"#, &[], "unknown_write_key"),
        ("/v1/track", "{}", &encoded, "unsupported_encoding"),
        ("/v1/batch", &big, &auth, "message_too_large"),
    ];
    // Last, because so many bad messages use up what is shown of them at once; what is wrong with the batch is seen still.
    let last = ("/v1/batch", &*many, &auth[..], "batch_too_many");
    for (path, body, headers, code) in special.into_iter().chain(plain).chain([last]) {
        server.request("POST", path, headers, body);
        let found = |live: &Stream| live.items().iter().any(|one| one["code"] == code);
        assert!(live.until(found), "{code}: {}", live.text);
    }
    server.request("GET", "/v1/track", &auth, "");
    server.request("POST", "/v1/track", &[auth[0], ("X-Long", &"x".repeat(17_000))], "{}");
    server.post_as(&off, "/v1/track", r#"{"userId":"u","event":"e"}"#);
    server.raw(
        format!("POST /v1/track HTTP/1.1\r\nHost: h\r\nAuthorization: {}\r\nContent-Length: 9\r\n\r\n{{", auth[0].1)
            .as_bytes(),
        PATIENCE,
    );
    for _ in 0..20 {
        server.post_as("test-key", "/v1/track", r#"{"userId":"u","event":"e"}"#);
    }
    let all = ["method_not_allowed", "headers_too_large", "source_disabled", "timeout", "rate_limited"];
    let found = |live: &Stream| all.iter().all(|code| live.items().iter().any(|one| one["code"] == *code));
    assert!(live.until(found), "{}", live.text);
    for item in live.items().into_iter().filter(|item| item["skipped"].is_null()) {
        let fix = item["fix"].as_str().unwrap_or_default();
        assert!(fix.ends_with('.') && fix.len() > 15, "{item}");
        assert_eq!(item["status"], "rejected");
    }
    let limited = live.items().into_iter().find(|one| one["code"] == "rate_limited").expect("it is there");
    assert_eq!((&limited["source"], &limited["event"]), (&json!("web"), &json!("e")));
    let listed = server.get_as("read-token", "/api/rejections").json();
    assert!(listed["items"].as_array().expect("a list").iter().all(|one| one["fix"].is_string()));
}

#[test]
fn write_keys_are_never_shown() {
    let server = TestServer::start();
    let mut live = watch(&server, "");
    server.request("POST", "/v1/track", &[], r#"{"writeKey":"server-key","userId":"u","event":"e"}"#);
    server.request("POST", "/v1/track", &[], r#"{"write\u004bey":"server-key","userId":"u","event":"e"}"#);
    server.request("POST", "/v1/track", &[], r#"{"writeKey":"server-key","userId":"u"}"#);
    server.request("POST", "/v1/batch?writeKey=server-key", &[], r#"{"writeKey":"server-key","batch":[]}"#);
    server.request("POST", "/v1/batch", &[], r#"{"batch":[{"writeKey":"server-key","type":"track","userId":"u"}]}"#);
    server.request("POST", "/v1/nothing?writeKey=server-key", &[("X-Write-Key", "server-key")], "");
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let whole = base64(r#"{"writeKey":"server-key","userId":"u","event":"e"}"#);
    let broken = base64(r#"{"writeKey":"server-key","userId":"#);
    server.request("GET", &format!("/v1/pixel/track?data={whole}"), &[], "");
    server.request("GET", &format!("/v1/pixel/track?data={broken}"), &[], "");
    server.request("GET", "/v1/pixel/track?writeKey=server-key&userId=u", &[], "");
    assert!(live.until(|live| live.items().len() == 9), "{}", live.text);
    let listed = server.get_as("read-token", "/api/rejections").text();
    for text in [&live.text, &listed] {
        assert!(!text.contains("server-key") && !text.contains(&whole) && !text.contains(&broken), "{text}");
    }
    assert!(live.text.contains("***"));
}

#[test]
fn filters_and_rights() {
    let server = TestServer::start();
    let (mut web, mut refused) = (watch(&server, "?source=web"), watch(&server, "?verdict=rejected"));
    let mut taken = watch(&server, "?verdict=accepted&source=api");
    track(&server, "server-key", "1");
    server.post_as("test-key", "/v1/track", r#"{"userId":"u","messageId":"2"}"#);
    track(&server, "test-key", "3");
    server.post_as("wrong", "/v1/track", r#"{"userId":"u"}"#);
    track(&server, "server-key", "4");
    assert!(web.until(|live| live.items().len() == 2) && taken.until(|live| live.items().len() == 2));
    assert!(refused.until(|live| live.items().len() == 2));
    assert_eq!((ids(&web.items()), ids(&taken.items())), (vec!["2", "3"], vec!["1", "4"]));
    let refused = refused.items();
    assert_eq!((&refused[1]["source"], &refused[1]["code"]), (&Value::Null, &json!("unknown_write_key")));
    for (token, query, status) in [
        ("wrong", "", 401),
        ("read-token", "?verdict=some", 400),
        ("read-token", "?type=track", 400),
        ("read-token", "?source=", 400),
    ] {
        assert_eq!(server.get_as(token, &format!("{PATH}{query}")).status, status, "{token} {query}");
    }
}

#[test]
fn who_comes_back_gets_what_is_kept_of_what_it_missed() {
    let mut server = TestServer::start();
    let mut live = watch(&server, "");
    (0..3).for_each(|n| track(&server, "server-key", &format!("m{n}")));
    assert!(live.until(|live| live.items().len() == 3));
    let last = live.last_id();
    drop(live);
    (3..6).for_each(|n| track(&server, "server-key", &format!("m{n}")));
    let mut again = Stream::open(&server, PATH, Some(&last));
    assert!(again.until(|live| live.items().len() == 3), "{}", again.text);
    assert_eq!(ids(&again.items()), ["m3", "m4", "m5"]);
    let mut whole = watch(&server, "");
    assert!(whole.until(|live| live.items().len() == 6), "a new one gets all that is kept");
    for wrong in ["x", "7", "-", "1-", "-1", "1-x", "99999999999999999999-1"] {
        let headers = [("Authorization", "Bearer read-token"), ("Last-Event-ID", wrong)];
        assert_eq!(server.request("GET", PATH, &headers, "").status, 400, "{wrong}");
    }
    assert!(server.stop().success());
    server.restart();
    let mut after = Stream::open(&server, PATH, Some(&last));
    track(&server, "server-key", "after");
    assert!(after.until(|live| live.items().len() == 1), "an id of an earlier run is good: {}", after.text);
}

#[test]
fn what_comes_too_fast_is_told_and_slow_readers_hold_nobody_up() {
    let mut server = Setup::default().tables("[http]\nwrite_timeout_ms = 1000").start();
    let stuck = watch(&server, "");
    let mut live = watch(&server, "?verdict=accepted");
    let calls: Vec<Value> = (0..500)
        .map(|_| json!({"type": "track", "userId": "u", "event": "e", "properties": {"x": "y".repeat(300)}}))
        .collect();
    let batch = json!({ "batch": calls }).to_string();
    let shown = |live: &Stream| live.items().iter().filter(|one| one["event"] == "e").count() as u64;
    let skipped = |live: &Stream| live.items().iter().filter_map(|one| one["skipped"].as_u64()).sum::<u64>();
    for _ in 0..20 {
        assert_eq!(server.post("/v1/batch", &batch).status, 200);
    }
    assert!(live.until(|live| shown(live) + skipped(live) == 10_000), "{} {}", shown(&live), skipped(&live));
    assert!(skipped(&live) > 0 && shown(&live) >= 200);
    let told = live.text.matches("event: skipped\n").count();
    assert!(told >= 1, "in an event of its own kind");
    let start = Instant::now();
    assert!(server.stop().success());
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    assert!(!live.until(|_| false), "the stream ended");
    drop(stuck);
}

#[test]
fn seats_are_those_of_the_live_feed() {
    let server = Setup::default().tables("[http]\nlive_streams_max = 2").start();
    let (_calls, _feed) = (watch(&server, ""), Stream::open(&server, "/api/feed/live", None));
    for path in [PATH, "/api/feed/live"] {
        let refused = server.get_as("read-token", path);
        assert_eq!((refused.status, refused.code().as_str()), (503, "too_many_streams"), "{path}");
    }
    assert_eq!(server.get_as("read-token", "/status").json()["views"]["live_streams"], 2);
}

#[test]
fn a_message_called_live_has_a_receipt() {
    let server = TestServer::start();
    track(&server, "server-key", "live");
    track(&server, "server-key", "a/b");
    for (path, status) in [
        ("/api/calls/?message_id=live", 200),
        ("/api/calls/?message_id=a%2Fb", 200),
        ("/api/calls/a%2Fb", 200),
        ("/api/calls/?message_id=none", 404),
        ("/api/calls/", 404),
        ("/api/calls/a?message_id=live", 400),
    ] {
        assert_eq!(server.get_as("read-token", path).status, status, "{path}");
    }
}
