//! The browser SDK in headless Chromium, on a page of another origin than the server.

use serde_json::{Value, json};

use super::arrival::{Arrivals, assert_as_intended};
use super::client::{BROWSER_CALLS, Client, calls, node};
use super::proxy::Proxy;
use crate::support::TestServer;

/// What a page needs that bundles the npm package: the server as `cdnURL`.
pub(super) fn head_of_bundle(url: &str, key: &str, segment_io: &Value) -> String {
    let (settings, options) =
        (json!({ "writeKey": key, "cdnURL": url }), json!({ "integrations": { "Segment.io": segment_io } }));
    format!(
        "<script src=\"/bundle.js\"></script>\n<script>\n\
         window.analytics = AnalyticsNext.AnalyticsBrowser.load({settings}, {options})\n</script>"
    )
}

/// In batches of five, and whatever is left when the visitor leaves.
pub(super) fn batching() -> Value {
    json!({ "deliveryStrategy": { "strategy": "batching", "config": { "size": 5, "timeout": 60_000 } } })
}

/// A browser that opens the page, makes the calls, then stays, leaves or returns, and holds until it is told to finish.
pub(super) fn visit(url: &str, key: &str, calls: &[Value], head: &str, then: &str) -> Client {
    visit_by("utm_source=letter&utm_campaign=spring", url, key, calls, head, then)
}

/// The same, with this query in the page's address.
pub(super) fn visit_by(query: &str, url: &str, key: &str, calls: &[Value], head: &str, then: &str) -> Client {
    let options = json!({ "head": head, "query": query, "then": then, "hold": true }).to_string();
    Client::start(node("browser.mjs"), url, key, calls, &[&options])
}

/// How many messages the calls make (a reset makes none).
pub(super) fn messages_of(calls: &[Value]) -> usize {
    calls.iter().filter(|call| call["verb"] != "reset").count()
}

/// Checks the records of the calls against what the SDK promises a visitor.
pub(super) fn assert_told(calls: &[Value], records: &[Value]) {
    let told: Vec<&Value> = calls.iter().filter(|call| call["verb"] != "reset").collect();
    assert_eq!(told.len(), records.len());
    for (call, record) in told.iter().zip(records) {
        assert_as_intended(call["sent"].as_object().expect("what is to arrive"), record);
        assert_eq!(record["context"]["library"]["name"], "analytics.js");
        assert_eq!(record["context"]["page"]["title"], "A shop");
        assert_eq!(record["context"]["campaign"]["source"], "letter");
        let ip = if call["arguments"][2]["context"]["ip"].is_string() { "203.0.113.7" } else { "127.0.0.1" };
        assert_eq!(record["context"]["ip"], ip, "a given ip stays, a missing one is filled in");
    }
    let find = |verb: &str, argument: &str| {
        told.iter().position(|call| call["verb"] == verb && call["arguments"][0] == argument).expect("such a call")
    };
    let visitor = |at: usize| records[at]["anonymousId"].as_str().expect("a browser always has one");
    assert_eq!(visitor(find("identify", "user-1")), visitor(0), "one visitor, one anonymous id");
    assert_ne!(visitor(find("identify", "user-9")), visitor(0), "another user on this browser");
    assert_ne!(visitor(find("track", "After reset")), visitor(find("identify", "user-9")), "logged out");
    assert_eq!(records[find("alias", "visitor-alias")]["previousId"], visitor(0));
}

#[test]
fn analytics_next_from_npm() {
    let mut arrivals = Arrivals::from_devices(TestServer::start());
    let (url, calls) = (arrivals.server.url(""), calls(BROWSER_CALLS));
    let head = head_of_bundle(&url, arrivals.key(), &json!({}));
    let sent = visit(&url, arrivals.key(), &calls, &head, "stay").finish();
    assert_told(&calls, &arrivals.assert_exactly(&sent));
}

/// The last batch is on its way while the page goes away, so a proxy watches the wire instead of the page.
#[test]
fn analytics_next_in_batches_and_on_leaving() {
    let mut arrivals = Arrivals::from_devices(TestServer::start());
    let (proxy, calls) = (Proxy::start(arrivals.server.port(), &[]), calls(BROWSER_CALLS));
    let head = head_of_bundle(&proxy.url(), arrivals.key(), &batching());
    let mut client = visit(&proxy.url(), arrivals.key(), &calls, &head, "leave");
    let ids: Vec<Value> = client.messages(messages_of(&calls)).iter().map(|sent| sent["messageId"].clone()).collect();
    let sent = proxy.wait_for(&ids);
    client.finish();
    assert_told(&calls, &arrivals.assert_exactly(&sent));
    assert_eq!(proxy.seen().len(), 3, "two full batches and the rest");
}
