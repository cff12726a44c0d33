//! The real store: one sled database a folder.
//!
//! sled's own flush ends in `sync_file_range`, which survives a killed process but not a power cut, so [`Store::sync`]
//! adds an `fdatasync` through a second handle of the data file. sled may panic or hang while it recovers damaged
//! files; opening runs on a thread of its own with a time limit, and both become errors.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::file::FileLog;
use super::{Engine, Log, SMALL_VALUE_BYTES_MAX, Store, StoreError, VALUE_BYTES_MAX};

/// How a database is laid out.
#[derive(Clone, Copy)]
struct Shape {
    value_bytes_max: usize,
    /// sled's log segment, of which it holds some in memory. A leaf over a quarter of it would leave the log (see
    /// [`VALUE_BYTES_MAX`]).
    segment_bytes: usize,
    /// Page cache of one open database. Scans do not need it, and the tail is cached in decoded form.
    cache_bytes: u64,
}

const LARGE: Shape = Shape { value_bytes_max: VALUE_BYTES_MAX, segment_bytes: 4 << 20, cache_bytes: 8 << 20 };
const SMALL: Shape = Shape { value_bytes_max: SMALL_VALUE_BYTES_MAX, segment_bytes: 1 << 20, cache_bytes: 1 << 20 };
const LEAF_VALUES_MAX: usize = 17;
const _: () = assert!(LARGE.fits() && SMALL.fits());

impl Shape {
    const fn fits(self) -> bool {
        LEAF_VALUES_MAX * (self.value_bytes_max + 1024) < self.segment_bytes / 4
    }
}

/// sled looks at what a part of its cache holds only after 65 accesses to that part; there are 256 parts. Without
/// help, reading a volume once would leave all of it in memory. Getting one key this often makes it look.
const ACCESSES_NOTED: u32 = 65;
/// Accesses after which what was let go of is surely freed.
const ACCESSES_FREEING: u32 = 4096;
/// How much a scan reads between two such looks: about a leaf.
const FORGET_BYTES: usize = 128 * 1024;
/// Far beyond what opening an intact volume of the largest size takes.
const OPEN_LIMIT: Duration = Duration::from_secs(120);
/// A database that was just closed lets go of its lock a moment later.
const LOCK_TRIES: u32 = 100;

/// Opens sled databases.
#[derive(Clone, Copy, Debug, Default)]
pub struct SledEngine;

impl Engine for SledEngine {
    fn open(&self, dir: &Path) -> Result<Box<dyn Store>, StoreError> {
        open_aside(dir, LARGE)
    }

    fn open_small(&self, dir: &Path) -> Result<Box<dyn Store>, StoreError> {
        open_aside(dir, SMALL)
    }

    fn open_log(&self, file: &Path) -> Result<Box<dyn Log>, StoreError> {
        Ok(Box::new(FileLog::open(file)?))
    }
}

/// Opens on a thread of its own, with a time limit.
fn open_aside(dir: &Path, shape: Shape) -> Result<Box<dyn Store>, StoreError> {
    let (send, receive) = mpsc::sync_channel(1);
    let owned = dir.to_path_buf();
    std::thread::Builder::new()
        .name("sled-open".to_owned())
        .spawn(move || {
            let opened = std::panic::catch_unwind(|| open(&owned, shape));
            let _ = send.send(opened.unwrap_or_else(|panic| {
                Err(StoreError::Damaged(format!("sled cannot read its files: {}", panic_text(&*panic))))
            }));
        })
        .map_err(|error| StoreError::Failed(format!("cannot start a thread: {error}")))?;
    match receive.recv_timeout(OPEN_LIMIT) {
        Ok(opened) => opened.map(|store| Box::new(store) as Box<dyn Store>),
        Err(_) => Err(StoreError::Damaged(format!(
            "sled did not finish opening {} within {} s",
            dir.display(),
            OPEN_LIMIT.as_secs()
        ))),
    }
}

struct SledStore {
    db: sled::Db,
    file: File,
    value_bytes_max: usize,
}

