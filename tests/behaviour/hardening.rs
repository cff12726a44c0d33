//! A public port: slow, huge, broken and hostile connections are ended in time, and others are served meanwhile.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Answer, Setup, TestServer, http};

const CALL: &str = r#"{"userId":"u","event":"e"}"#;

fn quick() -> Setup {
    Setup::default()
        .tables("[http]\nheader_timeout_ms = 400\nbody_timeout_ms = 600\nidle_timeout_ms = 900\nwrite_timeout_ms = 500")
}

fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.port())).expect("the server accepts")
}

fn served(server: &TestServer) {
    assert_eq!(server.post("/v1/track", CALL).status, 200, "others are served");
}

/// Reads until the server closes; how long that took and what came.
fn until_closed(stream: &mut TcpStream) -> (Duration, Vec<u8>) {
    let start = Instant::now();
    let came = http::read_all(stream, Duration::from_secs(20));
    (start.elapsed(), came)
}

#[test]
fn a_head_that_never_ends_is_ended() {
    let server = quick().start();
    let mut stream = connect(&server);
    stream.write_all(b"POST /v1/track HTTP/1.1\r\nHost: a\r\nX-Slow: ").expect("written");
    let (took, came) = until_closed(&mut stream);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(came.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&came));
    served(&server);
}

