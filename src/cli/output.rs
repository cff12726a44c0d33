//! Results on standard output, failures on standard error, and what they mean for the exit status.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::access::AccessError;
use crate::app::AppError;
use crate::app::folder::FolderError;
use crate::ingest::lines::LinesError;
use crate::journal::ReadError;
use crate::journal::embedded::OpenError;
use crate::query::QueryError;
use crate::relay::{RelayError, WantedError};
use crate::store::StoreError;
use crate::views::ViewsError;

/// Why a command ends with a status other than 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Status 1.
    Failed(String),
    /// Status 2: the command line or the configuration.
    Usage(String),
    /// Status 3: the data.
    Damaged(String),
    /// Status 1, already told: the result itself says that something was not right.
    Told,
    /// Status 3, already told.
    ToldDamage,
}

impl Failure {
    /// The exit status.
    pub(super) const fn status(&self) -> u8 {
        match self {
            Self::Failed(_) | Self::Told => 1,
            Self::Usage(_) => 2,
            Self::Damaged(_) | Self::ToldDamage => 3,
        }
    }

    fn of(status: u8, text: String) -> Self {
        match status {
            2 => Self::Usage(text),
            3 => Self::Damaged(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::of(error.status(), error.to_string())
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        AppError::from(error).into()
    }
}

impl From<ViewsError> for Failure {
    fn from(error: ViewsError) -> Self {
        AppError::from(error).into()
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        AppError::from(error).into()
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        AppError::from(error).into()
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { .. } => Self::Damaged(error.to_string()),
            ReadError::Store(_) | ReadError::Full(_) => Self::Failed(error.to_string()),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<RelayError> for Failure {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Journal(error) => error.into(),
            RelayError::Store(StoreError::Damaged(_)) => Self::Damaged(error.to_string()),
            other => AppError::from(other).into(),
        }
    }
}

impl From<WantedError> for Failure {
    fn from(error: WantedError) -> Self {
        match error {
            WantedError::Read(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<LinesError> for Failure {
    fn from(error: LinesError) -> Self {
        match error {
            LinesError::Read(error) => error.into(),
            LinesError::Append(_) => Self::Failed(error.to_string()),
        }
    }
}

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    /// As text, or with `--json` as one JSON value a result.
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON was asked for.
    pub(super) const fn is_json(self) -> bool {
        self.json
    }

    /// Prints a result in the form that was asked for. A reader that left is no failure.
    pub(super) fn result(self, text: &str, value: &Value) {
        let line = if self.json { value.to_string() } else { text.trim_end().to_owned() };
        if !line.is_empty() {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    /// Prints a failure.
    pub(super) fn failure(self, failure: &Failure) {
        let (Failure::Failed(text) | Failure::Usage(text) | Failure::Damaged(text)) = failure else { return };
        let _ = if self.json {
            writeln!(std::io::stderr(), "{}", json!({"error": text, "status": failure.status()}))
        } else {
            writeln!(std::io::stderr(), "roundtower: {text}")
        };
    }
}
