//! Senders that are slow, leave early, or never say anything.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::case::{Case, ORIGIN, assert_success, receipts};
use crate::support::Setup;
use crate::support::http::{self, Answer};

/// Reads what there is until a head and its body are complete, the server closes, or `patience` is over.
pub(super) fn read_answer(stream: &mut TcpStream, patience: Duration) -> Vec<u8> {
    let deadline = Instant::now() + patience;
    let (mut came, mut buffer) = (Vec::new(), [0; 4_096]);
    while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        let is_interim = came.starts_with(b"HTTP/1.1 100") && came.ends_with(b"\r\n\r\n");
        let is_whole = Answer::parse(&came).is_some_and(|(answer, _)| {
            let length = answer.header("content-length").and_then(|length| length.parse::<usize>().ok());
            length.is_some_and(|length| answer.body.len() == length)
        });
        if is_interim || is_whole {
            break;
        }
        stream.set_read_timeout(Some(left)).unwrap();
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => came.extend_from_slice(&buffer[..count]),
        }
    }
    came
}

fn connect(case: &Case) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", case.server().port())).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn post_head(case: &Case, length: usize) -> String {
    let (port, key) = (case.server().port(), http::basic("server-key"));
    format!(
        "POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {key}\r\nOrigin: {ORIGIN}\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Short deadlines, so that the tests need not wait for the real ones.
fn impatient() -> Case {
    Case::with(Setup::default().tables(
        "[http]\nheader_timeout_ms = 700\nbody_timeout_ms = 700\nidle_timeout_ms = 1500\nwrite_timeout_ms = 1500\n",
    ))
}

/// Writes one byte every `pause` until the server closes; how long that took, and what it answered.
fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> (Duration, Vec<u8>) {
    let began = Instant::now();
    let mut half = stream.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let came = http::read_all(&mut half, Duration::from_secs(20));
        (began.elapsed(), came)
    });
    for byte in bytes {
        if stream.write_all(&[*byte]).is_err() || reader.is_finished() {
            break;
        }
        std::thread::sleep(pause);
    }
    reader.join().unwrap()
}

#[test]
fn bad_input_55_client_closes_in_the_middle_of_the_body() {
    let case = Case::new();
    let body = case.track("m").to_string();
    for how in [None, Some(Shutdown::Write), Some(Shutdown::Both)] {
        for length in [0, 1, body.len() / 2, body.len() - 1] {
            let mut stream = connect(&case);
            stream.write_all(post_head(&case, body.len()).as_bytes()).unwrap();
            stream.write_all(&body.as_bytes()[..length]).unwrap();
            if let Some(how) = how {
                stream.shutdown(how).unwrap();
                let came = read_answer(&mut stream, Duration::from_secs(5));
                assert!(!came.starts_with(b"HTTP/1.1 200"), "half a body was taken");
            }
        }
    }
    case.stored_none();
    case.still_serves();
}

#[test]
fn bad_input_55_client_leaves_before_the_answer_and_tries_again() {
    let case = Case::new();
    let body = case.track("m").to_string();
    for _ in 0..20 {
        let mut stream = connect(&case);
        stream.write_all(post_head(&case, body.len()).as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
    }
    let answer = case.post("/v1/track", &body);
    assert_success(&answer);
    assert!(matches!(receipts(&answer)[0].0.as_str(), "appended" | "duplicate"));
    case.stored_one();
}

#[test]
fn bad_input_56_slow_body_is_closed_with_408() {
    let case = impatient();
    let body = case.track("m").to_string();
    let mut stream = connect(&case);
    stream.write_all(post_head(&case, body.len()).as_bytes()).unwrap();
    let (took, came) = drip(&mut stream, body.as_bytes(), Duration::from_millis(100));
    assert!(took < Duration::from_secs(6), "it held the connection for {took:?}");
    let (answer, _) = Answer::parse(&came).expect("408, so that senders try again");
    assert_eq!(answer.status, 408, "{}", answer.text());
    assert_eq!(answer.json()["success"], false);
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "a browser has to see the status to retry");
    case.stored_none();
    case.still_serves();
}

