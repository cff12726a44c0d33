//! `access.toml`: sources and tokens that commands made. Only hashes of secrets are in it.
//!
//! Written whole to a new file, synced, renamed over the old one, and the folder synced: a crash leaves the old file or
//! the new one.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::token::Scope;
use crate::ingest::source::{KeyHash, Kind, Merges, Source};

/// The format this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The disk or its permissions.
    #[error("cannot {verb} {}: {error}", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Not what this program writes.
    #[error("{} is damaged: {detail}; restore it, or remove it to begin without sources and tokens", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// Written by a newer version.
    #[error("{} has format {found}, this program reads up to {FORMAT}; use a newer roundtower", path.display())]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

/// The content of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessFile {
    format: u32,
    /// Who may send.
    #[serde(default)]
    pub sources: Vec<StoredSource>,
    /// Who may ask.
    #[serde(default)]
    pub tokens: Vec<StoredToken>,
}

/// A source as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSource {
    /// Its name.
    pub name: Name,
    /// BLAKE3 of its write key, in hex.
    pub key_hash: String,
    /// Where its calls come from.
    pub kind: Kind,
    /// Whether its calls are taken.
    pub enabled: bool,
    /// Whom its aliases may merge; older files do not say, and mean everybody.
    #[serde(default)]
    pub merges: Merges,
    /// Whether its webhooks may ask to erase people; older files do not say, and mean no.
    #[serde(default)]
    pub deletes: bool,
    /// When it was made, RFC 3339.
    pub created_at: String,
}

impl StoredSource {
    /// The source as ingest sees it.
    pub fn to_source(&self) -> Source {
        Source {
            name: Arc::from(self.name.as_str()),
            kind: self.kind,
            enabled: self.enabled,
            signing_secret: None,
            merges: self.merges,
            deletes: self.deletes,
        }
    }
}

/// A token as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredToken {
    /// Its name.
    pub name: Name,
    /// BLAKE3 of the token, in hex.
    pub token_hash: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made, RFC 3339.
    pub created_at: String,
}

impl Default for AccessFile {
    fn default() -> Self {
        Self { format: FORMAT, sources: Vec::new(), tokens: Vec::new() }
    }
}

impl AccessFile {
    /// Reads the file; a missing one is empty.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(FileError::Io { verb: "read", path: path.to_owned(), error }),
        };
        let damaged = |detail: String| FileError::Damaged { path: path.to_owned(), detail };
        let Format { format } = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        if format > FORMAT {
            return Err(FileError::TooNew { path: path.to_owned(), found: format });
        }
        let file: Self = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        let hashes = file.sources.iter().map(|source| &source.key_hash);
        for hash in hashes.chain(file.tokens.iter().map(|token| &token.token_hash)) {
            unhex(hash).ok_or_else(|| damaged("a hash is not 64 hex digits".to_owned()))?;
        }
        Ok(file)
    }

    /// Writes the file so that a crash leaves the old one or the new one.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let text = toml::to_string(self)
            .map_err(|error| FileError::Damaged { path: path.to_owned(), detail: error.to_string() })?;
        write_private(path, text.as_bytes()).map_err(|error| FileError::Io {
            verb: "write",
            path: path.to_owned(),
            error,
        })
    }

    /// The source with this name.
    pub fn source(&mut self, name: &str) -> Option<&mut StoredSource> {
        self.sources.iter_mut().find(|source| source.name.as_str() == name)
    }

    /// The token with this name.
    pub fn token(&mut self, name: &str) -> Option<&mut StoredToken> {
        self.tokens.iter_mut().find(|token| token.name.as_str() == name)
    }
}

/// Writes a file with mode 0600 so that a crash leaves the old content or the new.
///
/// # Errors
/// When the disk does not take it.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// A hash in hex.
pub fn hex(hash: &KeyHash) -> String {
    blake3::Hash::from_bytes(hash.0).to_hex().to_string()
}

/// A hash from hex.
pub fn unhex(text: &str) -> Option<KeyHash> {
    blake3::Hash::from_hex(text).ok().map(|hash| KeyHash(*hash.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_is_private_and_a_newer_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.toml");
        AccessFile::default().write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(AccessFile::read(&path).unwrap(), AccessFile::default());
        std::fs::write(&path, "format = 2\nsomething = \"new\"\n").unwrap();
        assert!(matches!(AccessFile::read(&path), Err(FileError::TooNew { found: 2, .. })));
        std::fs::write(&path, "format = 1\n[[sources]]\nname = \"a\"\n").unwrap();
        assert!(matches!(AccessFile::read(&path), Err(FileError::Damaged { .. })));
    }
}
