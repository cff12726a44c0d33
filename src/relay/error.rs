//! Why the relay could not do what was asked.

use super::ledger::ORDERS_MAX;
use crate::journal::{ReadError, Sequence};
use crate::store::StoreError;

/// Why the relay could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The folder, its files or the disk.
    #[error("the relay's ledger in {path} cannot be used: {error}")]
    Ledger {
        /// The folder.
        path: String,
        /// Why.
        error: StoreError,
    },
    /// The ledger, while running.
    #[error("the relay's ledger: {0}")]
    Store(#[from] StoreError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// A thread, a runtime or a client could not be made.
    #[error("the relay cannot start: {0}")]
    Start(String),
    /// No destination has this name.
    #[error("there is no destination `{name}`; the configuration has: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The journal has no such record.
    #[error("there is no record {sequence} in the journal")]
    NoRecord {
        /// The sequence asked for.
        sequence: Sequence,
    },
    /// It is pending: it will be sent anyway.
    #[error("record {sequence} is still pending; it is sent as soon as it can be")]
    Pending {
        /// The record.
        sequence: Sequence,
    },
    /// It is filtered: the destination does not get it.
    #[error("record {sequence} is filtered for this destination; filtered records are never sent")]
    Filtered {
        /// The record.
        sequence: Sequence,
    },
    /// Too many orders to deliver again are open.
    #[error("{ORDERS_MAX} orders to deliver again are open already; order again when one of them is done")]
    Busy,
    /// A range that holds nothing.
    #[error("there is no record in that range")]
    EmptyRange,
}

impl RelayError {
    /// Whether there is no room on the disk: then it can be tried again.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Store(StoreError::Full(_)) | Self::Ledger { error: StoreError::Full(_), .. })
    }

    /// Whether the ledger is damaged.
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Store(StoreError::Damaged(_)) | Self::Ledger { error: StoreError::Damaged(_), .. })
    }
}
