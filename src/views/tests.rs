//! The promises of the room: pure folds, whatever the slices, checkpoints and crashes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::entry::ListId;
use super::identity::IdKind;
use super::rebuild::rebuild;
use super::settings::Settings;
use super::*;
use crate::call::ids::{AnonymousId, GroupId, MessageId, UserId};
use crate::call::time::Time;
use crate::call::{Call, CallType, Marks, Target};
use crate::journal::memory::MemoryJournal;
use crate::journal::{Appender, Batch, Outcome, Reader, Sequence};
use crate::store::Engine;
use crate::store::sled::SledEngine;

const PATIENCE: Duration = Duration::from_secs(30);

/// A call of the tests.
fn call(kind: CallType, id: u64, user: Option<u8>, anonymous: Option<u8>, at: i64) -> Call<'static> {
    Call {
        kind,
        message_id: MessageId::parse(format!("m{id}")).unwrap(),
        user_id: user.map(|user| UserId::parse(format!("u{user}")).unwrap()),
        anonymous_id: anonymous.map(|anonymous| AnonymousId::parse(format!("a{anonymous}")).unwrap()),
        target: Target::None,
        name: None,
        category: None,
        timestamp: Time::from_millis(at),
        original_timestamp: Time::from_millis(at),
        sent_at: None,
        channel: "server".into(),
        payload: "{}".into(),
        context: "{}".into(),
        integrations: None,
        extra: "{}".into(),
        marks: Marks::default(),
    }
}

/// Appends calls one by one; returns the sequence of the last.
fn append(journal: &MemoryJournal, calls: &[Call<'_>]) -> Sequence {
    let mut last = Sequence::FIRST;
    for (at, call) in calls.iter().enumerate() {
        let received_at = Time::from_millis(1_000_000 + i64::try_from(at).unwrap() * 10);
        let mut batch = Batch::new(Arc::from("web"), received_at, 100);
        batch.push(call).unwrap();
        let outcomes = journal.append(batch).unwrap().wait().unwrap();
        if let Some(Outcome::Appended(at)) = outcomes.first() {
            last = *at;
        }
    }
    last
}

struct Home {
    folder: tempfile::TempDir,
    engine: Arc<dyn Engine>,
    reader: Arc<dyn Reader>,
}

impl Home {
    fn new(journal: &Arc<MemoryJournal>) -> Self {
        let reader: Arc<dyn Reader> = Arc::clone(journal) as Arc<dyn Reader>;
        Self { folder: tempfile::tempdir().unwrap(), engine: Arc::new(SledEngine), reader }
    }

    fn dir(&self) -> &Path {
        self.folder.path()
    }

    fn open(&self, settings: &Settings) -> Views {
        Views::open(self.dir(), &self.engine, &self.reader, settings).unwrap()
    }

    fn rebuilt(&self, slice_records: usize) -> [u8; 32] {
        let settings = Settings { slice_records: Some(slice_records), search_delay_ms: 1, ..Settings::default() };
        rebuild(self.dir(), &self.engine, &self.reader, &settings, &mut |_, _| {}).unwrap().digest
    }
}

fn wait(views: &Views, last: Sequence) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(runtime.block_on(views.wait(last, PATIENCE)), "stopped: {:?}", views.status());
}

/// A random call: everything that changes a view, with ids that collide.
fn any_call() -> impl Strategy<Value = (u8, Option<u8>, Option<u8>, u8, i64, u8)> {
    (0..9_u8, proptest::option::of(0..5_u8), proptest::option::of(0..5_u8), 0..6_u8, 0..2_000_000_i64, any::<u8>())
}

