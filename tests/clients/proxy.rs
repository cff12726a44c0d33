//! A proxy between an SDK and the server that follows a script: it refuses, loses answers, then lets everything through.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::http::{self, Answer};

/// What happens to one tracking request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// It is refused with this status and `Retry-After`; the server never sees it.
    Refuse(u16, Option<u32>),
    /// The server gets it, and its answer is replaced by this one.
    Replace(u16, Option<u32>),
    /// The server gets it, and the connection breaks before its answer comes back.
    LoseAnswer,
}

/// One tracking request and the status that its sender saw; 0 for none.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Its messages.
    pub(super) messages: Vec<Value>,
    /// The status of the answer.
    pub(super) status: u16,
    /// Whether the server got it.
    pub(super) forwarded: bool,
}

/// A running proxy. It ends with the test's process.
pub(super) struct Proxy {
    port: u16,
    server_port: u16,
    steps: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<Seen>>,
    news: Condvar,
}

impl Proxy {
    /// Starts one in front of a server; each tracking request takes one step, and those after the last pass.
    pub(super) fn start(server_port: u16, steps: &[Step]) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let proxy = Arc::new(Self {
            port: listener.local_addr().expect("an address").port(),
            server_port,
            steps: Mutex::new(steps.iter().copied().collect()),
            seen: Mutex::default(),
            news: Condvar::new(),
        });
        let shared = Arc::clone(&proxy);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let proxy = Arc::clone(&shared);
                std::thread::spawn(move || proxy.serve(stream));
            }
        });
        proxy
    }

    /// Where clients are to send to.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The tracking requests so far, in the order of their answers.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no thread panicked").clone()
    }

    /// Drops what is left of the script: from now on everything passes.
    pub(super) fn let_pass(&self) {
        self.steps.lock().expect("no thread panicked").clear();
    }

    /// How many steps were not reached.
    pub(super) fn steps_left(&self) -> usize {
        self.steps.lock().expect("no thread panicked").len()
    }

    /// Waits until each of these messages was answered with 200, and returns them as the server got them first.
    pub(super) fn wait_for(&self, ids: &[Value]) -> Vec<Value> {
        let seen = self.seen.lock().expect("no thread panicked");
        let first = |seen: &[Seen], id: &Value, accepted: bool| {
            let requests = seen.iter().filter(|request| request.forwarded && (!accepted || request.status == 200));
            requests.flat_map(|request| &request.messages).find(|message| message["messageId"] == *id).cloned()
        };
        let (seen, waited) = self
            .news
            .wait_timeout_while(seen, Duration::from_secs(120), |seen| {
                ids.iter().any(|id| first(seen, id, true).is_none())
            })
            .expect("no thread panicked");
        assert!(!waited.timed_out(), "not every message was accepted in time; seen: {seen:?}");
        ids.iter().filter_map(|id| first(&seen, id, false)).collect()
    }

    /// One request on one connection.
    fn serve(&self, mut stream: TcpStream) {
        let Some(request) = read_request(&mut stream) else { return };
        let tracking = request.head.starts_with("POST /v1/") || request.head.starts_with("POST /hook/");
        if !tracking {
            let _ = stream.write_all(&http::raw(self.server_port, &request.bytes(), Duration::from_secs(60)));
            return;
        }
        let step = self.steps.lock().expect("no thread panicked").pop_front();
        let answer = match step {
            Some(Step::Refuse(status, retry_after)) => refusal(&request, status, retry_after),
            Some(Step::Replace(status, retry_after)) => {
                self.forward(&request);
                refusal(&request, status, retry_after)
            }
            Some(Step::LoseAnswer) => {
                self.forward(&request);
                Vec::new()
            }
            None => self.forward(&request),
        };
        let status = Answer::parse(&answer).map_or(0, |(answer, _)| answer.status);
        let delivered = stream.write_all(&answer).is_ok();
        drop(stream);
        let seen = Seen {
            messages: request.messages(),
            status: if delivered { status } else { 0 },
            forwarded: !matches!(step, Some(Step::Refuse(..))),
        };
        self.seen.lock().expect("no thread panicked").push(seen);
        self.news.notify_all();
    }

    fn forward(&self, request: &Request) -> Vec<u8> {
        http::raw(self.server_port, &request.bytes(), Duration::from_secs(60))
    }
}

/// A request as it came, but for its `Connection` header.
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::new();
        for line in self.head.lines() {
            let name = line.split(':').next().unwrap_or_default();
            if !name.eq_ignore_ascii_case("connection") && !line.is_empty() {
                bytes.extend_from_slice(line.as_bytes());
                bytes.extend_from_slice(b"\r\n");
            }
        }
        bytes.extend_from_slice(b"Connection: close\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    fn messages(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body).expect("SDKs send JSON");
        body["batch"].as_array().cloned().unwrap_or_else(|| vec![body])
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let (mut came, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    let mut more = |came: &mut Vec<u8>| {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        came.extend_from_slice(&buffer[..count]);
        Some(())
    };
    let end = loop {
        if let Some(at) = came.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        more(&mut came)?;
    };
    let head = String::from_utf8(came[..end].to_vec()).expect("SDKs send ASCII headers");
    let mut request = Request { head, body: came.split_off(end) };
    assert!(request.header("transfer-encoding").is_none(), "this proxy reads bodies with a length only");
    let length = request.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    while request.body.len() < length {
        more(&mut request.body)?;
    }
    Some(request)
}

/// An answer in the shape of the server's own, readable for pages of other origins.
fn refusal(request: &Request, status: u16, retry_after: Option<u32>) -> Vec<u8> {
    let body = r#"{"success":false,"code":"overloaded","message":"try again","error":"try again"}"#;
    let retry_after = retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
    let cors = request.header("origin").map(|origin| {
        format!(
            "Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n\
             Access-Control-Expose-Headers: Retry-After\r\n"
        )
    });
    format!(
        "HTTP/1.1 {status} Later\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{retry_after}{}\
         Connection: close\r\n\r\n{body}",
        body.len(),
        cors.unwrap_or_default()
    )
    .into_bytes()
}
