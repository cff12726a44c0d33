//! What a crash leaves at each step of a commit or a merge.

use super::super::manifest::{self, Manifest};
use super::super::writer::RunWriter;
use super::*;
use crate::store::memory::MemoryEngine;
use crate::store::sled::SledEngine;

#[test]
fn a_commit_is_there_as_a_whole_with_its_checkpoint_or_not_at_all() {
    for fail_at in 1..=3 {
        let folder = tempfile::tempdir().unwrap();
        let engine = MemoryEngine::default();
        let runs = open(folder.path(), &engine, 99).unwrap();
        commit(&runs, 5, &numbered('r', 50, 1)).unwrap();
        engine.fail_sync(engine.syncs() + fail_at);
        let committed = commit(&runs, 9, &numbered('r', 60, 2));
        let second = commit(&runs, 12, &numbered('r', 70, 3));
        drop(runs);
        engine.cut_power();
        let runs = open(folder.path(), &engine, 99).unwrap();
        let (next, expected) = match (committed, second) {
            (Ok(()), Ok(())) => (12, numbered('r', 70, 3)),
            (Ok(()), Err(_)) => (9, numbered('r', 60, 2)),
            (Err(_), _) => (5, numbered('r', 50, 1)),
        };
        assert_eq!((runs.checkpoint(), all(&runs)), (checkpoint(next), expected), "sync {fail_at}");
        commit(&runs, 20, &numbered('r', 2, 4)).unwrap();
        assert_eq!(runs.get(b"r000001").unwrap().unwrap(), b"<1 4>");
    }
}

/// The folder as a crash leaves it right before the manifest is replaced.
fn without_the_last_replacement(engine: &(impl Engine + Clone + 'static)) {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join(manifest::FILE);
    let runs = open(folder.path(), engine, 99).unwrap();
    commit(&runs, 5, &numbered('j', 300, 1)).unwrap();
    let former = std::fs::read(&list).unwrap();
    commit(&runs, 9, &numbered('j', 300, 2)).unwrap();
    drop(runs);
    std::fs::write(&list, former).unwrap();
    std::fs::write(list.with_extension("new"), b"half a manife").unwrap();
    assert_eq!(folders(folder.path()).len(), 2);
    let runs = open(folder.path(), engine, 99).unwrap();
    assert_eq!((runs.checkpoint(), all(&runs)), (checkpoint(5), numbered('j', 300, 1)));
    assert_eq!(folders(folder.path()), ["run-000001"], "what no manifest names is gone");
    commit(&runs, 9, &numbered('j', 300, 3)).unwrap();
    assert_eq!(runs.get(b"j000007").unwrap().unwrap(), b"<7 3><7 1>");
}

#[test]
fn a_crash_before_the_manifest_is_replaced_leaves_the_former_state() {
    without_the_last_replacement(&MemoryEngine::default());
    without_the_last_replacement(&SledEngine);
}

#[test]
fn a_half_written_run_is_removed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let runs = open(folder.path(), &SledEngine, 99).unwrap();
    commit(&runs, 5, &numbered('r', 50, 1)).unwrap();
    let mut half = RunWriter::create(&SledEngine, folder.path(), 77, &Both, 200, None).unwrap();
    for (key, value) in numbered('r', 3_000, 2) {
        half.push(&key, &value).unwrap();
    }
    drop(half);
    drop(runs);
    let runs = open(folder.path(), &SledEngine, 99).unwrap();
    assert_eq!((folders(folder.path()), all(&runs)), (vec!["run-000001".to_owned()], numbered('r', 50, 1)));
    commit(&runs, 6, &numbered('r', 1, 3)).unwrap();
    assert_eq!(folders(folder.path()), ["run-000001", "run-000078"], "a number is not used twice");
}

#[test]
fn a_crash_in_a_merge_leaves_the_runs_it_was_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let runs = open(folder.path(), &engine, 99).unwrap();
    for round in 1..=3 {
        commit(&runs, u64::from(round), &numbered('j', 40, round)).unwrap();
    }
    let (expected, list) = (all(&runs), folder.path().join(manifest::FILE));
    drop(runs);
    let former = std::fs::read(&list).unwrap();
    let kept = tempfile::tempdir().unwrap();
    for name in folders(folder.path()) {
        crate::journal::files::copy_dir(&folder.path().join(&name), &kept.path().join(&name)).unwrap();
    }
    let runs = open(folder.path(), &engine, 3).unwrap();
    until("three runs are merged and gone", || runs.runs() == 1 && folders(folder.path()).len() == 1);
    assert_eq!(all(&runs), expected);
    drop(runs);
    // Put back what there was before the manifest named the merged run.
    for name in folders(kept.path()) {
        crate::journal::files::copy_dir(&kept.path().join(&name), &folder.path().join(&name)).unwrap();
    }
    std::fs::write(&list, former).unwrap();
    let runs = open(folder.path(), &engine, 99).unwrap();
    assert_eq!((runs.runs(), all(&runs), folders(folder.path()).len()), (3, expected, 3));
}

#[test]
fn a_merge_that_cannot_sync_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let runs = open(folder.path(), &engine, 99).unwrap();
    for round in 1..=3 {
        commit(&runs, u64::from(round), &numbered('j', 40, round)).unwrap();
    }
    let expected = all(&runs);
    drop(runs);
    let before = engine.syncs();
    engine.fail_sync(before + 1);
    let runs = open(folder.path(), &engine, 3).unwrap();
    until("the merge was tried", || engine.syncs() > before);
    until("what it wrote is gone", || folders(folder.path()).len() == 3);
    assert_eq!((runs.runs(), all(&runs)), (3, expected.clone()));
    drop(runs);
    engine.cut_power();
    let runs = open(folder.path(), &engine, 3).unwrap();
    until("merged", || runs.runs() == 1);
    assert_eq!(all(&runs), expected);
}

#[test]
fn entries_that_are_not_sorted_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let runs = open(folder.path(), &SledEngine, 99).unwrap();
    commit(&runs, 5, &numbered('r', 50, 1)).unwrap();
    let mut twice = numbered('r', 50, 2);
    twice.push(twice[49].clone());
    assert!(matches!(commit(&runs, 6, &twice), Err(RunsError::Unsorted(50))));
    twice.swap(3, 4);
    assert!(matches!(commit(&runs, 6, &twice), Err(RunsError::Unsorted(4))));
    assert_eq!((runs.checkpoint(), all(&runs), folders(folder.path()).len()), (checkpoint(5), numbered('r', 50, 1), 1));
    runs.close();
    assert!(matches!(commit(&runs, 6, &[]), Err(RunsError::Closing)));
}

#[test]
fn a_checkpoint_without_entries_moves_on_and_wiping_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let runs = open(folder.path(), &SledEngine, 99).unwrap();
    commit(&runs, 5, &numbered('r', 50, 1)).unwrap();
    commit(&runs, 8, &[]).unwrap();
    assert_eq!((runs.checkpoint(), runs.runs()), (checkpoint(8), 1));
    assert!(runs.disk_bytes() > 1_000);
    drop(runs);
    std::fs::write(folder.path().join("other"), b"stays").unwrap();
    Runs::wipe(folder.path()).unwrap();
    assert!(folders(folder.path()).is_empty() && folder.path().join("other").exists());
    assert!(Manifest::read(folder.path()).unwrap().is_none());
    let runs = open(folder.path(), &SledEngine, 99).unwrap();
    assert_eq!((runs.checkpoint().next, all(&runs).len()), (Sequence::FIRST, 0));
    Runs::wipe(&folder.path().join("not there")).unwrap();
}
