//! Damage is an error that names the run, never a wrong value.

use super::super::manifest;
use super::super::run::{FOOTER_KEY, piece_key, slot_key};
use super::*;
use crate::store::memory::MemoryEngine;

fn damaged_place<T>(result: Result<T, RunsError>) -> String {
    match result {
        Err(RunsError::Damaged { place, .. }) => place,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("no error"),
    }
}

#[test]
fn a_changed_block_is_an_error_that_names_the_run_and_others_stay_readable() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let runs = open(folder.path(), &engine, 99).unwrap();
    commit(&runs, 5, &numbered('r', 100, 1)).unwrap();
    let dir = folder.path().join("run-000001");
    assert!(engine.damage(&dir, &slot_key(2), |value| *value.last_mut().unwrap() ^= 1));
    assert_eq!(damaged_place(runs.get(b"r000030")), "run-000001, block 2,");
    assert_eq!(runs.get(b"r000001").unwrap().unwrap(), b"<1 1>");
    let mut scan = runs.scan(b"", b"");
    let read = scan.by_ref().take_while(Result::is_ok).count();
    assert!(read > 10 && read < 40 && scan.next().is_none(), "{read} entries before the damage, then the end");
    assert!(engine.lose(&dir, &slot_key(2)));
    assert_eq!(damaged_place(runs.get(b"r000030")), "run-000001, block 2,");
    assert!(engine.damage(&dir, &slot_key(4), |value| value.truncate(9)));
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
    drop(runs);
    engine.damage(&folder.path().join("run-000002"), &slot_key(3), |value| value[20] ^= 4);
    let runs = open(folder.path(), &engine, 3).unwrap();
    until("merging found it", || runs.damage().is_some());
    assert!(runs.damage().unwrap().contains("run-000002, block 3"), "{:?}", runs.damage());
    assert_eq!(runs.runs(), 3);
    assert_eq!(runs.get(b"j000001").unwrap().unwrap(), b"<1 3><1 2><1 1>");
}

#[test]
fn a_run_that_is_not_whole_is_noticed_when_it_is_opened() {
    type Harm<'a> = &'a dyn Fn(&MemoryEngine, &Path);
    let harms: [(&str, Harm<'_>); 7] = [
        ("the footer is missing", &|engine, dir| assert!(engine.lose(dir, FOOTER_KEY))),
        ("the footer is changed", &|engine, dir| assert!(engine.damage(dir, FOOTER_KEY, |value| value[7] ^= 1))),
        ("the index is changed", &|engine, dir| {
            assert!(engine.damage(dir, &piece_key(b'i', 0), |value| value[30] ^= 1));
        }),
        ("the index is missing", &|engine, dir| assert!(engine.lose(dir, &piece_key(b'i', 0)))),
        ("the filter is changed", &|engine, dir| {
            assert!(engine.damage(dir, &piece_key(b'f', 0), |value| value[0] ^= 1));
        }),
        ("the filter is cut", &|engine, dir| assert!(engine.damage(dir, &piece_key(b'f', 0), Vec::clear))),
        ("the folder is missing", &|_, dir| std::fs::remove_dir_all(dir).unwrap()),
    ];
    for (harm, inflict) in harms {
        let folder = tempfile::tempdir().unwrap();
        let engine = MemoryEngine::default();
        let runs = open(folder.path(), &engine, 99).unwrap();
        commit(&runs, 5, &numbered('r', 100, 1)).unwrap();
        drop(runs);
        inflict(&engine, &folder.path().join("run-000001"));
        assert_eq!(damaged_place(open(folder.path(), &engine, 99)), "run-000001", "{harm}");
    }
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
