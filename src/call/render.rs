//! Writes a call as one line of Segment-shaped JSON: what `export calls` prints and what imports again unchanged. And the
//! pieces of it, for whoever writes calls in another shape.
//!
//! Nothing is parsed: free JSON is text that was checked on its way in, and goes out as it is.

use std::io::Write as _;

use super::ids::{AnonymousId, UserId};
use super::time::Time;
use super::{Call, CallType, Target};

/// Appends the call as one JSON object, without a newline, to `out`.
///
/// Keys in this order: `type, messageId, userId, anonymousId, groupId|previousId, event|name, category,
/// properties|traits, context, integrations, timestamp, originalTimestamp, sentAt, receivedAt, channel, version,
/// projectId, sequence`, then the remaining members as sent. Absent ids and names are left out; `sentAt` is null then.
pub fn export_line(call: &Call<'_>, source: &str, received_at: Time, sequence: u64, out: &mut Vec<u8>) {
    front(call, out);
    if let Some(integrations) = &call.integrations {
        json(out, "integrations", integrations);
    }
    times(call, received_at, out);
    text(out, "channel", Some(&call.channel));
    raw(out, ",\"version\":2");
    text(out, "projectId", Some(source));
    put(out, format_args!(",\"sequence\":{sequence}"));
    match call.extra.strip_prefix('{') {
        Some(members) if members != "}" => {
            raw(out, ",");
            raw(out, members);
        }
        _ => raw(out, "}"),
    }
}

/// Opens the object and writes what the sender said: `type` up to `context`.
pub(crate) fn front(call: &Call<'_>, out: &mut Vec<u8>) {
    raw(out, "{\"type\":\"");
    raw(out, call.kind.as_str());
    raw(out, "\"");
    text(out, "messageId", Some(call.message_id.as_str()));
    people(call, out);
    match &call.target {
        Target::None => {}
        Target::Group(id) => text(out, "groupId", Some(id.as_str())),
        Target::Previous(id) => text(out, "previousId", Some(id.as_str())),
    }
    text(out, if call.kind == CallType::Track { "event" } else { "name" }, call.name.as_deref());
    text(out, "category", call.category.as_deref());
    if call.kind != CallType::Alias || &*call.payload != "{}" {
        json(out, if call.kind.has_traits() { "traits" } else { "properties" }, &call.payload);
    }
    json(out, "context", &call.context);
}

/// The ids of the person, as far as they are there.
pub(crate) fn people(call: &Call<'_>, out: &mut Vec<u8>) {
    text(out, "userId", call.user_id.as_ref().map(UserId::as_str));
    text(out, "anonymousId", call.anonymous_id.as_ref().map(AnonymousId::as_str));
}

/// The four times of a call: corrected, by the sender's clock, sent, received.
pub(crate) fn times(call: &Call<'_>, received_at: Time, out: &mut Vec<u8>) {
    time(out, "timestamp", Some(call.timestamp));
    time(out, "originalTimestamp", Some(call.original_timestamp));
    time(out, "sentAt", call.sent_at);
    time(out, "receivedAt", Some(received_at));
}

/// Text that is JSON already.
pub(crate) fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn put(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to memory cannot fail");
}

/// A member that follows another one; its value is JSON already.
pub(crate) fn json(out: &mut Vec<u8>, key: &str, value: &str) {
    raw(out, ",\"");
    raw(out, key);
    raw(out, "\":");
    raw(out, value);
}

/// The same with a text, which is escaped; nothing when there is none.
pub(crate) fn text(out: &mut Vec<u8>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        json(out, key, "");
        serde_json::to_writer(out, value).expect("writing text to memory cannot fail");
    }
}

/// The same with a time; null when there is none.
pub(crate) fn time(out: &mut Vec<u8>, key: &str, value: Option<Time>) {
    match value {
        Some(value) => {
            json(out, key, "\"");
            put(out, format_args!("{value}"));
            raw(out, "\"");
        }
        None => json(out, key, "null"),
    }
}
