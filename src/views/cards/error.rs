//! Why cards could not be read or written.

use crate::store::StoreError;

/// Why cards could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CardsError {
    /// Bytes are not as they were written: make the views anew.
    #[error("{place} of the views is damaged: {detail}")]
    Damaged {
        /// Which database, and which chunk in it.
        place: String,
        /// What is wrong with it.
        detail: String,
    },
    /// There is no room left on the disk. Open the cards again to write on.
    #[error("no space left for the cards of the views: {0}")]
    Full(String),
    /// The disk or the engine failed. Open the cards again to write on.
    #[error("the cards of the views cannot be read or written: {0}")]
    Failed(String),
}

impl CardsError {
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

impl From<std::io::Error> for CardsError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}
