//! A log in a plain file: no index, no cache but the kernel's, so an open one costs next to nothing.

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Log, StoreError};

pub(super) struct FileLog {
    file: File,
    len: AtomicU64,
}

impl FileLog {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let opened = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = opened.map_err(|error| cause(&error))?;
        let len = file.metadata().map_err(|error| cause(&error))?.len();
        Ok(Self { file, len: AtomicU64::new(len) })
    }
}

pub(super) fn cause(error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

impl Log for FileLog {
    fn append(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let at = self.len.load(Ordering::Acquire);
        self.file.write_all_at(bytes, at).map_err(|error| cause(&error))?;
        self.len.store(at + bytes.len() as u64, Ordering::Release);
        Ok(())
    }

    fn read(&self, at: u64, bytes: usize) -> Result<Vec<u8>, StoreError> {
        // A length that damage made up must not take memory.
        let there = usize::try_from(self.len().saturating_sub(at)).unwrap_or(usize::MAX);
        let mut read = vec![0; bytes.min(there)];
        self.file.read_exact_at(&mut read, at).map_err(|error| cause(&error))?;
        Ok(read)
    }

    fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    fn cut(&self, len: u64) -> Result<(), StoreError> {
        self.file.set_len(len).map_err(|error| cause(&error))?;
        self.len.store(len, Ordering::Release);
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| cause(&error))
    }
}
