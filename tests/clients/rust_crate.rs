//! The crate `analytics`: no message ids, no sending times, a context on the batch only.

use serde_json::Value;

use super::arrival::{Arrivals, assert_as_given};
use super::client::{CALLS, Client, calls, rust};
use crate::support::TestServer;

#[test]
fn analytics_crate() {
    let mut arrivals = Arrivals::from_servers(TestServer::start());
    // Its types hold ids as text only, and it could not send the same message id in both of its ways.
    let mut calls = calls(CALLS);
    calls.retain(|call| !call["groupId"].is_number() && !call["userId"].is_number());
    calls.iter_mut().filter_map(Value::as_object_mut).for_each(|call| drop(call.shift_remove("messageId")));
    let sent = Client::start(rust(), &arrivals.server.url(""), arrivals.key(), &calls, &[]).finish();
    let records = arrivals.assert_exactly(&sent);
    for half in records.chunks(calls.len()) {
        assert_as_given(&calls, half);
    }
    let mut ids: Vec<&str> = records.iter().filter_map(|record| record["messageId"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), records.len(), "each record got a message id of its own");
    assert!(ids.iter().all(|id| id.starts_with("api-")), "{ids:?}");
}
