//! `sessions.toml`: the sessions of the dashboard, as hashes. Written as `access.toml` is.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file::{FileError, hex, unhex, write_private};
use crate::call::time::Time;
use crate::ingest::source::KeyHash;

/// The format this program writes, and the only one it reads.
const FORMAT: u32 = 1;

/// The content of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionsFile {
    format: u32,
    #[serde(default)]
    pub(super) sessions: Vec<StoredSession>,
}

/// A session as stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredSession {
    /// BLAKE3 of what the browser keeps, in hex.
    id_hash: String,
    /// BLAKE3 of the token that it was begun with, in hex.
    token_hash: String,
    /// RFC 3339.
    pub(super) created_at: String,
    /// RFC 3339.
    pub(super) used_at: String,
}

impl StoredSession {
    pub(super) fn new(id: KeyHash, token: KeyHash, created_at: Time, used_at: Time) -> Self {
        let (created_at, used_at) = (created_at.to_string(), used_at.to_string());
        Self { id_hash: hex(&id), token_hash: hex(&token), created_at, used_at }
    }

    /// Of the session and of its token.
    pub(super) fn hashes(&self) -> Option<(KeyHash, KeyHash)> {
        Some((unhex(&self.id_hash)?, unhex(&self.token_hash)?))
    }
}

impl Default for SessionsFile {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl SessionsFile {
    /// With these, the one used last first.
    pub(super) fn of(mut sessions: Vec<StoredSession>) -> Self {
        sessions.sort_by(|a, b| (&b.used_at, &b.id_hash).cmp(&(&a.used_at, &a.id_hash)));
        Self { format: FORMAT, sessions }
    }

    /// Reads the file; a missing one is empty.
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(FileError::Io { verb: "read", path: path.to_owned(), error }),
        };
        let damaged = |detail: String| FileError::Damaged { path: path.to_owned(), detail };
        let file: Self = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        if file.format == FORMAT { Ok(file) } else { Err(damaged(format!("it has format {}", file.format))) }
    }

    /// Writes the file so that a crash leaves the old one or the new one.
    pub(super) fn write(&self, path: &Path) -> Result<(), FileError> {
        let text = toml::to_string(self)
            .map_err(|error| FileError::Damaged { path: path.to_owned(), detail: error.to_string() })?;
        write_private(path, text.as_bytes()).map_err(|error| FileError::Io {
            verb: "write",
            path: path.to_owned(),
            error,
        })
    }
}
