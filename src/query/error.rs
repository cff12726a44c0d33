//! Why a question has no answer.

use crate::views::search::SearchError;
use crate::views::snapshot::ViewError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// There is no such person, group or event.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The cursor is cut, changed, or was made for another question.
    #[error("this cursor does not belong to this question; ask again without it")]
    BadCursor,
    /// A parameter says something that cannot be.
    #[error("{name}: {reason}")]
    BadParameter {
        /// Which.
        name: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Nobody waits any more, and what was found so far is no answer.
    #[error("the answer took too long; ask for less, or come back later")]
    TooSlow,
    /// The views could not be read.
    #[error(transparent)]
    View(#[from] ViewError),
}

impl From<SearchError> for QueryError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::ManyWords => Self::parameter("search", error.to_string()),
            SearchError::LongKey | SearchError::LongValue => Self::parameter("trait", error.to_string()),
            other => Self::View(ViewError::Unreadable(other.to_string())),
        }
    }
}

impl QueryError {
    /// A parameter that cannot be.
    pub fn parameter(name: &'static str, reason: impl Into<String>) -> Self {
        Self::BadParameter { name, reason: reason.into() }
    }
}