#[test]
fn the_second_head_on_a_connection_has_the_same_deadline() {
    let server = quick().start();
    let mut stream = connect(&server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("written");
    let mut first = [0; 4_096];
    assert!(stream.read(&mut first).expect("the first answer") > 0);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: loc").expect("written");
    let mut trickle = stream.try_clone().expect("shared");
    std::thread::spawn(move || {
        while trickle.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let (took, _) = until_closed(&mut stream);
    assert!(took < Duration::from_secs(5), "{took:?}");
    served(&server);
}

#[test]
fn an_idle_connection_is_closed() {
    let server = quick().start();
    let mut stream = connect(&server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("written");
    let (took, came) = until_closed(&mut stream);
    assert!(came.starts_with(b"HTTP/1.1 200"));
    assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(6), "{took:?}");
}

#[test]
fn a_body_that_never_ends_is_answered_408_with_the_headers_that_a_page_needs() {
    let server = quick().start();
    let mut stream = connect(&server);
    let head = "POST /v1/track HTTP/1.1\r\nHost: a\r\nOrigin: http://shop.example\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).expect("written");
    let (took, came) = until_closed(&mut stream);
    assert!(took < Duration::from_secs(8), "{took:?}");
    let (answer, _) = Answer::parse(&came).expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (408, "timeout"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://shop.example"));
    served(&server);
}

#[test]
fn a_chunked_body_that_trickles_for_ever_is_ended() {
    let server = quick().start();
    let mut stream = connect(&server);
    stream.write_all(b"POST /v1/track HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").expect("written");
    let mut trickle = stream.try_clone().expect("shared");
    std::thread::spawn(move || {
        while trickle.write_all(b"1\r\nx\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let (took, came) = until_closed(&mut stream);
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(came.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&came));
    served(&server);
}

#[test]
fn a_reader_that_takes_nothing_is_ended() {
    let server = quick().start();
    let line = format!("{{\"userId\":\"u\",\"event\":\"e\",\"properties\":{{\"pad\":\"{}\"}}}}", "x".repeat(30_000));
    for _ in 0..400 {
        assert_eq!(server.post("/v1/track", &line).status, 200);
    }
    let mut stream = connect(&server);
    let ask = "GET /api/export/calls HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin-token\r\n\r\n";
    stream.write_all(ask.as_bytes()).expect("written");
    std::thread::sleep(Duration::from_secs(3));
    let came = http::read_all(&mut stream, Duration::from_secs(20));
    let whole = 400 * line.len();
    assert!(came.len() < whole, "{} of {whole} bytes came: the buffers alone hold that much", came.len());
    served(&server);
}

#[test]
fn heads_that_are_too_large_are_refused_and_never_hang() {
    let server = TestServer::start();
    let ask = |headers: String| {
        let bytes = format!("GET /v1/track HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n");
        let came = server.raw(bytes.as_bytes(), Duration::from_secs(10));
        Answer::parse(&came).map_or(0, |(answer, _)| answer.status)
    };
    assert_eq!(ask(format!("X-Big: {}\r\n", "x".repeat(17 * 1024))), 431, "17 KiB");
    assert_eq!(ask(format!("X-Big: {}\r\n", "x".repeat(64 * 1024))), 431, "64 KiB");
    assert_eq!(ask(format!("X-Big: {}\r\n", "x".repeat(300 * 1024))), 431, "300 KiB");
    assert_eq!(ask("X-Y: z\r\n".repeat(500)), 431, "500 headers");
    assert_eq!(ask(format!("X-Fits: {}\r\n", "x".repeat(15 * 1024))), 405, "15 KiB is fine");
    for (length, status) in [(17 * 1024, 414), (15 * 1024, 200)] {
        let path = format!("/v1/pixel/track?data={}", "x".repeat(length));
        assert_eq!(server.get(&path).status, status, "a URL of {length} bytes");
    }
    let huge = format!("/v1/pixel/track?data={}", "x".repeat(80 * 1024));
    assert!([400, 414, 431].contains(&server.get(&huge).status), "a URL of 80 KiB");
    served(&server);
}

#[test]
fn a_sender_that_leaves_in_the_middle_leaves_nothing() {
    let server = TestServer::start();
    for cut in 1..20 {
        let mut stream = connect(&server);
        let key = http::basic("server-key");
        let length = CALL.len();
        let head =
            format!("POST /v1/track HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("written");
        stream.write_all(&CALL.as_bytes()[..cut]).expect("written");
        drop(stream);
    }
    served(&server);
    assert_eq!(server.export().len(), 1, "only the whole one");
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn odd_headers_change_nothing() {
    let server = TestServer::start();
    let key = http::basic("server-key");
    let status = |name: &str, value: &str| {
        let answer = server.request("POST", "/v1/track", &[("Authorization", &key), (name, value)], CALL);
        let code = if answer.body.starts_with(b"{\"success\":false") { answer.code() } else { String::new() };
        (answer.status, code)
    };
    assert_eq!(status("X-Retry-Count", "banana"), (200, String::new()));
    assert_eq!(status("Content-Type", "multipart/form-data; boundary=x"), (200, String::new()));
    assert_eq!(status("Content-Encoding", "br"), (400, "unsupported_encoding".to_owned()));
    assert_eq!(status("X-Forwarded-For", "junk, ::::, 1.2.3.4.5"), (200, String::new()));
    assert_eq!(status("Transfer-Encoding", "identity"), (400, String::new()), "a length and an encoding");
}

#[test]
fn two_lengths_are_refused() {
    let server = TestServer::start();
    let both = "POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert!(server.raw(both.as_bytes(), Duration::from_secs(5)).starts_with(b"HTTP/1.1 400"));
    let twice = "POST /v1/track HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde";
    assert!(server.raw(twice.as_bytes(), Duration::from_secs(5)).starts_with(b"HTTP/1.1 400"));
    served(&server);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let server = TestServer::start();
    let head = "POST /v1/batch HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n";
    let came = server.raw(head.as_bytes(), Duration::from_secs(10));
    let text = String::from_utf8_lossy(&came);
    assert!(text.contains("HTTP/1.1 400") && text.contains("payload_too_large"), "{text}");
    let mut chunked = b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..100 {
        chunked.extend_from_slice(b"4000\r\n");
        chunked.extend_from_slice(&[b' '; 0x4000]);
        chunked.extend_from_slice(b"\r\n");
    }
    let came = server.raw(&chunked, Duration::from_secs(10));
    assert!(String::from_utf8_lossy(&came).contains("payload_too_large"), "{}", String::from_utf8_lossy(&came));
    served(&server);
}

#[test]
fn expect_100_continue_is_answered_and_then_the_call_is_taken() {
    let server = TestServer::start();
    let mut stream = connect(&server);
    let head = format!(
        "POST /v1/track HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        http::basic("server-key"),
        CALL.len()
    );
    stream.write_all(head.as_bytes()).expect("written");
    let mut first = [0; 25];
    stream.read_exact(&mut first).expect("the server says go on");
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(CALL.as_bytes()).expect("written");
    let came = http::read_all(&mut stream, Duration::from_secs(10));
    let (answer, _) = Answer::parse(&came).expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"success":true}"#));
}

#[test]
fn many_idle_connections_do_not_keep_others_out() {
    let server = Setup::default().tables("[http]\nconnections_max = 200\nheader_timeout_ms = 60000").start();
    let idle: Vec<TcpStream> = (0..400).map(|_| connect(&server)).collect();
    let start = Instant::now();
    served(&server);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    drop(idle);
}

#[test]
fn only_our_own_host_names_are_served_outside_ingest() {
    let server = Setup::default().top("allowed_hosts = [\"ops.example\"]").start();
    let status = |host: &str, path: &str| {
        let headers = [("Host", host), ("Authorization", "Bearer admin-token")];
        server.request("GET", path, &headers, b"").status
    };
    for path in ["/status", "/healthz", "/api/sources", "/metrics", "/nothing"] {
        assert_eq!(status("evil.example", path), 421, "{path}");
    }
    for host in ["localhost", "127.0.0.1:99", "[::1]", "ops.example", "OPS.example:80"] {
        assert_eq!(status(host, "/status"), 200, "{host}");
    }
    let headers = [("Host", "evil.example"), ("Authorization", &*http::basic("server-key"))];
    assert_eq!(server.request("POST", "/v1/track", &headers, CALL).status, 200, "senders may use any name");
}

#[test]
fn rates_are_limited_with_429_and_the_time_to_come_back() {
    let server =
        Setup::default().tables("[http]\nbrowser_requests_per_second = 5\nunknown_key_answers_per_minute = 3").start();
    let answers: Vec<Answer> = (0..30).map(|_| server.post_as("test-key", "/v1/track", CALL)).collect();
    let limited: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(limited.len() >= 10, "{} of 30", limited.len());
    for answer in limited {
        assert_eq!(answer.code(), "rate_limited");
        for header in ["retry-after", "x-ratelimit-reset"] {
            let seconds: u32 = answer.header(header).expect("it says when").parse().expect("whole seconds");
            assert!((1..=300).contains(&seconds));
        }
    }
    for _ in 0..20 {
        served(&server);
    }
    let strangers: Vec<u16> = (0..5).map(|_| server.post_as("nobody", "/v1/track", CALL).status).collect();
    assert_eq!(strangers, [401, 401, 401, 429, 429]);
}

#[test]
fn keys_bodies_and_ids_are_never_logged_or_repeated() {
    let server = Setup::default().top("log = \"trace\"").start();
    let secret = "canary-7c1e";
    let body = format!(r#"{{"userId":"{secret}-id","event":"{secret}-event","messageId":"{secret}-message"}}"#);
    server.post("/v1/track", &body);
    server.post("/v1/track", format!("{{\"userId\": {secret}"));
    server.post_as(&format!("{secret}-key"), "/v1/track", &body);
    server.get(&format!("/v1/{secret}"));
    server.get_as(&format!("{secret}-token"), "/api/sources");
    let answers = [
        server.post("/v1/track", format!("{{\"userId\": {secret}")),
        server.post_as(&format!("{secret}-key"), "/v1/track", &body),
        server.get(&format!("/v1/{secret}")),
        server.get(&format!("/{secret}?{secret}")),
        server.get_as(&format!("{secret}-token"), "/api/sources"),
        server.request(
            "POST",
            "/api/sources",
            &[("Authorization", "Bearer admin-token")],
            format!("{{\"{secret}\":1}}"),
        ),
    ];
    for answer in answers {
        assert!(answer.status >= 400 && !answer.text().contains(secret), "{}", answer.text());
    }
    assert!(!server.log().contains(secret), "{}", server.log());
}
