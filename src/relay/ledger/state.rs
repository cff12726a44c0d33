//! The state store: every value checked, and opened anew after the disk was full.
//!
//! Once a write failed a store must not be written again; when the disk was full, opening it anew is as good as a restart:
//! what the store did not take is still in the log and in memory.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::codec::{self, Fault, Sealer};
use crate::store::{Engine, Store, StoreError};

/// Looks at a key and its payload; false ends the scan.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<bool, StoreError>;

pub(super) struct StateStore {
    dir: PathBuf,
    engine: Arc<dyn Engine>,
    store: RwLock<Option<Box<dyn Store>>>,
    /// A write failed: the store has to be opened anew before the next one.
    spoiled: AtomicBool,
}

impl StateStore {
    pub(super) fn open(dir: &Path, engine: &Arc<dyn Engine>) -> Result<Self, StoreError> {
        let store = RwLock::new(Some(engine.open(dir)?));
        Ok(Self { dir: dir.to_path_buf(), engine: Arc::clone(engine), store, spoiled: AtomicBool::new(false) })
    }

    /// An error that names this store's folder.
    pub(super) fn damaged(&self, what: &str, fault: Fault) -> StoreError {
        codec::damaged(&self.dir, what, fault)
    }

    fn with<T>(&self, work: impl FnOnce(&dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match &*self.store.read().unwrap_or_else(PoisonError::into_inner) {
            Some(store) => work(&**store),
            None => Err(StoreError::Failed(format!("the relay's ledger in {} is closed", self.dir.display()))),
        }
    }

    /// The payload of a value.
    pub(super) fn get(&self, key: &[u8], what: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(bytes) = self.with(|store| store.get(key))? else { return Ok(None) };
        codec::unseal(key, &bytes).map(Some).map_err(|fault| self.damaged(what, fault))
    }

    /// Visits keys and payloads from `from` on, until `visit` returns false.
    pub(super) fn scan(&self, from: &[u8], what: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        let mut ended = Ok(());
        self.with(|store| {
            store.scan(from, &mut |key, bytes| {
                let seen = match codec::unseal(key, bytes) {
                    Ok(payload) => visit(key, &payload),
                    Err(fault) => Err(self.damaged(what, fault)),
                };
                seen.unwrap_or_else(|error| {
                    ended = Err(error);
                    false
                })
            })
        })?;
        ended
    }

    /// Whether nothing was ever put.
    pub(super) fn is_empty(&self) -> Result<bool, StoreError> {
        let mut empty = true;
        self.with(|store| {
            store.scan(&[], &mut |_, _| {
                empty = false;
                false
            })
        })?;
        Ok(empty)
    }

    /// Puts values in this order and makes them durable. Only for whoever holds the writer.
    pub(super) fn write(&self, sealer: &mut Sealer, puts: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        self.revive()?;
        let written = self.with(|store| {
            for (key, payload) in puts {
                store.put(key, &sealer.seal(key, payload))?;
            }
            store.sync()
        });
        if written.is_err() {
            self.spoiled.store(true, Ordering::Release);
        }
        written
    }

    fn revive(&self) -> Result<(), StoreError> {
        if self.spoiled.load(Ordering::Acquire) {
            let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
            close(store.take());
            *store = Some(self.engine.open(&self.dir)?);
            self.spoiled.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// Lets go of the folder. Reading fails from then on.
    pub(super) fn close(&self) {
        close(self.store.write().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Closes a store; sled may panic where others return errors.
pub(super) fn close(store: Option<Box<dyn Store>>) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(store))).is_err() {
        tracing::warn!("a store of the relay's ledger could not be closed in order; the next start recovers it");
    }
}
