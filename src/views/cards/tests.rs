//! Cards come back whatever was flushed, cut and put again in between.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Cards, CardsError, dictionary};
use crate::call::Marks;
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::store::Engine;
use crate::store::memory::MemoryEngine;
use crate::store::sled::SledEngine;
use crate::views::card::Card;
use crate::views::entry::EntryKind;

fn card(sequence: u64) -> Card {
    let noise = blake3::hash(&sequence.to_be_bytes()).to_hex();
    Card {
        sequence: Sequence::new(sequence),
        kind: EntryKind::Track,
        source: "web".to_owned(),
        message_id: format!("message-{noise}"),
        user_id: (!sequence.is_multiple_of(3)).then(|| format!("user-{}", sequence % 100)),
        anonymous_id: Some(format!("device-{}", sequence % 300)),
        target: None,
        name: Some(
            ["Order Completed", "Product Viewed", "Signed In"][usize::try_from(sequence % 3).unwrap()].to_owned(),
        ),
        category: None,
        timestamp: Time::from_millis(1_700_000_000_000 + sequence.cast_signed() * 250),
        received_at: Time::from_millis(1_700_000_000_400 + sequence.cast_signed() * 250),
        payload: format!(
            r#"{{"order":"{}","total":{}.5,"currency":"EUR","plan":"premium"}}"#,
            &noise[..8],
            sequence % 977
        ),
        context: r#"{"library":{"name":"analytics.js","version":"2.1"},"page":{"path":"/checkout"}}"#.to_owned(),
        marks: Marks::default(),
    }
}

