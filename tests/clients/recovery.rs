//! Refusals, lost answers and recovery: what the SDKs send again arrives, and arrives once.

use std::process::Command;

use serde_json::{Value, json};

use super::arrival::{Arrivals, assert_as_given};
use super::browser::{batching, head_of_bundle, messages_of, visit};
use super::client::{BROWSER_CALLS, Client, calls, node, numbered_calls, python};
use super::proxy::{Proxy, Step};
use crate::support::{Setup, TestServer};

/// Every way a request can fail that is worth a retry, one after another.
const STORM: [Step; 6] = [
    Step::Refuse(429, Some(1)),
    Step::LoseAnswer,
    Step::Refuse(503, Some(1)),
    Step::Replace(503, None),
    Step::Replace(429, Some(1)),
    Step::LoseAnswer,
];
/// For SDKs that try a request four times in all, or that wait long between tries.
const SHOWER: [Step; 3] = [Step::Refuse(429, Some(1)), Step::LoseAnswer, Step::Replace(503, None)];

fn survives(command: Command, calls: &[Value], steps: &[Step]) {
    let mut arrivals = Arrivals::from_servers(TestServer::start());
    let proxy = Proxy::start(arrivals.server.port(), steps);
    let sent = Client::start(command, &proxy.url(), arrivals.key(), calls, &[]).finish();
    assert_as_given(calls, &arrivals.assert_exactly(&sent));
    assert_it_was_hard(&proxy, sent.len());
}

/// The script was played to its end, and some messages reached the server more than once.
fn assert_it_was_hard(proxy: &Proxy, messages: usize) {
    assert_eq!(proxy.steps_left(), 0, "the script was not played to its end");
    let requests = proxy.seen();
    let copies = requests.iter().filter(|request| request.forwarded).map(|request| request.messages.len());
    assert!(copies.sum::<usize>() > messages, "nothing reached the server twice, so nothing was shown");
}

#[test]
fn segment_analytics_node_loses_and_doubles_nothing() {
    survives(node("segment-node.mjs"), &numbered_calls(40), &STORM);
}

#[test]
fn analytics_node_loses_and_doubles_nothing() {
    survives(node("analytics-node.mjs"), &numbered_calls(20), &SHOWER);
}

#[test]
fn windsor_node_loses_and_doubles_nothing() {
    survives(node("windsor-node.mjs"), &numbered_calls(20), &SHOWER);
}

#[test]
fn segment_analytics_python_loses_and_doubles_nothing() {
    survives(python("segment-analytics-python-2.4.0"), &numbered_calls(40), &STORM);
}

#[test]
fn segment_analytics_python_2_3_loses_and_doubles_nothing() {
    survives(python("segment-analytics-python-2.3.4"), &numbered_calls(40), &SHOWER);
}

#[test]
fn analytics_python_loses_and_doubles_nothing() {
    survives(python("analytics-python-1.4.post1"), &numbered_calls(40), &SHOWER);
}

/// A page's calls through the storm.
fn page_survives(segment_io: &Value) {
    let mut arrivals = Arrivals::from_devices(TestServer::start());
    let (proxy, calls) = (Proxy::start(arrivals.server.port(), &STORM), calls(BROWSER_CALLS));
    let head = head_of_bundle(&proxy.url(), arrivals.key(), segment_io);
    let mut client = visit(&proxy.url(), arrivals.key(), &calls, &head, "stay");
    let sent = proxy.wait_for(&ids(&client.messages(messages_of(&calls))));
    client.finish();
    arrivals.assert_exactly(&sent);
    assert_it_was_hard(&proxy, sent.len());
}

fn ids(messages: &[Value]) -> Vec<Value> {
    messages.iter().map(|message| message["messageId"].clone()).collect()
}

#[test]
fn analytics_next_loses_and_doubles_nothing() {
    page_survives(&json!({}));
}

/// Batches of four, so that no call stays behind.
#[test]
fn analytics_next_in_batches_loses_and_doubles_nothing() {
    let mut segment_io = batching();
    segment_io["deliveryStrategy"]["config"] = json!({ "size": 4, "timeout": 500 });
    page_survives(&segment_io);
}

/// Nothing gets through while the visitor is there; the browser keeps it and sends it from the next page.
#[test]
fn analytics_next_delivers_from_the_next_page() {
    let mut arrivals = Arrivals::from_devices(TestServer::start());
    let proxy = Proxy::start(arrivals.server.port(), &[Step::Refuse(503, None); 500]);
    let (calls, head) = (calls(BROWSER_CALLS), head_of_bundle(&proxy.url(), arrivals.key(), &json!({})));
    let mut client = visit(&proxy.url(), arrivals.key(), &calls, &head, "return");
    let ids = ids(&client.messages(messages_of(&calls)));
    assert!(proxy.seen().iter().all(|request| !request.forwarded), "something got through before");
    proxy.let_pass();
    let sent = proxy.wait_for(&ids);
    client.finish();
    arrivals.assert_exactly(&sent);
}

/// The server's own rate limit instead of a script: what it refuses comes again and arrives.
#[test]
fn the_servers_own_rate_limit_loses_nothing() {
    let setup = Setup::default().tables("[http]\nserver_requests_per_second = 2");
    let mut arrivals = Arrivals::from_servers(setup.start());
    let (proxy, calls) = (Proxy::start(arrivals.server.port(), &[]), numbered_calls(60));
    let client = node("segment-node.mjs");
    let sent = Client::start(client, &proxy.url(), arrivals.key(), &calls, &[]).finish();
    assert!(proxy.seen().iter().any(|request| request.status == 429), "the limit was never reached");
    assert_as_given(&calls, &arrivals.assert_exactly(&sent));
}
