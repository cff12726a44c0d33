//! The only room that names sled: ordered keys and values in one folder, written by one thread. And plain files that are
//! only appended to.
//!
//! Promise: what was [`Store::put`] before a [`Store::sync`] that returned `Ok` is there after a power cut; what was
//! put before a [`Store::flush`] is there after a killed process. After an error of `put`, `flush` or `sync` the store
//! must not be written again: the kernel may have dropped the bytes and a second sync would lie.

mod file;
pub mod memory;
pub mod sled;

use std::path::Path;

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the engine failed.
    #[error("{0}")]
    Failed(String),
    /// There is no room left on the disk.
    #[error("no space left on the device: {0}")]
    Full(String),
    /// The engine could not make sense of its own files.
    #[error("{0}")]
    Damaged(String),
}

/// One open folder of keys and values.
pub trait Store: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// When the disk fails or the bytes are damaged.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets a key. Values of up to [`VALUE_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// When the disk fails or the value is too large.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Lets go of memory that reading or writing around this key has left behind. Only a hint.
    fn forget(&self, key: &[u8]);

    /// Visits keys from `from` on, in byte order, until `visit` returns false.
    ///
    /// # Errors
    /// When the disk fails or the bytes are damaged.
    fn scan(&self, from: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError>;

    /// Hands everything put so far to the kernel.
    ///
    /// # Errors
    /// When a write fails.
    fn flush(&self) -> Result<(), StoreError>;

    /// Flushes, then makes it durable.
    ///
    /// # Errors
    /// When a write or the sync fails.
    fn sync(&self) -> Result<(), StoreError>;
}

/// One file that is only appended to, and read anywhere: for what is written once in order and can be made again.
///
/// What was appended can be read at once, is there after a killed process, and after a power cut once [`Log::sync`]
/// returned `Ok`. After an error of `append` or `sync` it must not be written again.
#[expect(clippy::len_without_is_empty, reason = "its length is where the next bytes go")]
pub trait Log: Send + Sync {
    /// Adds bytes at the end. One thread at a time.
    ///
    /// # Errors
    /// When the disk is full or fails.
    fn append(&self, bytes: &[u8]) -> Result<(), StoreError>;

    /// `bytes` bytes from `at` on; fewer where the file ends.
    ///
    /// # Errors
    /// When the disk fails.
    fn read(&self, at: u64, bytes: usize) -> Result<Vec<u8>, StoreError>;

    /// Where the next bytes go.
    fn len(&self) -> u64;

    /// Forgets everything from `len` on.
    ///
    /// # Errors
    /// When the disk fails.
    fn cut(&self, len: u64) -> Result<(), StoreError>;

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// When the sync fails.
    fn sync(&self) -> Result<(), StoreError>;
}

/// Opens stores; tests put one between that fails when told to.
pub trait Engine: Send + Sync {
    /// Opens the store in `dir`, making it if it is not there. Not to be called on an async worker.
    ///
    /// # Errors
    /// When the folder cannot be used, or its files are damaged.
    fn open(&self, dir: &Path) -> Result<Box<dyn Store>, StoreError>;

    /// Like [`Engine::open`], for one of many stores that are open at the same time: it takes less memory, and values of
    /// up to [`SMALL_VALUE_BYTES_MAX`] bytes. A folder has to be opened in the same way every time.
    ///
    /// # Errors
    /// When the folder cannot be used, or its files are damaged.
    fn open_small(&self, dir: &Path) -> Result<Box<dyn Store>, StoreError> {
        self.open(dir)
    }

    /// Opens a log, making its file if it is not there; the folder has to be.
    ///
    /// # Errors
    /// When the file cannot be used.
    fn open_log(&self, file: &Path) -> Result<Box<dyn Log>, StoreError>;
}

/// Largest value. Seventeen of them, the most that share one of sled's leaves, stay below the size from which sled
/// would put them into separate files that it never syncs.
pub const VALUE_BYTES_MAX: usize = 56 * 1024;

/// Largest value of a store that was opened as a small one.
pub const SMALL_VALUE_BYTES_MAX: usize = 12 * 1024;