fn large(sequence: u64) -> Card {
    let noise: String =
        (0..700_u64).map(|part| blake3::hash(&(sequence * 1_000 + part).to_be_bytes()).to_hex().to_string()).collect();
    Card { payload: format!(r#"{{"noise":"{noise}"}}"#), ..card(sequence) }
}

fn open(dir: &Path, engine: &(impl Engine + Clone + 'static)) -> (Cards, u64) {
    let (cards, next) = Cards::open(dir, Arc::new(engine.clone())).unwrap();
    (cards, next.get())
}

fn get(cards: &Cards, sequences: &[u64]) -> Result<Vec<Option<Card>>, CardsError> {
    let sequences: Vec<_> = sequences.iter().map(|sequence| Sequence::new(*sequence)).collect();
    cards.get(&sequences)
}

#[test]
fn cards_come_back_from_memory_and_disk_in_the_order_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (cards, next) = open(folder.path(), &SledEngine);
    assert_eq!(next, 1);
    for sequence in (1..=3_000).filter(|sequence| sequence % 7 != 0) {
        cards.put(&card(sequence)).unwrap();
    }
    let asked = [3_000, 1, 1_500, 7, 1_501, 2_999, 1, 9_999_999];
    let expected: Vec<_> =
        [3_000, 1, 1_500, 0, 1_501, 2_999, 1, 0].map(|found| (found > 0).then(|| card(found))).into();
    assert_eq!(get(&cards, &asked).unwrap(), expected);
    assert_eq!(cards.flush().unwrap().get(), 3_001);
    drop(cards);
    let (cards, next) = open(folder.path(), &SledEngine);
    assert_eq!((next, get(&cards, &asked).unwrap()), (3_001, expected));
    assert!(cards.disk_bytes() > 10_000);
    drop(cards);
    Cards::wipe(folder.path()).unwrap();
    let (cards, next) = open(folder.path(), &SledEngine);
    assert_eq!((next, get(&cards, &asked).unwrap()), (1, vec![None; 8]));
}

#[test]
fn a_dictionary_is_learned_once_and_old_and_new_chunks_stay_readable() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let (cards, _) = open(folder.path(), &engine);
    let file = folder.path().join(dictionary::FILE);
    (1..4_000).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    assert!(!file.exists());
    (4_000..9_000).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    cards.flush().unwrap();
    let learned = std::fs::read(&file).unwrap();
    let all: Vec<u64> = (1..9_000).collect();
    let expected: Vec<_> = all.iter().map(|sequence| Some(card(*sequence))).collect();
    assert!(get(&cards, &all).unwrap() == expected);
    drop(cards);
    let (cards, next) = open(folder.path(), &engine);
    assert!(get(&cards, &all).unwrap() == expected);
    (next..next + 9_000).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    assert_eq!(std::fs::read(&file).unwrap(), learned);
    drop(cards);
    std::fs::write(&file, &learned[..learned.len() - 1]).unwrap();
    let opened = Cards::open(folder.path(), Arc::new(engine.clone()));
    assert!(matches!(opened, Err(CardsError::Damaged { place, .. }) if place == "cards.dictionary"));
    std::fs::remove_file(&file).unwrap();
    let (cards, _) = open(folder.path(), &engine);
    assert_eq!(get(&cards, &[5]).unwrap(), [Some(card(5))], "made before there was one");
    assert!(matches!(get(&cards, &[8_000]), Err(CardsError::Damaged { .. })));
}

#[test]
fn large_cards_take_several_values() {
    let folder = tempfile::tempdir().unwrap();
    let (cards, _) = open(folder.path(), &SledEngine);
    (1..=24).for_each(|sequence| cards.put(&large(sequence)).unwrap());
    (25..=40).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    cards.flush().unwrap();
    drop(cards);
    let (cards, _) = open(folder.path(), &SledEngine);
    let expected: Vec<_> =
        (1..=40).map(|sequence| Some(if sequence <= 24 { large(sequence) } else { card(sequence) })).collect();
    assert!(get(&cards, &(1..=40).collect::<Vec<_>>()).unwrap() == expected);
    // Put again, smaller: pieces that are left over do not matter.
    cards.put(&card(9)).unwrap();
    (10..=16).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    cards.flush().unwrap();
    assert_eq!(get(&cards, &[12, 17]).unwrap(), [Some(card(12)), Some(large(17))]);
}

#[test]
fn a_new_drawer_begins_when_one_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let (cards, _) = open(folder.path(), &SledEngine);
    let edge = 1 << 20;
    (edge - 20..edge + 20).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    cards.put(&card(5 * edge)).unwrap();
    assert_eq!(cards.flush().unwrap().get(), 5 * edge + 1);
    drop(cards);
    let (cards, next) = open(folder.path(), &SledEngine);
    assert_eq!(next, 5 * edge + 1);
    let asked = [edge - 1, edge, edge + 19, 2 * edge, 5 * edge];
    assert_eq!(get(&cards, &asked).unwrap(), asked.map(|sequence| (sequence != 2 * edge).then(|| card(sequence))));
    assert!(folder.path().join("cards-000000").is_file() && folder.path().join("cards-000005").is_file());
    assert!(!folder.path().join("cards-000002").exists(), "reading makes nothing");
}

#[test]
fn an_older_drawer_that_lacks_chunks_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let (cards, _) = open(folder.path(), &engine);
    let edge = 1 << 20;
    (edge - 20..edge + 20).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    cards.flush().unwrap();
    drop(cards);
    let file = folder.path().join("cards-000000");
    assert!(engine.damage_log(&file, |bytes| *bytes.last_mut().unwrap() ^= 1));
    let (cards, _) = open(folder.path(), &engine);
    assert_eq!(get(&cards, &[edge - 1]).unwrap(), [Some(card(edge - 1))], "all of it was found without the list");
    drop(cards);
    assert!(engine.damage_log(&file, |bytes| bytes[30] ^= 1));
    let (cards, _) = open(folder.path(), &engine);
    assert!(matches!(get(&cards, &[edge - 1]), Err(CardsError::Damaged { place, .. }) if place == "cards-000000"));
    assert_eq!(get(&cards, &[edge]).unwrap(), [Some(card(edge))]);
}

