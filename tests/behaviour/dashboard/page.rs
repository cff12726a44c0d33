//! The page and its parts: their headers, what browsers keep of them, and that nothing else is given out.

use std::io::Read as _;

use crate::support::{Answer, Setup, TestServer};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
const ADDRESSES: [&str; 14] = [
    "/",
    "/login",
    "/login?to=%2Fpeople",
    "/people",
    "/people/user_id:u%2F1",
    "/people/a/b/c",
    "/groups",
    "/groups/g",
    "/audiences",
    "/audiences/vip",
    "/feed",
    "/sources",
    "/relay",
    "/relay/windsor",
];

/// The parts that a page names.
fn parts(page: &str) -> Vec<String> {
    page.split('"').filter(|word| word.starts_with("/assets/")).map(str::to_owned).collect()
}

fn protected(answer: &Answer, policy: &str) {
    for (name, value) in [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(answer.header("permissions-policy").is_some_and(|value| value.contains("camera=()")));
    assert_eq!(answer.header("set-cookie"), None);
}

#[test]
fn every_address_of_the_page_answers_it_and_it_runs_nothing_but_its_parts() {
    let server = TestServer::start();
    let first = server.get("/").text();
    assert!(first.starts_with("<!doctype html>"), "{first}");
    for address in ADDRESSES {
        let answer = server.get(address);
        assert_eq!((answer.status, answer.text()), (200, first.clone()), "{address}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        protected(&answer, POLICY);
    }
    for forbidden in ["<script>", "<style", " style=", "javascript:", "http://", "https://", " onload="] {
        assert!(!first.contains(forbidden), "{forbidden} in {first}");
    }
    let found = parts(&first);
    if found.is_empty() {
        // Built where npm is not: it says how to add the page.
        assert!(first.contains("touch build.rs") && first.contains("ROUNDTOWER_DASHBOARD"), "{first}");
    }
    for part in found {
        let answer = server.get(&part);
        assert_eq!(answer.status, 200, "{part}");
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"), "{part}");
        assert_ne!(answer.header("content-type"), Some("application/octet-stream"), "{part}");
        protected(&answer, POLICY);
    }
}

#[test]
fn what_a_browser_has_is_not_sent_again_and_what_is_sent_is_packed() {
    let server = TestServer::start();
    let page = server.get("/");
    for address in [String::from("/people")].into_iter().chain(parts(&page.text())) {
        let plain = server.get(&address);
        let etag = plain.header("etag").expect("a mark").to_owned();
        let known = server.request("GET", &address, &[("If-None-Match", &etag)], "");
        assert_eq!((known.status, known.body.len()), (304, 0), "{address}");
        assert_eq!(known.header("etag"), Some(etag.as_str()));
        protected(&known, POLICY);
        let other = server.request("GET", &address, &[("If-None-Match", "\"another\"")], "");
        assert_eq!((other.status, &other.body), (200, &plain.body), "{address}");
        let packed = server.request("GET", &address, &[("Accept-Encoding", "br, gzip")], "");
        assert_eq!(packed.header("vary"), Some("Accept-Encoding"), "{address}");
        if packed.header("content-encoding").is_some() {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut text).expect("it is gzip");
            assert!(text == plain.body && packed.body.len() < plain.body.len(), "{address}");
        }
        let head = format!("HEAD {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let head = String::from_utf8(server.raw(head.as_bytes(), crate::support::PATIENCE)).expect("text");
        let length = format!("content-length: {}\r\n", plain.body.len());
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(head.to_lowercase().contains(&length) && head.contains(&etag), "{head}");
    }
}

#[test]
fn there_is_nothing_beside_the_page() {
    let server = TestServer::start();
    for (address, status) in [
        ("/assets/none.js", 404),
        ("/assets/../index.html", 404),
        ("/assets/%2e%2e%2findex.html", 404),
        ("/assets/", 404),
        ("/index.html", 404),
        ("/favicon.ico", 404),
        ("/peoples", 404),
        ("/feed/x", 404),
    ] {
        let answer = server.get(address);
        assert_eq!((answer.status, answer.code().as_str()), (status, "not_found"), "{address}");
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"));
    }
    let posted = server.request("POST", "/people", &[], "{}");
    assert_eq!((posted.status, posted.code().as_str()), (405, "method_not_allowed"));
}

#[test]
fn a_name_that_a_stranger_made_up_shows_no_page() {
    let server = TestServer::start();
    for address in ["/", "/people/x", "/assets/none.js", "/api/session"] {
        let answer = server.request("GET", address, &[("Host", "evil.example")], "");
        assert_eq!((answer.status, answer.code().as_str()), (421, "misdirected_request"), "{address}");
    }
}

#[test]
fn pictures_from_elsewhere_are_shown_when_the_operator_wants_them() {
    let server = Setup::default().tables("[dashboard]\navatars = true").start();
    let policy = POLICY.replace("img-src 'self' data:", "img-src 'self' data: https:");
    protected(&server.get("/"), &policy);
    assert_eq!(server.get_as("read-token", "/api/session").json()["avatars"], true);
    let (status, _, said) = {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config.toml"), "[dashboard]\nsession_days = 0\n").expect("written");
        crate::support::run(folder.path(), &["serve"], b"")
    };
    assert!(status == 2 && said.contains("`dashboard.session_days`") && said.contains("1 to 3650"), "{status} {said}");
}