#[test]
fn bad_input_56_body_that_never_comes() {
    let case = impatient();
    let mut stream = connect(&case);
    stream.write_all(post_head(&case, 100).as_bytes()).unwrap();
    let began = Instant::now();
    let came = http::read_all(&mut stream, Duration::from_secs(15));
    assert!(began.elapsed() < Duration::from_secs(6), "it was held for {:?}", began.elapsed());
    let (answer, _) = Answer::parse(&came).expect("an answer");
    assert_eq!(answer.status, 408, "{}", answer.text());
    case.still_serves();
}

#[test]
fn slow_header_is_closed() {
    let case = impatient();
    let mut stream = connect(&case);
    let (took, came) = drip(&mut stream, post_head(&case, 5).as_bytes(), Duration::from_millis(100));
    assert!(took < Duration::from_secs(6), "it held the connection for {took:?}");
    if let Some((answer, _)) = Answer::parse(&came) {
        assert_eq!(answer.status, 408, "{}", answer.text());
    }
    case.still_serves();
}

#[test]
fn silent_connection_is_closed() {
    let case = impatient();
    let mut silent = connect(&case);
    let mut idle = connect(&case);
    let body = case.track("m").to_string();
    idle.write_all(post_head(&case, body.len()).as_bytes()).unwrap();
    idle.write_all(body.as_bytes()).unwrap();
    assert!(read_answer(&mut idle, Duration::from_secs(5)).starts_with(b"HTTP/1.1 200"));
    for stream in [&mut silent, &mut idle] {
        let began = Instant::now();
        http::read_all(stream, Duration::from_secs(15));
        assert!(began.elapsed() < Duration::from_secs(8), "it was held for {:?}", began.elapsed());
    }
    case.still_serves();
}

#[test]
fn client_that_does_not_read_is_let_go() {
    let case = impatient();
    let mut stream = connect(&case);
    let request = format!(
        "GET /api/rejections?limit=500 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer admin-token\r\n\r\n",
        case.server().port()
    );
    for number in 0..200 {
        assert_success(&case.post_json(
            "/v1/track",
            &case.track_with(&number.to_string(), "event", serde_json::json!({"pad": "p".repeat(4_000)})),
        ));
    }
    let began = Instant::now();
    stream.set_write_timeout(Some(Duration::from_secs(12))).unwrap();
    // Some hundred megabytes of answers that nobody takes: the server has to give up, not to collect them.
    while began.elapsed() < Duration::from_secs(12) && stream.write_all(request.as_bytes()).is_ok() {}
    assert!(began.elapsed() < Duration::from_secs(12), "the server went on for {:?}", began.elapsed());
    let peak = super::sizes::peak_memory(&case);
    assert!(peak < 400 << 20, "answers nobody reads took {peak} bytes");
    case.still_serves();
}

#[test]
fn refused_sender_that_goes_on_is_let_go() {
    let case = impatient();
    let (port, key) = (case.server().port(), http::basic("server-key"));
    let mut stream = connect(&case);
    let head = format!(
        "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [&b"10000\r\n"[..], &vec![b' '; 0x10000], b"\r\n"].concat();
    let began = Instant::now();
    // A body without end: refused once it is too large, and then the deadlines count.
    while began.elapsed() < Duration::from_secs(12) && stream.write_all(&chunk).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "the server listened for {:?} to a body it had refused",
        began.elapsed()
    );
    case.still_serves();
}

#[test]
fn refused_sender_that_falls_silent_is_let_go() {
    let case = impatient();
    let mut stream = connect(&case);
    let (port, key) = (case.server().port(), http::basic("server-key"));
    let head = format!(
        "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"a0000\r\n").unwrap();
    stream.write_all(&vec![b' '; 0xa_0000]).unwrap();
    let began = Instant::now();
    let came = http::read_all(&mut stream, Duration::from_secs(15));
    assert!(came.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&came));
    assert!(began.elapsed() < Duration::from_secs(12), "it was held for {:?}", began.elapsed());
    case.still_serves();
}
