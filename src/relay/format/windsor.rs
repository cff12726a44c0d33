//! Windsor's hook, as Windsor's own Node client speaks to it: `user` and `event`, the key in the path.
//!
//! An identify is a `user`, a track an `event`. So that nothing is lost that can be said there, a page or screen is an
//! `event` by the name it has in the feed, and a group is a `user` with that company. Members that the client always
//! writes (`context.library`, `_metadata`) are always there: the sender's, or else ours.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::others::{member, others};
use crate::call::integrations::{self, each_member};
use crate::call::render::{json, people, raw, text, time};
use crate::call::time::Time;
use crate::call::{Call, CallType, Target};
use crate::relay::settings::Destination;

/// How a body begins.
pub(super) const START: &str = "{\"batch\":[";
/// Length of what [`end`] writes: both times have 24 characters in the years that a clock can show.
pub(super) const END_BYTES: usize = "],\"timestamp\":\"\",\"sentAt\":\"\"}".len() + 2 * 24;

/// What stays as it is in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The library, for calls that come without.
const LIBRARY: &str = concat!("{\"name\":\"roundtower\",\"version\":\"", env!("CARGO_PKG_VERSION"), "\"}");
/// Names that [`item`] writes, whatever the type.
const TAKEN: [&str; 7] = ["type", "messageId", "userId", "anonymousId", "context", "integrations", "timestamp"];

pub(super) fn url(to: &Destination) -> String {
    format!("{}/{}", to.url.trim_end_matches('/'), utf8_percent_encode(to.api_key.expose(), SEGMENT))
}

pub(super) fn headers() -> Vec<(&'static str, String)> {
    vec![
        ("Accept", "application/json, text/plain, */*".to_owned()),
        ("Content-Type", "application/json;charset=utf-8".to_owned()),
        ("User-Agent", "windsor-node/1.0.0".to_owned()),
    ]
}

/// Appends a call.
pub(super) fn item(call: &Call<'_>, out: &mut Vec<u8>) {
    let is_user = call.kind.has_traits();
    raw(out, if is_user { "{\"type\":\"user\"" } else { "{\"type\":\"event\"" });
    people(call, out);
    match call.kind {
        CallType::Page | CallType::Screen => {
            text(out, "event", Some(&title(call)));
            text(out, "name", call.name.as_deref());
            text(out, "category", call.category.as_deref());
        }
        _ => text(out, "event", call.name.as_deref()),
    }
    match &call.target {
        Target::Group(group) => company(group.as_str(), &call.payload, out),
        _ if &*call.payload == "{}" => {}
        _ => json(out, if is_user { "traits" } else { "properties" }, &call.payload),
    }
    context(call, out);
    if let Some(integrations) = &call.integrations {
        json(out, "integrations", integrations);
    }
    let mut has_metadata = false;
    let is_view = matches!(call.kind, CallType::Page | CallType::Screen);
    others(
        &call.extra,
        |name| {
            has_metadata |= name == "_metadata";
            !(TAKEN.contains(&name) || is_view && name == "event")
        },
        out,
    );
    if !has_metadata {
        json(out, "_metadata", "{}");
    }
    time(out, "timestamp", Some(call.timestamp));
    text(out, "messageId", Some(call.message_id.as_str()));
    raw(out, "}");
}

/// Ends the body.
pub(super) fn end(now: Time, out: &mut Vec<u8>) {
    raw(out, "]");
    time(out, "timestamp", Some(now));
    time(out, "sentAt", Some(now));
    raw(out, "}");
}

/// The name of a page or screen in the feed. A category alone names nothing.
fn title(call: &Call<'_>) -> String {
    let what = if call.kind == CallType::Page { "Page" } else { "Screen" };
    match (call.category.as_deref(), call.name.as_deref()) {
        (Some(category), Some(name)) => format!("Viewed {category} {name} {what}"),
        (None, Some(name)) => format!("Viewed {name} {what}"),
        (_, None) => format!("Loaded a {what}"),
    }
}

/// The group of a group call, as the company of a user: its traits, and always its id.
fn company(group: &str, traits: &str, out: &mut Vec<u8>) {
    json(out, "traits", "{\"company\":{\"id\":");
    serde_json::to_writer(&mut *out, group).expect("writing text to memory cannot fail");
    each_member(traits, |key, value| {
        if key != "id" {
            member(&key, value, out);
        }
    });
    raw(out, "}}");
}

/// The sender's context with a library, and with the group of a group call.
fn context(call: &Call<'_>, out: &mut Vec<u8>) {
    let has_library = integrations::member(&call.context, "library").is_some();
    if has_library && call.kind != CallType::Group {
        return json(out, "context", &call.context);
    }
    json(out, "context", "{");
    let begun = out.len();
    if !has_library {
        json(out, "library", LIBRARY);
    }
    if let Target::Group(group) = &call.target {
        text(out, "groupId", Some(group.as_str()));
    }
    each_member(&call.context, |key, value| {
        if !(key == "groupId" && call.kind == CallType::Group) {
            member(&key, value, out);
        }
    });
    // Each member was written as if it followed another one.
    out.remove(begun);
    raw(out, "}");
}