fn made(
    id: u64,
    (kind, user, anonymous, other, at, value): (u8, Option<u8>, Option<u8>, u8, i64, u8),
) -> Call<'static> {
    let anonymous = if user.is_none() { Some(anonymous.unwrap_or(0)) } else { anonymous };
    let mut made = match kind {
        0..=2 => call(CallType::Track, id, user, anonymous, at),
        3 => call(CallType::Page, id, user, anonymous, at),
        4 | 5 => call(CallType::Identify, id, user, anonymous, at),
        6 => call(CallType::Group, id, user, anonymous, at),
        _ => call(CallType::Alias, id, Some(user.unwrap_or(0)), None, at),
    };
    match made.kind {
        CallType::Track => made.name = Some(format!("event {other}").into()),
        CallType::Identify => {
            if value % 3 == 0 {
                let class = if value % 2 == 0 { "audience" } else { "journey_step" };
                made.context = format!(r#"{{"personas":{{"computation_class":"{class}"}}}}"#).into();
            }
            made.payload = if value < 30 {
                "{\"t\":null}".into()
            } else if value < 90 {
                format!("{{\"t\":{},\"k{other}\":true}}", value < 60).into()
            } else {
                format!("{{\"t\":{value},\"k{other}\":{value}}}").into()
            };
        }
        CallType::Group => {
            made.target = Target::Group(GroupId::parse(format!("g{other}")).unwrap());
            made.payload = format!("{{\"plan\":{value}}}").into();
        }
        CallType::Alias => {
            let previous = if value < 128 { format!("u{other}") } else { format!("a{other}") };
            made.target = Target::Previous(UserId::parse(previous).unwrap());
        }
        _ => {}
    }
    if value > 250 {
        made.marks = Marks::FILTERED;
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Live with many checkpoints and reopenings, rebuilt at once, rebuilt in slices: one digest.
    #[test]
    fn the_digest_does_not_depend_on_slices_checkpoints_or_restarts(
        calls in proptest::collection::vec(any_call(), 1..250),
        cuts in proptest::collection::vec(1..80_usize, 0..4),
        clean in any::<bool>(),
    ) {
        let journal = Arc::new(MemoryJournal::default());
        let home = Home::new(&journal);
        let calls: Vec<_> = calls.into_iter().enumerate().map(|(id, one)| made(id as u64, one)).collect();
        let small = Settings { memory_bytes: 12_000, search_delay_ms: 1, ..Settings::default() };
        let mut rest = calls.as_slice();
        for cut in cuts {
            let (some, more) = rest.split_at(cut.min(rest.len()));
            rest = more;
            let views = home.open(&small);
            wait(&views, append(&journal, some).max(Sequence::FIRST));
            if clean {
                views.close();
            } else {
                views.crash();
            }
            drop(views);
        }
        let views = home.open(&small);
        if !rest.is_empty() {
            append(&journal, rest);
        }
        wait(&views, Sequence::new(journal.tail().next().get() - 1));
        let live = views.digest().unwrap().1;
        views.close();
        let other = Home::new(&journal);
        for slice_records in [1, 7, 256] {
            prop_assert_eq!(live, other.rebuilt(slice_records), "slices of {}", slice_records);
        }
    }
}

#[test]
fn a_record_that_cannot_be_folded_is_parked_and_the_rest_goes_on() {
    let journal = Arc::new(MemoryJournal::default());
    let home = Home::new(&journal);
    let mut bad = call(CallType::Track, 1, None, None, 5);
    bad.marks = Marks::CONTROL;
    bad.name = Some("nothing known".into());
    let last = append(
        &journal,
        &[call(CallType::Track, 0, Some(1), None, 5), bad, call(CallType::Track, 2, Some(1), None, 6)],
    );
    let views = home.open(&Settings::default());
    wait(&views, last);
    let parked = views.parked().unwrap();
    assert_eq!(parked.iter().map(|one| one.sequence.get()).collect::<Vec<_>>(), [2]);
    assert!(parked[0].reason.contains("control record"), "{}", parked[0].reason);
    let events = views.read(|snapshot| {
        let node = snapshot.graph().node(IdKind::User, "u1").unwrap();
        snapshot.summary(snapshot.graph().root(node)).events
    });
    assert_eq!(events, 2);
    let digest = views.digest().unwrap();
    views.close();
    drop(views);
    let views = home.open(&Settings::default());
    assert_eq!((views.digest().unwrap(), views.parked().unwrap().len(), views.status().parked), (digest, 1, 1));
    views.close();
}

#[test]
fn damaged_views_are_made_anew() {
    let journal = Arc::new(MemoryJournal::default());
    let home = Home::new(&journal);
    let calls: Vec<_> = (0..50).map(|id| call(CallType::Track, id, Some(1), None, 5)).collect();
    let last = append(&journal, &calls);
    let views = home.open(&Settings::default());
    wait(&views, last);
    let digest = views.digest().unwrap();
    views.close();
    drop(views);
    let manifest = std::fs::read_dir(home.dir().join("runs")).unwrap();
    let files: Vec<_> = manifest.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    assert!(!files.is_empty());
    for file in &files {
        std::fs::write(file, "not a manifest").unwrap();
    }
    let views = home.open(&Settings::default());
    wait(&views, last);
    assert_eq!(views.digest().unwrap(), digest);
    views.close();
}

#[test]
fn lists_are_one_whether_entries_are_in_memory_or_on_disk() {
    let journal = Arc::new(MemoryJournal::default());
    let home = Home::new(&journal);
    let calls: Vec<_> = (0..700_u64)
        .zip((0..37_i64).cycle())
        .map(|(id, ago)| call(CallType::Page, id, Some(1), None, 5_000 - ago * 90))
        .collect();
    let (first, second) = calls.split_at(400);
    let views = home.open(&Settings::default());
    wait(&views, append(&journal, first));
    views.digest().unwrap();
    wait(&views, append(&journal, second));
    let (all, paged) = views.read(|snapshot| {
        let all: Vec<_> = snapshot.list(ListId::Feed, None).map(Result::unwrap).collect();
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page: Vec<_> = snapshot.list(ListId::Feed, before).take(13).map(Result::unwrap).collect();
            let Some(last) = page.last() else { break };
            before = Some(last.place);
            paged.extend(page);
        }
        (all, paged)
    });
    assert_eq!(all.len(), 700);
    assert!(all.is_sorted_by(|one, other| one.place > other.place));
    assert_eq!(all, paged);
    views.close();
}

