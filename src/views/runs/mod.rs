//! The store of views: immutable sorted runs, read as one.
//!
//! A commit writes what changed as one new run, in a folder of its own; then the manifest names it
//! together with the checkpoint. That replacement is the commit: a crash before it leaves the former state and a folder
//! that no manifest names, which the next start removes. A value is spread over runs until they are merged; [`Rules`]
//! say how its parts join. Merging runs at low priority and never holds up commits or readers.
//!
//! Promises, each with a test of the same name in `tests`:
//! - a commit is there as a whole with its checkpoint, or not at all
//! - what is read is the join of all commits, whatever was merged meanwhile
//! - a scan yields what was there when it began
//! - a changed or missing byte is an error that names the run, never a wrong value

mod block;
mod error;
mod filter;
mod index;
mod manifest;
mod merge;
mod run;
mod scan;
mod shared;
#[cfg(test)]
mod tests;
mod varint;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;

use super::cache::Cache;
use crate::journal::{Sequence, files};
use crate::store::Engine;
use block::Block;
use filter::KeyHash;
use manifest::Manifest;
use run::{Reading, Run};
use shared::Shared;
use writer::RunWriter;

pub use error::RunsError;
pub use scan::Scan;

/// Unpacked blocks that were used lately, by the run's number and their own.
type Blocks = Cache<(u64, u32), Arc<Block>>;

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What the keys mean. The family of a key is its first byte.
pub trait Rules: Send + Sync {
    /// Appends to `out` the value that stands for two of the same key. It has to be associative: adjacent runs are joined
    /// in any grouping, but always in order.
    fn join(&self, key: &[u8], newer: &[u8], older: &[u8], out: &mut Vec<u8>);

    /// Whether keys of this family are looked up one by one: then a filter is kept for them.
    fn looked_up(&self, family: u8) -> bool;

    /// Whether a newer value of this family stands for all older ones: then [`Runs::get`] need not look for them.
    fn replaces(&self, family: u8) -> bool {
        let _ = family;
        false
    }
}

/// How runs are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of unpacked blocks that are kept in memory, all runs together.
    pub cache_bytes: usize,
    /// Bytes of a block before compression, about.
    pub block_bytes: usize,
    /// So many adjacent runs of like size are merged into one.
    pub merge_runs: usize,
    /// Runs of fewer stored bytes count as like in size.
    pub small_run_bytes: u64,
    /// No merge makes a run of more stored bytes.
    pub run_bytes_max: u64,
    /// No merge starts when fewer bytes than this, beside the ones it needs, would stay free on the disk.
    pub disk_free_bytes_min: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_bytes: 32 << 20,
            block_bytes: 16 << 10,
            merge_runs: 6,
            small_run_bytes: 4 << 20,
            run_bytes_max: 4 << 30,
            disk_free_bytes_min: 256 << 20,
        }
    }
}

/// Up to where the runs hold everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The next sequence to fold.
    pub next: Sequence,
    /// The caller's own words.
    pub note: Vec<u8>,
}

/// A run that is complete and durable, but not part of the views yet.
pub struct Prepared<'r> {
    checkpoint: Checkpoint,
    run: Option<Arc<Run>>,
    _one_at_a_time: MutexGuard<'r, ()>,
}

/// All runs of one folder. At most one at a time may be open on it.
pub struct Runs {
    shared: Arc<Shared>,
    committing: Mutex<()>,
    wake: Mutex<Option<SyncSender<()>>>,
    merging: Mutex<Option<JoinHandle<()>>>,
}

