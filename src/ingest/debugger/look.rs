//! What the debugger shows of a message: its ids and names as they were sent, and its text.

use super::glance::{Glance, short};
use crate::ingest::value::{Members, Value};
use crate::ingest::wire::{Document, Field, Message};

/// The glance with what this message says.
pub(in crate::ingest) fn of_message(mut glance: Glance, document: &Document, message: &Message) -> Glance {
    let members = Members { document, message };
    let text = |field| match members.get(field) {
        Value::Text(text) if !text.trim().is_empty() => Some(short(text.into_owned())),
        Value::Number(digits) => Some(short(digits.to_owned())),
        _ => None,
    };
    glance.event = match glance.kind {
        "page" | "screen" => text(Field::Name),
        _ => text(Field::Event),
    };
    glance.user_id = text(Field::UserId);
    glance.anonymous_id = text(Field::AnonymousId);
    glance.with_body(message.span.of(document.text()).as_bytes())
}
