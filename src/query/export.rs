//! Views as files: all people, groups or calls of the feed, row after row, as NDJSON or CSV.
//!
//! Who is in the file, and in which order, is decided once, by numbers of four bytes each. Rows are written in small parts,
//! each from the views as they are at that moment, so that a long file neither fills memory nor keeps anybody waiting.

mod csv;
mod feed;
mod groups;
mod people;
mod sheet;

pub use feed::FeedRows;
pub use groups::GroupRows;
pub use people::{Order, PeopleRows, PeopleWanted};
pub use sheet::{Form, Sheet};

use super::error::QueryError;
use crate::views::snapshot::Snapshot;

/// What a file is made of.
pub trait Rows: Send {
    /// What the columns of a CSV are called.
    fn columns(&self) -> &'static [&'static str];

    /// Writes the next rows. Returns whether there are more.
    ///
    /// # Errors
    /// When the views cannot be read in time.
    fn write(&mut self, snapshot: &dyn Snapshot, sheet: &mut Sheet) -> Result<bool, QueryError>;
}

#[cfg(test)]
mod tests;
