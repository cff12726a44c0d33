//! Write keys that are missing, garbled, unknown or contradict each other, and tokens in the wrong place.

use serde_json::json;

use super::case::{Case, assert_refusal, assert_success, setup};
use crate::support::Setup;
use crate::support::http::{self, Answer};

/// A single track call without anything that Case adds but the origin.
fn bare(case: &Case, headers: &[(&str, &str)], body: &serde_json::Value) -> Answer {
    let mut all = vec![("Origin", super::case::ORIGIN), ("X-Roundtower-Receipt", "1")];
    all.extend_from_slice(headers);
    case.server().request("POST", "/v1/track", &all, body.to_string())
}

#[test]
fn bad_input_19_no_write_key_at_all() {
    let case = Case::new();
    case.refused(&bare(&case, &[], &case.track("m")), 400, "missing_write_key");
    for key in [json!(""), json!(null)] {
        case.refused(&bare(&case, &[], &case.track_with("m", "writeKey", key)), 400, "missing_write_key");
    }
}

#[test]
fn bad_input_20_garbage_in_basic_with_a_body_key() {
    let case = Case::new();
    for (number, garbage) in ["Basic %%%", "Basic", "Basic ====", "Digest abc", "Basic /wBh"].iter().enumerate() {
        let mut call = case.track(&number.to_string());
        call["writeKey"] = json!("test-key");
        assert_success(&bare(&case, &[("Authorization", garbage)], &call));
    }
    let stored = case.stored();
    assert_eq!(stored.len(), 5);
    assert!(stored.iter().all(|call| call["projectId"] == "web"));
}

#[test]
fn bad_input_20_garbage_in_basic_without_a_body_key() {
    let case = Case::new();
    for garbage in ["Basic %%%", "Basic", "Basic ====", "nonsense"] {
        let answer = bare(&case, &[("Authorization", garbage)], &case.track("m"));
        case.refused(&answer, 400, "missing_write_key");
    }
}

#[test]
fn bad_input_21_basic_without_colon() {
    use base64::Engine as _;
    let case = Case::new();
    let header = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("server-key"));
    let record = case.taken(&bare(&case, &[("Authorization", &header)], &case.track("m")));
    assert_eq!(record["projectId"], "api");
}

#[test]
fn bad_input_21_any_password_is_ignored() {
    use base64::Engine as _;
    let case = Case::new();
    let header = format!("basic {}", base64::engine::general_purpose::STANDARD.encode("server-key:pass:word"));
    case.taken(&bare(&case, &[("Authorization", &header)], &case.track("m")));
}

#[test]
fn bad_input_22_basic_with_an_empty_user() {
    let case = Case::new();
    let answer = bare(&case, &[("Authorization", &http::basic(""))], &case.track("m"));
    case.refused(&answer, 400, "missing_write_key");
    let with_key =
        bare(&case, &[("Authorization", &http::basic(""))], &case.track_with("m", "writeKey", json!("test-key")));
    case.taken(&with_key);
}

#[test]
fn bad_input_23_unknown_write_key() {
    let case = Case::new();
    let unknown = case.id("no-such-key");
    let by_header = bare(&case, &[("Authorization", &http::basic(&unknown))], &case.track("m"));
    case.refused(&by_header, 401, "unknown_write_key");
    let by_body = bare(&case, &[], &case.track_with("m", "writeKey", json!(unknown)));
    case.refused(&by_body, 401, "unknown_write_key");
    let near = bare(&case, &[("Authorization", &http::basic("server-keyx"))], &case.track("m"));
    case.refused(&near, 401, "unknown_write_key");
    assert_eq!(by_header.body, near.body, "wrong and nearly right look the same");
    assert!(case.rejected().contains(&"unknown_write_key".to_owned()));
    assert!(!case.server().log().contains(&unknown), "a key is in the log");
}

#[test]
fn bad_input_23_unknown_write_key_dropped_as_segment_does() {
    let case = Case::with(Setup::default().tables("[ingest]\nunknown_keys = \"drop\"\n"));
    let answer = bare(&case, &[("Authorization", &http::basic("no-such-key"))], &case.track("m"));
    assert_success(&answer);
    case.stored_none();
    assert!(case.rejected().contains(&"unknown_source".to_owned()), "{:?}", case.rejected());
}

#[test]
fn bad_input_24_header_and_body_key_differ() {
    let case = Case::new();
    let record = case.taken(&case.post_json("/v1/track", &case.track_with("m", "writeKey", json!("test-key"))));
    assert_eq!(record["projectId"], "api", "the header's key wins");
    assert!(!record.to_string().contains("test-key"));
}

