//! Heads of requests that are too long, contradictory or nonsense.

use std::time::Duration;

use super::case::{Case, ORIGIN, assert_success};
use crate::support::http::{self, Answer};

const PATIENCE: Duration = Duration::from_secs(10);

/// Sends a whole request by hand; the answer, if one came.
fn by_hand(case: &Case, message: &[u8]) -> Option<Answer> {
    let came = case.server().raw(message, PATIENCE);
    Answer::parse(&came).map(|(answer, _)| answer)
}

/// The lines every request by hand begins with.
fn head(case: &Case) -> String {
    let (port, key) = (case.server().port(), http::basic("server-key"));
    format!("Host: 127.0.0.1:{port}\r\nAuthorization: {key}\r\nOrigin: {ORIGIN}\r\nConnection: close\r\n")
}

#[test]
fn header_of_64_kb() {
    let case = Case::new();
    let request = format!(
        "POST /v1/track HTTP/1.1\r\n{}X-Long: {}\r\nContent-Length: 2\r\n\r\n{{}}",
        head(&case),
        "h".repeat(1 << 16)
    );
    if let Some(answer) = by_hand(&case, request.as_bytes()) {
        assert!(matches!(answer.status, 400 | 431), "{}", answer.status);
    }
    case.still_serves();
}

#[test]
fn five_hundred_headers() {
    let case = Case::new();
    let many: String = (0..500).map(|number| format!("X-Header-{number}: {number}\r\n")).collect();
    let request = format!("POST /v1/track HTTP/1.1\r\n{}{many}Content-Length: 2\r\n\r\n{{}}", head(&case));
    if let Some(answer) = by_hand(&case, request.as_bytes()) {
        assert!(matches!(answer.status, 400 | 431), "{}", answer.status);
    }
    case.still_serves();
}

#[test]
fn url_of_16_kb() {
    let case = Case::new();
    for path in [format!("/v1/{}", "u".repeat(16_384)), format!("/v1/track?{}", "q".repeat(16_384))] {
        let request = format!("POST {path} HTTP/1.1\r\n{}Content-Length: 0\r\n\r\n", head(&case));
        let answer = by_hand(&case, request.as_bytes()).expect("an answer");
        assert!(matches!(answer.status, 400 | 404 | 414 | 431), "{}", answer.status);
        assert!(answer.body.len() < 1_024, "no echo of the URL");
    }
    case.still_serves();
}