/// Views that are made anew beside those in use say the same, and nothing of the old files stays.
#[test]
fn renewed_views_replace_the_old_ones_and_their_files() {
    let journal = Arc::new(MemoryJournal::default());
    let home = Home::new(&journal);
    let calls: Vec<_> = (0..500).map(|id| call(CallType::Track, id, Some((id % 9) as u8), None, 1_000)).collect();
    let last = append(&journal, &calls);
    let views = home.open(&Settings::default());
    assert!(views.wait_search(last, PATIENCE));
    let (through, digest) = views.digest().unwrap();
    let pinned = views.within(super::patience::Patience::new(Arc::default(), PATIENCE));
    assert!(views.renew(&|| false).is_err(), "told to stop");
    assert_eq!(views.digest().unwrap(), (through, digest), "nothing has changed");
    std::thread::scope(|scope| {
        let renewing = scope.spawn(|| views.renew(&|| true));
        // Whoever asks gets an answer, from the one or the other.
        while !home.dir().join("generation").exists() {
            assert_eq!(pinned.read(|snapshot| snapshot.through()), last.plus(1));
        }
        drop(pinned);
        renewing.join().unwrap().unwrap();
    });
    assert_eq!(views.digest().unwrap(), (through, digest));
    let names = |dir: &Path| {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    };
    assert_eq!(names(home.dir()), ["g1", "generation"]);
    let later = append(&journal, &[call(CallType::Track, 900, Some(1), None, 1_000)]);
    assert!(views.wait_search(later, PATIENCE) && views.through() == later.plus(1), "they follow the journal");
    views.close();
    drop(views);
    std::fs::create_dir_all(home.dir().join("g2/runs")).unwrap(); // what a crash leaves
    std::fs::create_dir_all(home.dir().join("cards")).unwrap();
    let views = home.open(&Settings::default());
    assert_eq!(names(home.dir()), ["g1", "generation"]);
    views.renew(&|| true).unwrap();
    assert_eq!(names(home.dir()), ["g2", "generation"]);
    assert_eq!(views.through(), later.plus(1));
    views.close();
}

