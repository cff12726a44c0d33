//! `sink`: a small receiver that shows what a relay sends, for trying it out without any account.

use std::fmt::Write as _;
use std::io::{BufWriter, Stdout, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::json;

use super::arguments::Sink;
use super::output::{Failure, Output};
use crate::clock::Clock;
use crate::http::sink::{Arrived, Counts, Settings, Show, run as receive};
use crate::relay::client::{is_unsafe, printable};

/// Where it listens unless told otherwise.
const LISTEN: &str = "127.0.0.1:8090";
/// What failing requests are answered unless told otherwise.
const STATUS: u16 = 503;
/// Bytes of a name or an id that are shown.
const SHOWN_BYTES_MAX: usize = 120;

/// Runs the command.
///
/// # Errors
/// When the address cannot be listened on.
pub(super) fn run(wanted: &Sink, listen: Option<&str>, output: Output) -> Result<(), Failure> {
    let listen = listen.unwrap_or(LISTEN);
    // Who names a status wants to see it.
    let fail = wanted.fail.unwrap_or(if wanted.status.is_some() { 1.0 } else { 0.0 });
    let settings = Settings { fail, status: wanted.status.unwrap_or(STATUS), refuse: 0.0, delay_ms: wanted.delay_ms };
    let began = Instant::now();
    let ready = |address| {
        let text = format!("roundtower sink is ready on http://{address}; POST to any path, Ctrl-C ends it");
        output.result(&text, &json!({"ready": format!("http://{address}")}));
    };
    let counts = receive(listen, settings, (!wanted.quiet).then(|| shown(output)), ready)
        .map_err(|error| Failure::Failed(format!("cannot listen on {listen}: {error}")))?;
    let seconds = began.elapsed().as_secs_f64();
    output.result(&summary(counts, seconds), &numbers(counts, seconds));
    Ok(())
}

fn summary(counts: Counts, seconds: f64) -> String {
    let Counts { requests, calls, failed, unreadable } = counts;
    format!(
        "{calls} calls in {requests} requests within {seconds:.1} s; {failed} requests failed on purpose, {unreadable} were \
         not understood"
    )
}

fn numbers(counts: Counts, seconds: f64) -> serde_json::Value {
    json!({
        "calls": counts.calls,
        "requests": counts.requests,
        "failed": counts.failed,
        "unreadable": counts.unreadable,
        "seconds": seconds,
    })
}

/// Prints one line a call. Nobody has to read them: a reader that left is no failure.
fn shown(output: Output) -> Box<Show> {
    let out: Mutex<BufWriter<Stdout>> = Mutex::new(BufWriter::new(std::io::stdout()));
    Box::new(move |calls, status| {
        let time = Clock::System.now().to_string();
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        for call in calls {
            let line = if output.is_json() { json_line(call, status, &time) } else { line(call, status, &time) };
            let _ = writeln!(out, "{line}");
        }
        let _ = out.flush();
    })
}

fn line(call: &Arrived<'_>, status: u16, time: &str) -> String {
    let clock = time.get(11..23).unwrap_or(time);
    let show = |text: &str| if text.is_empty() { "-".to_owned() } else { printable(text, SHOWN_BYTES_MAX) };
    let (kind, name) = (show(&call.kind), show(&call.name));
    let (message_id, person) = (show(&call.message_id), show(&call.person));
    let refused = if status == 200 { String::new() } else { format!("  answered {status}") };
    format!("{clock}  {:<7}  {kind:<8}  {name:<24}  {message_id}  {person}{refused}", call.format)
}

fn json_line(call: &Arrived<'_>, status: u16, time: &str) -> String {
    let value = json!({
        "time": time,
        "format": call.format,
        "type": call.kind,
        "name": call.name,
        "messageId": call.message_id,
        "person": call.person,
        "status": status,
    });
    escaped(&value.to_string())
}

/// JSON in which also those characters are escaped that it allows and a terminal acts on.
fn escaped(json: &str) -> String {
    if !json.contains(is_unsafe) {
        return json.to_owned();
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        if is_unsafe(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(letter);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn call(name: &str) -> Arrived<'_> {
        let text = Cow::Borrowed;
        Arrived { format: "segment", kind: text("track"), name: text(name), message_id: text("m"), person: text("") }
    }

    #[test]
    fn a_line_is_safe_to_print() {
        let time = "2026-11-23T12:00:01.234Z";
        let text = line(&call("Paid"), 200, time);
        assert_eq!(text, "12:00:01.234  segment  track     Paid                      m  -");
        let evil = call("a\u{1b}[2J\u{9b}1m\r\n\u{202e}\u{e0041}b");
        for text in [line(&evil, 503, time), json_line(&evil, 503, time)] {
            assert!(!text.contains(|letter| is_unsafe(letter) || letter == '\n'), "{text}");
            assert!(text.contains("503"));
        }
        let read: serde_json::Value = serde_json::from_str(&json_line(&evil, 503, time)).unwrap();
        assert_eq!(read["name"].as_str(), Some(&*evil.name), "escaped, not changed");
        assert!(line(&call(&"x".repeat(10_000)), 200, time).len() < 300);
    }
}