#[test]
fn bad_input_24_an_items_own_key_is_ignored_beside_the_envelopes() {
    let case = Case::new();
    let items =
        [case.track_with("a", "writeKey", json!("server-key")), case.track_with("b", "writeKey", json!("nonsense"))];
    let body = json!({"writeKey": "test-key", "batch": items}).to_string();
    let answer = case.server().request("POST", "/v1/batch", &[("Origin", super::case::ORIGIN)], body);
    assert_success(&answer);
    let stored = case.stored();
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|call| call["projectId"] == "web" && call.get("writeKey").is_none()), "{stored:?}");
}

#[test]
fn disabled_source_is_dropped_with_200() {
    let source = "[[sources]]\nname = \"old\"\nwrite_key = \"old-key\"\nkind = \"server\"\nenabled = false\n";
    let case = Case::with(setup().tables(source));
    let answer = bare(&case, &[("Authorization", &http::basic("old-key"))], &case.track("m"));
    assert_success(&answer);
    case.stored_none();
    assert!(case.rejected().contains(&"source_disabled".to_owned()), "{:?}", case.rejected());
}

#[test]
fn rotated_key_is_refused_at_once_and_a_disabled_one_dropped() {
    let case = Case::new();
    let source = |verb: &str| {
        let output = case.server().command(&["--json", "source", verb, &case.id("shop")]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        told["write_key"].as_str().unwrap_or_default().to_owned()
    };
    let send = |key: &str, id: &str| bare(&case, &[("Authorization", &http::basic(key))], &case.track(id));
    let first = source("add");
    assert_success(&send(&first, "first"));
    let second = source("rotate");
    assert_refusal(&send(&first, "old"), 401, "unknown_write_key");
    assert_success(&send(&second, "second"));
    source("disable");
    assert_success(&send(&second, "disabled"));
    let stored: Vec<_> = case.stored().iter().map(|record| record["messageId"].clone()).collect();
    assert_eq!(stored, [case.id("first"), case.id("second")]);
    assert!(case.rejected().contains(&"source_disabled".to_owned()), "{:?}", case.rejected());
}

#[test]
fn tokens_are_no_write_keys() {
    let case = Case::new();
    for token in ["admin-token", "read-token"] {
        let answer = bare(&case, &[("Authorization", &http::basic(token))], &case.track("m"));
        case.refused(&answer, 401, "unknown_write_key");
        let bearer = bare(&case, &[("Authorization", &format!("Bearer {token}"))], &case.track("m"));
        case.refused(&bearer, 400, "missing_write_key");
    }
}

#[test]
fn write_keys_are_no_tokens() {
    let case = Case::new();
    let basic = http::basic("server-key");
    for header in ["Bearer server-key", "Bearer test-key", &basic, "Bearer", "Bearer  ", "garbage"] {
        for path in ["/api/rejections", "/api/sources"] {
            let answer = case.server().request("GET", path, &[("Authorization", header)], "");
            assert!(matches!(answer.status, 401 | 403 | 404), "{path} with {header}: {}", answer.status);
            assert!(path != "/api/rejections" || answer.status != 404, "{path} exists");
        }
    }
}

#[test]
fn tokens_in_the_query_string_open_nothing() {
    let case = Case::new();
    for query in
        ["token=admin-token", "access_token=admin-token", "api_key=admin-token", "authorization=Bearer%20admin-token"]
    {
        let answer = case.server().get(&format!("/api/rejections?{query}"));
        assert_eq!(answer.status, 401, "{query}: {}", answer.text());
    }
    assert!(!case.server().log().contains("admin-token"), "a token is in the log");
}

#[test]
fn keys_and_bodies_are_never_logged() {
    let case = Case::with(setup().env("RUST_LOG", "trace"));
    assert_success(&case.post_json("/v1/track", &case.track("m")));
    assert_refusal(&case.post("/v1/track", format!("{{\"userId\":\"{}", case.tag())), 400, "invalid_json");
    assert_success(&case.post_json("/v1/batch", &json!({"batch": [case.track_with("n", "event", json!(5))]})));
    case.server().get(&format!("/v1/pixel/track?writeKey=test-key&userId={}&event=e", case.tag()));
    let log = case.server().log();
    for secret in ["server-key", "test-key", case.tag(), "c2VydmVyLWtleTo"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn unknown_keys_are_slowed_down() {
    let case = Case::with(Setup::default().tables("[http]\nunknown_key_answers_per_minute = 50\n"));
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..300 {
        let answer = bare(&case, &[("Authorization", &http::basic(&format!("guess-{number}")))], &case.track("m"));
        if answer.status == 429 {
            let seconds: u64 = answer.header("retry-after").expect("Retry-After").parse().expect("whole seconds");
            assert!((1..=300).contains(&seconds));
        }
        *statuses.entry(answer.status).or_insert(0) += 1;
    }
    assert!(statuses.keys().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
    assert!(statuses[&401] >= 40 && statuses[&401] <= 110, "{statuses:?}");
    assert!(case.server().log().lines().count() < 150, "guesses may not fill the log");
    case.still_serves();
}
