//! A store in memory for tests: keeps what is written and what is durable apart, and fails when told to.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Engine, Log, Store, StoreError};

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Folders in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryEngine(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    folders: HashMap<PathBuf, Folder>,
    files: HashMap<PathBuf, Bytes>,
    syncs: u64,
    fail_sync: Option<u64>,
}

#[derive(Debug, Default)]
struct Folder {
    live: Pairs,
    durable: Pairs,
}

#[derive(Debug, Default)]
struct Bytes {
    live: Vec<u8>,
    durable: Vec<u8>,
}

impl Disk {
    fn count_sync(&mut self) -> Result<(), StoreError> {
        self.syncs += 1;
        match self.fail_sync {
            Some(number) if self.syncs >= number => {
                Err(StoreError::Failed("the sync failed, as the test asked".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl MemoryEngine {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many syncs were asked for so far.
    pub fn syncs(&self) -> u64 {
        self.disk().syncs
    }

    /// Lets the sync with this number, counted from 1 over all stores, and every later one fail.
    pub fn fail_sync(&self, number: u64) {
        self.disk().fail_sync = Some(number);
    }

    /// Loses everything that was not synced, in every folder, and lets syncs work again.
    pub fn cut_power(&self) {
        let mut disk = self.disk();
        disk.fail_sync = None;
        for folder in disk.folders.values_mut() {
            folder.live = folder.durable.clone();
        }
        for file in disk.files.values_mut() {
            file.live = file.durable.clone();
        }
    }

    /// Changes a log, as damage would. Returns whether it was there.
    pub fn damage_log(&self, file: &Path, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.disk().files.get_mut(file).map(|file| change(&mut file.live)).is_some()
    }

    /// Changes what is stored, as damage would. Returns whether the key was there.
    pub fn damage(&self, dir: &Path, key: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut disk = self.disk();
        let Some(value) = disk.folders.get_mut(dir).and_then(|folder| folder.live.get_mut(key)) else { return false };
        change(value);
        true
    }

    /// Removes a key, as damage would. Returns whether it was there.
    pub fn lose(&self, dir: &Path, key: &[u8]) -> bool {
        let mut disk = self.disk();
        disk.folders.get_mut(dir).is_some_and(|folder| folder.live.remove(key).is_some())
    }

    /// The folders that were ever opened.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<_> = self.disk().folders.keys().cloned().collect();
        folders.sort();
        folders
    }
}

impl Engine for MemoryEngine {
    fn open(&self, dir: &Path) -> Result<Box<dyn Store>, StoreError> {
        // A real folder with a file in it, so that whoever looks after folders finds what sled would leave.
        let made = std::fs::create_dir_all(dir).and_then(|()| std::fs::write(dir.join("db"), b"in memory"));
        made.map_err(|error| StoreError::Failed(error.to_string()))?;
        self.disk().folders.entry(dir.to_path_buf()).or_default();
        Ok(Box::new(MemoryStore { engine: self.clone(), dir: dir.to_path_buf() }))
    }

    fn open_log(&self, file: &Path) -> Result<Box<dyn Log>, StoreError> {
        // A real file, so that whoever looks after folders finds it; what is in it counts only when it was removed.
        if !file.exists() {
            std::fs::write(file, b"in memory").map_err(|error| StoreError::Failed(error.to_string()))?;
            self.disk().files.remove(file);
        }
        self.disk().files.entry(file.to_path_buf()).or_default();
        Ok(Box::new(MemoryLog { engine: self.clone(), file: file.to_path_buf() }))
    }
}

struct MemoryLog {
    engine: MemoryEngine,
    file: PathBuf,
}

impl MemoryLog {
    fn with<T>(&self, work: impl FnOnce(&mut Bytes) -> T) -> T {
        work(self.engine.disk().files.entry(self.file.clone()).or_default())
    }
}

impl Log for MemoryLog {
    fn append(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.with(|file| file.live.extend_from_slice(bytes));
        Ok(())
    }

    fn read(&self, at: u64, bytes: usize) -> Result<Vec<u8>, StoreError> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        Ok(self.with(|file| file.live.iter().skip(at).take(bytes).copied().collect()))
    }

    fn len(&self) -> u64 {
        self.with(|file| file.live.len() as u64)
    }

    fn cut(&self, len: u64) -> Result<(), StoreError> {
        self.with(|file| file.live.truncate(usize::try_from(len).unwrap_or(usize::MAX)));
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.engine.disk().count_sync()?;
        self.with(|file| file.durable.clone_from(&file.live));
        Ok(())
    }
}

struct MemoryStore {
    engine: MemoryEngine,
    dir: PathBuf,
}

impl MemoryStore {
    fn with<T>(&self, work: impl FnOnce(&mut Folder) -> T) -> T {
        work(self.engine.disk().folders.entry(self.dir.clone()).or_default())
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.with(|folder| folder.live.get(key).cloned()))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.with(|folder| folder.live.insert(key.to_vec(), value.to_vec()));
        Ok(())
    }

    fn forget(&self, _key: &[u8]) {}

    fn scan(&self, from: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        let pairs = self.with(|folder| folder.live.clone());
        for (key, value) in pairs.range(from.to_vec()..) {
            if !visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut disk = self.engine.disk();
        disk.count_sync()?;
        if let Some(folder) = disk.folders.get_mut(&self.dir) {
            folder.durable = folder.live.clone();
        }
        Ok(())
    }
}
