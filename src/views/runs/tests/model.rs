//! Random commits, merges, reopenings and power cuts against a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::merge::choose;
use super::super::{Rules, Runs};
use super::*;
use crate::store::memory::MemoryEngine;
use crate::store::sled::SledEngine;

#[derive(Clone, Debug)]
enum Action {
    /// Keys are few, so that commits meet; some values are larger than a stored value may be.
    Commit(BTreeMap<(bool, u8), (u8, usize)>),
    Reopen,
    CutPower,
    Scan(u8, u8),
}

fn action() -> impl Strategy<Value = Action> {
    let length = prop_oneof![30 => 0..300_usize, 1 => 40_000..120_000_usize];
    let entries = prop::collection::btree_map(any::<(bool, u8)>(), (any::<u8>(), length), 0..40);
    prop_oneof![
        12 => entries.prop_map(Action::Commit),
        1 => Just(Action::Reopen),
        1 => Just(Action::CutPower),
        3 => any::<(u8, u8)>().prop_map(|(from, to)| Action::Scan(from, to)),
    ]
}

fn key((replaces, number): (bool, u8)) -> Vec<u8> {
    vec![if replaces { b'r' } else { b'j' }, number]
}

/// Bytes that do not compress, so that large values take several stored ones.
fn value(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn apply(model: &mut BTreeMap<Vec<u8>, Vec<u8>>, entries: &[Entry]) {
    for (key, newer) in entries {
        let older = model.get(key).cloned();
        let joined = older.map_or_else(
            || newer.clone(),
            |older| {
                let mut joined = Vec::new();
                Both.join(key, newer, &older, &mut joined);
                joined
            },
        );
        model.insert(key.clone(), joined);
    }
}

fn check(runs: &Runs, model: &BTreeMap<Vec<u8>, Vec<u8>>, next: u64) {
    assert_eq!(
        runs.checkpoint(),
        if next == 1 { Checkpoint { note: Vec::new(), ..checkpoint(1) } } else { checkpoint(next) }
    );
    assert!(all(runs).into_iter().eq(model.clone()), "everything, in order");
    for number in 0..=255 {
        for replaces in [false, true] {
            let key = key((replaces, number));
            assert_eq!(runs.get(&key).unwrap().as_ref(), model.get(&key));
        }
    }
}

fn play(engine: &(impl Engine + Clone + 'static), cut_power: &dyn Fn(), actions: &[Action]) {
    let folder = tempfile::tempdir().unwrap();
    let mut runs = open(folder.path(), engine, 3).unwrap();
    let (mut model, mut next) = (BTreeMap::new(), 1);
    for action in actions {
        match action {
            Action::Commit(entries) => {
                let entries: Vec<Entry> =
                    entries.iter().map(|(at, (seed, length))| (key(*at), value(*seed, *length))).collect();
                next += 1;
                commit(&runs, next, &entries).unwrap();
                apply(&mut model, &entries);
            }
            Action::Reopen | Action::CutPower => {
                drop(runs);
                if matches!(action, Action::CutPower) {
                    cut_power();
                }
                runs = open(folder.path(), engine, 3).unwrap();
                check(&runs, &model, next);
            }
            Action::Scan(from, to) => {
                let (from, to) = (key((false, *from)), key((true, *to)));
                let found: Vec<_> = runs.scan(&from, &to).map(Result::unwrap).collect();
                assert!(found.into_iter().eq(model.range(from..to).map(|(key, value)| (key.clone(), value.clone()))));
            }
        }
    }
    check(&runs, &model, next);
    let is_settled = || {
        let bytes: Vec<u64> = runs.shared.runs().iter().map(|run| run.listed.bytes).collect();
        choose(&bytes, &runs.shared.settings).is_none()
    };
    until("nothing is worth merging any more", is_settled);
    check(&runs, &model, next);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn what_is_read_is_the_join_of_all_commits(actions in prop::collection::vec(action(), 1..40)) {
        let engine = MemoryEngine::default();
        play(&engine, &|| engine.cut_power(), &actions);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn what_is_read_is_the_join_of_all_commits_on_sled(actions in prop::collection::vec(action(), 1..20)) {
        play(&SledEngine, &|| (), &actions);
    }
}
