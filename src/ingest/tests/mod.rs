//! Ingest as a whole, on a journal in memory: request in, receipt out, records as an export shows them.

mod bad_input;
mod batch;
mod calls;
mod import;
mod keys;
mod routes;
mod times;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::source::{KeyHash, Kind, Merges, Source, Sources};
use super::{
    Authorization, Code, Credentials, Ingest, Receipt, Refusal, Request, Route, Sender, rejections::Rejections,
    settings::Settings,
};
use crate::call::CallType;
use crate::call::render::export_line;
use crate::call::secret::Secret;
use crate::call::time::Time;
use crate::clock::Clock;
use crate::journal::memory::MemoryJournal;
use crate::journal::{Appender, Reader};

/// The moment at which every test request arrives.
const NOW: &str = "2026-11-23T12:00:00.000Z";

const TRACK: Route = Route::Single { kind: CallType::Track, short: false };
const BATCH: Route = Route::Batch { short: false };

/// Ingest with one source `web` (key `key`), one `careful` (key `careful`, whose aliases merge anonymous ids only), one `signed` (key `signed`, secret `secret`) and one `off` (key `off`).
struct House {
    journal: Arc<MemoryJournal>,
    rejections: Arc<Rejections>,
    ingest: Ingest,
}

impl House {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let sources = Arc::new(Sources::new());
        let source = |name: &str, enabled, signing_secret| {
            let merges = if name == "careful" { Merges::Anonymous } else { Merges::All };
            let source = Source {
                name: name.into(),
                kind: Kind::Server,
                enabled,
                signing_secret,
                merges,
                deletes: name == "deleting",
            };
            (KeyHash::of(if name == "web" { "key" } else { name }), Arc::new(source))
        };
        sources.replace([
            source("web", true, None),
            source("careful", true, None),
            source("signed", true, Some(Secret::new("secret".to_owned()))),
            source("off", false, None),
        ]);
        let (journal, rejections) = (Arc::new(MemoryJournal::default()), Arc::new(Rejections::new(&settings)));
        let clock = Clock::hand(Time::parse(NOW).unwrap());
        let appender: Arc<dyn Appender> = Arc::clone(&journal) as Arc<dyn Appender>;
        let ingest = Ingest::new(appender, sources, Arc::clone(&rejections), settings, clock);
        Self { journal, rejections, ingest }
    }

    fn take(&self, request: Request) -> Result<Receipt, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let receipt = runtime.block_on(self.ingest.take(request));
        let (received, appended, duplicate, rejected) = self.journal.accounts().totals();
        assert_eq!(received, appended + duplicate + rejected);
        receipt
    }

    /// Sends a body with the key of `web`.
    fn send(&self, route: Route, body: impl Into<Bytes>) -> Result<Receipt, Refusal> {
        self.take(request(route, body))
    }

    /// Sends one message on the route of its type and gives back the record.
    fn record(&self, message: &Value) -> Value {
        let kind = CallType::parse(message["type"].as_str().unwrap()).unwrap();
        let receipt = self.send(Route::Single { kind, short: false }, message.to_string()).unwrap();
        assert_eq!(receipt.counts.appended, 1, "{receipt:?}");
        self.records().pop().unwrap()
    }

    /// Sends one message in a batch and gives back why it was rejected.
    fn rejection(&self, message: &Value) -> Code {
        let receipt = self.send(BATCH, json!({ "batch": [message] }).to_string()).unwrap();
        assert_eq!(receipt.notes, [Code::EmptyBatchResult], "{receipt:?}");
        let code = receipt.items[0].code.unwrap();
        assert_eq!(self.logged().first(), Some(&code));
        code
    }

    /// All records as an export shows them.
    fn records(&self) -> Vec<Value> {
        self.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn lines(&self) -> Vec<String> {
        let slice = self.journal.read(self.journal.first(), usize::MAX).unwrap();
        let line = |record: Result<crate::journal::Record<'_>, _>| {
            let (record, mut out) = (record.unwrap(), Vec::new());
            export_line(&record.call, record.source, record.received_at, record.sequence.get(), &mut out);
            String::from_utf8(out).unwrap()
        };
        slice.records().map(line).collect()
    }

    /// The marks of the newest record.
    fn marks(&self) -> crate::call::Marks {
        let slice = self.journal.read(self.journal.first(), usize::MAX).unwrap();
        slice.records().last().unwrap().unwrap().call.marks
    }

    /// The codes in the list of rejections, newest first.
    fn logged(&self) -> Vec<Code> {
        self.rejections.page(None, usize::MAX, |_| true).items.iter().map(|one| one.code).collect()
    }
}

fn request(route: Route, body: impl Into<Bytes>) -> Request {
    Request {
        route,
        credentials: Credentials { authorization: Authorization::Basic("key".to_owned()), ..Credentials::default() },
        content_encoding: None,
        body: body.into(),
        sender: Sender { ip: Some([192, 0, 2, 7].into()), ..Sender::default() },
        signature: None,
        receipts: true,
    }
}

/// A track call with an id, and these members.
fn track(members: Value) -> Value {
    let mut message = json!({"type": "track", "userId": "u1", "event": "E", "timestamp": NOW});
    let Value::Object(members) = members else { panic!("members are an object") };
    message.as_object_mut().unwrap().extend(members);
    message
}
