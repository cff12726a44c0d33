//! All groups, in the order in which they appeared.

use super::csv::Line;
use super::{Rows, Sheet};
use crate::query::error::QueryError;
use crate::query::groups::{Group, numbered};
use crate::views::names::GroupNo;
use crate::views::snapshot::Snapshot;

const COLUMNS: &[&str] = &["id", "name", "members", "first_seen", "last_seen", "traits"];
/// Groups that one turn looks at, also when few of them match.
const LOOKS_MAX: u32 = 2_000;

/// The groups whose id or name contains a text, one row each. Those that appear meanwhile get theirs, too.
#[derive(Debug)]
pub struct GroupRows {
    /// The next one.
    at: u32,
    search: Option<String>,
}

impl GroupRows {
    /// With `search`, letter case aside; all without.
    pub fn new(search: Option<&str>) -> Self {
        Self { at: 0, search: search.map(str::to_lowercase) }
    }
}

impl Rows for GroupRows {
    fn columns(&self) -> &'static [&'static str] {
        COLUMNS
    }

    fn write(&mut self, snapshot: &dyn Snapshot, sheet: &mut Sheet) -> Result<bool, QueryError> {
        let end = snapshot.groups();
        let last = end.min(self.at.saturating_add(LOOKS_MAX));
        while self.at < last && !sheet.is_full() {
            if let Some(found) = numbered(snapshot, GroupNo(self.at), self.search.as_deref())? {
                sheet.row(&found, |line| cells(&found, line))?;
            }
            self.at += 1;
            if !snapshot.has_time() {
                break;
            }
        }
        Ok(self.at < end)
    }
}

fn cells(one: &Group, line: &mut Line<'_>) {
    line.text(&one.id);
    line.maybe(one.name.as_deref());
    line.number(one.members);
    line.time(one.first_seen);
    line.time(one.last_seen);
    line.json(&one.traits);
}
