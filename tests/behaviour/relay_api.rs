//! The relay over HTTP, with a receiver beside it: how destinations stand, what became of each call, and what operators
//! order.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::openapi::check;
use crate::support::windsor::{Act, Reply, Windsor};
use crate::support::{Answer, PATIENCE, Setup, TestServer};

/// A key that nobody may ever see again.
pub(super) const KEY: &str = "Very-Secret-Key-4711";

/// A destination `vendor` in the format `segment` that leads to this receiver, and more lines for it.
pub(super) fn vendor(windsor: &Windsor, more: &str) -> Setup {
    let url = windsor.url("");
    Setup::default().tables(&format!(
        "[[destinations]]\nname = \"vendor\"\nformat = \"segment\"\nurl = \"{url}\"\napi_key = \"{KEY}\"\n{more}"
    ))
}

/// A track call of one person for each of these ids.
pub(super) fn send(server: &TestServer, ids: &[&str]) {
    let call = |id: &&str| json!({"type": "track", "userId": "u", "event": format!("Event {id}"), "messageId": id});
    let batch: Vec<Value> = ids.iter().map(call).collect();
    assert_eq!(server.post("/v1/batch", json!({"batch": batch}).to_string()).status, 200);
}

pub(super) fn read(server: &TestServer, path: &str) -> Value {
    let answer = server.get_as("read-token", path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

pub(super) fn order(server: &TestServer, path: &str, body: &str) -> Answer {
    server.request("POST", path, &[("Authorization", "Bearer admin-token")], body)
}

/// Waits until `vendor` is like this; answers it.
pub(super) fn until(server: &TestServer, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let vendor = read(server, "/api/relay/vendor");
        if is_so(&vendor) {
            return vendor;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}: {vendor}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for these counts of delivered, filtered and dead, with nothing pending and no order open.
pub(super) fn settled(server: &TestServer, delivered: u64, filtered: u64, dead: u64) -> Value {
    let wanted = json!({"pending": 0, "delivered": delivered, "filtered": filtered, "dead": dead});
    until(server, &wanted.to_string(), |vendor| vendor["counts"] == wanted && vendor["redelivering"] == 0)
}

fn ids(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list").iter();
    items.map(|one| one["message_id"].as_str().expect("each has an id")).collect()
}

/// Refuses what begins with `bad`.
pub(super) fn picky(windsor: &Windsor) {
    windsor.refuse(|call| call.message_id.starts_with("bad").then_some(400));
}

#[test]
fn what_became_of_each_call_can_be_asked() {
    let windsor = Windsor::start();
    picky(&windsor);
    let server = vendor(&windsor, "").start();
    send(&server, &["a", "bad-1", "b", "bad-2", "c"]);
    let hidden = json!({"userId": "u", "event": "E", "messageId": "hidden", "integrations": {"Windsor": false}});
    assert_eq!(server.post("/v1/track", hidden.to_string()).status, 200);
    let vendor = settled(&server, 3, 1, 2);
    let standing = (&vendor["name"], &vendor["format"], &vendor["state"], &vendor["reason"], &vendor["breaker"]);
    assert_eq!(standing, (&json!("vendor"), &json!("segment"), &json!("running"), &Value::Null, &json!("closed")));
    assert_eq!((&vendor["lag_events"], &vendor["lag_ms"], &vendor["in_flight"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(vendor["url"], windsor.url(""));
    assert!(vendor["outcomes"]["4xx"].as_u64() >= Some(2) && vendor["outcomes"]["2xx"].as_u64() >= Some(1), "{vendor}");
    assert!(vendor["last_success"].is_string() && vendor["last_failure"]["text"].is_string(), "{vendor}");
    let all = read(&server, "/api/relay");
    assert_eq!(
        (&all["items"][0]["counts"], &all["next"], &all["through"]),
        (&vendor["counts"], &Value::Null, &json!(7))
    );

    let list = |query: &str| read(&server, &format!("/api/relay/vendor/deliveries{query}"));
    assert_eq!(ids(&list("?state=delivered")), ["c", "b", "a"]);
    let dead = list("?state=dead");
    assert_eq!(ids(&dead), ["bad-2", "bad-1"]);
    let letter = &dead["items"][0];
    assert_eq!(
        (&letter["state"], &letter["code"], &letter["status"]),
        (&json!("dead"), &json!("REFUSED"), &json!(400))
    );
    assert_eq!(
        (&letter["type"], &letter["event"], &letter["sequence"]),
        (&json!("track"), &json!("Event bad-2"), &json!(4))
    );
    assert!(letter["attempts"].as_u64() > Some(0) && letter["attempted_at"].is_string(), "{letter}");
    let filtered = list("?state=filtered");
    assert_eq!(
        (ids(&filtered), &filtered["items"][0]["code"]),
        (vec!["hidden"], &json!("FILTERED_BY_INTEGRATIONS_OBJECT"))
    );
    assert!(ids(&list("?state=pending")).is_empty());

    let receipt = read(&server, "/api/calls/bad-1");
    let at = &receipt["relay"][0];
    assert_eq!((&at["destination"], &at["state"]), (&json!("vendor"), &json!("dead")));
    let attempt = at["attempts"].as_array().unwrap().last().unwrap();
    assert_eq!((&attempt["status"], &attempt["failure"]), (&json!(400), &Value::Null));
    assert!(attempt["at"].is_string() && attempt["latency_ms"].is_u64() && attempt["answer"].is_string(), "{attempt}");
    assert_eq!(
        read(&server, "/api/calls/hidden")["relay"][0],
        json!({"destination": "vendor", "state": "filtered", "attempts": []})
    );
}

#[test]
fn page_by_page_it_is_the_same_list() {
    let windsor = Windsor::start();
    picky(&windsor);
    let server = vendor(&windsor, "").start();
    send(&server, &["a", "bad-1", "b", "bad-2", "c"]);
    settled(&server, 3, 0, 2);
    let list = |query: &str| read(&server, &format!("/api/relay/vendor/deliveries{query}"));
    // A cursor is good for its own list only.
    let (mut found, mut path) = (Vec::new(), "?limit=2".to_owned());
    let whole = list("");
    assert_eq!(ids(&whole), ["c", "bad-2", "b", "bad-1", "a"]);
    loop {
        let page = list(&path);
        found.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        let elsewhere = format!("/api/relay/vendor/deliveries?state=dead&cursor={next}");
        let answer = server.get_as("read-token", &elsewhere);
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_cursor"));
        path = format!("?limit=2&cursor={next}");
    }
    assert_eq!(found, ids(&whole));
}

#[test]
fn the_accounts_close_everywhere() {
    let windsor = Windsor::start();
    picky(&windsor);
    let server = vendor(&windsor, "").start();
    send(&server, &["a", "bad-1", "b"]);
    settled(&server, 2, 0, 1);
    let status = read(&server, "/status");
    for (name, count) in [("appended", 3), ("delivered", 2), ("pending", 0), ("filtered", 0), ("dead", 1)] {
        assert_eq!(status["accounts"][name], count, "{name}");
    }
    let lag = json!([{"destination": "vendor", "state": "running", "lag_events": 0, "lag_ms": 0, "dead": 1}]);
    assert_eq!(status["relay"], lag);
    let public = server.get("/status").json();
    assert!(public.get("relay").is_none() && public.get("accounts").is_none(), "{public}");

    let metrics = server.get_as("read-token", "/metrics").text();
    for line in [
        "roundtower_relay_lag_events{destination=\"vendor\"} 0",
        "roundtower_relay_lag_seconds{destination=\"vendor\"} 0",
        "roundtower_relay_in_flight{destination=\"vendor\"} 0",
        "roundtower_relay_breaker_open{destination=\"vendor\"} 0",
        "roundtower_relay_stopped{destination=\"vendor\"} 0",
        "roundtower_relay_records{destination=\"vendor\",state=\"dead\"} 1",
        "roundtower_relay_deliveries_total{destination=\"vendor\",outcome=\"delivered\"} 2",
        "roundtower_relay_requests_total{destination=\"vendor\",outcome=\"2xx\"}",
        "roundtower_relay_attempt_seconds_count{destination=\"vendor\"}",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let verified = order(&server, "/api/verify", "").json();
    let account = json!([{"destination": "vendor", "appended": 3, "delivered": 2, "filtered": 0, "pending": 0, "dead": 1, "equal": true}]);
    assert_eq!((&verified["relay"], &verified["findings"]), (&account, &json!([])));
}

#[test]
fn dead_letters_a_call_and_a_range_are_delivered_again() {
    let windsor = Windsor::start();
    picky(&windsor);
    let server = vendor(&windsor, "").start();
    send(&server, &["a", "bad-1", "b", "bad-2", "bad-3"]);
    settled(&server, 2, 0, 3);
    windsor.refuse(|_| None);
    let ordered = |body: &str| {
        let answer = order(&server, "/api/relay/vendor/redeliver", body);
        assert_eq!(answer.status, 202, "{body}: {}", answer.text());
        answer.json()
    };
    let one = ordered(r#"{"message_id":"bad-2"}"#);
    assert_eq!((&one["from"], &one["to"], &one["records"]), (&json!(4), &json!(5), &json!(1)));
    settled(&server, 3, 0, 2);
    assert_eq!(windsor.ids(), ["a", "b", "bad-2"]);
    let all = ordered("{}");
    let expected = json!({"destination": "vendor", "from": 1, "to": 6, "state": "dead", "type": null, "event": null, "records": 5});
    assert_eq!(all, expected);
    settled(&server, 5, 0, 0);
    assert_eq!(windsor.ids(), ["a", "b", "bad-2", "bad-1", "bad-3"]);

    // What was delivered goes out again only on purpose; a call by its sequence, then a range by event.
    ordered(r#"{"sequence":1}"#);
    windsor.wait("the call", |state| state.taken.len() == 6);
    settled(&server, 5, 0, 0);
    ordered(r#"{"from":2,"to":5,"state":"all","type":"track","event":"Event b"}"#);
    windsor.wait("the event", |state| state.taken.len() == 7);
    settled(&server, 5, 0, 0);
    ordered(r#"{"from":"2020-01-01","to":3,"state":"all"}"#);
    windsor.wait("the range", |state| state.taken.len() == 9);
    settled(&server, 5, 0, 0);
    assert_eq!(windsor.ids()[5..], ["a", "b", "a", "bad-1"]);
    ordered("{}");
    ordered("");
    settled(&server, 5, 0, 0);
    assert_eq!(windsor.ids().len(), 9, "no dead letter is left");
    let receipt = read(&server, "/api/calls/a");
    let attempts = receipt["relay"][0]["attempts"].as_array().unwrap();
    let accepted = attempts.iter().filter(|one| one["status"] == 200).count();
    assert_eq!(accepted, 3, "each delivery is an attempt: {receipt}");
}

#[test]
fn a_paused_destination_gets_nothing_until_it_is_resumed_restarts_included() {
    let windsor = Windsor::start();
    let mut server = vendor(&windsor, "").start();
    let paused = order(&server, "/api/relay/vendor/pause", "");
    assert_eq!((paused.status, &paused.json()["state"]), (200, &json!("paused")));
    send(&server, &["a", "b"]);
    server.restart();
    let standing = until(&server, "two calls", |vendor| vendor["lag_events"] == 2);
    assert_eq!((&standing["state"], &standing["reason"]), (&json!("paused"), &json!("an operator paused it")));
    assert!(windsor.requests().is_empty());
    assert_eq!(server.get("/readyz").status, 200);
    let answer = order(&server, "/api/relay/vendor/redeliver", r#"{"sequence":1}"#);
    assert_eq!((answer.status, answer.code().as_str()), (409, "still_pending"));
    let resumed = order(&server, "/api/relay/vendor/resume", "{}");
    assert_eq!((resumed.status, &resumed.json()["state"]), (200, &json!("running")));
    settled(&server, 2, 0, 0);
    assert_eq!(windsor.ids(), ["a", "b"]);
}

#[test]
fn a_wrong_key_is_an_alarm_and_no_dead_letter() {
    let windsor = Windsor::start();
    windsor.always(Act::status(401));
    let server = vendor(&windsor, "unauthorized_max = 2\nretry_initial_ms = 20").start();
    send(&server, &["a", "b"]);
    let vendor = until(&server, "the alarm", |vendor| vendor["state"] == "alarm" && vendor["counts"]["pending"] == 2);
    assert!(vendor["reason"].as_str().unwrap().contains("does not accept the key"), "{vendor}");
    assert!(
        server.get_as("read-token", "/metrics").text().contains("roundtower_relay_stopped{destination=\"vendor\"} 1")
    );
    assert_eq!((server.get("/readyz").status, server.get("/healthz").status), (200, 200), "ingest is not affected");
    windsor.always(Act::Take);
    assert_eq!(order(&server, "/api/relay/vendor/resume", "").status, 200);
    settled(&server, 2, 0, 0);
}

#[test]
fn what_cannot_be_is_refused_with_what_would_be_right() {
    let windsor = Windsor::start();
    let server = vendor(&windsor, "").start();
    let hidden = json!({"userId": "u", "event": "E", "messageId": "hidden", "integrations": {"All": false}});
    assert_eq!(server.post("/v1/track", hidden.to_string()).status, 200);
    for (key, id) in [("test-key", "twice"), ("server-key", "twice")] {
        let call = json!({"userId": "u", "event": "E", "messageId": id});
        assert_eq!(server.post_as(key, "/v1/track", call.to_string()).status, 200);
    }
    settled(&server, 2, 1, 0);
    for (body, status, code, words) in [
        (r#"{"message_id":"none"}"#, 404, "not_found", "no call with this"),
        (r#"{"message_id":"twice"}"#, 400, "bad_request", "add `source`: "),
        (r#"{"message_id":"hidden"}"#, 409, "not_owed", "filtered"),
        (r#"{"sequence":1}"#, 409, "not_owed", "filtered"),
        (r#"{"sequence":99}"#, 404, "not_found", "no record 99"),
        (r#"{"from":99}"#, 400, "empty_range", "no record in that range"),
        (r#"{"from":"2100-01-01"}"#, 400, "empty_range", "no record in that range"),
        (r#"{"from":"soon"}"#, 400, "bad_request", "2026-11-23T12:00:00Z"),
        (r#"{"state":"all"}"#, 400, "bad_request", "needs `from`"),
        (r#"{"state":"delivered"}"#, 400, "bad_request", "`dead` (dead letters) or `all`"),
        (r#"{"type":"click"}"#, 400, "bad_request", "one of identify, track"),
        (r#"{"messageId":"a"}"#, 400, "bad_request", "it takes `message_id`"),
        ("[]", 400, "bad_request", "it takes `message_id`"),
        ("{", 400, "bad_request", "it is no JSON"),
    ] {
        let answer = order(&server, "/api/relay/vendor/redeliver", body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{body}: {}", answer.text());
    }
    for (verb, path) in [
        ("GET", "/api/relay/none"),
        ("GET", "/api/relay/none/deliveries"),
        ("POST", "/api/relay/none/pause"),
        ("POST", "/api/relay/none/resume"),
        ("POST", "/api/relay/none/redeliver"),
    ] {
        let answer = server.request(verb, path, &[("Authorization", "Bearer admin-token")], "");
        assert_eq!((answer.status, answer.code().as_str()), (404, "unknown_destination"), "{verb} {path}");
        assert!(answer.text().contains("the configuration has: vendor"), "{}", answer.text());
    }
    for query in ["?state=gone", "?state=", "?limit=0", "?stat=dead", "?cursor=x"] {
        assert_eq!(server.get_as("read-token", &format!("/api/relay/vendor/deliveries{query}")).status, 400, "{query}");
    }
    for what in ["pause", "resume", "redeliver"] {
        let headers = [("Authorization", "Bearer read-token")];
        assert_eq!(server.request("POST", &format!("/api/relay/vendor/{what}"), &headers, "{}").status, 403, "{what}");
    }
    assert_eq!(windsor.ids().len(), 2, "nothing was sent again");
}

#[test]
fn every_answer_is_as_documented() {
    let windsor = Windsor::start();
    picky(&windsor);
    let server = vendor(&windsor, "").start();
    send(&server, &["a", "bad-1"]);
    settled(&server, 1, 0, 1);
    let document = server.get("/openapi.json").json();
    let one = "/api/relay/{destination}";
    for (path, asked) in [
        ("/api/relay", "/api/relay"),
        (one, "/api/relay/vendor"),
        (one, "/api/relay/none"),
        (&format!("{one}/deliveries"), "/api/relay/vendor/deliveries"),
        (&format!("{one}/deliveries"), "/api/relay/vendor/deliveries?state=dead&limit=1"),
        (&format!("{one}/deliveries"), "/api/relay/vendor/deliveries?state=x"),
        ("/api/calls/{id}", "/api/calls/bad-1"),
    ] {
        check(&document, path, "get", &server.get_as("read-token", asked));
        check(&document, path, "get", &server.get_as("wrong", asked));
    }
    for (what, body) in [
        ("redeliver", r#"{"sequence":2}"#),
        ("redeliver", r#"{"from":1,"to":"2100-01-01","state":"all","type":"track","event":"none"}"#),
        ("redeliver", "{"),
        ("redeliver", r#"{"from":99}"#),
        ("pause", ""),
        ("resume", ""),
    ] {
        let (path, asked) = (format!("{one}/{what}"), format!("/api/relay/vendor/{what}"));
        check(&document, &path, "post", &order(&server, &asked, body));
        check(&document, &path, "post", &order(&server, &format!("/api/relay/none/{what}"), body));
    }
}

#[test]
fn no_answer_log_or_metric_shows_the_key() {
    let windsor = Windsor::start();
    // A receiver that repeats what it was sent, the key included.
    let said = format!(r#"{{"message":"the key {KEY} of /hook/{KEY} is not for this"}}"#);
    windsor.always(Act::Answer(Reply::new(400).body(said)));
    let port = windsor.port();
    let server = vendor(&windsor, &format!("[[destinations]]\nname = \"hook\"\nformat = \"windsor\"\nurl = \"http://127.0.0.1:{port}/hook\"\napi_key = \"{KEY}\"\n")).start();
    send(&server, &["a"]);
    settled(&server, 0, 0, 1);
    let deadline = Instant::now() + PATIENCE;
    while read(&server, "/api/relay/hook")["counts"]["dead"] != 1 {
        assert!(Instant::now() < deadline, "the hook was not asked");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(windsor.requests().iter().any(|request| request.path.contains(KEY)), "the key was sent in a path");
    assert_eq!(read(&server, "/api/relay/hook")["url"], format!("http://127.0.0.1:{port}/hook/***"));
    let mut shown = vec![server.log()];
    for path in [
        "/api/relay",
        "/api/relay/hook",
        "/api/relay/hook/deliveries",
        "/api/relay/vendor/deliveries?state=dead",
        "/api/calls/a",
        "/status",
        "/metrics",
        "/openapi.json",
    ] {
        let answer = server.get_as("admin-token", path);
        assert_eq!(answer.status, 200, "{path}");
        shown.push(answer.text());
    }
    assert!(shown[4].contains("is not for this"), "the answer itself is shown: {}", shown[4]);
    for arguments in
        [&["relay", "status"][..], &["relay", "status", "hook"], &["--json", "relay", "status"], &["verify"]]
    {
        let output = server.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        shown.push(String::from_utf8([output.stdout, output.stderr].concat()).unwrap());
    }
    for text in shown {
        assert!(!text.contains(KEY), "the key is in: {text}");
    }
}