/// Removes snapshots that a kill left half written. sled writes one whenever it opens, beside the whole one, and would
/// take what is left of it for the newest and refuse to open; a snapshot only saves time.
fn remove_half_snapshots(dir: &Path) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "generating") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn open(dir: &Path, shape: Shape) -> Result<SledStore, StoreError> {
    remove_half_snapshots(dir).map_err(|error| failed(&error))?;
    let settings = sled::Config::new()
        .path(dir)
        .segment_size(shape.segment_bytes)
        .cache_capacity(shape.cache_bytes)
        .flush_every_ms(None)
        .use_compression(false)
        .mode(sled::Mode::HighThroughput);
    let mut tries = 0;
    let db = loop {
        match settings.open() {
            Ok(db) => break db,
            Err(sled::Error::Io(error)) if tries < LOCK_TRIES && error.to_string().contains("lock") => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(cause(&error)),
        }
    };
    let file = File::options().read(true).write(true).open(dir.join("db")).map_err(|error| failed(&error))?;
    Ok(SledStore { db, file, value_bytes_max: shape.value_bytes_max })
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        guard(|| Ok(self.db.get(key).map_err(|error| cause(&error))?.map(|value| value.to_vec())))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        if value.len() > self.value_bytes_max {
            return Err(StoreError::Failed(format!("a value of {} bytes is over the limit", value.len())));
        }
        guard(|| self.db.insert(key, value).map(|_| ()).map_err(|error| cause(&error)))
    }

    fn forget(&self, key: &[u8]) {
        // Whoever needs the key will be told of an error.
        let _ =
            guard(|| (0..ACCESSES_NOTED).try_for_each(|_| self.db.get(key).map(drop).map_err(|error| cause(&error))));
    }

    fn scan(&self, from: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        let mut bytes = 0;
        guard(|| {
            for item in self.db.range(from..) {
                let (key, value) = item.map_err(|error| cause(&error))?;
                bytes += value.len();
                if bytes >= FORGET_BYTES {
                    bytes = 0;
                    self.forget(&key);
                }
                if !visit(&key, &value) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn flush(&self) -> Result<(), StoreError> {
        guard(|| self.db.flush().map(|_| ()).map_err(|error| cause(&error)))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.flush()?;
        self.file.sync_data().map_err(|error| failed(&error))
    }
}

impl Drop for SledStore {
    /// What sled let go of is freed by later accesses, a little at each 128th. Once the store is closed there are none,
    /// and what merging a large volume has left would stay.
    fn drop(&mut self) {
        let _ =
            guard(|| (0..ACCESSES_FREEING).try_for_each(|_| self.db.get(b"").map(drop).map_err(|error| cause(&error))));
    }
}

/// sled panics where other stores return errors.
fn guard<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(StoreError::Damaged(format!("sled stopped: {}", panic_text(&*panic)))))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
}

fn cause(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Corruption { .. } => StoreError::Damaged(error.to_string()),
        sled::Error::Unsupported(_) => {
            StoreError::Damaged("sled's own settings file is not as it was written".to_owned())
        }
        sled::Error::Io(error) => failed(error),
        other => StoreError::Failed(other.to_string()),
    }
}

fn failed(error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was lost: a server killed while it opened a volume could not open it again. Why: sled reads the snapshot that
    /// it had begun to write. What prevents it: half-written snapshots are removed before opening.
    #[test]
    fn a_snapshot_that_a_kill_cut_does_not_keep_a_store_from_opening() {
        let folder = tempfile::tempdir().unwrap();
        let store = SledEngine.open(folder.path()).unwrap();
        store.put(b"key", b"value").unwrap();
        store.sync().unwrap();
        drop(store);
        std::fs::write(folder.path().join("snap.FFFFFFFFFFFFFFF0.generating"), b"").unwrap();
        let store = SledEngine.open(folder.path()).unwrap();
        assert_eq!(store.get(b"key").unwrap().as_deref(), Some(b"value".as_slice()));
    }
}