#[test]
fn content_length_and_transfer_encoding_together() {
    let case = Case::new();
    let smuggled =
        format!("POST /v1/track HTTP/1.1\r\n{}Content-Length: 5\r\n\r\n{}", head(&case), case.track("smuggled"));
    for lengths in
        ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"]
    {
        let request = format!(
            "POST /v1/track HTTP/1.1\r\n{}{lengths}\r\n0\r\n\r\n{smuggled}",
            head(&case).replace("close", "keep-alive")
        );
        if let Some(answer) = by_hand(&case, request.as_bytes()) {
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
    }
    case.stored_none();
    case.still_serves();
}

#[test]
fn contradicting_lengths() {
    let case = Case::new();
    let body = case.track("m").to_string();
    for lines in [
        format!("Content-Length: {}\r\nContent-Length: {}\r\n", body.len(), body.len() - 1),
        "Content-Length: -1\r\n".to_owned(),
        "Content-Length: abc\r\n".to_owned(),
        "Content-Length: 99999999999999999999999\r\n".to_owned(),
        "Transfer-Encoding: banana\r\n".to_owned(),
        "Transfer-Encoding: chunked, chunked\r\n".to_owned(),
    ] {
        let request = format!("POST /v1/track HTTP/1.1\r\n{}{lines}\r\n{body}", head(&case));
        if let Some(answer) = by_hand(&case, request.as_bytes()) {
            assert!(matches!(answer.status, 400 | 413 | 501), "{lines}: {}", answer.status);
        }
    }
    case.stored_none();
    case.still_serves();
}

#[test]
fn broken_chunks() {
    let case = Case::new();
    let body = case.track("m").to_string();
    for chunks in [
        format!("zz\r\n{body}\r\n0\r\n\r\n"),
        format!("-5\r\n{body}\r\n0\r\n\r\n"),
        format!("{:x}\r\n{body}0\r\n\r\n", body.len() - 1),
        format!("ffffffffffffffff\r\n{body}\r\n0\r\n\r\n"),
    ] {
        let request = format!("POST /v1/track HTTP/1.1\r\n{}Transfer-Encoding: chunked\r\n\r\n{chunks}", head(&case));
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", case.server().port())).unwrap();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let came = http::read_all(&mut stream, PATIENCE);
        if let Some((answer, _)) = Answer::parse(&came) {
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
    }
    case.stored_none();
    case.still_serves();
}

#[test]
fn chunked_body_in_small_pieces_is_taken() {
    let case = Case::new();
    let body = case.track("m").to_string();
    let chunks: String = body
        .as_bytes()
        .chunks(7)
        .map(|part| format!("{:x}\r\n{}\r\n", part.len(), std::str::from_utf8(part).unwrap()))
        .collect();
    let request =
        format!("POST /v1/track HTTP/1.1\r\n{}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n", head(&case));
    let answer = by_hand(&case, request.as_bytes()).expect("an answer");
    assert_success(&answer);
    case.stored_one();
}

#[test]
fn requests_that_are_no_http() {
    let case = Case::new();
    let noise: Vec<u8> =
        (0..4_096_u32).map(|number| u8::try_from(number.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
    for bytes in [
        &b"\r\n\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\r\n\r\n",
        b"POST /v1/track HTTP/9.9\r\n\r\n",
        b"POST\t/v1/track\tHTTP/1.1\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"POST http://example.com/v1/track HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost: a\r\n folded: header\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nHo\0st: a\r\n\r\n",
        &noise,
    ] {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", case.server().port())).unwrap();
        // The server may close while we still write: that is an answer too.
        let _ = std::io::Write::write_all(&mut stream, bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let came = http::read_all(&mut stream, PATIENCE);
        if let Some((answer, _)) = Answer::parse(&came) {
            assert!(
                answer.status < 500 || matches!(answer.status, 501 | 505),
                "{}: {}",
                answer.status,
                String::from_utf8_lossy(bytes)
            );
            assert_ne!(answer.status, 200, "{}", String::from_utf8_lossy(bytes));
        }
    }
    case.still_serves();
}

#[test]
fn bad_input_57_retry_count_that_is_no_number() {
    let case = Case::new();
    for (number, count) in ["banana", "-1", "", "99999999999999999999", "1.5"].iter().enumerate() {
        let answer =
            case.post_with("/v1/track", &[("X-Retry-Count", count)], case.track(&number.to_string()).to_string());
        assert_success(&answer);
    }
    assert_eq!(case.stored().len(), 5);
}

#[test]
fn junk_in_forwarding_headers_is_ignored() {
    let case = Case::new();
    for (number, junk) in
        ["junk", "999.1.1.1", "::::", "1.2.3.4, 5.6.7.8, x", "\"><script>", &"9".repeat(2_000)].iter().enumerate()
    {
        let headers =
            [("X-Forwarded-For", *junk), ("Forwarded", *junk), ("X-Real-IP", *junk), ("X-Forwarded-Host", *junk)];
        let key = http::basic("test-key");
        let mut all = headers.to_vec();
        all.push(("Authorization", &key));
        assert_success(&case.post_with("/v1/t", &all, case.track(&number.to_string()).to_string()));
    }
    let stored = case.stored();
    assert_eq!(stored.len(), 6);
    for record in stored {
        assert_eq!(record["context"]["ip"], "127.0.0.1", "only a configured proxy is believed: {record}");
    }
}

#[test]
fn bad_input_59_expect_100_continue() {
    let case = Case::new();
    let body = case.track("m").to_string();
    let request = format!(
        "POST /v1/track HTTP/1.1\r\n{}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        head(&case),
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", case.server().port())).unwrap();
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let first = super::connections::read_answer(&mut stream, PATIENCE);
    assert!(first.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&first));
    std::io::Write::write_all(&mut stream, body.as_bytes()).unwrap();
    let came = http::read_all(&mut stream, PATIENCE);
    let (answer, _) = Answer::parse(&came).expect("the normal answer");
    assert_success(&answer);
    case.stored_one();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let case = Case::new();
    let one = |id: &str, close: &str| {
        let body = case.track(id).to_string();
        format!(
            "POST /v1/track HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{body}",
            head(&case).replace("close", close),
            body.len()
        )
    };
    let message = format!("{}{}{}", one("a", "keep-alive"), one("b", "keep-alive"), one("c", "close"));
    let came = String::from_utf8_lossy(&case.server().raw(message.as_bytes(), PATIENCE)).into_owned();
    assert_eq!(came.matches("HTTP/1.1 200").count(), 3, "{came}");
    let ids: Vec<_> = case.stored().iter().map(|record| record["messageId"].clone()).collect();
    assert_eq!(ids, [case.id("a"), case.id("b"), case.id("c")]);
}
