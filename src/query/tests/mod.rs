//! Questions to a small world, and their answers as JSON.

pub(super) mod calls;
mod cases;
mod hurry;
mod lines;
mod pages;
mod past;
mod profiles;
mod titles;
pub(super) mod world;

use serde::Serialize;
use serde_json::Value;

/// What a caller gets.
fn json(answer: impl Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap()
}
