//! The bytes of a body: one pass over every one of them, before anything is believed.
//!
//! The pass checks the exact grammar of JSON, that nothing nests deeper than
//! [`JSON_DEPTH_MAX`](crate::call::limits::JSON_DEPTH_MAX) and that every number is finite, and on the way remembers
//! where the members of each message are, so that nothing is parsed twice. It does not recurse, its time is linear and
//! its memory in proportion to the body. Broken syntax spoils the body; a message that is too deep or holds an infinite
//! number spoils only itself, since its neighbours can still be told apart. Half of a surrogate pair, which browsers
//! produce daily by cutting an emoji, is repaired: `\ud83d` becomes `\ufffd`, which is just as long.

mod document;
mod envelope;
mod message;
mod nest;
mod object;
mod scan;
mod text;

pub(crate) use document::{Document, Shape};
pub(crate) use message::{Field, Member, Message, Span};
pub(crate) use object::members;
pub(crate) use scan::Fault;
pub(crate) use text::unescape;

/// Checks one JSON text as a body is checked, for benches and fuzzing.
///
/// # Errors
/// In words, what is wrong and where.
pub fn check(text: &str) -> Result<(), String> {
    let mut scanner = scan::Scanner::new(text);
    scanner.value().and_then(|()| scanner.end()).map_err(|syntax| syntax.to_string())?;
    scanner.fault.map_or(Ok(()), |fault| Err(fault.to_string()))
}
