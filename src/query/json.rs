//! Small parts of all answers: times, free JSON, one page of a list.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::call::time::Time;
use crate::journal::Sequence;

/// Free JSON by key, in the order of keys.
pub type Object = BTreeMap<String, Box<RawValue>>;

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct Listing<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
    /// True for all records below this one.
    pub through: u64,
}

impl<T> Listing<T> {
    /// A page that is true below `through`.
    pub fn new(items: Vec<T>, next: Option<String>, through: Sequence) -> Self {
        Self { items, next, through: through.get() }
    }
}

/// Free JSON from its text; none if it is not JSON after all.
pub(super) fn raw(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).ok()
}

/// A free object from its text; an empty one if it is not JSON after all.
pub(super) fn object(text: &str) -> Box<RawValue> {
    raw(text).or_else(|| raw("{}")).expect("an empty object is JSON")
}

/// RFC 3339 in UTC with milliseconds.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(super) fn time<S: serde::Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

/// The same, or null.
#[expect(clippy::ref_option, reason = "serde passes references")]
pub(super) fn time_or_null<S: serde::Serializer>(time: &Option<Time>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.collect_str(time),
        None => to.serialize_none(),
    }
}
