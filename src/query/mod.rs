//! The read side: what the views hold, in the shapes of the API.
//!
//! Promise: a query only reads. It has a budget of rows and time, and its answer says up to which record it is true.
//!
//! Each file answers one kind of question from a [`Snapshot`](crate::views::snapshot::Snapshot) and knows the JSON shape
//! of its answer. Free JSON of senders goes through as text: numbers keep their digits.

pub mod activity;
pub mod address;
pub mod as_of;
pub mod audiences;
pub mod calendar;
pub mod category;
pub mod cursor;
mod error;
pub mod events;
pub mod export;
pub mod face;
pub mod feed;
pub mod groups;
pub mod identity;
pub mod item;
mod json;
pub mod merge_preview;
mod money;
mod order;
pub mod people;
pub mod person;
pub mod profile;
mod scan;
pub mod stats;
pub mod timeline;
pub mod title;
pub mod traits;
pub mod turnover;

#[cfg(test)]
mod tests;

pub use cursor::{CursorKey, Page};
pub use error::QueryError;
pub use json::Listing;