/// An identify call that puts somebody into `vip`, or takes somebody out.
fn membership(id: u64, is_in: bool, at: i64) -> Call<'static> {
    let mut made = call(CallType::Identify, id, Some(u8::try_from(id % 5).unwrap()), None, at);
    made.context = r#"{"personas":{"computation_class":"audience","computation_key":"vip"}}"#.into();
    made.payload = format!(r#"{{"vip":{is_in},"plan":true}}"#).into();
    made
}

#[test]
fn who_came_and_went_is_counted_once_by_the_hour_of_the_call_in_memory_and_on_disk() {
    const HOUR: i64 = 3_600_000;
    let journal = Arc::new(MemoryJournal::default());
    let home = Home::new(&journal);
    // Late calls, calls from before 1970, and one from the future, which happened when it was received.
    let times = [0, HOUR - 1, -1, -HOUR, 0, 5 * HOUR];
    let calls: Vec<_> =
        (0..60_u64).zip(times.into_iter().cycle()).map(|(id, at)| membership(id, id % 3 != 0, at)).collect();
    let mut filtered = membership(60, true, 0);
    filtered.marks = Marks::FILTERED;
    let (first, second) = calls.split_at(25);
    let read = |views: &Views, hours| {
        let found = views.read(|snapshot| snapshot.turnovers("vip", hours)).unwrap();
        found.into_iter().map(|(hour, one)| (hour, one.entered, one.left)).collect::<Vec<_>>()
    };
    let expected = {
        let mut all = std::collections::BTreeMap::<i64, (u64, u64)>::new();
        for (id, at) in (0..60_u64).zip(times.into_iter().cycle()) {
            let count = all.entry(at.min(1_000_000).div_euclid(HOUR)).or_default();
            if id % 3 == 0 { count.1 += 1 } else { count.0 += 1 }
        }
        all.into_iter().map(|(hour, (entered, left))| (hour, entered, left)).collect::<Vec<_>>()
    };
    let views = home.open(&Settings::default());
    wait(&views, append(&journal, first));
    views.digest().unwrap();
    wait(&views, append(&journal, second).max(append(&journal, &[filtered])));
    assert_eq!(read(&views, i64::MIN..i64::MAX), expected);
    assert_eq!(read(&views, 0..1), expected[1..], "hours of a range");
    assert_eq!(read(&views, 1..1), []);
    assert!(views.read(|snapshot| snapshot.turnovers("plan", i64::MIN..i64::MAX)).unwrap().is_empty());
    let senders = |views: &Views| views.read(|snapshot| snapshot.sender(snapshot.source_no("web").unwrap()).cloned());
    let sender = senders(&views).unwrap();
    assert_eq!((sender.calls, sender.last_call_at), (61, Some(Time::from_millis(1_000_340))));
    views.close();
    drop(views);
    let views = home.open(&Settings::default());
    assert_eq!(read(&views, i64::MIN..i64::MAX), expected, "after a restart");
    assert_eq!(senders(&views).unwrap(), sender);
    views.close();
}

#[test]
fn views_of_an_older_program_are_made_anew_by_themselves() {
    let journal = Arc::new(MemoryJournal::default());
    let home = Home::new(&journal);
    let last = append(&journal, &[membership(1, true, 5), membership(2, false, 6)]);
    let views = home.open(&Settings::default());
    wait(&views, last);
    let digest = views.digest().unwrap();
    views.close();
    drop(views);
    let file = home.dir().join("runs/runs.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let framed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut manifest = framed["manifest"].clone();
    let current = manifest["format"].as_u64().unwrap();
    manifest["format"] = (current - 1).into();
    let manifest = manifest.to_string();
    let blake3 = blake3::hash(manifest.as_bytes()).to_hex();
    std::fs::write(&file, format!(r#"{{"manifest":{manifest},"blake3":"{blake3}"}}"#)).unwrap();
    let views = home.open(&Settings::default());
    wait(&views, last);
    assert_eq!(views.digest().unwrap(), digest);
    let now: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(now["manifest"]["format"], current);
    views.close();
}
