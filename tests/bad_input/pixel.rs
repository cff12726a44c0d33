//! Pixels always answer with the image; what was wrong stands in the list of rejections.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::case::{Case, code_of};
use crate::support::Answer;

fn assert_image(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("image/gif"));
    assert!(answer.header("cache-control").unwrap_or_default().contains("no-store"));
    assert!(answer.body.starts_with(b"GIF8"), "{:?}", answer.body);
}

#[test]
fn bad_input_52_pixel_without_or_with_invalid_data() {
    let case = Case::new();
    let broken = [
        "/v1/pixel/track".to_owned(),
        "/v1/pixel/track?data=".to_owned(),
        "/v1/pixel/track?data=%25%25%25".to_owned(),
        format!("/v1/pixel/track?data={}", URL_SAFE_NO_PAD.encode(b"not json")),
        format!("/v1/pixel/track?data={}", URL_SAFE_NO_PAD.encode(b"[]")),
        format!("/v1/pixel/track?data={}", URL_SAFE_NO_PAD.encode(b"{\"writeKey\":\"test-key\"")),
        "/v1/pixel/track?writeKey=nope&userId=u&event=e".to_owned(),
        "/v1/pixel/track?writeKey=test-key&event=%ff%fe".to_owned(),
    ];
    for path in broken {
        assert_image(&case.server().get(&path));
    }
    assert_image(&case.server().get(&format!("/v1/pixel/track?writeKey=test-key&userId={}", case.tag())));
    assert!(case.rejected().contains(&"event_not_defined".to_owned()), "{:?}", case.rejected());
    let codes: Vec<String> = case.all_rejections().iter().map(code_of).collect();
    for code in ["missing_write_key", "unknown_write_key", "invalid_json"] {
        assert!(codes.iter().any(|listed| listed == code), "{code} is not listed: {codes:?}");
    }
    case.stored_none();
    case.still_serves();
}

#[test]
fn bad_input_53_pixel_in_both_alphabets_with_and_without_padding() {
    let case = Case::new();
    // The question marks and tildes make the two alphabets differ.
    let message = |id: &str| {
        json!({"writeKey": "test-key", "userId": "??>>~~", "event": "Opened ???~~~", "messageId": case.id(id)})
            .to_string()
    };
    let standard = STANDARD.encode(message("standard"));
    let url_safe = URL_SAFE_NO_PAD.encode(message("urlsafe"));
    assert_image(&case.server().get(&format!("/v1/pixel/track?data={url_safe}")));
    assert_image(
        &case.server().get(&format!("/v1/pixel/track?data={}", utf8_percent_encode(&standard, NON_ALPHANUMERIC))),
    );
    let stored = case.stored();
    assert_eq!(stored.len(), 2);
    for record in &stored {
        assert_eq!(record["userId"], "??>>~~");
        assert!(!record.to_string().contains("test-key"), "the write key is not stored");
    }
}

#[test]
fn bad_input_53_pixel_with_spelled_out_fields() {
    let case = Case::new();
    let path = format!(
        "/v1/pixel/track?writeKey=test-key&userId={}&event=Email%20Opened&properties.subject=A%26B&properties.n=5",
        case.tag()
    );
    assert_image(&case.server().get(&path));
    let record = case.stored_one();
    assert_eq!(record["event"], "Email Opened");
    assert_eq!(record["properties"], json!({"subject": "A&B", "n": "5"}));
}

#[test]
fn bad_input_54_head_on_a_pixel_is_not_ingested() {
    let case = Case::new();
    let path = format!("/v1/pixel/track?writeKey=test-key&userId={}&event=e", case.tag());
    let request =
        format!("HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", case.server().port());
    let came = case.server().raw(request.as_bytes(), std::time::Duration::from_secs(10));
    let text = String::from_utf8_lossy(&came).to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 200"), "{text}");
    assert!(text.contains("content-type: image/gif"), "{text}");
    assert!(text.ends_with("\r\n\r\n"), "a HEAD answer has no body");
    case.stored_none();
    assert_image(&case.server().get(&path));
    case.stored_one();
}

#[test]
fn pixel_with_a_huge_query_is_answered() {
    let case = Case::new();
    let path = format!("/v1/pixel/track?writeKey=test-key&userId={}&event={}", case.tag(), "e".repeat(100 * 1024));
    let answer = case.server().get(&path);
    assert!(matches!(answer.status, 200 | 400 | 414 | 431), "{}", answer.status);
    case.still_serves();
}
