//! Why runs could not be read or written.

use crate::store::StoreError;

/// Why runs could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// Bytes are not as they were written: make the views anew.
    #[error("{place} of the views is damaged: {detail}")]
    Damaged {
        /// Which run, or the manifest.
        place: String,
        /// What is wrong with it.
        detail: String,
    },
    /// There is no room left on the disk. What was there stays usable.
    #[error("no space left for the views: {0}")]
    Full(String),
    /// The disk or the engine failed. What was there stays usable.
    #[error("the views cannot be read or written: {0}")]
    Failed(String),
    /// Entries were not in the order of their keys, or a key came twice. Nothing was written.
    #[error("entries have to be sorted by key, each key once; {0} entries came before")]
    Unsorted(u64),
    /// An entry is too large for a run. Nothing was written.
    #[error("an entry of {0} bytes is too large for the views")]
    TooLarge(usize),
    /// The runs are closing.
    #[error("the views are closing")]
    Closing,
}

impl RunsError {
    pub(super) fn damaged(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Damaged { place: place.into(), detail: detail.into() }
    }

    /// What the store said while `place` was read or written.
    pub(super) fn of_store(place: &str, error: StoreError) -> Self {
        match error {
            StoreError::Failed(detail) => Self::Failed(format!("{place}: {detail}")),
            StoreError::Full(detail) => Self::Full(detail),
            StoreError::Damaged(detail) => Self::damaged(place, detail),
        }
    }
}

impl From<std::io::Error> for RunsError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}
