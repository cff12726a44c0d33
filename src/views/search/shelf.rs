//! The texts and pairs of segments, open for as long as readers see these segments: to map a file anew for each question
//! would cost more than most answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tantivy::Searcher;
use tantivy::index::{SegmentId, SegmentReader};

use super::pairs::Pairs;
use super::texts::{self, Column};

/// What a segment holds beside tantivy's own files.
pub(super) struct Files {
    pub texts: Column,
    pub pairs: Pairs,
}

impl Files {
    /// Maps the files of a segment.
    pub fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        Ok(Self { texts: Column::open(segment)?, pairs: texts::pairs(segment)? })
    }
}

/// Those that are open.
#[derive(Default)]
pub(super) struct Shelf {
    open: Mutex<BTreeMap<SegmentId, Arc<Files>>>,
}

impl Shelf {
    /// The files of a segment.
    pub fn files(&self, segment: &SegmentReader) -> tantivy::Result<Arc<Files>> {
        if let Some(files) = self.open().get(&segment.segment_id()) {
            return Ok(Arc::clone(files));
        }
        let files = Arc::new(Files::open(segment)?);
        Ok(Arc::clone(self.open().entry(segment.segment_id()).or_insert(files)))
    }

    /// Lets go of segments that are no longer seen.
    pub fn keep(&self, searcher: &Searcher) {
        let segments = searcher.segment_readers();
        self.open().retain(|id, _| segments.iter().any(|segment| segment.segment_id() == *id));
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<SegmentId, Arc<Files>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
