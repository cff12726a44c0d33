//! The numbers over time: those of `/status` and `/api/relay`, from the first moment on.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{PATIENCE, TestServer};

/// The first sample is taken at the start, and a start does not wait for it.
fn samples(server: &TestServer) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = server.get_as("read-token", "/api/history").json();
        assert_eq!(answer["interval_ms"], 10_000);
        let items = answer["items"].as_array().expect("a list").clone();
        if !items.is_empty() {
            return items;
        }
        assert!(Instant::now() < deadline, "no sample was taken");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_sample_says_what_the_state_says() {
    let mut server = TestServer::start();
    server.post("/v1/track", r#"{"userId":"u","event":"A"}"#);
    server.post("/v1/track", r#"{"userId":"u"}"#);
    server.post("/v1/track", r#"{"userId":"u","event":"B","messageId":"m"}"#);
    server.post("/v1/track", r#"{"userId":"u","event":"B","messageId":"m"}"#);
    // The first sample of the next run counts what this one took.
    assert!(server.stop().success());
    server.restart();
    let items = samples(&server);
    let (first, status) = (&items[0], server.get_as("read-token", "/status").json());
    for name in ["appended", "duplicate", "rejected"] {
        assert_eq!(first[name], status["accounts"][name], "{name}");
    }
    assert_eq!((&first["appended"], &first["duplicate"], &first["rejected"]), (&2.into(), &1.into(), &1.into()));
    assert!(first["disk_bytes"]["journal"].as_u64() > Some(0) && first["disk_bytes"]["views"].as_u64() > Some(0));
    assert_eq!(first["disk_bytes"]["relay"], 0, "there is no destination, and so no folder");
    assert!(first["disk_free_bytes"].as_u64() > Some(0));
    assert!(first["memory_bytes"].as_u64() > Some(1 << 20), "{first}");
    assert_eq!(first["relay"], serde_json::json!({}));
    assert!(status["memory_bytes"].as_u64() > Some(1 << 20));
    assert_eq!(status["disk_bytes"], first["disk_bytes"]);
}

#[test]
fn since_leaves_out_what_is_older() {
    let server = TestServer::start();
    let at = samples(&server)[0]["at"].as_str().expect("a time").to_owned();
    let count = |query: &str| {
        let answer = server.get_as("read-token", &format!("/api/history{query}")).json();
        answer["items"].as_array().map_or(0, Vec::len)
    };
    assert!(count(&format!("?since={at}")) >= 1);
    assert_eq!(count("?since=2100-01-01"), 0);
    for (query, token, status) in
        [("?since=yesterday", "read-token", 400), ("?until=2026-01-01", "read-token", 400), ("", "wrong", 401)]
    {
        assert_eq!(server.get_as(token, &format!("/api/history{query}")).status, status, "{query}");
    }
}
