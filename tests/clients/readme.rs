//! The snippets of the README, pasted as they stand there.

use std::process::Command;

use serde_json::{Value, json};

use super::arrival::Arrivals;
use super::browser::{assert_told, visit, visit_by};
use super::client::{BROWSER_CALLS, calls, installed};
use crate::support::TestServer;

const README: &str = include_str!("../../README.md");

/// The first block of this language, with this server's address and key.
fn snippet(language: &str, arrivals: &Arrivals) -> String {
    let fence = format!("```{language}\n");
    let block = README.split(&fence).nth(1).and_then(|rest| rest.split("```").next()).expect("such a block");
    assert!(block.contains("WRITE_KEY") && block.contains("http://127.0.0.1:8080"), "{block}");
    block.replace("WRITE_KEY", arrivals.key()).replace("http://127.0.0.1:8080", &arrivals.server.url(""))
}

fn signs_up(command: &mut Command, arrivals: &Arrivals) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let records = arrivals.server.export();
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["userId"], &records[0]["event"]), (&json!("user-1"), &json!("Signed Up")));
    assert_eq!(records[0]["properties"], json!({ "plan": "free" }));
}

#[test]
fn node_snippet() {
    let arrivals = Arrivals::from_servers(TestServer::start());
    let mut command = Command::new("node");
    command.args(["--eval", &snippet("js", &arrivals)]).env("NODE_PATH", installed("node/node_modules"));
    signs_up(&mut command, &arrivals);
}

#[test]
fn python_snippet() {
    let arrivals = Arrivals::from_servers(TestServer::start());
    let mut command = Command::new(installed("python/segment-analytics-python-2.4.0/bin/python"));
    command.args(["-c", &snippet("python", &arrivals)]);
    signs_up(&mut command, &arrivals);
}

/// The page has nothing but the snippet: it loads Analytics.js from the server and reports the page by itself.
#[test]
fn page_snippet() {
    let mut arrivals = Arrivals::from_devices(TestServer::start());
    let mut calls = calls(BROWSER_CALLS);
    let first_page = calls.remove(0);
    let head = snippet("html", &arrivals);
    let sent = visit(&arrivals.server.url(""), arrivals.key(), &calls, &head, "stay").finish();
    let records: Vec<Value> = arrivals.assert_exactly(&sent);
    calls.insert(0, first_page);
    assert_told(&calls, &records);
}

/// Analytics.js loads a further part of itself from the server when the page's address says who comes and why.
#[test]
fn page_snippet_with_a_call_in_the_address() {
    let mut arrivals = Arrivals::from_devices(TestServer::start());
    let (url, head) = (arrivals.server.url(""), snippet("html", &arrivals));
    let calls = [json!({ "verb": "track", "arguments": ["Looked Around"] })];
    let query = "ajs_uid=user-7&ajs_event=Came%20Back&ajs_prop_by=letter";
    let sent = visit_by(query, &url, arrivals.key(), &calls, &head, "stay").finish();
    let records = arrivals.assert_exactly(&sent);
    let came_back = records.iter().find(|record| record["event"] == "Came Back").expect("the address's call");
    assert_eq!((&came_back["userId"], &came_back["properties"]["by"]), (&json!("user-7"), &json!("letter")));
    assert!(records.iter().any(|record| record["type"] == "identify" && record["userId"] == "user-7"));
}
