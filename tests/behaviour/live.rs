//! The live feed: items as they become visible, resumed without a gap, and no reader that holds the server up.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::stream::Stream;
use crate::support::{PATIENCE, Setup, TestServer};

/// The live feed of one reader.
fn open(server: &TestServer, query: &str, last: Option<u64>) -> Stream {
    Stream::open(server, &format!("/api/feed/live{query}"), last.map(|last| last.to_string()).as_deref())
}

fn sequences(live: &Stream) -> Vec<u64> {
    live.items().iter().map(|one| one["sequence"].as_u64().expect("a sequence")).collect()
}

fn send(server: &TestServer, range: std::ops::Range<u32>) {
    let calls: Vec<Value> = range
        .map(|n| json!({"type": "track", "userId": format!("u{}", n % 7), "event": if n % 2 == 0 { "Even" } else { "Odd" }}))
        .collect();
    for part in calls.chunks(500) {
        assert_eq!(server.post("/v1/batch", json!({ "batch": part }).to_string()).status, 200);
    }
}

#[test]
fn items_come_as_they_become_visible_and_as_the_feed_lists_them() {
    let server = TestServer::start();
    send(&server, 0..3);
    server.get_as("read-token", "/api/feed?wait_for=3");
    let mut live = open(&server, "", None);
    server.post("/v1/track", "{\"userId\":\"u\",\"event\":\"New\",\"properties\":{\"a\":1,\n \"b\":\"x\\ny\"}}");
    server.post("/v1/page", r#"{"userId":"u","name":"Home"}"#);
    server.post("/v1/identify", r#"{"userId":"u","traits":{"name":"Ada"}}"#);
    send(&server, 3..4);
    assert!(live.until(|live| live.items().len() == 2), "{}", live.text);
    assert_eq!(sequences(&live), [4, 7], "only what is new and visible");
    let feed = server.get_as("read-token", "/api/feed").json();
    assert_eq!(live.items()[1], feed["items"][0]);
    assert_eq!(live.items()[0]["properties"], json!({"a": 1, "b": "x\ny"}));
    let headers = live.text.split("\r\n\r\n").next().expect("a head").to_ascii_lowercase();
    assert!(
        headers.contains("content-type: text/event-stream") && headers.contains("cache-control: no-store"),
        "{headers}"
    );
}

#[test]
fn filters_are_those_of_the_feed() {
    let server = TestServer::start();
    send(&server, 0..7);
    server.get_as("read-token", "/api/feed?wait_for=7");
    let mut odd = open(&server, "?event=Odd", Some(0));
    let mut one = open(&server, "?person=user_id:u3&hidden=true", Some(0));
    let mut none = open(&server, "?source=web", Some(0));
    send(&server, 7..14);
    server.post("/v1/page", r#"{"userId":"u3","name":"Home"}"#);
    assert!(odd.until(|live| live.items().len() == 7), "{}", odd.text);
    assert!(odd.items().iter().all(|item| item["event"] == "Odd"));
    assert!(one.until(|live| live.items().len() == 3), "{}", one.text);
    assert_eq!(sequences(&one), [4, 11, 15]);
    server.post_as("test-key", "/v1/track", r#"{"userId":"u","event":"Web"}"#);
    assert!(none.until(|live| !live.items().is_empty()));
    assert_eq!(sequences(&none), [16]);
    for (query, status) in [("?person=user_id:none", 404), ("?since=2026-01-01", 400), ("?type=identify", 400)] {
        assert_eq!(server.get_as("read-token", &format!("/api/feed/live{query}")).status, status, "{query}");
    }
}

#[test]
fn a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let server = TestServer::start();
    send(&server, 0..3_000);
    server.get_as("read-token", "/api/feed?wait_for=3000");
    let mut all = Vec::new();
    let mut last = 0;
    // Each time it leaves in the middle, and more comes in meanwhile.
    for round in 0..5_u32 {
        let mut live = open(&server, "", Some(last));
        send(&server, 3_000 + round * 100..3_100 + round * 100);
        let wanted = if round == 4 { 3_500 - all.len() } else { 500 };
        assert!(live.until(|live| live.text.matches("\n\n").count() > wanted), "round {round}");
        let whole = live.text.rfind("\n\n").expect("whole events");
        live.text.truncate(whole + 1);
        let came = sequences(&live);
        last = *came.last().expect("some");
        all.extend(came);
    }
    let expected: Vec<u64> = (1..=all.len() as u64).collect();
    assert_eq!(all, expected);
    for wrong in ["x", "-1", "999999999"] {
        let headers = [("Authorization", "Bearer read-token"), ("Last-Event-ID", wrong)];
        assert_eq!(server.request("GET", "/api/feed/live", &headers, "").status, 400, "{wrong}");
    }
}

#[test]
fn there_is_a_limit_of_readers_and_places_become_free() {
    let server = Setup::default().tables("[http]\nlive_streams_max = 2").start();
    let (first, _second) = (open(&server, "", None), open(&server, "", None));
    let refused = server.get_as("read-token", "/api/feed/live");
    assert_eq!((refused.status, refused.code().as_str()), (503, "too_many_streams"));
    assert!(refused.header("retry-after").is_some());
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    // A reader that left is noticed when the next words to it fail.
    while server.request("HEAD", "/api/feed/live", &[("Authorization", "Bearer read-token")], "").status != 200
        || server.get_as("read-token", "/status").json()["views"]["live_streams"] == 2
    {
        assert!(Instant::now() < deadline, "its place is not given to others");
        send(&server, 0..1);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_reader_that_takes_nothing_holds_nobody_up_and_a_stop_ends_all() {
    let mut server = Setup::default().tables("[http]\nwrite_timeout_ms = 1000").start();
    let mut stuck = open(&server, "", None);
    let mut live = open(&server, "", None);
    let reading = std::thread::spawn(move || {
        assert!(
            live.until(|live| live.text.len() > 1_000 && live.text.matches("\ndata: ").count() == 20_000),
            "it gets all"
        );
        live
    });
    send(&server, 0..20_000);
    let mut live = reading.join().expect("the other one gets all");
    let start = Instant::now();
    assert!(server.stop().success());
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    assert!(!live.until(|_| false), "the stream ended");
    assert!(!stuck.until(|_| false), "the stuck one too");
}
