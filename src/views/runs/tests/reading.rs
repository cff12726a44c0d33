//! Scans outlive merges, and reading a little touches little.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::store::memory::MemoryEngine;
use crate::store::sled::SledEngine;
use crate::store::{Log, Store, StoreError};

#[test]
fn a_scan_yields_what_was_there_when_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let runs = open(folder.path(), &SledEngine, 3).unwrap();
    commit(&runs, 1, &numbered('j', 500, 1)).unwrap();
    commit(&runs, 2, &numbered('j', 500, 2)).unwrap();
    let expected = all(&runs);
    let mut scan = runs.scan(b"", b"");
    let unread = runs.scan(b"", b"");
    let mut found: Vec<_> = scan.by_ref().take(10).map(Result::unwrap).collect();
    commit(&runs, 3, &numbered('j', 600, 3)).unwrap();
    until("the runs are merged, and the one that no scan reads is gone", || {
        runs.runs() == 1 && folders(folder.path()).len() == 2 + 1
    });
    found.extend(scan.map(Result::unwrap));
    assert!(found == expected && unread.map(Result::unwrap).eq(expected));
    until("the old runs are gone", || folders(folder.path()).len() == 1);
    assert_eq!(all(&runs).len(), 600);
    let late = runs.scan(b"", b"");
    drop(runs);
    assert_eq!(late.map(Result::unwrap).count(), 600, "also after closing");
}

#[test]
fn commits_and_readers_go_on_while_runs_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let runs = open(folder.path(), &MemoryEngine::default(), 2).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    // Every commit wrote all keys: whatever the moment, all of them have been joined equally often.
                    let lengths: Vec<_> = runs.scan(b"", b"").map(|entry| entry.unwrap().1.len()).collect();
                    assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "{lengths:?}");
                    assert!(lengths.is_empty() || lengths.len() == 60);
                }
            });
        }
        for round in 0..60_u32 {
            let entries: Vec<_> = (0..60).map(|number| (format!("j{number:02}").into(), vec![b'x'])).collect();
            commit(&runs, u64::from(round) + 2, &entries).unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
    until("merged", || runs.runs() <= 2);
    assert!(all(&runs).iter().all(|(_, value)| value.len() == 60));
}

#[test]
fn values_of_any_size_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let runs = open(folder.path(), &SledEngine, 2).unwrap();
    let noise = |length: u32| (0..length).flat_map(|at| blake3::hash(&at.to_be_bytes()).as_bytes()[..4].to_vec());
    let entries: Vec<Entry> = [0, 1, 40, 12_000, 12_300, 20_000, 500_000, 3]
        .into_iter()
        .enumerate()
        .map(|(at, length)| (format!("r{at}").into(), noise(length).collect()))
        .collect();
    commit(&runs, 2, &entries).unwrap();
    assert!(all(&runs) == entries);
    commit(&runs, 3, &[(b"j".to_vec(), vec![7; 3_000_000]), (b"k".to_vec(), noise(500_000).collect())]).unwrap();
    until("merged", || runs.runs() == 1);
    assert!(entries.iter().all(|(key, value)| runs.get(key).unwrap().as_ref() == Some(value)));
    assert_eq!(runs.get(b"j").unwrap().unwrap().len(), 3_000_000);
    assert_eq!((runs.get(b"").unwrap(), runs.get(b"j0").unwrap(), runs.get(b"z").unwrap()), (None, None, None));
}

/// Counts what is read from logs.
#[derive(Clone, Default)]
struct Counting(MemoryEngine, Arc<AtomicU64>);

struct Counted(Box<dyn Log>, Arc<AtomicU64>);

impl Engine for Counting {
    fn open(&self, dir: &Path) -> Result<Box<dyn Store>, StoreError> {
        self.0.open(dir)
    }

    fn open_log(&self, file: &Path) -> Result<Box<dyn Log>, StoreError> {
        Ok(Box::new(Counted(self.0.open_log(file)?, Arc::clone(&self.1))))
    }
}

impl Log for Counted {
    fn append(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.append(bytes)
    }

    fn read(&self, at: u64, bytes: usize) -> Result<Vec<u8>, StoreError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.read(at, bytes)
    }

    fn len(&self) -> u64 {
        self.0.len()
    }

    fn cut(&self, len: u64) -> Result<(), StoreError> {
        self.0.cut(len)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.0.sync()
    }
}

#[test]
fn reading_a_little_touches_few_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Counting::default();
    let runs = open(folder.path(), &engine, 99).unwrap();
    for round in 1..=5 {
        commit(&runs, u64::from(round), &numbered('j', 5_000, round)).unwrap();
    }
    commit(&runs, 6, &numbered('r', 5_000, 6)).unwrap();
    let count = |read: &dyn Fn()| {
        let before = engine.1.load(Ordering::SeqCst);
        read();
        engine.1.load(Ordering::SeqCst) - before
    };
    assert_eq!(count(&|| drop(runs.scan(b"j002500", b"k"))), 0, "nothing before the first entry is asked for");
    let first = || assert_eq!(runs.scan(b"j002500", b"k").take(5).count(), 5);
    let blocks = count(&first);
    assert!((5..=10).contains(&blocks), "one or two blocks a run, and none of the run without the family: {blocks}");
    assert_eq!(count(&first), 0, "blocks stay in memory");
    assert_eq!(count(&|| assert_eq!(runs.scan(b"k", b"l").count(), 0)), 0, "the indices know that there is nothing");
    assert!(count(&|| assert!(runs.get(b"r002500").unwrap().is_some())) <= 1, "one run may hold it");
    let absent =
        count(&|| (0..1_000).for_each(|at| assert!(runs.get(format!("r{at:06}x").as_bytes()).unwrap().is_none())));
    assert!(absent < 50, "the filter knows most keys that are not there: {absent}");
}
