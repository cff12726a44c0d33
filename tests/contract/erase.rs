//! Erased records: nowhere in the files, everything else as it was, whatever happens meanwhile.

use std::path::Path;

use roundtower::call::Marks;
use roundtower::journal::embedded::Journal;
use roundtower::journal::erase::{EraseError, Fate};
use roundtower::journal::{Appender, Batch, Outcome, Reader, Record, Sequence};

use super::backends::{Place, call};

/// Something of the person that must be nowhere afterwards.
const CANARY: &str = "canary-7d1f";

/// The calls: every seventh is hers, every eleventh somebody else's on her device.
fn append_calls(journal: &Journal, range: std::ops::Range<u32>) {
    for number in range {
        let mut call = call(&format!("m{number}"), 300);
        if number % 7 == 0 {
            call.message_id = roundtower::call::ids::MessageId::parse(format!("{CANARY}-{number}")).unwrap();
            call.payload = format!(r#"{{"note":"{CANARY}","n":{number}}}"#).into();
        } else if number % 11 == 0 {
            call.anonymous_id = Some(roundtower::call::ids::AnonymousId::parse(CANARY).unwrap());
        }
        let mut batch = Batch::new("s".into(), roundtower::call::time::Time::from_millis(i64::from(number)), 512);
        batch.push(&call).unwrap();
        journal.append(batch).unwrap().wait().unwrap();
    }
}

fn fate(record: &Record<'_>) -> Fate {
    let call = &record.call;
    if call.payload.contains(CANARY) {
        Fate::Erase("first".to_owned())
    } else if call.anonymous_id.is_some() {
        Fate::Unname
    } else {
        Fate::Keep
    }
}

/// Every record as text, without what an erasure changes.
fn others(journal: &Journal) -> Vec<String> {
    let (mut at, mut found) = (journal.first(), Vec::new());
    while at < journal.tail().next() {
        let slice = journal.read(at, 1 << 16).unwrap();
        for record in slice.records() {
            let record = record.unwrap();
            if record.call.payload.contains(CANARY) || record.is_erased() {
                continue;
            }
            let mut call = record.call.clone();
            call.anonymous_id = None;
            call.marks = Marks(call.marks.0 & !Marks::UNNAMED.0);
            found.push(format!("{} {} {:?} {call:?}", record.sequence, record.source, record.received_at));
        }
        at = slice.next;
    }
    found
}

/// Every block of every volume, decompressed, and every file as it is.
fn assert_nowhere(journal: &Journal, folder: &Path) {
    let mut at = journal.first();
    while at < journal.tail().next() {
        let slice = journal.read(at, 1).unwrap();
        for record in slice.records() {
            assert!(!format!("{:?}", record.unwrap()).contains(CANARY));
        }
        at = slice.next;
    }
    for entry in walk(folder) {
        let bytes = std::fs::read(&entry).unwrap();
        assert!(memchr::memmem::find(&bytes, CANARY.as_bytes()).is_none(), "{}", entry.display());
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

fn assert_verifies(journal: &Journal) {
    assert_eq!(journal.verify(&mut |_, _| {}).findings, []);
}

fn volumes(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("volume-")).collect();
    names.sort();
    names
}

#[test]
fn j8_what_was_erased_is_in_no_file_and_everything_else_is_as_it_was() {
    let mut place = Place::sled();
    place.settings.open_volume_bytes_max = 8_000;
    let journal = place.open();
    append_calls(&journal, 1..400);
    let before = others(&journal);
    let folders = volumes(&place);
    assert!(folders.len() > 2, "several volumes: {folders:?}");
    // Somebody who reads meanwhile reads on.
    let slice = journal.read(Sequence::FIRST, 1 << 20).unwrap();
    let erased = journal.erase(journal.tail().next(), &fate, &|| true).unwrap();
    assert_eq!(erased.calls.into_iter().collect::<Vec<_>>(), [("first".to_owned(), 57)]);
    assert!(erased.touched.is_sorted() && erased.touched.contains(&Sequence::new(7)));
    assert!(erased.touched.contains(&Sequence::new(11)), "one that lost its anonymousId");
    assert!(slice.records().all(|record| record.is_ok()));
    assert_eq!(others(&journal), before);
    assert_nowhere(&journal, &place.path());
    assert_verifies(&journal);
    assert_eq!(journal.accounts().totals().1, 399, "the place of each stays");
    assert!(journal.find("s", &format!("{CANARY}-7")).unwrap().is_none());

    append_calls(&journal, 500..520);
    let again = journal.erase(Sequence::new(400), &|_| Fate::Keep, &|| true).unwrap();
    assert_eq!(
        (again.calls["first"], again.touched.len()),
        (57, erased.touched.len()),
        "told again from what is there"
    );
    journal.close();
    drop((journal, slice));

    std::fs::remove_dir_all(place.path().join("ids")).unwrap();
    let journal = place.open();
    assert_eq!(others(&journal).len(), before.len() + 20 - 3, "504, 511 and 518 came later and stay");
    assert_verifies(&journal);
}

/// Late copies are known by what stayed, also when the ids are made again from the volumes.
#[test]
fn j4_j8_a_late_copy_of_an_erased_call_is_a_duplicate() {
    let place = Place::sled();
    let mut journal = place.open();
    append_calls(&journal, 1..30);
    journal.erase(journal.tail().next(), &fate, &|| true).unwrap();
    for reopened in [false, true] {
        if reopened {
            journal.close();
            drop(journal);
            std::fs::remove_dir_all(place.path().join("ids")).unwrap();
            journal = place.open();
        }
        let mut batch = Batch::new("s".into(), roundtower::call::time::Time::from_millis(7), 512);
        batch.push(&call(&format!("{CANARY}-7"), 10)).unwrap();
        batch.push(&call("m8", 10)).unwrap();
        let outcomes = journal.append(batch).unwrap().wait().unwrap();
        assert_eq!(outcomes, [Outcome::Duplicate(Sequence::new(7)), Outcome::Duplicate(Sequence::new(8))]);
    }
    assert_nowhere(&journal, &place.path());
}

/// Whichever sync fails, and whatever the power cut after it loses: nothing of others is lost, and erasing again finishes.
#[test]
fn j8_an_erasure_that_was_cut_is_finished_by_the_next_one() {
    let mut failed = 0;
    for failing in 1.. {
        let (mut place, engine) = Place::memory();
        place.settings.open_volume_bytes_max = 6_000;
        let journal = place.open();
        append_calls(&journal, 1..120);
        let before = others(&journal);
        engine.fail_sync(engine.syncs() + failing);
        let ended = journal.erase(journal.tail().next(), &fate, &|| true);
        journal.close();
        drop(journal);
        engine.cut_power();
        let journal = place.open();
        assert_eq!(others(&journal), before, "sync {failing}");
        assert_verifies(&journal);
        let erased = journal.erase(Sequence::new(120), &fate, &|| true).unwrap();
        assert_eq!(erased.calls["first"], 17, "sync {failing}");
        assert_nowhere(&journal, &place.path());
        assert_eq!(others(&journal), before, "sync {failing}");
        assert_verifies(&journal);
        journal.close();
        match ended {
            Err(EraseError::Closing | EraseError::Failed(_)) => failed += 1,
            Ok(_) => break,
            Err(other) => panic!("sync {failing}: {other}"),
        }
    }
    assert!(failed > 3, "{failed} syncs of an erasure failed");
}

/// Senders go on while volumes are written again.
#[test]
fn j8_calls_that_come_meanwhile_are_taken() {
    let mut place = Place::sled();
    place.settings.open_volume_bytes_max = 8_000;
    let journal = place.open();
    append_calls(&journal, 1..200);
    let end = journal.tail().next();
    std::thread::scope(|scope| {
        let sends = scope.spawn(|| append_calls(&journal, 1_000..1_200));
        journal.erase(end, &fate, &|| true).unwrap();
        sends.join().unwrap();
    });
    let hers = (1_000..1_200).filter(|number| number % 7 == 0).count();
    assert_eq!(others(&journal).len(), 199 - 28 + 200 - hers);
    journal.erase(journal.tail().next(), &fate, &|| true).unwrap();
    assert_nowhere(&journal, &place.path());
    assert_verifies(&journal);
}
