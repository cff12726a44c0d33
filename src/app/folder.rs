//! The data folder: made private, held by one process at a time, and known by its instance id.
//!
//! ```text
//! DATA/lock           held (flock) while a process uses the folder; its content means nothing
//! DATA/control.json   how commands reach the server that holds the folder; there only while it runs
//! DATA/instance.toml  format version and instance id
//! DATA/access.toml    sources and tokens that commands made
//! DATA/erase.json     what was erased, and what is not done yet
//! DATA/journal/       the truth
//! DATA/views/         computed from it
//! DATA/relay/         what was delivered where: truth too
//! ```

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::access::file::write_private;
use crate::journal::embedded::InstanceId;

/// The format this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process holds it.
    #[error("{} is held by another roundtower; stop that one, or choose another folder with --data", path.display())]
    Held {
        /// The folder.
        path: PathBuf,
    },
    /// There is none, and the command does not make one.
    #[error("there is no data folder {}; name it with --data, or start `roundtower` to make one", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// The disk or its permissions.
    #[error("cannot use {}: {error}", path.display())]
    Io {
        /// The folder or a file in it.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// `instance.toml` is not what this program writes.
    #[error("{} is damaged: {detail}; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// Written by a newer version; untouched.
    #[error("{} has format {found}, this program reads up to {FORMAT}; use a newer roundtower", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

/// The data folder, held by this process until the value is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    instance: uuid::Uuid,
    _lock: File,
}

/// `format` is read first and by itself: a newer format may have any shape.
#[derive(Deserialize)]
struct InstanceFile {
    instance: String,
}

impl Folder {
    /// Takes the folder, making it when it is missing.
    ///
    /// # Errors
    /// See [`FolderError`]. Nothing is changed in a folder that is held or has a newer format.
    pub fn open_or_make(path: &Path) -> Result<Self, FolderError> {
        if !path.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io(path))?;
        }
        Self::open(path)
    }

    /// Takes a folder that is there.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        if !path.is_dir() {
            return Err(FolderError::Missing { path: path.to_owned() });
        }
        let lock_path = path.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
        let lock = lock.map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::Held { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(io(&lock_path)(error)),
        }
        let instance = match read_instance(path)? {
            // The journal's folder is made before the instance id: without it, records were taken away.
            Some(_) if !path.join("journal").is_dir() => {
                let detail = "the journal of this instance is missing".to_owned();
                return Err(FolderError::Damaged { path: path.join("journal"), detail });
            }
            Some(instance) => instance,
            None => make_instance(path)?,
        };
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(io(path))?;
        Ok(Self { path: path.to_owned(), instance, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// Where the views are: they can be made again from the journal.
    pub fn views(&self) -> PathBuf {
        self.path.join("views")
    }

    /// Where the relay's ledger is: truth about deliveries, which nothing can compute anew.
    pub fn relay(&self) -> PathBuf {
        self.path.join("relay")
    }

    /// The instance id as text.
    pub fn instance(&self) -> String {
        self.instance.to_string()
    }

    /// The instance id as the journal wants it.
    pub fn instance_id(&self) -> InstanceId {
        InstanceId(*self.instance.as_bytes())
    }
}

fn read_instance(folder: &Path) -> Result<Option<uuid::Uuid>, FolderError> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let path = folder.join("instance.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(&path)(error)),
    };
    let damaged =
        |error: toml::de::Error| FolderError::Damaged { path: path.clone(), detail: error.message().to_owned() };
    let Format { format } = toml::from_str(&text).map_err(damaged)?;
    if format > FORMAT {
        return Err(FolderError::TooNew { path, found: format });
    }
    let file: InstanceFile = toml::from_str(&text).map_err(damaged)?;
    let instance = uuid::Uuid::try_parse(&file.instance);
    instance.map(Some).map_err(|_| FolderError::Damaged { path, detail: "`instance` is no UUID".to_owned() })
}

#[expect(clippy::disallowed_methods, reason = "the one place that makes instance ids")]
fn make_instance(folder: &Path) -> Result<uuid::Uuid, FolderError> {
    let path = folder.join("instance.toml");
    let journal = folder.join("journal");
    if std::fs::read_dir(&journal).is_ok_and(|mut entries| entries.next().is_some()) {
        let detail = "it is missing beside a journal".to_owned();
        return Err(FolderError::Damaged { path, detail });
    }
    DirBuilder::new().recursive(true).mode(0o700).create(&journal).map_err(io(&journal))?;
    let instance = uuid::Uuid::new_v4();
    let text = format!("format = {FORMAT}\ninstance = \"{instance}\"\n");
    write_private(&path, text.as_bytes()).map_err(io(&path))?;
    Ok(instance)
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> FolderError + use<> {
    let path = path.to_owned();
    move |error| FolderError::Io { path, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_a_stale_lock_is_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/data");
        let held = Folder::open_or_make(&path).unwrap();
        assert!(matches!(Folder::open(&path), Err(FolderError::Held { .. })));
        let instance = held.instance();
        drop(held);
        assert!(path.join("lock").exists(), "the file of a stopped process stays");
        assert_eq!(Folder::open(&path).unwrap().instance(), instance);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_newer_or_damaged_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(Folder::open(folder.path()).unwrap());
        let file = folder.path().join("instance.toml");
        let newer = "format = 2\nshape = \"round\"\n";
        std::fs::write(&file, newer).unwrap();
        assert!(matches!(Folder::open(folder.path()), Err(FolderError::TooNew { found: 2, .. })));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), newer);
        std::fs::write(&file, "format = 1\ninstance = \"x\"\n").unwrap();
        assert!(matches!(Folder::open(folder.path()), Err(FolderError::Damaged { .. })));
        std::fs::remove_file(&file).unwrap();
        drop(Folder::open(folder.path()).unwrap());
        std::fs::remove_dir(folder.path().join("journal")).unwrap();
        assert!(matches!(Folder::open(folder.path()), Err(FolderError::Damaged { .. })), "the journal is gone");
        std::fs::create_dir_all(folder.path().join("journal/volume-00000001")).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(Folder::open(folder.path()), Err(FolderError::Damaged { .. })), "the instance is gone");
        assert!(matches!(Folder::open(&folder.path().join("none")), Err(FolderError::Missing { .. })));
    }
}
