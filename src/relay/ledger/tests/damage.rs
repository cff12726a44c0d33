//! Changed bytes, lost values and newer formats: an error that names the folder, or the same answers as before.

use std::path::PathBuf;

use super::super::codec::unseal;
use super::faulty::Faulty;
use super::*;
use crate::relay::ledger::{Counts, DeadLetter, State};

type Said = (Counts, Counts, Vec<Sequence>, Vec<Option<DeadLetter>>, Vec<Vec<Attempt>>, Vec<Option<Tried>>, Sequence);

/// Everything that can be asked, or the first error.
fn ask(dir: &Path, faulty: &Faulty) -> Result<Said, StoreError> {
    let ledger = open(dir, &faulty.engine())?;
    let to = ledger.book("to", &|| Sequence::new(9))?;
    let tail = Sequence::new(9_000);
    let asked = || sequences([3, 5, 4_097, 4_200, 8_100]);
    let said = (
        to.counts(tail),
        to.recount(tail)?,
        to.list(State::Pending, tail, 10_000)?,
        asked().into_iter().map(|sequence| to.dead_letter(sequence)).collect::<Result<_, _>>()?,
        asked().into_iter().map(|sequence| to.attempts(sequence)).collect::<Result<_, _>>()?,
        asked().into_iter().map(|sequence| to.tried(sequence)).collect(),
        to.floor(),
    );
    ledger.halt();
    Ok(said)
}

fn enter_some(to: &Book) {
    to.enter(delivered(3..4_096));
    to.enter(dead(4_097, "no"));
    to.enter(Entry { filtered: vec![(Sequence::new(4_100), Sequence::new(8_000))], ..Entry::default() });
    to.enter(dead(8_100, "no"));
    let change = Change::Waiting { sequence: Sequence::new(8_101), tried: tried(2) };
    to.enter(Entry { changes: vec![change], ..Entry::default() });
    to.sync().unwrap();
}

/// A folder whose tables are written, and one whose log was not replayed yet.
fn folder_of(closed: bool) -> (tempfile::TempDir, Faulty) {
    let (folder, faulty) = (tempfile::tempdir().unwrap(), Faulty::default());
    let ledger = open(folder.path(), &faulty.engine()).unwrap();
    enter_some(&book(&ledger, "to", 2));
    if closed {
        ledger.close();
    } else {
        ledger.halt();
    }
    (folder, faulty)
}

/// All stored values.
fn values(faulty: &Faulty) -> Vec<(PathBuf, Vec<u8>, Vec<u8>)> {
    let mut values = Vec::new();
    for dir in faulty.memory.folders().into_iter().filter(|dir| dir.is_dir()) {
        let store = crate::store::Engine::open(&faulty.memory, &dir).unwrap();
        let mut add = |key: &[u8], value: &[u8]| {
            values.push((dir.clone(), key.to_vec(), value.to_vec()));
            true
        };
        store.scan(&[], &mut add).unwrap();
    }
    values
}

/// A folder, a key and a value.
type Stored = (PathBuf, Vec<u8>, Vec<u8>);

/// Changes one value after the other, each in a folder of its own, and asks; returns how many errors there were.
fn check(closed: bool, change: &mut dyn FnMut(&Faulty, &Stored) -> bool) -> usize {
    let (folder, faulty) = folder_of(closed);
    let sound = ask(folder.path(), &faulty).unwrap();
    let count = values(&folder_of(closed).1).into_iter().filter(|(_, _, value)| !value.is_empty()).count();
    let mut errors = 0;
    for number in 0..count {
        let (folder, faulty) = folder_of(closed);
        let values: Vec<_> = values(&faulty).into_iter().filter(|(_, _, value)| !value.is_empty()).collect();
        if !change(&faulty, &values[number]) {
            continue;
        }
        match ask(folder.path(), &faulty) {
            Ok(said) => assert_eq!(said, sound, "value {:?} was changed", values[number]),
            Err(error) => {
                errors += 1;
                assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
            }
        }
    }
    println!("{errors} of {count}");
    errors
}

#[test]
fn a_changed_byte_is_an_error_that_names_the_folder_or_changes_nothing() {
    let mut chance = Chance::new("damage");
    for closed in [true, false] {
        for _ in 0..8 {
            let errors = check(closed, &mut |faulty, (dir, key, value)| {
                let (at, bit) = (chance.below(value.len() as u64), chance.below(8));
                faulty.memory.damage(dir, key, |value| value[usize::try_from(at).unwrap()] ^= 1 << bit)
            });
            assert!(errors >= 4, "{errors}");
        }
        let cut = check(closed, &mut |faulty, (dir, key, value)| {
            let length = usize::try_from(chance.below(value.len() as u64)).unwrap();
            faulty.memory.damage(dir, key, |value| value.truncate(length))
        });
        assert!(cut >= 4, "{cut}");
    }
}

/// The newest block of the log is what a power cut may take; every other value is missed.
#[test]
fn a_lost_value_is_an_error() {
    for closed in [true, false] {
        let lost = check(closed, &mut |faulty, (dir, key, _)| {
            let is_last_block = dir.to_string_lossy().contains("log-");
            !is_last_block && faulty.memory.lose(dir, key)
        });
        assert!(lost >= 4, "{lost}");
    }
}

#[test]
fn values_that_changed_places_are_errors() {
    let (folder, faulty) = folder_of(true);
    let chunks: Vec<_> = values(&faulty).into_iter().filter(|(_, key, _)| key[0] == b'c').collect();
    let [(dir, first, _), (_, _, other)] = &chunks[..] else { panic!("{} chunks", chunks.len()) };
    faulty.memory.damage(dir, first, |value| value.clone_from(other));
    assert!(matches!(ask(folder.path(), &faulty), Err(StoreError::Damaged(_))));
}

#[test]
fn a_newer_format_is_refused() {
    let (folder, faulty) = folder_of(true);
    let root = folder.path().join("state");
    assert!(faulty.memory.damage(&root, b"r", |value| value[0] = 2));
    let error = open(folder.path(), &faulty.engine()).err().unwrap().to_string();
    assert!(error.contains("version 2") && error.contains("newer program"), "{error}");
    assert!(unseal(b"r", &[2, 0]).is_err());
}
