//! Why somebody was not erased, or not yet.

use crate::journal::{AppendError, ReadError, erase};
use crate::relay::RelayError;
use crate::views::RenewError;

/// Why not.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The file of erasures.
    #[error("{path} cannot be used: {detail}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        detail: String,
    },
    /// There is no such person.
    #[error("there is no such person")]
    Nobody,
    /// The journal takes nothing now.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The journal could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal could not be written again.
    #[error(transparent)]
    Journal(erase::EraseError),
    /// The relay's ledger.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The views.
    #[error(transparent)]
    Views(RenewError),
    /// The views have not folded the order yet.
    #[error("the views are behind; whose calls are to be erased is not known yet")]
    Behind,
    /// It is to end.
    #[error("it goes on after the next start")]
    Closing,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<erase::EraseError> for EraseError {
    fn from(error: erase::EraseError) -> Self {
        match error {
            erase::EraseError::Closing => Self::Closing,
            error => Self::Journal(error),
        }
    }
}

impl From<RenewError> for EraseError {
    fn from(error: RenewError) -> Self {
        match error {
            RenewError::Closing => Self::Closing,
            error => Self::Views(error),
        }
    }
}
