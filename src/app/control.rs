//! `control.json`: how commands on this machine reach the server that holds the data folder.
//!
//! The token in it is valid for one run and may do everything; the file is readable by its owner only, who can read the
//! data folder anyway.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::access::file::write_private;
use crate::call::secret::Secret;

const FILE_NAME: &str = "control.json";

/// Where the server is, and what opens it.
#[derive(Clone, Debug)]
pub struct Control {
    /// `http://ADDRESS:PORT`.
    pub url: String,
    /// A token with scope admin.
    pub token: Secret,
}

#[derive(Serialize, Deserialize)]
struct ControlFile {
    url: String,
    token: String,
    pid: u32,
}

/// The file while the server runs; removed when dropped.
#[derive(Debug)]
pub struct ControlGuard(PathBuf);

impl Drop for ControlGuard {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Control {
    /// Writes the file into the data folder.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&self, folder: &Path) -> std::io::Result<ControlGuard> {
        let file =
            ControlFile { url: self.url.clone(), token: self.token.expose().to_owned(), pid: std::process::id() };
        let path = folder.join(FILE_NAME);
        write_private(&path, serde_json::to_string(&file)?.as_bytes())?;
        Ok(ControlGuard(path))
    }

    /// Removes what a server that was killed left behind.
    pub fn clear(folder: &Path) {
        let _ = std::fs::remove_file(folder.join(FILE_NAME));
    }

    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(folder: &Path) -> std::io::Result<Option<Self>> {
        match std::fs::read(folder.join(FILE_NAME)) {
            Ok(bytes) => {
                let file: ControlFile = serde_json::from_slice(&bytes)?;
                Ok(Some(Self { url: file.url, token: Secret::new(file.token) }))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
