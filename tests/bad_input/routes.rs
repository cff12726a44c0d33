//! Wrong methods, unknown paths, preflights, and hosts that are not ours.

use serde_json::json;

use super::case::{Case, ORIGIN, assert_json_and_cors, assert_refusal, assert_success, setup};

#[test]
fn bad_input_49_wrong_method_on_a_tracking_route() {
    let case = Case::new();
    for path in ["/v1/track", "/v1/t", "/v1/batch", "/v1/import/", "/v1/identify"] {
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let answer = case.server().request(method, path, &[("Origin", ORIGIN)], "");
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text());
            let allowed = answer.header("allow").unwrap_or_default();
            assert!(allowed.contains("POST"), "{method} {path} allows {allowed:?}");
            assert_eq!(answer.json()["success"], false);
            assert!(answer.json()["code"].as_str().is_some_and(|code| !code.is_empty()), "{}", answer.text());
            assert_json_and_cors(&answer);
        }
    }
    case.still_serves();
}

#[test]
fn bad_input_50_unknown_path_below_v1() {
    let case = Case::new();
    for path in ["/v1/unknown", "/v1/", "/v1/Track", "/v1/track/extra", "/v1/track//", "/v1//track", "/v1/%74rack/x"] {
        let answer = case.post(path, case.track("m").to_string());
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        let body = answer.json();
        assert_eq!(body["success"], false, "{body}");
        for member in ["code", "message", "error"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member} is missing: {body}");
        }
        assert_json_and_cors(&answer);
    }
    case.stored_none();
    case.still_serves();
}

#[test]
fn bad_input_51_options_without_origin() {
    let case = Case::new();
    let answer = case.server().request("OPTIONS", "/v1/track", &[], "");
    assert!(matches!(answer.status, 200 | 204), "{}", answer.status);
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let methods = answer.header("access-control-allow-methods").unwrap_or_default();
    assert!(methods.contains("POST") && methods.contains("GET"), "{methods}");
    let headers = answer.header("access-control-allow-headers").unwrap_or_default().to_ascii_lowercase();
    for needed in ["authorization", "content-type", "x-retry-count"] {
        assert!(headers.contains(needed), "{headers}");
    }
}

#[test]
fn preflight_from_any_origin() {
    let case = Case::new();
    let asked = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type,x-retry-count,x-own"),
        ("Access-Control-Request-Private-Network", "true"),
    ];
    for path in ["/v1/t", "/v1/track", "/v1/batch", "/v1/b", "/v1/m", "/v1/projects/test-key/settings"] {
        let answer = case.server().request("OPTIONS", path, &asked, "");
        assert!(matches!(answer.status, 200 | 204), "{path}: {}", answer.status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
        assert_eq!(answer.header("access-control-max-age"), Some("86400"));
        assert!(answer.header("vary").unwrap_or_default().to_ascii_lowercase().contains("origin"));
        assert!(
            answer.header("access-control-allow-headers").unwrap_or_default().to_ascii_lowercase().contains("x-own")
        );
    }
}

#[test]
fn pages_of_other_origins_cannot_read_the_api() {
    let case = Case::new();
    let headers = [("Origin", ORIGIN), ("Authorization", "Bearer admin-token")];
    for path in ["/api/rejections", "/status", "/metrics"] {
        let answer = case.server().request("GET", path, &headers, "");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        let preflight = case.server().request("OPTIONS", path, &headers, "");
        assert_eq!(preflight.header("access-control-allow-origin"), None, "{path}");
    }
}

#[test]
fn wrong_host_reaches_ingest_only() {
    let case = Case::new();
    let foreign = ("Host", "attacker.example");
    for path in ["/api/rejections", "/status", "/metrics"] {
        let answer = case.server().request("GET", path, &[foreign, ("Authorization", "Bearer admin-token")], "");
        assert!(matches!(answer.status, 403 | 421), "{path}: {}", answer.status);
    }
    assert_success(&case.post_with("/v1/track", &[foreign], case.track("m").to_string()));
    let strange = ("Host", "a b<script>");
    let answer =
        case.server().request("GET", "/api/rejections", &[strange, ("Authorization", "Bearer admin-token")], "");
    assert!(matches!(answer.status, 400 | 403 | 421), "{}", answer.status);
    case.still_serves();
}

#[test]
fn client_metrics_are_taken_and_forgotten() {
    let case = Case::new();
    let series = json!({"series": [{"type": "Counter", "metric": case.tag(), "value": 1, "tags": {}}]});
    assert_eq!(case.post_json("/v1/m", &series).status, 200);
    case.stored_none();
}

#[test]
fn unknown_settings_key_is_not_found() {
    let case = Case::new();
    let answer = case.server().request("GET", "/v1/projects/no-such-key/settings", &[("Origin", ORIGIN)], "");
    assert_refusal(&answer, 404, answer.code().as_str());
    assert!(!answer.text().contains("no-such-key"));
    for path in
        ["/v1/projects/%2e%2e%2f%2e%2e%2fetc/settings", "/analytics.js/v1/..%2f..%2fetc%2fpasswd/analytics.min.js"]
    {
        let strange = case.server().get(path);
        assert!(matches!(strange.status, 400 | 404), "{path}: {}", strange.status);
    }
}

#[test]
fn strange_limits_and_cursors_of_the_list_of_rejections() {
    let case = Case::with(setup());
    assert_success(&case.post_json("/v1/track", &case.track_with("m", "event", json!(5))));
    for query in [
        "limit=0",
        "limit=-1",
        "limit=1000000000",
        "limit=abc",
        "cursor=garbage",
        "cursor=%00%ff",
        "limit=5&limit=6",
        "before=x",
    ] {
        let answer = case.server().get_as("admin-token", &format!("/api/rejections?{query}"));
        assert!(matches!(answer.status, 200 | 400), "{query}: {} {}", answer.status, answer.text());
        if answer.status == 200 {
            assert!(answer.json()["items"].as_array().unwrap().len() <= 500);
        } else {
            assert!(answer.json()["code"].as_str().is_some_and(|code| !code.is_empty()), "{}", answer.text());
        }
    }
}
