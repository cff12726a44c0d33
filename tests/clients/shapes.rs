//! Requests in the shapes of server SDKs that need toolchains of their own: Ruby, Go, Java, PHP, .NET, and the crate's.
//!
//! Headers, paths and envelopes are written as those SDKs write them; nothing is added for the server's convenience.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use roundtower::clock::Clock;
use serde_json::{Value, json};

use super::arrival::Arrivals;
use crate::support::{TestServer, http};

/// How an SDK writes times.
#[derive(Clone, Copy, Debug)]
pub(super) enum Times {
    /// Milliseconds and `Z`.
    Zulu,
    /// Milliseconds and a local offset.
    Local,
    /// Whole seconds and an offset, as PHP's `date('c')`.
    Seconds,
    /// Nine digits, as Go.
    Nanos,
    /// Seven digits and a local offset, as .NET's "o".
    Ticks,
}

impl Times {
    /// Now, written this way.
    pub(super) fn now(self) -> String {
        let now = Timestamp::from_millisecond(Clock::System.now().as_millis()).expect("a time");
        let (hours, format) = match self {
            Self::Zulu => return format!("{now:.3}"),
            Self::Local => (2, "%Y-%m-%dT%H:%M:%S.%3f%:z"),
            Self::Seconds => (0, "%Y-%m-%dT%H:%M:%S%:z"),
            Self::Nanos => return format!("{now:.9}"),
            Self::Ticks => (-5, "%Y-%m-%dT%H:%M:%S.%7f%:z"),
        };
        now.to_zoned(TimeZone::fixed(Offset::constant(hours))).strftime(format).to_string()
    }
}

/// One message of each type, with the members that all SDKs write.
pub(super) fn six(prefix: &str, times: Times) -> Vec<Value> {
    let bodies = [
        json!({ "type": "identify", "traits": { "email": "ada@example.com", "plan": "free" } }),
        json!({ "type": "track", "event": "Order Completed", "properties": { "revenue": 39.95, "note": "塔 🏰" } }),
        json!({ "type": "page", "name": "Home", "category": "Docs", "properties": { "path": "/" } }),
        json!({ "type": "screen", "name": "Inbox", "properties": { "unread": 3 } }),
        json!({ "type": "group", "groupId": "group-1", "traits": { "name": "Analytical Engines" } }),
        json!({ "type": "alias", "userId": "user-2", "previousId": "user-1" }),
    ];
    let mut messages = Vec::from(bodies);
    for (index, message) in messages.iter_mut().enumerate() {
        let fields = message.as_object_mut().expect("an object");
        fields.entry("userId").or_insert_with(|| json!("user-1"));
        fields.insert("messageId".to_owned(), json!(format!("{prefix}-{index}")));
        fields.insert("timestamp".to_owned(), json!(times.now()));
    }
    messages
}

/// The messages with this member added.
pub(super) fn each_with(mut messages: Vec<Value>, key: &str, value: &Value) -> Vec<Value> {
    for message in &mut messages {
        message[key] = value.clone();
    }
    messages
}

/// `library` as it stands in a context.
pub(super) fn library(name: &str, version: &str) -> Value {
    json!({ "library": { "name": name, "version": version } })
}

/// Compressed as HTTP's `gzip`.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Posts and insists on the answer that every SDK takes for success: exactly 200, a JSON object.
pub(super) fn post(arrivals: &Arrivals, path: &str, headers: &[(&str, &str)], body: &[u8]) {
    let answer = arrivals.server.request("POST", path, headers, body);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"success":true}"#), "{answer:?}");
    let content_type = answer.header("content-type").expect("a content type");
    assert!(content_type.starts_with("application/json"), "{content_type}");
}

fn servers() -> Arrivals {
    Arrivals::from_servers(TestServer::start())
}

#[test]
fn ruby() {
    let mut arrivals = servers();
    let mut batch = each_with(six("ruby", Times::Local), "context", &library("analytics-ruby", "2.5.0"));
    batch = each_with(batch, "integrations", &json!({}));
    batch = each_with(batch, "anonymousId", &Value::Null);
    batch[2]["name"] = json!("");
    let body = json!({ "sentAt": Times::Local.now(), "batch": batch }).to_string();
    let headers = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("User-Agent", "analytics-ruby/2.5.0"),
        ("Accept-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
        ("Authorization", &http::basic(arrivals.key())),
    ];
    post(&arrivals, "/v1/import", &headers, body.as_bytes());
    arrivals.assert_exactly(&batch);
}

/// The library stands in the envelope only.
#[test]
fn go() {
    let mut arrivals = servers();
    let (batch, context) = (six("go", Times::Nanos), library("analytics-go", "3.0.0"));
    let body = json!({ "messageId": "go-batch", "sentAt": Times::Nanos.now(), "batch": batch, "context": context });
    let headers = [
        ("User-Agent", "analytics-go (version: 3.0.0)"),
        ("Content-Type", "application/json"),
        ("Authorization", &http::basic(arrivals.key())),
        ("Accept-Encoding", "gzip"),
    ];
    post(&arrivals, "/v1/batch", &headers, body.to_string().as_bytes());
    arrivals.assert_exactly(&each_with(batch, "context", &context));
}

