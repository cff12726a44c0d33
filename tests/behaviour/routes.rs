//! Every route in every form answers as the protocol says, and nothing but the routes answers at all.

use roundtower::http::routes::{Action, ROUTES, Route};

use crate::support::{Setup, TestServer, http};

const CALL: &str = r#"{"userId":"u","event":"e","groupId":"g","previousId":"p","type":"track"}"#;

fn concrete(path: &str) -> String {
    path.replace("{key}", "server-key")
        .replace("{id:.*}", "no-such-id")
        .replace("{name}", "web")
        .replace("{file}", "x.js")
}

#[test]
fn every_spelling_of_every_tracking_route_takes_a_call() {
    let server = TestServer::start();
    let mut sent = 0;
    for (spelling, route) in ROUTES.iter().flat_map(|route| route.spellings().into_iter().map(move |one| (one, route)))
    {
        let (path, offer) = (concrete(&spelling), route.offers[0]);
        match offer.action {
            Action::Take(target) => {
                let whole = matches!(target.name(), "batch" | "import");
                let body = if whole { format!("{{\"batch\":[{CALL}]}}") } else { CALL.to_owned() };
                let answer = server.post(&path, body);
                assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"success":true}"#), "{path}");
                assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
                sent += 1;
            }
            Action::Pixel(_) => {
                let path = format!("{path}?writeKey=test-key&userId=u&event=e&groupId=g&previousId=p&name=n");
                let answer = server.get(&path);
                assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/gif")), "{path}");
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                assert!(answer.body.starts_with(b"GIF89a"));
                sent += 1;
            }
            Action::Discard => assert_eq!(server.post(&path, r#"{"series":[]}"#).text(), r#"{"success":true}"#),
            _ => {}
        }
    }
    let hooks = 4; // What Windsor's client sends is shaped differently; its route takes a call or tells why not.
    let stored = server.export().len();
    assert!(stored + hooks >= sent && sent > 80, "{stored} of {sent} calls are there");
}

/// A route that nobody meant to open shows up here. Renew the file by hand, after looking at every changed line.
#[test]
fn the_routes_are_the_ones_on_the_list() {
    let line = |route: &Route| {
        let offers = route.offers.iter().map(|offer| format!("{} {:?}", offer.verb.as_str(), offer.right));
        format!("{} {:?} {}\n", route.path, route.surface, offers.collect::<Vec<_>>().join(", "))
    };
    let list: String = ROUTES.iter().map(line).collect();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/routes.txt");
    let kept = std::fs::read_to_string(golden).expect("the list is there");
    assert!(list == kept, "tests/golden/routes.txt differs; now it is:\n{list}");
}

#[test]
fn the_wrong_method_is_405_with_the_right_ones() {
    let server = TestServer::start();
    for route in ROUTES {
        let path = concrete(route.path);
        let headers = [("Authorization", "Bearer admin-token")];
        let answer = server.request("PROPFIND", &path, &headers, b"");
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.header("allow"), Some(route.allow().as_str()), "{path}");
        assert_eq!(answer.code(), "method_not_allowed", "{path}");
    }
}

#[test]
fn what_is_no_route_is_404_with_a_json_body() {
    let server = TestServer::start();
    let ingest =
        ["/v1/unknown", "/v1/Track", "/V1/track", "/v1/track/x", "/v1/", "/v1/projects/test-key", "/v1/attribution"];
    for path in ingest.iter().chain(&["/api", "/api/persons", "/api/sources/", "/HEALTHZ", "/api/nothing", "/.env"]) {
        let answer = server.post(path, "{}");
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["code"], "not_found", "{path}");
    }
}

#[test]
fn a_head_request_has_the_headers_and_records_nothing() {
    let server = TestServer::start();
    let path = "/v1/pixel/track?writeKey=test-key&userId=u&event=e";
    let raw = server.raw(
        format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes(),
        crate::support::PATIENCE,
    );
    let text = String::from_utf8_lossy(&raw).into_owned();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("image/gif") && text.ends_with("\r\n\r\n"), "{text}");
    assert!(server.export().is_empty());
}

