//! What every bad input is checked with: a server shared by the tests that run at the same time, and a tag of its own.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::{Value, json};

use crate::support::http::{self, Answer};
use crate::support::{Setup, TestServer};

/// Every request comes from a page of another origin, so that every answer has to carry the CORS headers.
pub(super) const ORIGIN: &str = "https://shop.example";

static SHARED: Mutex<Weak<TestServer>> = Mutex::new(Weak::new());
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// One bad input: a server, and a tag that no other test uses, to find again what this one sent.
pub(super) struct Case {
    server: Arc<TestServer>,
    tag: String,
}

impl Case {
    /// On the shared server. The last test that uses it ends it.
    pub(super) fn new() -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(setup().start());
            *shared = Arc::downgrade(&started);
            started
        });
        Self::on(server)
    }

    /// On a server of its own.
    pub(super) fn with(setup: Setup) -> Self {
        Self::on(Arc::new(setup.start()))
    }

    fn on(server: Arc<TestServer>) -> Self {
        Self { server, tag: format!("case{}x", NUMBER.fetch_add(1, Ordering::SeqCst)) }
    }

    pub(super) fn server(&self) -> &TestServer {
        &self.server
    }

    /// Stands in every body that this test sends.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// An id that only this test uses.
    pub(super) fn id(&self, name: &str) -> String {
        format!("{}{name}", self.tag)
    }

    /// A good track call with this message id, to be bent by the test.
    pub(super) fn track(&self, message_id: &str) -> Value {
        json!({"type": "track", "event": "Tried", "userId": self.id("user"), "messageId": self.id(message_id)})
    }

    /// The same with one member replaced (or removed, by `Value::Null` in `remove`).
    pub(super) fn track_with(&self, message_id: &str, member: &str, value: Value) -> Value {
        let mut call = self.track(message_id);
        call[member] = value;
        call
    }

    pub(super) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.post_with(path, &[], body)
    }

    pub(super) fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, body.to_string())
    }

    /// With more headers; a given `Authorization` replaces the usual one.
    pub(super) fn post_with(&self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        let key = http::basic("server-key");
        let mut all = vec![("Origin", ORIGIN), ("X-Roundtower-Receipt", "1")];
        if !headers.iter().any(|(name, _)| *name == "Authorization") {
            all.push(("Authorization", &key));
        }
        all.extend(headers.iter().filter(|(name, value)| !(*name == "Authorization" && value.is_empty())));
        self.server.request("POST", path, &all, body)
    }

    /// What is in the journal of this test, in order.
    pub(super) fn stored(&self) -> Vec<Value> {
        self.server.export().into_iter().filter(|call| call.to_string().contains(&self.tag)).collect()
    }

    /// The one record that this test left.
    pub(super) fn stored_one(&self) -> Value {
        let stored = self.stored();
        assert_eq!(stored.len(), 1, "one record expected: {stored:?}");
        stored.into_iter().next().unwrap()
    }

    pub(super) fn stored_none(&self) {
        let stored = self.stored();
        assert!(stored.is_empty(), "nothing expected: {stored:?}");
    }

    /// The codes in the list of rejections that belong to this test, newest first.
    pub(super) fn rejected(&self) -> Vec<String> {
        self.rejections().iter().map(code_of).collect()
    }

    /// The entries of the list of rejections that carry this test's tag.
    pub(super) fn rejections(&self) -> Vec<Value> {
        self.all_rejections().into_iter().filter(|item| item.to_string().contains(&self.tag)).collect()
    }

    /// The newest entries, whoever caused them.
    pub(super) fn all_rejections(&self) -> Vec<Value> {
        let answer = self.server.get_as("admin-token", "/api/rejections?limit=500");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["items"].as_array().expect("a list of items").clone()
    }

    /// Whole request refused: status, code, shape, CORS, no echo, an entry with the code, nothing stored, still serving.
    pub(super) fn refused(&self, answer: &Answer, status: u16, code: &str) {
        assert_refusal(answer, status, code);
        assert!(!answer.text().contains(&self.tag), "the answer echoes the input: {}", answer.text());
        let listed = self.all_rejections().iter().any(|item| code_of(item) == code);
        assert!(listed, "no rejection with {code} is listed");
        self.stored_none();
        self.still_serves();
    }

    /// One message refused inside a 200: receipt, list of rejections, nothing stored, still serving.
    pub(super) fn dropped(&self, answer: &Answer, code: &str) {
        assert_success(answer);
        assert_eq!(receipts(answer), [("rejected".to_owned(), code.to_owned())], "{}", answer.text());
        assert!(self.rejected().iter().any(|listed| listed == code), "{code} is not in {:?}", self.rejected());
        self.stored_none();
        self.still_serves();
    }

    /// One message taken; its record.
    pub(super) fn taken(&self, answer: &Answer) -> Value {
        assert_success(answer);
        assert_eq!(receipts(answer), [("appended".to_owned(), String::new())], "{}", answer.text());
        self.stored_one()
    }

    /// The next good request works, whatever came before.
    pub(super) fn still_serves(&self) {
        let good = json!({"userId": "somebody", "event": "Good"}).to_string();
        assert_success(&self.post("/v1/track", good));
    }
}

/// The settings of all these tests: enough room in the list of rejections for everybody who runs at the same time.
pub(super) fn setup() -> Setup {
    Setup::default().tables("[ingest]\nrejections_max = 5000\n[http]\nunknown_key_answers_per_minute = 100000\n")
}

/// A server that takes `Track` for `track`.
pub(super) fn lenient() -> Setup {
    Setup::default().tables("[ingest]\nlenient_types = true\n")
}

/// A server that drops the numbers it gets as ids, as Segment does.
pub(super) fn strict() -> Setup {
    Setup::default().tables("[ingest]\nstrict_ids = true\n")
}

pub(super) fn code_of(item: &Value) -> String {
    item["code"].as_str().unwrap_or_default().to_owned()
}

/// `(status, code)` of each receipt; the code is empty when there is none.
pub(super) fn receipts(answer: &Answer) -> Vec<(String, String)> {
    let items = answer.json()["receipts"].as_array().expect("receipts were asked for").clone();
    items.iter().map(|item| (item["status"].as_str().unwrap_or_default().to_owned(), code_of(item))).collect()
}

/// Exactly 200, `{"success":true, ...}`, JSON, CORS.
pub(super) fn assert_success(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["success"], true, "{}", answer.text());
    assert_json_and_cors(answer);
}

/// An error as Segment's clients read it: `success`, `code`, `message`, `error`.
pub(super) fn assert_refusal(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["success"], false, "{body}");
    assert_eq!(body["code"], code, "{body}");
    for member in ["message", "error"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member} is missing: {body}");
    }
    assert!(answer.body.len() < 1024, "errors are small: {body}");
    assert_json_and_cors(answer);
}

pub(super) fn assert_json_and_cors(answer: &Answer) {
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/json"), "content type {kind:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "{:?}", answer.headers);
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_ascii_lowercase();
    assert!(exposed.contains("retry-after"), "a browser could not read Retry-After: {:?}", answer.headers);
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `{"a":{"a":...}}` with `depth` objects.
pub(super) fn nested(depth: usize) -> String {
    let mut text = "{\"a\":".repeat(depth.saturating_sub(1));
    text.push_str("{}");
    text.push_str(&"}".repeat(depth.saturating_sub(1)));
    text
}