impl Runs {
    /// Opens the runs in `dir`, making it if it is not there. Folders of runs that the manifest does not name are removed.
    ///
    /// # Errors
    /// When the folder cannot be used, or the manifest, an index or a footer is damaged.
    pub fn open(
        dir: &Path,
        engine: Arc<dyn Engine>,
        rules: Arc<dyn Rules>,
        settings: Settings,
    ) -> Result<Self, RunsError> {
        files::make_dir(dir)?;
        let manifest = match Manifest::read(dir)? {
            Some(read) => read.map_err(|detail| RunsError::damaged("the list of runs", detail))?,
            None => Manifest::default(),
        };
        let next_number = remove_unnamed(dir, &manifest)?;
        let runs = open_all(dir, &*engine, &manifest)?;
        let shared = Arc::new(Shared {
            dir: dir.to_path_buf(),
            engine,
            rules,
            cache: Arc::new(Blocks::new(settings.cache_bytes)),
            settings,
            closing: AtomicBool::new(false),
            manifest: Mutex::new(manifest),
            runs: ArcSwap::from_pointee(runs),
            next_number: AtomicU64::new(next_number),
            damage: OnceLock::new(),
        });
        let (wake, woken) = sync_channel(1);
        let theirs = Arc::clone(&shared);
        let merging =
            std::thread::Builder::new().name("views-merge".to_owned()).spawn(move || merge::run(&theirs, &woken))?;
        let (wake, merging) = (Mutex::new(Some(wake)), Mutex::new(Some(merging)));
        Ok(Self { shared, committing: Mutex::new(()), wake, merging })
    }

    /// Removes all runs and the checkpoint from a folder that is not open; other files in it stay.
    ///
    /// # Errors
    /// When they cannot be removed. Runs without a manifest are nothing: trying again, or opening, removes the rest.
    pub fn wipe(dir: &Path) -> Result<(), RunsError> {
        match std::fs::remove_file(dir.join(manifest::FILE)) {
            Ok(()) => files::sync_dir(dir)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        if dir.is_dir() {
            remove_unnamed(dir, &Manifest::default())?;
        }
        Ok(())
    }

    /// The checkpoint of the last commit.
    pub fn checkpoint(&self) -> Checkpoint {
        let manifest = self.shared.manifest();
        Checkpoint { next: Sequence::new(manifest.next), note: manifest.note() }
    }

    /// Writes entries, sorted by key and each key once, as a run that nobody sees before [`Runs::publish`].
    ///
    /// # Errors
    /// When the disk is full or fails, or the entries are not sorted. Then nothing has changed.
    pub fn prepare(
        &self,
        checkpoint: &Checkpoint,
        entries: &mut dyn Iterator<Item = Entry>,
    ) -> Result<Prepared<'_>, RunsError> {
        let one_at_a_time = self.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &self.shared;
        if shared.closing.load(Ordering::Acquire) {
            return Err(RunsError::Closing);
        }
        let mut run = None;
        if let Some(first) = entries.next() {
            let number = shared.new_number();
            run = Some(self.write(number, first, entries).inspect_err(|_| {
                // What stays is removed by the next start.
                let _ = std::fs::remove_dir_all(shared.dir.join(manifest::folder(number)));
            })?);
        }
        Ok(Prepared { checkpoint: checkpoint.clone(), run, _one_at_a_time: one_at_a_time })
    }

    /// Shows a prepared run and its checkpoint to readers, as one durable step.
    ///
    /// # Errors
    /// When the disk is full or fails. Readers then see what they saw before.
    pub fn publish(&self, prepared: Prepared<'_>) -> Result<(), RunsError> {
        // If replacing the manifest fails, the new one may be on the disk all the same: the folder has to stay.
        self.shared.add(&prepared.checkpoint, prepared.run)?;
        self.wake_merging();
        Ok(())
    }

    /// Prepares and publishes.
    ///
    /// # Errors
    /// As the two.
    pub fn commit(&self, checkpoint: &Checkpoint, entries: &mut dyn Iterator<Item = Entry>) -> Result<(), RunsError> {
        let prepared = self.prepare(checkpoint, entries)?;
        self.publish(prepared)
    }

