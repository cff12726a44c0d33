//! What can go wrong when appending and reading. Each error says whether trying again later can help.

use super::Sequence;

/// Why a batch was not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too much is waiting to be written.
    #[error("the write queue is full ({queued_bytes} bytes wait)")]
    QueueFull {
        /// Bytes waiting.
        queued_bytes: usize,
    },
    /// Writing on would fill the disk.
    #[error("the disk is low: {free_bytes} bytes free, {needed_bytes} are kept free")]
    DiskLow {
        /// Bytes free now.
        free_bytes: u64,
        /// Bytes that have to stay free.
        needed_bytes: u64,
    },
    /// An earlier write or sync failed; nothing is acked until a restart.
    #[error("the journal stopped after a failed write; restart the server")]
    Poisoned,
    /// The journal is shutting down.
    #[error("the journal is closing")]
    Closed,
}

impl AppendError {
    /// Whether the same batch may be accepted later without anybody doing anything.
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::QueueFull { .. } | Self::DiskLow { .. } | Self::Closed)
    }
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Bytes that are not what was written.
    #[error("damaged journal at sequence {sequence} ({place}): {detail}")]
    Damaged {
        /// The first sequence that cannot be trusted.
        sequence: Sequence,
        /// Volume and block.
        place: String,
        /// What does not fit.
        detail: String,
    },
    /// The store failed.
    #[error("cannot read the journal: {0}")]
    Store(String),
    /// Even opening a store to read writes a little, and there is no room left.
    #[error("cannot read the journal: {0}")]
    Full(String),
}

impl ReadError {
    /// Whether trying again can help.
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Full(_))
    }
}
