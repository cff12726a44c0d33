//! Logging in: what the cookie is good for, what ends it, and that nobody else gets to see it.

use serde_json::Value;

use super::{ask_in, log_in};
use crate::support::{Answer, PATIENCE, Setup, TestServer, http};

const CALL: &str = r#"{"userId":"u","event":"e","messageId":"m"}"#;

fn get(server: &TestServer, cookie: &str, path: &str) -> Answer {
    server.request("GET", path, &[("Cookie", cookie)], "")
}

fn change(server: &TestServer, cookie: &str, verb: &str, path: &str, body: &str) -> Answer {
    let origin = server.url("");
    server.request(verb, path, &[("Cookie", cookie), ("Origin", &origin)], body)
}

fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "waited in vain");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// A token made for one test; its name and the token.
fn new_token(server: &TestServer, name: &str, scope: &str) -> String {
    let admin = [("Authorization", "Bearer admin-token")];
    let made = server.request("POST", "/api/tokens", &admin, format!(r#"{{"name":"{name}","scope":"{scope}"}}"#));
    made.json()["token"].as_str().expect("shown once").to_owned()
}

#[test]
fn a_token_is_traded_for_a_cookie_until_one_logs_out() {
    let server = TestServer::start();
    let answer = ask_in(&server, " read-token\n");
    let set = answer.header("set-cookie").expect("a cookie").to_owned();
    let (pair, attributes) = set.split_once("; ").expect("attributes");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000");
    assert_eq!(pair.strip_prefix("roundtower_session=").map(str::len), Some(43), "32 random bytes");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let told = answer.json();
    let names: Vec<&String> = told.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["name", "scope", "expires_at", "avatars"]);
    assert_eq!((&told["name"], &told["scope"], &told["avatars"]), (&"test-read".into(), &"read".into(), &false.into()));
    assert!(told["expires_at"].as_str().is_some_and(|time| time.ends_with('Z')));
    let again = get(&server, pair, "/api/session");
    assert_eq!((again.status, &again.json()["name"]), (200, &"test-read".into()));
    assert_eq!(again.header("set-cookie"), Some(set.as_str()), "it lasts for as long again");
    assert_ne!(log_in(&server, "read-token"), pair, "each is another one");
    let out = change(&server, pair, "DELETE", "/api/session", "");
    assert_eq!((out.status, out.body.len()), (204, 0));
    assert_eq!(out.header("set-cookie"), Some("roundtower_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
    assert_eq!((get(&server, pair, "/api/session").status, get(&server, pair, "/api/people").status), (401, 401));
    assert_eq!(change(&server, pair, "DELETE", "/api/session", "").status, 204, "leaving twice does not hurt");
}

#[test]
fn the_cookie_is_good_where_a_token_is() {
    let server = TestServer::start();
    let cookie = log_in(&server, "read-token");
    let sequence = server.post("/v1/track?receipt=1", CALL).json()["receipts"][0]["sequence"].clone();
    for path in [
        &format!("/api/people?wait_for={sequence}") as &str,
        "/api/people/user_id:u",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/v1/spaces/any/collections/users/profiles/user_id:u/traits",
        "/api/calls/m",
    ] {
        assert_eq!(get(&server, &cookie, path).status, 200, "{path}");
    }
    assert!(get(&server, &cookie, "/status").json()["accounts"].is_object(), "in full");
    let live = server.request("HEAD", "/api/feed/live", &[("Cookie", &cookie)], "");
    assert_eq!((live.status, live.header("content-type")), (200, Some("text/event-stream")));
    let among = format!("theme=dark; {cookie}; other=1");
    assert_eq!(get(&server, &among, "/api/people").status, 200);
    // A cookie is nothing to ingest: a browser would send it along from any page.
    assert_eq!(server.request("POST", "/v1/track", &[("Cookie", &cookie)], CALL).status, 400);
}

#[test]
fn a_cookie_that_nobody_knows_opens_nothing_and_hides_nothing() {
    let server = TestServer::start();
    let hash = blake3::hash(log_in(&server, "admin-token").split_once('=').expect("a value").1.as_bytes());
    for value in ["", "x", "admin-token", &"A".repeat(43), &hash.to_hex(), "\u{fc}", "\"", "a=b"] {
        let cookie = format!("roundtower_session={value}");
        assert_eq!(get(&server, &cookie, "/api/people").status, 401, "{value}");
        assert_eq!(get(&server, &cookie, "/api/session").status, 401, "{value}");
        for open in ["/", "/login", "/status", "/healthz"] {
            assert_eq!(get(&server, &cookie, open).status, 200, "{open} with {value}");
        }
        assert_eq!(get(&server, &cookie, "/status").json()["accounts"], Value::Null);
    }
}

#[test]
fn who_may_not_log_in_is_told_why() {
    let server = TestServer::start();
    for (token, status, code) in
        [("wrong", 401, "unauthorized"), ("", 401, "unauthorized"), ("server-key", 401, "unauthorized")]
    {
        let answer = ask_in(&server, token);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{token}");
        assert_eq!(answer.header("set-cookie"), None);
    }
    let control = std::fs::read(server.data().join("control.json")).expect("the server runs");
    let control: Value = serde_json::from_slice(&control).expect("JSON");
    let of_this_run = control["token"].as_str().expect("a token");
    assert_eq!(ask_in(&server, of_this_run).status, 401, "commands need no page");
    assert_eq!(server.get_as(of_this_run, "/api/session").json()["name"], "control");
    for (body, status) in [("", 400), ("{}", 400), (r#"{"token":1}"#, 400), (r#"{"token":"x","more":1}"#, 400)] {
        assert_eq!(server.request("POST", "/api/session", &[], body).status, status, "{body}");
    }
    let large = format!(r#"{{"token":"{}"}}"#, "x".repeat(17_000));
    assert_eq!(server.request("POST", "/api/session", &[], large).status, 413);
    let strange = [("Origin", "https://evil.example")];
    let strange = server.request("POST", "/api/session", &strange, r#"{"token":"read-token"}"#);
    assert_eq!((strange.status, strange.code().as_str(), strange.header("set-cookie")), (403, "cross_origin", None));
    let plain = server.request("POST", "/api/session", &[], r#"{"token":"read-token"}"#);
    assert_eq!(plain.status, 200, "a program without pages logs in, too");
    let by_token = server.get_as("read-token", "/api/session");
    assert_eq!((&by_token.json()["expires_at"], by_token.header("set-cookie")), (&Value::Null, None));
}

#[test]
fn guessing_ends_soon_also_for_a_right_guess() {
    let server = Setup::default().top("trusted_proxies = [\"127.0.0.1\"]").start();
    let from = |address: &str, token: &str| {
        let headers = [("X-Forwarded-For", address)];
        server.request("POST", "/api/session", &headers, format!(r#"{{"token":"{token}"}}"#))
    };
    let verdicts: Vec<u16> = (0..12).map(|n| from("1.2.3.4", &format!("guess-{n}")).status).collect();
    assert!(verdicts.starts_with(&[401; 10]) && verdicts.contains(&429), "{verdicts:?}");
    let right = from("1.2.3.4", "read-token");
    assert_eq!((right.status, right.code().as_str()), (429, "rate_limited"));
    let wait: u32 = right.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((1..=7).contains(&wait), "{wait}");
    assert_eq!(from("1.2.3.5", "read-token").status, 200, "others are not held up");
    for _ in 0..30 {
        assert_eq!(from("1.2.3.5", "read-token").status, 200, "right ones are not counted");
    }
}

#[test]
fn a_session_ends_with_its_token() {
    let server = TestServer::start();
    let first = new_token(&server, "ops", "read");
    let cookie = log_in(&server, &first);
    let admin = [("Authorization", "Bearer admin-token")];
    assert_eq!(change(&server, &cookie, "POST", "/api/sources", r#"{"name":"one"}"#).status, 403);
    assert_eq!(server.request("PATCH", "/api/tokens/ops", &admin, r#"{"scope":"admin"}"#).status, 200);
    assert_eq!(get(&server, &cookie, "/api/session").json()["scope"], "admin");
    assert_eq!(change(&server, &cookie, "POST", "/api/sources", r#"{"name":"one"}"#).status, 201);
    let second = server.request("POST", "/api/tokens/ops/rotate", &admin, "").json()["token"].clone();
    assert_eq!(get(&server, &cookie, "/api/session").status, 401, "the secret is another one");
    let cookie = log_in(&server, second.as_str().expect("shown once"));
    assert_eq!(change(&server, &cookie, "DELETE", "/api/tokens/ops", "").status, 204, "also the one it was made with");
    assert_eq!(get(&server, &cookie, "/api/people").status, 401);
    new_token(&server, "ops", "admin");
    assert_eq!(get(&server, &cookie, "/api/people").status, 401, "another token of the same name is another token");
}

#[test]
fn a_stream_of_events_ends_with_the_session_and_with_the_token() {
    let server = TestServer::start();
    let token = new_token(&server, "ops", "read");
    let (cookie, bearer) = (log_in(&server, "read-token"), format!("Authorization: Bearer {token}"));
    let follow = |key: &str| {
        let head = format!("GET /api/feed/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{key}\r\n\r\n");
        String::from_utf8(server.raw(head.as_bytes(), PATIENCE)).expect("text")
    };
    let streams = || server.get_as("admin-token", "/status").json()["views"]["live_streams"].clone();
    std::thread::scope(|scope| {
        let readers = [format!("Cookie: {cookie}"), bearer].map(|key| scope.spawn(move || follow(&key)));
        wait_until(|| streams() == 2);
        server.post("/v1/track", r#"{"userId":"u","event":"Before"}"#);
        let before = server.post("/v1/track?receipt=1", CALL).json()["receipts"][0]["sequence"].clone();
        assert_eq!(server.get_as("admin-token", &format!("/api/feed?wait_for={before}")).status, 200);
        assert_eq!(change(&server, &cookie, "DELETE", "/api/session", "").status, 204);
        let admin = [("Authorization", "Bearer admin-token")];
        assert_eq!(server.request("DELETE", "/api/tokens/ops", &admin, "").status, 204);
        server.post("/v1/track", r#"{"userId":"u","event":"After"}"#);
        for reader in readers {
            let came = reader.join().expect("it reads");
            assert!(came.starts_with("HTTP/1.1 200") && !came.contains("After"), "{came}");
        }
    });
    wait_until(|| streams() == 0);
}

#[test]
fn nothing_that_was_asked_for_by_cookie_is_kept_by_the_browser() {
    let server = TestServer::start();
    let cookie = log_in(&server, "admin-token");
    for path in ["/api/people", "/api/feed", "/api/events", "/api/sources", "/api/people/none", "/status", "/metrics"] {
        assert_eq!(get(&server, &cookie, path).header("cache-control"), Some("no-store"), "{path}");
    }
}

#[test]
fn sessions_outlive_a_stop_and_a_crash_and_those_that_ended_do_not_come_back() {
    let mut server = TestServer::start();
    let token = new_token(&server, "ops", "read");
    let (kept, left, revoked) = (log_in(&server, "read-token"), log_in(&server, "read-token"), log_in(&server, &token));
    assert_eq!(change(&server, &left, "DELETE", "/api/session", "").status, 204);
    server.kill();
    server.spawn();
    assert_eq!(get(&server, &kept, "/api/session").status, 200);
    assert_eq!(get(&server, &left, "/api/session").status, 401);
    let admin = [("Authorization", "Bearer admin-token")];
    assert_eq!(server.request("DELETE", "/api/tokens/ops", &admin, "").status, 204);
    server.restart();
    assert_eq!((get(&server, &kept, "/api/session").status, get(&server, &revoked, "/api/session").status), (200, 401));
    let file = server.data().join("sessions.toml");
    let lines = std::fs::read_to_string(&file).expect("the sessions are kept");
    assert_eq!(lines.matches("id_hash").count(), 1, "{lines}");
    server.stop();
    std::fs::write(&file, &lines[..lines.len() / 2]).expect("damaged");
    server.spawn();
    assert_eq!(get(&server, &kept, "/api/session").status, 401, "a damaged file costs a login, nothing else");
    assert!(server.log().contains("has to log in again"), "{}", server.log());
    assert_eq!(get(&server, &log_in(&server, "read-token"), "/api/people").status, 200);
}

#[test]
fn a_token_that_left_the_configuration_takes_its_sessions_along_for_good() {
    let mut server = TestServer::start();
    let cookie = log_in(&server, "read-token");
    server.stop();
    let config = std::fs::read_to_string(server.config()).expect("the configuration");
    std::fs::write(server.config(), config.replace("\"read-token\"", "\"another\"")).expect("written");
    server.spawn();
    assert_eq!(get(&server, &cookie, "/api/session").status, 401);
    server.kill();
    std::fs::write(server.config(), config).expect("written");
    server.spawn();
    assert_eq!(get(&server, &cookie, "/api/session").status, 401, "it does not come back with the token");
}

#[test]
fn behind_tls_the_cookie_never_travels_without_it() {
    let secure = "; Max-Age=2592000; Secure";
    let server = Setup::default().top("public_url = \"https://events.example/base\"").start();
    let headers = [("Host", "events.example"), ("Origin", "https://events.example")];
    let answer = server.request("POST", "/api/session", &headers, r#"{"token":"admin-token"}"#);
    assert!(answer.header("set-cookie").is_some_and(|set| set.ends_with(secure)), "{answer:?}");
    let server = Setup::default().top("trusted_proxies = [\"127.0.0.1\"]\nallowed_hosts = [\"outer.example\"]").start();
    let headers =
        [("X-Forwarded-Host", "outer.example"), ("X-Forwarded-Proto", "https"), ("Origin", "https://outer.example")];
    let answer = server.request("POST", "/api/session", &headers, r#"{"token":"admin-token"}"#);
    assert!(answer.header("set-cookie").is_some_and(|set| set.ends_with(secure)), "{answer:?}");
}

#[test]
fn neither_token_nor_cookie_is_written_anywhere() {
    let server = Setup::default().top("log = \"trace\"").start();
    let token = new_token(&server, "ops", "admin");
    let cookie = log_in(&server, &token);
    let value = cookie.split_once('=').expect("a value").1;
    change(&server, &cookie, "POST", "/api/sources", r#"{"name":"one"}"#);
    change(&server, &cookie, "POST", "/api/merges", "{");
    server.request("POST", "/api/sources", &[("Cookie", &cookie)], "{}");
    ask_in(&server, "a-wrong-token");
    get(&server, &cookie, "/metrics");
    let numbers = server.get_as("read-token", "/metrics").text();
    let mut read = vec![server.log(), numbers];
    for entry in std::fs::read_dir(server.data()).expect("the folder").flatten() {
        if entry.path().is_file() {
            read.push(String::from_utf8_lossy(&std::fs::read(entry.path()).expect("a file")).into_owned());
        }
    }
    assert!(read.iter().any(|text| text.contains("id_hash")), "the session is among what was read");
    for text in read {
        for secret in [value, &token, "a-wrong-token"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn the_first_start_prints_a_link_that_logs_in() {
    let server = Setup::default().bare().start();
    let link = server.first_start().lines().map(str::trim).find(|line| line.contains("/login#")).expect("a link");
    let (address, token) = link.split_once('#').expect("a token");
    assert_eq!(address, server.url("/login"));
    assert_eq!(http::request(server.port(), "GET", "/login", &[], b"").status, 200);
    assert_eq!(ask_in(&server, token).json()["scope"], "admin");
    let made = server.command(&["token", "add", "ops", "--scope", "read"]).output().expect("the command runs");
    let said = String::from_utf8(made.stdout).expect("text");
    let token = said.split("/login#").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a link, too");
    assert_eq!(ask_in(&server, token).json()["name"], "ops");
}