    fn write(
        &self,
        number: u64,
        first: Entry,
        entries: &mut dyn Iterator<Item = Entry>,
    ) -> Result<Arc<Run>, RunsError> {
        let Shared { engine, dir, rules, settings, .. } = &*self.shared;
        let mut writer = RunWriter::create(&**engine, dir, number, &**rules, settings.block_bytes, None)?;
        for (key, value) in std::iter::once(first).chain(entries) {
            writer.push(&key, &value)?;
        }
        let listed = writer.finish()?;
        self.shared.open_run(&listed)
    }

    fn wake_merging(&self) {
        if let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner) {
            // Full means that it is about to look anyway.
            let _ = wake.try_send(());
        }
    }

    /// The value of a key, joined over all runs.
    ///
    /// # Errors
    /// When the disk fails or the bytes are damaged.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, RunsError> {
        let (rules, cache) = (&self.shared.rules, &self.shared.cache);
        let family = key.first().copied();
        let hash = family.is_some_and(|family| rules.looked_up(family)).then(|| KeyHash::of(key));
        let mut value: Option<Vec<u8>> = None;
        for run in self.shared.runs().iter().rev() {
            let Some(older) = run.get(cache, key, hash)? else { continue };
            if family.is_some_and(|family| rules.replaces(family)) {
                return Ok(Some(older));
            }
            value = Some(match value {
                None => older,
                Some(newer) => {
                    let mut joined = Vec::with_capacity(newer.len() + older.len());
                    rules.join(key, &newer, &older, &mut joined);
                    joined
                }
            });
        }
        Ok(value)
    }

    /// The entries with keys from `from` up to, but not including, `to`, joined over all runs. Without end if `to` is
    /// empty.
    pub fn scan(&self, from: &[u8], to: &[u8]) -> Scan {
        let runs = self.shared.runs();
        let (rules, cache) = (Arc::clone(&self.shared.rules), Arc::clone(&self.shared.cache));
        Scan::new(runs.iter().rev().map(Arc::clone), rules, cache, Reading::Cached, (from, to))
    }

    /// How many runs there are.
    pub fn runs(&self) -> usize {
        self.shared.runs.load().len()
    }

    /// Bytes that all runs take on the disk.
    pub fn disk_bytes(&self) -> u64 {
        self.shared.runs().iter().map(|run| files::disk_bytes(run.dir())).sum()
    }

    /// What merging found damaged, in words: readers may not have come across it. The views have to be made anew.
    pub fn damage(&self) -> Option<String> {
        self.shared.damage().map(str::to_owned)
    }

    /// Stops merging and refuses commits. What is being read can be read to its end.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        self.wake.lock().unwrap_or_else(PoisonError::into_inner).take();
        let merging = self.merging.lock().unwrap_or_else(PoisonError::into_inner).take();
        if merging.is_some_and(|merging| merging.join().is_err()) {
            tracing::error!("merging runs of the views has panicked");
        }
        // A commit that began before is done when this returns.
        drop(self.committing.lock());
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        self.close();
    }
}

/// Removes folders of runs that the manifest does not name; says which number is free for the next one.
fn remove_unnamed(dir: &Path, manifest: &Manifest) -> std::io::Result<u64> {
    let mut next = manifest.next_number;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let Some(number) = entry.file_name().to_str().and_then(manifest::number_of) else { continue };
        next = next.max(number.saturating_add(1));
        if !manifest.runs.iter().any(|run| run.number == number) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(next)
}

/// Opens all runs at once: most of the time sled waits for the disk.
fn open_all(dir: &Path, engine: &dyn Engine, manifest: &Manifest) -> Result<Vec<Arc<Run>>, RunsError> {
    std::thread::scope(|scope| {
        let opening: Vec<_> =
            manifest.runs.iter().map(|listed| scope.spawn(move || Run::open(engine, dir, listed))).collect();
        let panicked = || RunsError::Failed("opening a run has panicked".to_owned());
        let opened = opening.into_iter().map(|run| run.join().unwrap_or_else(|_| Err(panicked())).map(Arc::new));
        opened.collect()
    })
}
