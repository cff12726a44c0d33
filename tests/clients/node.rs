//! The three Node SDKs.

use serde_json::Value;

use super::arrival::{Arrivals, assert_as_given};
use super::client::{CALLS, Client, calls, node};
use crate::support::TestServer;

fn delivers(script: &str, calls: &[Value]) {
    let mut arrivals = Arrivals::from_servers(TestServer::start());
    let sent = Client::start(node(script), &arrivals.server.url(""), arrivals.key(), calls, &[]).finish();
    assert_as_given(calls, &arrivals.assert_exactly(&sent));
}

/// It refuses numbers as user ids itself, yet sends numbers as group ids.
#[test]
fn segment_analytics_node() {
    let mut accepted = calls(CALLS);
    accepted.retain(|call| !call["userId"].is_number());
    delivers("segment-node.mjs", &accepted);
}

#[test]
fn analytics_node() {
    delivers("analytics-node.mjs", &calls(CALLS));
}

/// It knows users and events only, posts to its own hook, and sends delivered messages again.
#[test]
fn windsor_node() {
    let mut known = calls(CALLS);
    known.retain(|call| call["type"] == "identify" || call["type"] == "track");
    delivers("windsor-node.mjs", &known);
}
