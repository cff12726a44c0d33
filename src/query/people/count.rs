//! How many people there are: one pass over what memory holds, and a look at few records.

use roaring::RoaringBitmap;
use serde::Serialize;

use super::filter::{PeopleFilter, Roots, Test};
use crate::query::error::QueryError;
use crate::query::scan::Watch;
use crate::views::identity::NodeNo;
use crate::views::snapshot::Snapshot;

/// Records that one answer reads at most.
const READS_MAX: usize = 10_000;

/// How many people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// So many; at least so many when it is not exact.
    pub count: u64,
    /// Whether there was time enough to be sure.
    pub exact: bool,
    /// True for all records below this one.
    pub through: u64,
}

/// How many people a list with this filter has. `found` are the roots that the search has found, if it was asked; it has
/// to be asked while this snapshot is held, because whom it does not know well is looked up.
///
/// # Errors
/// When the views cannot be read.
pub fn count(
    snapshot: &dyn Snapshot,
    filter: &PeopleFilter,
    found: Option<&RoaringBitmap>,
) -> Result<Count, QueryError> {
    let mut counted = Count { count: 0, exact: true, through: snapshot.through().get() };
    let Some(test) = Test::of_all(snapshot, filter, found) else { return Ok(counted) };
    // The search knows who lacks an email, but for the changes of the last moments.
    let unsearched = filter.incomplete.then(|| match found {
        Some(_) => Roots::of(snapshot, snapshot.unsearched()),
        None => Roots::of(snapshot, 0..snapshot.graph().len()),
    });
    let (watch, mut reads, mut failed) = (Watch::new(snapshot), 0, None);
    let mut look = |root: NodeNo| {
        if !counted.exact && !snapshot.has_time() || failed.is_some() {
            return;
        }
        if !watch.has_time() {
            counted.exact = false;
            return;
        }
        if !test.may_take(root, &snapshot.summary(root)) {
            return;
        }
        if !test.doubtful(root) || unsearched.as_ref().is_none_or(|doubtful| !doubtful.has(root)) {
            counted.count += 1;
            return;
        }
        reads += 1;
        if reads > READS_MAX {
            counted.exact = false;
            return;
        }
        match test.lacks_email(root) {
            Ok(lacks) => counted.count += u64::from(lacks),
            Err(error) => failed = Some(error),
        }
    };
    test.each(&mut look);
    failed.map_or(Ok(counted), Err)
}
