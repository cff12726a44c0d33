//! Writes a call as one line of Segment-shaped JSON: what `export calls` prints and what imports again unchanged.
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
    raw(out, "{\"type\":\"");
    raw(out, call.kind.as_str());
    raw(out, "\"");
    text(out, "messageId", Some(call.message_id.as_str()));
    text(out, "userId", call.user_id.as_ref().map(UserId::as_str));
    text(out, "anonymousId", call.anonymous_id.as_ref().map(AnonymousId::as_str));
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
    if let Some(integrations) = &call.integrations {
        json(out, "integrations", integrations);
    }
    time(out, "timestamp", Some(call.timestamp));
    time(out, "originalTimestamp", Some(call.original_timestamp));
    time(out, "sentAt", call.sent_at);
    time(out, "receivedAt", Some(received_at));
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

fn raw(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn put(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to memory cannot fail");
}

fn json(out: &mut Vec<u8>, key: &str, value: &str) {
    raw(out, ",\"");
    raw(out, key);
    raw(out, "\":");
    raw(out, value);
}

fn text(out: &mut Vec<u8>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        json(out, key, "");
        serde_json::to_writer(out, value).expect("writing text to memory cannot fail");
    }
}

fn time(out: &mut Vec<u8>, key: &str, value: Option<Time>) {
    match value {
        Some(value) => {
            json(out, key, "\"");
            put(out, format_args!("{value}"));
            raw(out, "\"");
        }
        None => json(out, key, "null"),
    }
}