#[test]
fn damage_is_an_error_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let (cards, _) = open(folder.path(), &engine);
    (1..100).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    cards.flush().unwrap();
    let file = folder.path().join("cards-000000");
    let (at, bytes) = cards.drawers.get(0).unwrap().unwrap().place(4).unwrap();
    let last = usize::try_from(at).unwrap() + bytes - 1;
    assert!(engine.damage_log(&file, |bytes| bytes[last] ^= 1));
    let Err(CardsError::Damaged { place, .. }) = get(&cards, &[1, 33]) else { panic!("no error") };
    assert_eq!(place, "cards-000000, chunk 4,");
    assert_eq!(get(&cards, &[1, 41]).unwrap(), [Some(card(1)), Some(card(41))]);
    drop(cards);
    let (cards, next) = open(folder.path(), &engine);
    assert_eq!(next, 32, "what follows a damaged chunk of the newest drawer is put again");
    (next..100).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    cards.flush().unwrap();
    let all: Vec<u64> = (1..100).collect();
    assert!(get(&cards, &all).unwrap() == all.iter().map(|sequence| Some(card(*sequence))).collect::<Vec<_>>());
}

#[test]
fn a_failing_sync_is_told_and_what_was_flushed_before_stays() {
    let folder = tempfile::tempdir().unwrap();
    let engine = MemoryEngine::default();
    let (cards, _) = open(folder.path(), &engine);
    (1..=20).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    cards.flush().unwrap();
    (21..=30).for_each(|sequence| cards.put(&card(sequence)).unwrap());
    engine.fail_sync(engine.syncs() + 1);
    assert!(matches!(cards.flush(), Err(CardsError::Failed(_))));
    assert!(matches!(cards.flush(), Err(CardsError::Failed(_))), "nothing more is written");
    assert!(cards.put(&card(31)).is_err());
    assert_eq!(get(&cards, &[1, 30]).unwrap(), [Some(card(1)), Some(card(30))], "reading goes on");
    drop(cards);
    engine.cut_power();
    let (cards, next) = open(folder.path(), &engine);
    assert_eq!(next, 21);
    assert_eq!(get(&cards, &[20, 21]).unwrap(), [Some(card(20)), None]);
}

#[derive(Clone, Debug)]
enum Action {
    Put(u64),
    Skip(u64),
    Flush,
    /// The power goes; putting begins again so many sequences before what was flushed.
    Cut(u64),
    Get(Vec<u64>),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (1..30_u64).prop_map(Action::Put),
        1 => (1..40_u64).prop_map(Action::Skip),
        2 => Just(Action::Flush),
        1 => (0..30_u64).prop_map(Action::Cut),
        3 => prop::collection::vec(1..600_u64, 0..20).prop_map(Action::Get),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_was_put_is_there_and_what_was_flushed_survives(actions in prop::collection::vec(action(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let engine = MemoryEngine::default();
        let (mut cards, mut next) = open(folder.path(), &engine);
        let (mut model, mut flushed, mut skipped) = (BTreeMap::new(), 1, Vec::new());
        for action in actions {
            match action {
                Action::Put(count) => {
                    for sequence in (next..next + count).filter(|sequence| !skipped.contains(sequence)) {
                        cards.put(&card(sequence)).unwrap();
                        model.insert(sequence, card(sequence));
                    }
                    next += count;
                }
                Action::Skip(count) => {
                    // A sequence that was put stays: what the journal holds does not change.
                    skipped.extend((next..next + count).filter(|sequence| !model.contains_key(sequence)));
                    next += count;
                }
                Action::Flush => flushed = cards.flush().unwrap().get(),
                Action::Cut(back) => {
                    drop(cards);
                    engine.cut_power();
                    (cards, next) = open(folder.path(), &engine);
                    prop_assert_eq!(next, flushed);
                    model.retain(|sequence, _| *sequence < flushed);
                    let found = get(&cards, &(1..600).collect::<Vec<_>>()).unwrap();
                    prop_assert!(found.iter().flatten().all(|card| model.get(&card.sequence.get()) == Some(card)));
                    next = next.saturating_sub(back).max(1);
                }
                Action::Get(sequences) => {
                    let expected: Vec<_> = sequences.iter().map(|sequence| model.get(sequence).cloned()).collect();
                    prop_assert_eq!(get(&cards, &sequences).unwrap(), expected);
                }
            }
        }
    }
}
