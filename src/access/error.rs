//! Why sources and tokens cannot be made, changed or stored.

use super::file::FileError;
use super::name::{InvalidName, Name};

/// Why a source or token could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Not a name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The name is taken.
    #[error("there is already a {what} called `{name}`; choose another name, or rotate or change that one")]
    Taken {
        /// `source` or `token`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// No such name.
    #[error("there is no {what} called `{name}`")]
    Unknown {
        /// `source` or `token`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// It stands in the configuration.
    #[error("the {what} `{name}` stands in the configuration; change it there and restart")]
    Configured {
        /// `source` or `token`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl AccessError {
    pub(super) fn taken(what: &'static str, name: &Name) -> Self {
        Self::Taken { what, name: name.to_string() }
    }

    pub(super) fn unknown(what: &'static str, name: &str) -> Self {
        Self::Unknown { what, name: name.to_owned() }
    }
}
