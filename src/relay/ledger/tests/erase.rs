//! What receivers said of some records is nowhere afterwards; everything else is as it was, also after a crash in between.

use super::super::codec::unseal;
use super::*;
use crate::relay::ledger::State;
use crate::store::sled::SledEngine;

const CANARY: &str = "canary-5c1e";

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// No file has it, and no value of any store, unpacked.
fn assert_nowhere(dir: &Path, engine: &Arc<dyn Engine>) {
    let holds = |bytes: &[u8]| memchr::memmem::find(bytes, CANARY.as_bytes()).is_some();
    for file in files(dir) {
        assert!(!holds(&std::fs::read(&file).unwrap()), "{}", file.display());
    }
    let mut values = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let is_state = path.ends_with("state");
        let store = if is_state { engine.open(&path) } else { engine.open_small(&path) }.unwrap();
        let mut look = |key: &[u8], value: &[u8]| {
            assert!(value.is_empty() || !holds(&unseal(key, value).unwrap()), "{key:?}");
            values += u32::from(!value.is_empty());
            true
        };
        store.scan(&[], &mut look).unwrap();
    }
    assert!(values > 3, "{values}");
}

/// Counts, states, attempts and letters of these records.
fn said(dir: &Path, engine: &Arc<dyn Engine>, numbers: &[u64]) -> Vec<String> {
    let ledger = open(dir, engine).unwrap();
    let to = book(&ledger, "to", 1);
    let tail = Sequence::new(2_000);
    let mut said = vec![format!("{:?}", to.audit(tail).unwrap())];
    for number in numbers {
        let at = Sequence::new(*number);
        let (state, attempts) = (to.state(at).unwrap(), to.attempts(at).unwrap());
        said.push(format!("{number}: {state:?} {attempts:?} {:?} {:?}", to.dead_letter(at).unwrap(), to.tried(at)));
    }
    ledger.close();
    said
}

#[test]
fn answers_about_erased_records_are_nowhere_and_the_accounts_are_as_they_were() {
    let (folder, engine) = (tempfile::tempdir().unwrap(), Arc::new(SledEngine) as Arc<dyn Engine>);
    let dir = folder.path().join("relay");
    for round in 0..3 {
        let ledger = open(&dir, &engine).unwrap();
        let to = book(&ledger, "to", 1);
        to.enter(delivered(round * 500 + 1..round * 500 + 100));
        to.enter(dead(round * 500 + 200, &format!("no {CANARY}")));
        to.enter(dead(round * 500 + 201, "no, of another"));
        let both = sequences([round * 500 + 202, round * 500 + 203]);
        let waits = |sequence: &Sequence| Change::Waiting { sequence: *sequence, tried: tried(1) };
        let changes = both.iter().map(waits).collect();
        to.enter(Entry { attempt: Some((both, attempt(9, 503, CANARY))), changes, ..Entry::default() });
        to.sync().unwrap();
        // The last time as a kill would leave it: in the log.
        if round < 2 { ledger.close() } else { ledger.halt() }
    }
    let kept = [5, 201, 701, 1_201];
    let before = said(&dir, &engine, &kept);
    Ledger::erase(&dir, &engine, &|sequence| [200, 202, 700, 702, 1_200, 1_202].contains(&sequence)).unwrap();
    assert_nowhere(&dir, &engine);
    assert_eq!(said(&dir, &engine, &kept), before);
    let ledger = open(&dir, &engine).unwrap();
    let to = book(&ledger, "to", 1);
    let letter = to.dead_letter(Sequence::new(200)).unwrap().unwrap();
    assert_eq!((to.state(letter.sequence).unwrap(), letter.answer), (State::Dead, answer(400, "")));
    assert_eq!(to.attempts(Sequence::new(703)).unwrap().len(), 1, "that it was tried stays, for the other one as well");
    ledger.close();
}

#[test]
fn whatever_a_crash_leaves_one_of_the_two_counts() {
    let (folder, engine) = (tempfile::tempdir().unwrap(), Arc::new(SledEngine) as Arc<dyn Engine>);
    let dir = folder.path().join("relay");
    let (fresh, old) = (folder.path().join("relay.new"), folder.path().join("relay.old"));
    let ledger = open(&dir, &engine).unwrap();
    book(&ledger, "to", 1).enter(dead(7, "no"));
    ledger.close();
    let before = said(&dir, &engine, &[7]);
    let settled = || {
        Ledger::settle(&dir).unwrap();
        assert!(dir.is_dir() && !fresh.exists() && !old.exists());
        assert_eq!(said(&dir, &engine, &[7]), before);
    };
    std::fs::create_dir_all(fresh.join("state")).unwrap(); // half written
    settled();
    std::fs::rename(&dir, &old).unwrap();
    crate::journal::files::copy_dir(&old, &fresh).unwrap(); // moved away, not yet replaced
    settled();
    crate::journal::files::copy_dir(&dir, &old).unwrap(); // replaced, not yet removed
    settled();
    Ledger::settle(&folder.path().join("none")).unwrap();
    assert!(!folder.path().join("none").exists());
}
