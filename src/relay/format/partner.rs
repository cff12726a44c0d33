//! Segment's delivery to partners: one call in a request, with everything that is known about it.

use super::others::others;
use super::sign::basic;
use crate::call::render::{front, json, raw, text, times};
use crate::journal::Record;
use crate::relay::settings::Destination;

/// Names that [`event`] writes, whatever the type.
const TAKEN: [&str; 12] = [
    "type",
    "messageId",
    "userId",
    "anonymousId",
    "context",
    "integrations",
    "timestamp",
    "originalTimestamp",
    "receivedAt",
    "channel",
    "version",
    "projectId",
];

/// All that Segment sends, in its order. The length is the client's; Windsor has no settings, so `X-Segment-Settings` is
/// left out.
pub(super) fn headers(to: &Destination) -> Vec<(&'static str, String)> {
    vec![
        ("Accept", "*/*".to_owned()),
        ("Authorization", basic(&to.api_key)),
        ("Cache-Control", "no-cache".to_owned()),
        ("Connection", "Keep-Alive".to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", "Segment.io/1.0".to_owned()),
    ]
}

/// Appends the call as Segment sends it: `integrations` always, `sentAt` null when the sender did not say.
pub(super) fn event(record: &Record<'_>, out: &mut Vec<u8>) {
    let call = &record.call;
    front(call, out);
    json(out, "integrations", call.integrations.as_deref().unwrap_or("{}"));
    times(call, record.received_at, out);
    text(out, "channel", Some(&call.channel));
    raw(out, ",\"version\":2");
    text(out, "projectId", Some(record.source));
    others(&call.extra, |name| !TAKEN.contains(&name), out);
    raw(out, "}");
}