#[test]
fn receipts_come_when_they_are_asked_for() {
    let server = TestServer::start();
    let key = http::basic("server-key");
    let body = r#"{"batch":[{"type":"track","event":"e","userId":"u","messageId":"m1"},{"type":"nonsense"}]}"#;
    let headers = [("Authorization", key.as_str()), ("X-Roundtower-Receipt", "1")];
    let first = server.request("POST", "/v1/batch", &headers, body);
    assert_eq!(first.status, 200);
    let receipts = first.json()["receipts"].clone();
    assert_eq!((&receipts[0]["messageId"], &receipts[0]["status"]), (&"m1".into(), &"appended".into()));
    assert_eq!((&receipts[1]["status"], &receipts[1]["code"]), (&"rejected".into(), &"unknown_type".into()));
    let again = server.post("/v1/batch?receipt=1", body).json();
    assert_eq!(again["receipts"][0]["status"], "duplicate");
    assert_eq!(again["receipts"][0]["sequence"], receipts[0]["sequence"]);
}

#[test]
fn a_token_in_a_url_is_not_read() {
    let server = TestServer::start();
    assert_eq!(server.get("/api/sources?token=admin-token&access_token=admin-token").status, 401);
}

#[test]
fn metrics_can_be_made_public() {
    let server = Setup::default().top("metrics_public = true").start();
    server.post("/v1/track", CALL);
    let text = server.get("/metrics").text();
    assert!(text.contains("roundtower_calls_total{outcome=\"appended\"} 1"), "{text}");
    assert!(text.contains("roundtower_ack_seconds_count 1"), "{text}");
    assert!(text.contains("roundtower_requests_total{surface=\"ingest\",status=\"2xx\"} 1"), "{text}");
}

#[test]
fn the_status_shows_strangers_three_fields_only() {
    let server = TestServer::start();
    server.post("/v1/track", CALL);
    let status = server.get("/status").json();
    let keys: Vec<&String> = status.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["version", "durability", "tail"]);
    assert_eq!(status["tail"], 2);
    let full = server.get_as("read-token", "/status").json();
    assert_eq!(full["accounts"]["appended"], 1);
    assert_eq!(full["journal"]["next"], 2);
    assert!(full["instance"].as_str().is_some_and(|id| id.len() == 36));
}

#[test]
fn one_call_and_what_was_refused_can_be_looked_up() {
    let server = TestServer::start();
    server.post("/v1/track", r#"{"userId":"u","event":"e","messageId":"good/one"}"#);
    server.post("/v1/track", r#"{"userId":"u","messageId":"bad-one"}"#);
    let good = server.get_as("read-token", "/api/calls/good%2Fone").json();
    assert_eq!((&good["source"], &good["sequence"], &good["accepted"]), (&"api".into(), &1.into(), &true.into()));
    let bad = server.get_as("read-token", "/api/calls/bad-one").json();
    assert_eq!((&bad["accepted"], &bad["code"]), (&false.into(), &"event_not_defined".into()));
    assert_eq!(server.get_as("read-token", "/api/calls/none").status, 404);
    for n in 0..5 {
        server.post("/v1/track", format!(r#"{{"userId":"u","n":{n}}}"#));
    }
    let page = server.get_as("read-token", "/api/rejections?limit=4").json();
    assert_eq!(page["items"].as_array().map(Vec::len), Some(4));
    assert!(page["items"][0]["body"].as_str().is_some_and(|body| body.contains("\"n\":4")), "{page}");
    let next = page["next"].as_str().expect("there is more");
    let rest = server.get_as("read-token", &format!("/api/rejections?limit=4&cursor={next}")).json();
    assert_eq!((rest["items"].as_array().map(Vec::len), &rest["next"]), (Some(2), &serde_json::Value::Null));
    for query in ["limit=0", "limit=abc", "cursor=garbage", "cursor=r1-x"] {
        assert_eq!(server.get_as("read-token", &format!("/api/rejections?{query}")).status, 400, "{query}");
    }
}
