//! The backends under test, and calls to append.

use std::path::PathBuf;
use std::sync::Arc;

use roundtower::call::ids::{MessageId, UserId};
use roundtower::call::time::Time;
use roundtower::call::{Call, CallType, Marks, Target};
use roundtower::clock::Clock;
use roundtower::journal::embedded::{InstanceId, Journal, OpenError, OpenReport};
use roundtower::journal::memory::MemoryJournal;
use roundtower::journal::settings::Settings;
use roundtower::journal::{Appender, Batch, Outcome, Reader, Sequence};
use roundtower::store::Engine;
use roundtower::store::memory::MemoryEngine;
use roundtower::store::sled::SledEngine;

/// Both sides of a journal.
pub trait Both: Appender + Reader {}
impl<T: Appender + Reader> Both for T {}

/// A folder with a journal in it that can be opened again and again.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub engine: Arc<dyn Engine>,
    pub settings: Settings,
}

impl Place {
    pub fn sled() -> Self {
        Self::on(Arc::new(SledEngine))
    }

    pub fn memory() -> (Self, MemoryEngine) {
        let engine = MemoryEngine::default();
        (Self::on(Arc::new(engine.clone())), engine)
    }

    fn on(engine: Arc<dyn Engine>) -> Self {
        let settings = Settings { disk_free_bytes_min: 0, ..Settings::default() };
        Self { folder: tempfile::tempdir().unwrap(), engine, settings }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    pub fn try_open(&self) -> Result<(Journal, OpenReport), OpenError> {
        let clock = Clock::hand(Time::from_millis(1_800_000_000_000));
        Journal::open_on(Arc::clone(&self.engine), &self.path(), InstanceId([7; 16]), &self.settings, &clock)
    }

    pub fn open(&self) -> Journal {
        self.try_open().unwrap().0
    }
}

/// Runs a test on every backend.
pub fn each(test: impl Fn(&str, &dyn Both)) {
    test("memory", &MemoryJournal::default());
    let place = Place::sled();
    let journal = place.open();
    test("sled", &journal);
    journal.close();
}

/// A track call with this message id and about `bytes` bytes of properties.
pub fn call(message_id: &str, bytes: usize) -> Call<'static> {
    let filler: String = message_id.chars().cycle().take(bytes).collect();
    Call {
        kind: CallType::Track,
        message_id: MessageId::parse(message_id.to_owned()).unwrap(),
        user_id: Some(UserId::parse(format!("user of {message_id}")).unwrap()),
        anonymous_id: None,
        target: Target::None,
        name: Some("Tested".into()),
        category: None,
        timestamp: Time::from_millis(1_700_000_000_123),
        original_timestamp: Time::from_millis(1_700_000_000_000),
        sent_at: None,
        channel: "server".into(),
        payload: format!(r#"{{"filler":"{filler}"}}"#).into(),
        context: "{}".into(),
        integrations: None,
        extra: "{}".into(),
        marks: Marks::default(),
    }
}

/// A batch of one source with these message ids.
pub fn batch(source: &str, ids: impl IntoIterator<Item = impl AsRef<str>>) -> Batch {
    let mut batch = Batch::new(source.into(), Time::from_millis(1_700_000_000_500), 0);
    for id in ids {
        batch.push(&call(id.as_ref(), 100)).unwrap();
    }
    batch
}

/// Appends and waits.
pub fn append(journal: &dyn Both, source: &str, ids: &[&str]) -> Vec<Outcome> {
    journal.append(batch(source, ids)).unwrap().wait().unwrap()
}

/// The message ids of everything in the journal with their sequences, read in small slices.
pub fn read_all(journal: &dyn Reader, bytes: usize) -> Vec<(u64, String)> {
    let (mut all, mut at) = (Vec::new(), Sequence::FIRST);
    loop {
        let slice = journal.read(at, bytes).unwrap();
        if slice.is_empty() {
            return all;
        }
        for record in slice.records() {
            let record = record.unwrap();
            assert_eq!(record.call, call(record.call.message_id.as_str(), record_filler(&record.call)));
            all.push((record.sequence.get(), record.call.message_id.as_str().to_owned()));
        }
        at = slice.next;
    }
}

fn record_filler(call: &Call<'_>) -> usize {
    call.payload.len() - r#"{"filler":""}"#.len()
}
