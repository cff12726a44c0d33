//! What failures leave: failed syncs, power cuts, cut and damaged volumes, merges.

use std::time::{Duration, Instant};

use roundtower::journal::embedded::{Journal, OpenError};
use roundtower::journal::{AppendError, Appender, Outcome, Sequence};

use super::backends::{Place, append, batch, call, read_all};

fn ids(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("m{number}")).collect()
}

fn append_each(journal: &Journal, range: std::ops::Range<u32>) {
    for id in ids(range) {
        append(journal, "s", &[&id]);
    }
}

fn read_ids(journal: &Journal) -> Vec<String> {
    read_all(journal, 1 << 20).into_iter().map(|(_, id)| id).collect()
}

/// Waits until the merger has nothing left to do, or fails.
fn wait_for_volumes(journal: &Journal, most: usize) {
    let start = Instant::now();
    while journal.status().volumes > most {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", journal.status());
        std::thread::yield_now();
    }
}

/// Whichever sync fails: nothing is acked from then on, and what was acked before is there after a power cut.
#[test]
fn j1_j2_whichever_sync_fails_acked_records_stay_and_nothing_more_is_acked() {
    for failing in 1..=40 {
        let (mut place, engine) = Place::memory();
        place.settings.open_volume_bytes_max = 2_000; // rolls often, so that syncs of every kind are hit
        engine.fail_sync(failing);
        let Ok((journal, _)) = place.try_open() else {
            engine.cut_power();
            append(&place.open(), "s", &["a"]);
            continue;
        };
        let (mut acked, mut failed) = (Vec::new(), false);
        for id in ids(0..60) {
            match journal.append(batch("s", [&id])).and_then(roundtower::journal::Ack::wait) {
                Ok(_) => {
                    assert!(!failed, "sync {failing}: acked {id} after a failure");
                    acked.push(id);
                }
                Err(error) => {
                    assert_eq!(error, AppendError::Poisoned, "sync {failing}");
                    assert!(*journal.failed().borrow() && !error.retryable());
                    failed = true;
                }
            }
        }
        journal.close();
        drop(journal);
        engine.cut_power();
        let journal = place.open();
        let there = read_ids(&journal);
        assert_eq!(there.get(..acked.len()), Some(acked.as_slice()), "sync {failing}: an acked record is lost");
        assert_eq!(append(&journal, "s", &[&format!("after {failing}")]).len(), 1);
        assert_eq!(journal.verify(&mut |_, _| ()).findings, []);
    }
}

#[test]
fn j5_everything_survives_a_stop_without_closing() {
    let place = Place::sled();
    let journal = place.open();
    append_each(&journal, 0..50);
    std::mem::forget(journal); // no close, as if killed; sled's lock is in this process, so look at a copy
    let copy = Place::sled();
    copy_all(&place.path(), &copy.path());
    let (journal, report) = copy.try_open().unwrap();
    assert!(report.recovered);
    assert_eq!(read_ids(&journal), ids(0..50));
    assert_eq!(append(&journal, "s", &["m7"]), [Outcome::Duplicate(Sequence::new(8))]);
    assert!(
        !std::fs::read_dir(copy.path())
            .unwrap()
            .any(|e| { e.unwrap().file_name().to_string_lossy().starts_with("copy") })
    );
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn small_volumes_are_merged_and_read_the_same() {
    let mut place = Place::sled();
    place.settings.open_volume_bytes_max = 30_000;
    let journal = place.open();
    append_each(&journal, 0..600);
    wait_for_volumes(&journal, 9);
    assert_eq!(read_ids(&journal), ids(0..600));
    assert_eq!(journal.verify(&mut |_, _| ()).findings, []);
    assert_eq!(append(&journal, "s", &["m3"]), [Outcome::Duplicate(Sequence::new(4))]);
    journal.close();
    drop(journal);
    let journal = place.open();
    assert_eq!(read_ids(&journal), ids(0..600));
    let verified = journal.verify(&mut |_, _| ());
    assert_eq!((verified.records, verified.findings), (600, vec![]));
}

#[test]
fn what_does_not_compress_still_fits() {
    let place = Place::sled();
    let journal = place.open();
    let mut batch = roundtower::journal::Batch::new("s".into(), roundtower::call::time::Time::from_millis(1), 0);
    let mut noise = vec![0u8; 30_000];
    for number in 0..40 {
        getrandom::fill(&mut noise).unwrap();
        let text: String = noise.iter().map(|byte| char::from(b' ' + 3 + byte % 89)).collect();
        let text = text.replace('\\', "_");
        let mut call = call(&format!("n{number}"), 0);
        call.payload = format!(r#"{{"filler":"{text}"}}"#).into();
        batch.push(&call).unwrap();
    }
    assert_eq!(journal.append(batch).unwrap().wait().unwrap().len(), 40);
    assert_eq!(journal.verify(&mut |_, _| ()).records, 40);
    journal.close();
}

#[test]
fn j7_a_journal_shorter_than_its_mark_is_refused_and_can_be_accepted() {
    let (mut place, engine) = Place::memory();
    let journal = place.open();
    append_each(&journal, 0..10);
    journal.close();
    drop(journal);
    let volume = place.path().join("volume-00000001");
    let mut key = [0u8; 9];
    key[0] = b'b';
    key[8] = 9;
    assert!(engine.lose(&volume, &key));
    let error = place.try_open().unwrap_err();
    assert!(matches!(&error, OpenError::Damaged(text) if text.contains("1 acknowledged records")), "{error}");
    place.settings.accept_loss = true;
    let journal = place.open();
    assert_eq!(read_ids(&journal), ids(0..9));
    assert_eq!(
        append(&journal, "s", &["new"]),
        [Outcome::Appended(Sequence::new(11))],
        "a lost sequence is not reused"
    );
    assert_eq!(read_all(&journal, 1 << 20).last(), Some(&(11, "new".to_owned())));
    assert!(journal.verify(&mut |_, _| ()).findings.iter().all(|finding| !finding.damage));
}

#[test]
fn j7_a_changed_block_is_refused_and_named() {
    let (place, engine) = Place::memory();
    let journal = place.open();
    append_each(&journal, 0..10);
    journal.close();
    drop(journal);
    let mut key = [0u8; 9];
    key[0] = b'b';
    key[8] = 4;
    assert!(engine.damage(&place.path().join("volume-00000001"), &key, |value| value[40] ^= 1));
    let error = place.try_open().unwrap_err().to_string();
    assert!(error.contains("from sequence 5 on") && error.contains("block 4: the checksum"), "{error}");
}

#[test]
fn j7_damage_in_a_closed_volume_is_found_by_verify_and_by_reading() {
    let (place, engine) = Place::memory();
    let journal = place.open();
    append_each(&journal, 0..10);
    journal.close();
    drop(journal);
    let journal = place.open();
    // The one volume of one-record blocks is merged into one of one block: nothing moves after that.
    let merged = place.path().join("volume-00000003");
    let start = Instant::now();
    while !std::fs::read_to_string(place.path().join("manifest.json")).unwrap().contains(r#""number":3"#) {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::yield_now();
    }
    let mut key = [0u8; 9];
    key[0] = b'b';
    assert!(engine.damage(&merged, &key, |value| value[60] ^= 1));
    let verified = journal.verify(&mut |_, _| ());
    assert!(verified.findings.iter().any(|finding| finding.damage), "{verified:?}");
    let read = roundtower::journal::Reader::read(&journal, Sequence::FIRST, 1000);
    assert!(read.is_err_and(|error| !error.retryable()));
}
