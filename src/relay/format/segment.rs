//! `/v1/batch` of any host that takes Segment calls: what a Segment library would have sent there.
//!
//! Times. A receiver corrects the sender's clock: `timestamp = receivedAt - (sentAt - originalTimestamp)`, and takes
//! `timestamp` for the original when that is all it is given. The correction was made here, when the call came in; made
//! again with the sender's `sentAt` it would add the time that the call waited here, with ours the time on the way, and
//! with the sender's uncorrected `originalTimestamp` the error of that clock would be back. So a call goes out with the
//! corrected `timestamp` alone: without a `sentAt`, on the call or on the batch, every receiver takes it as it is, to
//! the millisecond, at whatever attempt it arrives.

use super::others::others;
use super::sign::basic;
use crate::call::Call;
use crate::call::render::{front, json, raw, text, time};
use crate::relay::settings::Destination;

/// How a body begins.
pub(super) const START: &str = "{\"batch\":[";
/// How it ends.
pub(super) const END: &str = "]}";

/// Names that [`item`] writes, whatever the type, and those that would have the receiver correct a time again.
const TAKEN: [&str; 11] = [
    "type",
    "messageId",
    "userId",
    "anonymousId",
    "context",
    "integrations",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "receivedAt",
    "channel",
];

pub(super) fn url(to: &Destination) -> String {
    format!("{}/v1/batch", to.url.trim_end_matches('/'))
}

pub(super) fn headers(to: &Destination) -> Vec<(&'static str, String)> {
    vec![
        ("Accept", "application/json".to_owned()),
        ("Authorization", basic(&to.api_key)),
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", concat!("roundtower/", env!("CARGO_PKG_VERSION")).to_owned()),
    ]
}

/// Appends a call.
pub(super) fn item(call: &Call<'_>, out: &mut Vec<u8>) {
    front(call, out);
    if let Some(integrations) = &call.integrations {
        json(out, "integrations", integrations);
    }
    time(out, "timestamp", Some(call.timestamp));
    text(out, "channel", Some(&call.channel));
    others(&call.extra, |name| !TAKEN.contains(&name), out);
    raw(out, "}");
}
