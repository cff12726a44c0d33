//! What SDKs load before they send: settings that point back here, and Analytics.js itself.

use std::io::Read as _;

use crate::support::{Setup, TestServer};

fn api(server: &TestServer, headers: &[(&str, &str)]) -> (String, String) {
    let answer = server.request("GET", "/v1/projects/test-key/settings", headers, b"");
    assert_eq!(answer.status, 200);
    let segment = answer.json()["integrations"]["Segment.io"].clone();
    let text = |name: &str| segment[name].as_str().expect("a text").to_owned();
    (text("apiHost"), text("protocol"))
}

#[test]
fn the_settings_make_an_sdk_send_everything_here() {
    let server = TestServer::start();
    let answer = server.get("/v1/projects/test-key/settings");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let settings = answer.json();
    let names: Vec<&String> = settings["integrations"].as_object().expect("an object").keys().collect();
    assert_eq!(names, ["Segment.io"], "any other name makes Analytics.js load old integrations");
    assert_eq!(settings["integrations"]["Segment.io"]["apiKey"], "test-key");
    assert_eq!(settings["integrations"]["Segment.io"]["apiHost"], format!("127.0.0.1:{}/v1", server.port()));
    assert_eq!(settings["metrics"]["sampleRate"], 0, "or pages report to Segment");
    assert_eq!(settings["plan"]["track"]["__default"]["enabled"], true);
    for object in ["edgeFunction", "middlewareSettings", "enabledMiddleware", "consentSettings"] {
        assert!(settings[object].is_object(), "{object}");
    }
}

#[test]
fn the_host_is_the_public_one_else_the_one_that_was_asked_for() {
    let server = TestServer::start();
    assert_eq!(api(&server, &[("Host", "events.example:81")]), ("events.example:81/v1".into(), "http".into()));
    let forwarded = [("Host", "inner"), ("X-Forwarded-Host", "outer.example"), ("X-Forwarded-Proto", "https")];
    assert_eq!(api(&server, &forwarded), ("inner/v1".into(), "http".into()), "a stranger may not say so");
    let behind = Setup::default().top("trusted_proxies = [\"127.0.0.1\"]").start();
    assert_eq!(api(&behind, &forwarded), ("outer.example/v1".into(), "https".into()));
    let public = Setup::default().top("public_url = \"https://events.example/base/\"").start();
    assert_eq!(api(&public, &forwarded), ("events.example/base/v1".into(), "https".into()));
    let evil = server.request("GET", "/v1/projects/test-key/settings", &[("Host", "a\"b<")], b"");
    assert!(evil.status == 400, "{}", evil.status);
}

#[test]
fn an_unknown_key_gets_no_settings_and_no_script() {
    let server = TestServer::start();
    for path in ["/v1/projects/nobody/settings", "/analytics.js/v1/nobody/analytics.min.js"] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "unknown_write_key"));
    }
}

#[test]
fn the_script_is_served_whole_packed_and_cached() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bundle.js");
    let code = "window.analytics = [];\n".repeat(1_000);
    std::fs::write(&file, &code).expect("written");
    let server = Setup::default().top(&format!("analytics_js = \"{}\"", file.display())).start();
    let path = "/analytics.js/v1/test-key/analytics.min.js";
    let plain = server.get(path);
    assert_eq!((plain.status, plain.text()), (200, code.clone()));
    assert_eq!(plain.header("content-type"), Some("text/javascript; charset=utf-8"));
    let etag = plain.header("etag").expect("a mark").to_owned();
    let packed = server.request("GET", path, &[("Accept-Encoding", "br, gzip")], b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_string(&mut unpacked).expect("it is gzip");
    assert_eq!(unpacked, code);
    let refused = server.request("GET", path, &[("Accept-Encoding", "gzip;q=0")], b"");
    assert_eq!(refused.header("content-encoding"), None);
    let known = server.request("GET", path, &[("If-None-Match", &etag)], b"");
    assert_eq!((known.status, known.body.len()), (304, 0));
}

#[test]
fn the_bundle_built_in_is_analytics_js_or_the_answer_says_how_to_get_it() {
    let server = TestServer::start();
    let answer = server.get("/analytics.js/v1/test-key/analytics.min.js");
    if answer.status == 200 {
        assert!(answer.body.len() > 50_000 && answer.text().contains("analytics"));
        let text = answer.text();
        let hash = text.split("auto-track").last().and_then(|rest| rest.split("248:\"").nth(1)).map(|rest| &rest[..20]);
        let part =
            format!("/analytics-next/bundles/auto-track.bundle.{}.js", hash.expect("the bundle names its parts"));
        let part = server.get(&part);
        assert_eq!((part.status, part.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
        assert_eq!(server.get("/analytics-next/bundles/none.js").status, 404);
    } else {
        assert_eq!((answer.status, answer.code().as_str()), (404, "no_script"));
        assert!(answer.text().contains("npm") && answer.text().contains("analytics_js"));
    }
}
