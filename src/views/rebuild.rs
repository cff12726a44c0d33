//! Making the views anew: throw them away, fold the whole journal, say what came out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::handle::{Views, ViewsError};
use super::opening::wipe;
use super::settings::Settings;
use crate::journal::{Reader, Sequence};
use crate::store::Engine;

/// How often progress is told.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the search index may stand still after everything is folded: most people are put into it only then.
const SEARCH_LIMIT: Duration = Duration::from_secs(600);

/// What a rebuild made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// True for everything below.
    pub through: Sequence,
    /// The digest of the views at that sequence.
    pub digest: [u8; 32],
    /// Records that could not be folded.
    pub parked: u64,
}

/// Throws the views in `dir` away and folds the journal again, up to its tail of now. Nobody else may have them open.
/// `progress` gets (records done, records in all). Blocks.
///
/// # Errors
/// When the folder cannot be used, or the journal or the new views cannot be read.
pub fn rebuild(
    dir: &Path,
    engine: &Arc<dyn Engine>,
    reader: &Arc<dyn Reader>,
    settings: &Settings,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Rebuilt, ViewsError> {
    let unusable = |detail: &dyn std::fmt::Display| ViewsError::Unusable {
        path: dir.display().to_string(),
        detail: detail.to_string(),
    };
    wipe(dir).map_err(|error| unusable(&error))?;
    let settings = Settings { enabled: true, ..settings.clone() };
    let views = Views::open(dir, engine, reader, &settings)?;
    let (first, end) = (reader.first(), reader.tail().next());
    let outcome = loop {
        let through = views.through();
        progress(through.since(first), end.since(first));
        if through >= end {
            break Ok(());
        }
        if let Some(reason) = views.status().stopped {
            break Err(unusable(&reason));
        }
        std::thread::sleep(PAUSE);
    };
    let made = outcome.and_then(|()| {
        if end > first && !searched(&views, Sequence::new(end.get() - 1)) {
            return Err(unusable(&"the search index was not finished in time"));
        }
        let (through, digest) = views.digest().map_err(|error| unusable(&error))?;
        Ok(Rebuilt { through, digest, parked: views.status().parked })
    });
    views.close();
    made
}

/// Waits until search knows everything up to this record, as long as it gets on.
fn searched(views: &Views, last: Sequence) -> bool {
    let mut before = views.fed();
    while !views.wait_search(last, SEARCH_LIMIT) {
        let now = views.fed();
        if now == before {
            return false;
        }
        before = now;
    }
    true
}
