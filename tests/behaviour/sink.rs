//! `roundtower sink`: what a newcomer sees of each call, and what a bad vendor it can play.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::support::{Answer, http, program};

const HOOK: &str = r#"{"batch":[{"type":"user","userId":"u-1","messageId":"m-1"},{"type":"event","event":"Order Completed","userId":"u-1","messageId":"m-2"}],"timestamp":"x","sentAt":"x"}"#;
const PARTNER: &str = r#"{"type":"track","event":"Paid","userId":"u-2","messageId":"m-3","properties":{"event":"no"}}"#;
const SEGMENT: &str = r#"{"batch":[{"type":"page","name":"Home","anonymousId":"a-1","messageId":"m-4"}]}"#;

struct Sink {
    child: Child,
    out: BufReader<ChildStdout>,
    port: u16,
}

impl Sink {
    fn start(arguments: &[&str]) -> Self {
        let folder = std::env::temp_dir();
        let mut command = program();
        command.current_dir(folder).args(["sink", "--listen", "127.0.0.1:0"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut sink = Self { out: BufReader::new(child.stdout.take().expect("a pipe")), child, port: 0 };
        let ready = sink.line();
        let address = ready.split("http://").nth(1).unwrap_or_else(|| panic!("it is not ready: {ready}"));
        let port = address.split(':').nth(1).and_then(|rest| rest.split([';', '"']).next());
        sink.port = port.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no port: {ready}"));
        sink
    }

    /// The next line; empty when it has ended.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("text");
        line.trim_end().to_owned()
    }

    fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        http::request(self.port, "POST", path, &[("Content-Type", "application/json")], body.as_ref())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("the signal is sent");
    }

    /// Ends it as Ctrl-C does; its last line.
    fn end(mut self) -> String {
        self.signal(rustix::process::Signal::INT);
        let line = self.line();
        assert_eq!(self.line(), "", "the summary is the last line");
        assert!(self.child.wait().expect("it ends").success());
        line
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line without its time, words apart.
fn words(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|word| !word.is_empty()).skip(1).collect()
}

#[test]
fn every_call_is_one_line_in_all_three_formats() {
    let mut sink = Sink::start(&[]);
    for (path, body) in [("/hook/key", HOOK), ("/", PARTNER), ("/v1/batch", SEGMENT)] {
        let answer = sink.post(path, body);
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"success":true}"#), "{path}");
    }
    assert_eq!(words(&sink.line()), ["windsor", "user", "-", "m-1", "u-1"]);
    assert_eq!(words(&sink.line()), ["windsor", "event", "Order Completed", "m-2", "u-1"]);
    assert_eq!(words(&sink.line()), ["partner", "track", "Paid", "m-3", "u-2"]);
    let line = sink.line();
    assert_eq!(words(&line), ["segment", "page", "Home", "m-4", "a-1"]);
    let time = line.split("  ").next().unwrap();
    assert!(time.len() == 12 && time.bytes().all(|byte| byte.is_ascii_digit() || b":.".contains(&byte)), "{time}");
    let summary = sink.end();
    assert!(summary.starts_with("4 calls in 3 requests within "), "{summary}");
}

#[test]
fn json_has_one_value_a_line() {
    let mut sink = Sink::start(&["--json"]);
    sink.post("/hook/key", HOOK);
    let read = |line: String| serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let (first, second) = (read(sink.line()), read(sink.line()));
    assert_eq!((first["type"].as_str(), first["messageId"].as_str()), (Some("user"), Some("m-1")));
    assert_eq!((second["name"].as_str(), second["status"].as_u64()), (Some("Order Completed"), Some(200)));
    let summary = read(sink.end());
    assert_eq!((summary["calls"].as_u64(), summary["requests"].as_u64()), (Some(2), Some(1)));
}

#[test]
fn a_share_of_requests_fails_on_purpose() {
    let mut sink = Sink::start(&["--fail", "0.5"]);
    let statuses: Vec<u16> = (0..4).map(|_| sink.post("/", PARTNER).status).collect();
    assert_eq!(statuses, [200, 503, 200, 503]);
    assert_eq!(words(&sink.line()).len(), 5);
    assert_eq!(words(&sink.line()).last(), Some(&"answered 503"));
    sink.line();
    sink.line();
    let summary = sink.end();
    assert!(summary.starts_with("2 calls in 2 requests") && summary.contains("; 2 requests failed"), "{summary}");
}

#[test]
fn a_status_alone_is_for_all_and_a_delay_holds_answers_back() {
    let sink = Sink::start(&["--status", "429", "--quiet", "--delay-ms", "300"]);
    let began = std::time::Instant::now();
    let answer = sink.post("/", PARTNER);
    // Never too early; how much later is not ours to say.
    assert!(began.elapsed() >= std::time::Duration::from_millis(300));
    assert_eq!((answer.status, answer.json()["success"].as_bool()), (429, Some(false)));
    let summary = sink.end();
    assert!(summary.starts_with("0 calls in 0 requests") && summary.contains("; 1 requests failed"), "{summary}");
}

#[test]
fn odd_requests_are_refused_and_tricks_are_not_played_on_the_terminal() {
    let mut sink = Sink::start(&[]);
    for body in ["", "x", "[]", "\u{1f}\u{fffd}", r#"{"batch":7}"#] {
        assert_eq!(sink.post("/v1/batch", body).status, 400, "{body}");
    }
    assert_eq!(sink.post("/v1/batch", b"\x1f\x8bjunk").status, 400);
    assert_eq!(http::request(sink.port, "GET", "/", &[], b"").status, 405);
    let huge = [("Content-Length", "99999999999")];
    assert_eq!(http::request(sink.port, "POST", "/", &huge, b"").status, 413);
    sink.post("/", r#"{"type":"track","event":"\u001b[2J\u009b\n\u202e","messageId":"a\u0000b","userId":["x"]}"#);
    let line = sink.line();
    assert!(!line.contains(char::is_control) && !line.contains('\u{202e}'), "{line}");
    assert_eq!(words(&line), ["partner", "track", r"\u{1b}[2J\u{9b}\n\u{202e}", r"a\u{0}b", r#"["x"]"#]);
    let summary = sink.end();
    assert!(summary.starts_with("1 calls in 1 requests") && summary.contains(", 8 were not understood"), "{summary}");
}

#[test]
fn bad_usage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for bad in [["--fail", "1.5"], ["--fail", "often"], ["--status", "200"], ["--delay-ms", "-1"]] {
        let (status, _, text) = crate::support::run(folder.path(), &[&["sink"], &bad[..]].concat(), b"");
        assert_eq!(status, 2, "{bad:?}: {text}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, _, text) = crate::support::run(folder.path(), &["sink", "--listen", &address], b"");
    assert_eq!(status, 1);
    assert!(text.contains(&format!("cannot listen on {address}")), "{text}");
}
