//! The log: what was entered since the tables were written last, in blocks that rise by one. Its folder is thrown away
//! when the tables hold all of it.
//!
//! After a failed write a folder is never written again: the next one begins with the first block that is not durable, and
//! what the former holds from there on does not count.

use std::path::{Path, PathBuf};

use super::codec::{self, Fault};
use super::keys;
use super::state::close;
use crate::journal::files;
use crate::store::{Engine, Store, StoreError};

pub(super) const FOLDER: &str = "log-";
/// A folder of more bytes is thrown away as soon as the tables hold all of it.
const FOLDER_BYTES_MAX: u64 = 8 << 20;

/// The folder that is being written.
pub(super) struct Log {
    dir: PathBuf,
    store: Option<Box<dyn Store>>,
    bytes: u64,
}

fn folder(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{FOLDER}{first:012}"))
}

/// What an I/O error of a folder is.
pub(super) fn failed(error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

/// Makes a folder and a small store in it, both durable once the store is synced.
pub(super) fn make(engine: &dyn Engine, dir: &Path) -> Result<Box<dyn Store>, StoreError> {
    files::make_dir(dir).map_err(|error| failed(&error))?;
    let store = engine.open_small(dir)?;
    files::sync_dir(dir).map_err(|error| failed(&error))?;
    files::sync_dir(dir.parent().unwrap_or(Path::new("."))).map_err(|error| failed(&error))?;
    Ok(store)
}

impl Log {
    /// Begins a folder with this block.
    pub(super) fn begin(engine: &dyn Engine, dir: &Path, first: u64) -> Result<Self, StoreError> {
        let dir = folder(dir, first);
        let store = make(engine, &dir)?;
        Ok(Self { dir, store: Some(store), bytes: 0 })
    }

    /// Writes blocks and makes them durable. After an error this folder must not be written again.
    pub(super) fn write(&mut self, blocks: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Err(StoreError::Failed("the log is closed".to_owned())) };
        for (number, bytes) in blocks {
            store.put(&keys::block(*number), bytes)?;
            self.bytes += bytes.len() as u64;
        }
        store.sync()
    }

    pub(super) fn is_long(&self) -> bool {
        self.bytes >= FOLDER_BYTES_MAX
    }

    /// Closes the folder and removes it.
    pub(super) fn remove(mut self) {
        close(self.store.take());
        remove(&self.dir);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        close(self.store.take());
    }
}

/// Removes a folder that counts for nothing any more; what stays is removed by the next start.
pub(super) fn remove(dir: &Path) {
    if let Err(error) = std::fs::remove_dir_all(dir) {
        tracing::warn!(folder = %dir.display(), %error, "cannot remove an old folder of the relay; the next start does");
    }
}

/// Folders of a kind below `dir`, by number.
pub(super) fn folders(dir: &Path, kind: &str) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let number = entry.file_name().to_str().and_then(|name| name.strip_prefix(kind)?.parse().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    found.sort();
    Ok(found)
}

/// Visits the payloads of all blocks after `after`, in order. Returns the number of the last one, `after` if there is none.
pub(super) fn replay(
    engine: &dyn Engine,
    dir: &Path,
    after: u64,
    visit: &mut dyn FnMut(Vec<u8>) -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let folders = folders(dir, FOLDER)?;
    let mut last = after;
    for (at, (first, path)) in folders.iter().enumerate() {
        let end = folders.get(at + 1).map_or(u64::MAX, |(first, _)| *first);
        if end <= after + 1 {
            continue;
        }
        if *first > last + 1 {
            return Err(codec::damaged(path, "the log before it", Fault::Missing));
        }
        let store = engine.open_small(path)?;
        let mut ended = Ok(());
        let scanned = store.scan(&keys::block(last + 1), &mut |key, bytes| {
            let Some(number) = keys::block_number(key).filter(|number| *number < end) else { return false };
            ended = if number == last + 1 {
                codec::unseal(key, bytes)
                    .map_err(|fault| codec::damaged(path, "a block of the log", fault))
                    .and_then(&mut *visit)
            } else {
                Err(codec::damaged(path, "a block of the log", Fault::Gap))
            };
            last = number;
            ended.is_ok()
        });
        close(Some(store));
        scanned?;
        ended?;
        if end != u64::MAX && last + 1 != end {
            return Err(codec::damaged(path, "a block of the log", Fault::Missing));
        }
    }
    Ok(last)
}

/// Removes all folders of the log below `dir`: the tables hold all of it.
pub(super) fn remove_all(dir: &Path) -> Result<(), StoreError> {
    folders(dir, FOLDER)?.iter().for_each(|(_, path)| remove(path));
    Ok(())
}
