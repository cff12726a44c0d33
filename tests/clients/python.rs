//! The Python SDK in its three generations.

use super::arrival::{Arrivals, assert_as_given};
use super::client::{CALLS, Client, calls, python};
use crate::support::TestServer;

fn delivers(sdk: &str, options: &[&str]) {
    let mut arrivals = Arrivals::from_servers(TestServer::start());
    let calls = calls(CALLS);
    let sent = Client::start(python(sdk), &arrivals.server.url(""), arrivals.key(), &calls, options).finish();
    let records = arrivals.assert_exactly(&sent);
    assert_as_given(&calls, &records);
    let sequences: Vec<_> = records.iter().map(|record| record["sequence"].as_u64()).collect();
    assert!(sequences.is_sorted(), "one thread sends in order, the journal keeps it: {sequences:?}");
}

#[test]
fn segment_analytics_python() {
    delivers("segment-analytics-python-2.4.0", &[]);
}

#[test]
fn segment_analytics_python_gzip() {
    delivers("segment-analytics-python-2.4.0", &["gzip"]);
}

/// The key is in the body only.
#[test]
fn segment_analytics_python_2_3() {
    delivers("segment-analytics-python-2.3.4", &[]);
}

#[test]
fn segment_analytics_python_2_3_gzip() {
    delivers("segment-analytics-python-2.3.4", &["gzip"]);
}

/// The key is in the header only.
#[test]
fn analytics_python() {
    delivers("analytics-python-1.4.post1", &[]);
}

#[test]
fn analytics_python_gzip() {
    delivers("analytics-python-1.4.post1", &["gzip"]);
}
