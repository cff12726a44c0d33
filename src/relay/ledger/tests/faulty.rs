//! An engine in memory that stops at a given put, or has no room.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::store::memory::MemoryEngine;
use crate::store::{Engine, Log, Store, StoreError};

/// Clones share everything.
#[derive(Clone, Default)]
pub(super) struct Faulty {
    pub(super) memory: MemoryEngine,
    plan: Arc<Plan>,
}

#[derive(Default)]
struct Plan {
    puts: AtomicU64,
    /// Puts that still work, if not 0: one more than that.
    stop: AtomicU64,
    full: AtomicBool,
}

impl Faulty {
    pub(super) fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.clone())
    }

    /// From the put after `puts` more on, everything fails, as if killed there.
    pub(super) fn stop_after(&self, puts: u64) {
        self.plan.stop.store(self.plan.puts.load(Ordering::SeqCst) + puts + 1, Ordering::SeqCst);
    }

    /// Everything works again.
    pub(super) fn heal(&self) {
        self.plan.stop.store(0, Ordering::SeqCst);
        self.set_full(false);
    }

    pub(super) fn set_full(&self, full: bool) {
        self.plan.full.store(full, Ordering::SeqCst);
    }

    pub(super) fn puts(&self) -> u64 {
        self.plan.puts.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), StoreError> {
        let stop = self.plan.stop.load(Ordering::SeqCst);
        if stop > 0 && self.plan.puts.load(Ordering::SeqCst) >= stop {
            return Err(StoreError::Failed("stopped, as the test asked".to_owned()));
        }
        if self.plan.full.load(Ordering::SeqCst) {
            return Err(StoreError::Full("as the test asked".to_owned()));
        }
        Ok(())
    }
}

impl Engine for Faulty {
    fn open(&self, dir: &Path) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(FaultyStore { inner: self.memory.open(dir)?, engine: self.clone() }))
    }

    fn open_log(&self, file: &Path) -> Result<Box<dyn Log>, StoreError> {
        self.memory.open_log(file)
    }
}

struct FaultyStore {
    inner: Box<dyn Store>,
    engine: Faulty,
}

impl Store for FaultyStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        assert!(value.len() <= crate::store::VALUE_BYTES_MAX, "a value of {} bytes", value.len());
        self.engine.plan.puts.fetch_add(1, Ordering::SeqCst);
        self.engine.check()?;
        self.inner.put(key, value)
    }

    fn forget(&self, key: &[u8]) {
        self.inner.forget(key);
    }

    fn scan(&self, from: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError> {
        self.inner.scan(from, visit)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.engine.check()?;
        self.inner.flush()
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.engine.check()?;
        self.inner.sync()
    }
}