/// The path ends with a slash, and the key is in the header and in the envelope.
#[test]
fn java() {
    let mut arrivals = servers();
    let own = json!({ "app": { "name": "shop" } });
    let batch = each_with(six("java", Times::Zulu), "context", &own);
    let body = json!({
        "batch": batch, "sentAt": Times::Zulu.now(), "context": library("analytics-java", "3.5.4"), "sequence": 1,
        "writeKey": arrivals.key(),
    });
    let headers = [
        ("Authorization", &*http::basic(arrivals.key())),
        ("User-Agent", "analytics-java/3.5.4"),
        ("Content-Type", "application/json; charset=UTF-8"),
        ("Connection", "Keep-Alive, close"),
        ("Accept-Encoding", "gzip"),
    ];
    post(&arrivals, "/v1/import/", &headers, body.to_string().as_bytes());
    let mut both = own;
    both["library"] = json!({ "name": "analytics-java", "version": "3.5.4" });
    arrivals.assert_exactly(&each_with(batch, "context", &both));
}

/// libcurl asks before it sends a body of more than a kilobyte.
#[test]
fn php_curl_gzip() {
    let mut arrivals = servers();
    let batch = each_with(six("php", Times::Seconds), "context", &php_context("LibCurl"));
    let body = gzip(json!({ "batch": batch, "sentAt": Times::Seconds.now() }).to_string().as_bytes());
    let headers = [
        ("Authorization", &*http::basic(arrivals.key())),
        ("User-Agent", "analytics-php/3.8.0"),
        ("Accept", "*/*"),
        ("Content-Type", "application/json"),
        ("Content-Encoding", "gzip"),
        ("Expect", "100-continue"),
    ];
    post(&arrivals, "/v1/batch", &headers, &body);
    arrivals.assert_exactly(&batch);
}

/// A socket of its own: no `Connection` header, one read of the answer, then it closes or goes on with the next batch.
#[test]
fn php_socket() {
    let mut arrivals = servers();
    let batch = each_with(six("php", Times::Seconds), "context", &php_context("Socket"));
    let mut socket = TcpStream::connect(("127.0.0.1", arrivals.server.port())).expect("the server accepts");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("an option is set");
    for half in batch.chunks(3) {
        let body = json!({ "batch": half, "sentAt": Times::Seconds.now() }).to_string();
        let request = format!(
            "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: {}\r\n\
             Accept: application/json\r\nUser-Agent: analytics-php/3.8.0\r\nContent-length: {}\r\n\r\n{body}",
            http::basic(arrivals.key()),
            body.len()
        );
        socket.write_all(request.as_bytes()).expect("the request is sent");
        let mut answer = [0; 2048];
        let count = socket.read(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..count]);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(r#"{"success":true}"#), "the answer comes in one piece: {answer}");
    }
    drop(socket);
    arrivals.assert_exactly(&batch);
}

fn php_context(consumer: &str) -> Value {
    json!({ "library": { "name": "analytics-php", "version": "3.8.0", "consumer": consumer } })
}

#[test]
fn dot_net_gzip() {
    let mut arrivals = servers();
    let batch = each_with(six("net", Times::Ticks), "context", &library("Analytics.NET", "3.8.1"));
    let body = json!({ "messageId": "net-batch", "sentAt": Times::Ticks.now(), "batch": batch });
    let headers = [
        ("User-Agent", "Analytics.NET/3.8.1"),
        ("Authorization", &*http::basic(arrivals.key())),
        ("Content-Type", "application/json"),
        ("Content-Encoding", "gzip"),
        ("Expect", "100-continue"),
    ];
    post(&arrivals, "/v1/import", &headers, &gzip(body.to_string().as_bytes()));
    arrivals.assert_exactly(&batch);
}

/// Long routes, no type, no message id, no sending time; the payload of a default value is null.
#[test]
fn crate_shape() {
    let mut arrivals = servers();
    let mut sent = six("crate", Times::Nanos);
    sent[0]["traits"] = Value::Null;
    for (index, message) in sent.iter_mut().enumerate() {
        let fields = message.as_object_mut().expect("an object");
        fields.shift_remove("messageId");
        fields.insert("testIndex".to_owned(), json!(index));
        let mut body = fields.clone();
        let route = body.shift_remove("type").expect("a type");
        let path = format!("/v1/{}", route.as_str().expect("a name"));
        let headers = [
            ("Authorization", &*http::basic(arrivals.key())),
            ("Content-Type", "application/json"),
            ("Accept", "*/*"),
            ("User-Agent", "reqwest/0.9.24"),
        ];
        post(&arrivals, &path, &headers, Value::Object(body).to_string().as_bytes());
    }
    arrivals.assert_exactly(&sent);
}
