//! Damage is an error that names the run, never a wrong value.

use super::super::manifest;
use super::super::run::FILE;
use super::*;
use crate::store::memory::MemoryEngine;

fn damaged_place<T>(result: Result<T, RunsError>) -> String {
    match result {
        Err(RunsError::Damaged { place, .. }) => place,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("no error"),
    }
}

/// Where a block of a run lies in its file.
fn place(runs: &Runs, run: usize, block: usize) -> std::ops::Range<usize> {
    let (at, bytes) = runs.shared.runs()[run].index().place(block).unwrap();
    let at = usize::try_from(at).unwrap();
    at..at + bytes
}

#[test]
fn a_changed_block_is_an_error_that_names_the_run_and_others_stay_readable() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let runs = open(folder.path(), &engine, 99).unwrap();
    commit(&runs, 5, &numbered('r', 100, 1)).unwrap();
    let file = folder.path().join("run-000001").join(FILE);
    let block = place(&runs, 0, 2);
    assert!(engine.damage_log(&file, |bytes| bytes[block.end - 1] ^= 1));
    assert_eq!(damaged_place(runs.get(b"r000030")), "run-000001, block 2,");
    assert_eq!(runs.get(b"r000001").unwrap().unwrap(), b"<1 1>");
    let mut scan = runs.scan(b"", b"");
    let read = scan.by_ref().take_while(Result::is_ok).count();
    assert!(read > 10 && read < 40 && scan.next().is_none(), "{read} entries before the damage, then the end");
    let block = place(&runs, 0, 4);
    assert!(engine.damage_log(&file, |bytes| bytes.truncate(block.start + 9)));
    assert_eq!(damaged_place(runs.scan(b"r000060", b"r000061").next().unwrap()), "run-000001, block 4,");
}

#[test]
fn what_merging_finds_damaged_is_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let runs = open(folder.path(), &engine, 99).unwrap();
    for round in 1..=3 {
        commit(&runs, u64::from(round), &numbered('j', 100, round)).unwrap();
    }
    let block = place(&runs, 1, 3);
    drop(runs);
    assert!(engine.damage_log(&folder.path().join("run-000002").join(FILE), |bytes| bytes[block.start + 20] ^= 4));
    let runs = open(folder.path(), &engine, 3).unwrap();
    until("merging found it", || runs.damage().is_some());
    assert!(runs.damage().unwrap().contains("run-000002, block 3"), "{:?}", runs.damage());
    assert_eq!(runs.runs(), 3);
    assert_eq!(runs.get(b"j000001").unwrap().unwrap(), b"<1 3><1 2><1 1>");
}

#[test]
fn a_run_that_is_not_whole_is_noticed_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let runs = open(folder.path(), &engine, 99).unwrap();
    commit(&runs, 5, &numbered('r', 100, 1)).unwrap();
    let blocks = runs.shared.runs()[0].listed.bytes;
    drop(runs);
    let dir = folder.path().join("run-000001");
    let file = dir.join(FILE);
    let mut whole = Vec::new();
    assert!(engine.damage_log(&file, |bytes| whole.clone_from(bytes)));
    let after_blocks = usize::try_from(blocks).unwrap();
    assert!(whole.len() > after_blocks + 50, "index, filter and footer");
    for at in after_blocks..whole.len() {
        engine.damage_log(&file, |bytes| bytes[at] ^= 0x41);
        assert_eq!(damaged_place(open(folder.path(), &engine, 99)), "run-000001", "byte {at} is changed");
        engine.damage_log(&file, |bytes| bytes.truncate(at));
        assert_eq!(damaged_place(open(folder.path(), &engine, 99)), "run-000001", "it is cut at byte {at}");
        engine.damage_log(&file, |bytes| bytes.clone_from(&whole));
    }
    assert_eq!(all(&open(folder.path(), &engine, 99).unwrap()), numbered('r', 100, 1));
    std::fs::remove_dir_all(dir).unwrap();
    assert_eq!(damaged_place(open(folder.path(), &engine, 99)), "run-000001", "the folder is missing");
}

#[test]
fn a_damaged_list_of_runs_is_told_and_wiping_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let runs = open(folder.path(), &engine, 99).unwrap();
    commit(&runs, 5, &numbered('r', 100, 1)).unwrap();
    drop(runs);
    let list = folder.path().join(manifest::FILE);
    let mut text = std::fs::read(&list).unwrap();
    text[40] ^= 1;
    std::fs::write(&list, text).unwrap();
    assert_eq!(damaged_place(open(folder.path(), &engine, 99)), "the list of runs");
    assert_eq!(folders(folder.path()).len(), 1, "nothing is removed by a list that cannot be read");
    Runs::wipe(folder.path()).unwrap();
    assert_eq!(open(folder.path(), &engine, 99).unwrap().runs(), 0);
}
