//! What the store of views promises, on the store in memory and on sled.

mod crashes;
mod damage;
mod model;
mod reading;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Checkpoint, Entry, Rules, Runs, RunsError, Settings};
use crate::journal::Sequence;
use crate::store::Engine;

/// Family `r` replaces, `j` puts newer before older.
struct Both;

impl Rules for Both {
    fn join(&self, key: &[u8], newer: &[u8], older: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(newer);
        if key.first() == Some(&b'j') {
            out.extend_from_slice(older);
        }
    }

    fn looked_up(&self, family: u8) -> bool {
        family == b'r'
    }

    fn replaces(&self, family: u8) -> bool {
        family == b'r'
    }
}

/// Small blocks; no merging by itself unless runs pile up to `merge_runs`.
fn settings(merge_runs: usize) -> Settings {
    Settings { cache_bytes: 64 << 10, block_bytes: 200, merge_runs, disk_free_bytes_min: 0, ..Settings::default() }
}

fn open(dir: &Path, engine: &(impl Engine + Clone + 'static), merge_runs: usize) -> Result<Runs, RunsError> {
    Runs::open(dir, Arc::new(engine.clone()), Arc::new(Both), settings(merge_runs))
}

fn checkpoint(next: u64) -> Checkpoint {
    Checkpoint { next: Sequence::new(next), note: next.to_be_bytes().to_vec() }
}

fn commit(runs: &Runs, next: u64, entries: &[Entry]) -> Result<(), RunsError> {
    runs.commit(&checkpoint(next), &mut entries.iter().cloned())
}

/// `count` entries of the family, whose values tell the key and `round`.
fn numbered(family: char, count: u32, round: u32) -> Vec<Entry> {
    (0..count).map(|number| (format!("{family}{number:06}").into(), format!("<{number} {round}>").into())).collect()
}

fn all(runs: &Runs) -> Vec<Entry> {
    runs.scan(b"", b"").map(Result::unwrap).collect()
}

/// The folders of runs, in order.
fn folders(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut folders: Vec<_> = names.filter(|name| name.starts_with("run-")).collect();
    folders.sort();
    folders
}

/// Waits for what another thread does.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
