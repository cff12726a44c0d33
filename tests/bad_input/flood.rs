//! Many at once: idle connections, more than the cap, faster than allowed.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::case::{Case, ORIGIN, assert_success, setup};
use crate::support::Setup;
use crate::support::http;

#[test]
fn two_thousand_idle_connections_do_not_keep_others_out() {
    let case = Case::new();
    let port = case.server().port();
    let mut idle = Vec::new();
    for number in 0..2_000 {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(mut stream) => {
                if number % 2 == 0 {
                    let _ = stream.write_all(b"POST /v1/track HTTP/1.1\r\nHost: x\r\n");
                }
                idle.push(stream);
            }
            Err(error) => panic!("connection {number}: {error} (is the limit of open files below 2,100?)"),
        }
    }
    let began = Instant::now();
    for number in 0..20 {
        assert_success(&case.post_json("/v1/track", &case.track(&number.to_string())));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "20 calls took {:?}", began.elapsed());
    assert_eq!(case.stored().len(), 20);
}

#[test]
fn connections_beyond_the_cap_do_not_break_the_server() {
    let case = Case::with(
        Setup::default().tables("[http]\nconnections_max = 32\nheader_timeout_ms = 1000\nidle_timeout_ms = 1000\n"),
    );
    let port = case.server().port();
    let crowd: Vec<_> = (0..120).filter_map(|_| TcpStream::connect(("127.0.0.1", port)).ok()).collect();
    assert!(crowd.len() > 32);
    // Silent ones are closed by their deadline; then there is room again, by itself.
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = case.post_json("/v1/track", &case.track("m"));
        if answer.status == 200 {
            break;
        }
        assert!(Instant::now() < deadline, "no room after {:?}: {}", Duration::from_secs(20), answer.status);
        std::thread::sleep(Duration::from_millis(50));
    }
    case.stored_one();
}

#[test]
fn browser_source_faster_than_allowed_is_told_when_to_come_back() {
    let case = Case::with(setup().tables("browser_requests_per_second = 20\n"));
    let key = http::basic("test-key");
    let (mut taken, mut refused) = (0, 0);
    for number in 0..200 {
        let answer = case.post_with("/v1/t", &[("Authorization", &key)], case.track(&number.to_string()).to_string());
        match answer.status {
            200 => taken += 1,
            429 => {
                refused += 1;
                super::case::assert_refusal(&answer, 429, "rate_limited");
                for name in ["retry-after", "x-ratelimit-reset"] {
                    let seconds: u64 = answer
                        .header(name)
                        .unwrap_or_else(|| panic!("{name} is missing"))
                        .parse()
                        .expect("whole seconds");
                    assert!((1..=300).contains(&seconds), "{name}: {seconds}");
                }
                assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert!(refused > 0, "200 requests at once passed a limit of 20 a second");
    assert_eq!(case.stored().len(), taken, "what was answered 429 is not stored");
    case.still_serves();
}

#[test]
fn many_rejections_do_not_grow_the_list() {
    let case = Case::with(Setup::default().tables("[ingest]\nrejections_max = 100\nrejection_body_bytes_max = 200\n"));
    let big = "r".repeat(20_000);
    for number in 0..300 {
        let call = case.track_with(&number.to_string(), "event", serde_json::json!({"x": big}));
        assert_success(&case.post_json("/v1/track", &call));
    }
    let listed = case.all_rejections();
    assert_eq!(listed.len(), 100);
    let longest = listed.iter().map(|item| item.to_string().len()).max().unwrap();
    assert!(longest < 2_000, "a kept body is cut: {longest} bytes");
}
