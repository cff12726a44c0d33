//! Any page may send, and may read every answer, errors included; pages may not read anything else.

use crate::support::{Answer, Setup, TestServer};

const ORIGIN: &str = "https://shop.example";
const CALL: &str = r#"{"userId":"u","event":"e","writeKey":"test-key"}"#;

fn readable(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN), "{status}");
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{status}");
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    assert!(exposed.contains("Retry-After") && exposed.contains("X-RateLimit-Reset"), "{status}");
    let vary = answer.headers.iter().any(|(name, value)| name == "vary" && value.contains("Origin"));
    assert!(vary, "{status}");
}

#[test]
fn every_answer_of_ingest_is_readable_by_the_page_that_sent() {
    let server = Setup::default().tables("[http]\nbrowser_requests_per_second = 1").start();
    let ask = |method: &str, path: &str, body: &str| server.request(method, path, &[("Origin", ORIGIN)], body);
    readable(&ask("POST", "/v1/t", CALL), 200);
    readable(&ask("POST", "/v1/m", "{}"), 200);
    readable(&ask("POST", "/v1/t", "{"), 400);
    readable(&ask("POST", "/v1/t", "{}"), 400);
    readable(&ask("POST", "/v1/t", &" ".repeat(40_000)), 400);
    readable(&ask("POST", "/v1/t", r#"{"writeKey":"nobody"}"#), 401);
    readable(&ask("GET", "/v1/t", ""), 405);
    readable(&ask("PUT", "/v1/batch", "{}"), 405);
    readable(&ask("POST", "/v1/unknown", "{}"), 404);
    readable(&ask("GET", "/v1/projects/test-key/settings", ""), 200);
    readable(&ask("GET", "/v1/projects/nobody/settings", ""), 404);
    readable(&ask("GET", "/next-integrations/actions/x.js", ""), 404);
    readable(&ask("GET", "/analytics.js/v1/nobody/analytics.min.js", ""), 404);
    let answers: Vec<Answer> = (0..10).map(|_| ask("POST", "/v1/t", CALL)).collect();
    readable(answers.iter().find(|answer| answer.status == 429).expect("one is limited"), 429);
    let big = server.request("POST", "/v1/t", &[("Origin", ORIGIN), ("X-Big", &"x".repeat(20_000))], CALL);
    readable(&big, 431);
}

#[test]
fn a_preflight_allows_what_sdks_need_and_what_was_asked() {
    let server = TestServer::start();
    for path in ["/v1/t", "/v1/track/", "/batch", "/v1/unknown", "/v1/projects/test-key/settings"] {
        let headers = [
            ("Origin", ORIGIN),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,content-type,x-custom, bad header\u{1}"),
            ("Access-Control-Request-Private-Network", "true"),
        ];
        let headers = &headers.map(|(name, value)| (name, value.trim_end_matches(", bad header\u{1}")));
        let answer = server.request("OPTIONS", path, headers, b"");
        readable(&answer, 204);
        assert!(answer.body.is_empty());
        let allowed = answer.header("access-control-allow-headers").expect("headers are allowed");
        for name in ["authorization", "content-type", "x-retry-count", "x-custom"] {
            assert!(allowed.split(", ").any(|one| one == name), "{name} in {allowed}");
        }
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST, OPTIONS"));
        assert_eq!(answer.header("access-control-max-age"), Some("86400"));
        assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
    }
}

#[test]
fn without_an_origin_everybody_is_allowed() {
    let server = TestServer::start();
    let answer = server.request("OPTIONS", "/v1/track", &[], b"");
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-private-network"), None);
}

#[test]
fn other_pages_may_read_nothing_but_ingest() {
    let server = TestServer::start();
    for path in ["/api/sources", "/api/export/calls", "/status", "/metrics", "/healthz", "/nothing"] {
        for method in ["GET", "OPTIONS"] {
            let headers = [("Origin", ORIGIN), ("Authorization", "Bearer admin-token")];
            let answer = server.request(method, path, &headers, b"");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{method} {path}");
            assert!(answer.header("content-security-policy").is_some(), "{method} {path}");
        }
    }
}
