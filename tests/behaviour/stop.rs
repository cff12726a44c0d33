//! Stopping: what is under way is finished, the exit status is 0, and one process holds a folder at a time.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Answer, TestServer, http, run};

const CALL: &str = r#"{"userId":"u","event":"e"}"#;

#[test]
fn a_stop_under_load_ends_well_within_ten_seconds() {
    let mut server = TestServer::start();
    let (port, stop, good, odd) = (server.port(), AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    let (status, took) = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { break };
                    let key = http::basic("server-key");
                    let length = CALL.len();
                    let text = format!("POST /v1/track HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{CALL}");
                    if stream.write_all(text.as_bytes()).is_err() {
                        continue;
                    }
                    let came = http::read_all(&mut stream, Duration::from_secs(10));
                    match Answer::parse(&came).map(|(answer, _)| answer.status) {
                        Some(200) => good.fetch_add(1, Ordering::Relaxed),
                        Some(503) | None => 0,
                        Some(_) => odd.fetch_add(1, Ordering::Relaxed),
                    };
                }
            });
        }
        let idle = TcpStream::connect(("127.0.0.1", port)).expect("the server accepts");
        std::thread::sleep(Duration::from_millis(500));
        let start = Instant::now();
        let status = server.stop();
        stop.store(true, Ordering::Relaxed);
        drop(idle);
        (status, start.elapsed())
    });
    assert!(status.success(), "{status:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(good.load(Ordering::Relaxed) > 0 && odd.load(Ordering::Relaxed) == 0);
}

#[test]
fn a_request_under_way_is_finished() {
    let mut server = TestServer::start();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("the server accepts");
    let key = http::basic("server-key");
    let head =
        format!("POST /v1/track HTTP/1.1\r\nHost: a\r\nAuthorization: {key}\r\nContent-Length: {}\r\n\r\n", CALL.len());
    stream.write_all(head.as_bytes()).expect("written");
    std::thread::sleep(Duration::from_millis(300));
    server.terminate();
    std::thread::sleep(Duration::from_millis(500));
    stream.write_all(CALL.as_bytes()).expect("written");
    let came = http::read_all(&mut stream, Duration::from_secs(10));
    let (answer, _) = Answer::parse(&came).expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert!(server.wait().success());
}

#[test]
fn idle_connections_do_not_delay_a_stop() {
    let mut server = TestServer::start();
    let idle: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("the server accepts");
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("written");
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    assert!(server.stop().success());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    drop(idle);
}

#[test]
fn a_second_server_on_the_folder_is_refused_and_a_killed_one_leaves_no_lock() {
    let mut server = TestServer::start();
    let config = server.config().to_string_lossy().into_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let (status, out, text) = run(folder.path(), &["--config", &config, "serve"], b"");
    assert!(status == 1 && out.is_empty() && text.contains("held by another roundtower"), "{status} {text}");
    assert_eq!(server.post("/v1/track", CALL).status, 200, "the first one goes on");
    server.kill();
    assert!(server.data().join("control.json").exists(), "a killed server cannot clean up");
    server.restart();
    assert_eq!(server.post("/v1/track", CALL).status, 200);
}

#[test]
fn what_was_answered_is_there_after_a_stop_and_after_a_kill() {
    let mut server = TestServer::start();
    for n in 0..20 {
        assert_eq!(server.post("/v1/track", format!(r#"{{"userId":"u","event":"e","messageId":"m{n}"}}"#)).status, 200);
    }
    let before = server.export();
    assert_eq!(before.len(), 20);
    assert!(server.stop().success());
    assert_eq!(server.export(), before, "on the folder");
    server.restart();
    assert_eq!(server.export(), before, "through the next server");
    assert_eq!(server.post("/v1/track", r#"{"userId":"u","event":"e","messageId":"m3"}"#).status, 200);
    assert_eq!(server.post("/v1/track", r#"{"userId":"u","event":"e","messageId":"m20"}"#).status, 200);
    server.kill();
    server.restart();
    let after = server.export();
    assert_eq!((after.len(), &after[..20], &after[20]["messageId"]), (21, before.as_slice(), &"m20".into()));
    let accounts = server.get_as("read-token", "/status").json()["accounts"].clone();
    let number = |name: &str| accounts[name].as_u64().expect("a number");
    assert_eq!(number("received"), number("appended") + number("duplicate") + number("rejected"));
    assert_eq!(number("appended"), 21, "accounts go on from where they were: {accounts}");
}

#[test]
fn an_address_in_use_is_told() {
    let server = TestServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("127.0.0.1:{}", server.port());
    let (status, _, text) = run(folder.path(), &["--listen", &listen], b"");
    assert!(status == 1 && text.contains(&listen) && text.contains("--listen"), "{status} {text}");
}
