//! Bodies that are not the JSON they should be, plain or compressed.

use super::case::{Case, assert_success, gzip, nested, receipts, setup};
use crate::support::http;

#[test]
fn bad_input_01_empty_body_on_track() {
    let case = Case::new();
    case.refused(&case.post("/v1/track", ""), 400, "invalid_json");
}

#[test]
fn bad_input_02_truncated_json() {
    let case = Case::new();
    let whole = case.track("m").to_string();
    for length in [1, whole.len() / 2, whole.len() - 1] {
        case.refused(&case.post("/v1/track", &whole[..length]), 400, "invalid_json");
    }
}

#[test]
fn bad_input_03_top_level_is_no_object() {
    let case = Case::new();
    for body in ["[]", "[{\"userId\":\"u\",\"event\":\"e\"}]", "\"text\"", "5", "null", "true"] {
        for path in ["/v1/track", "/v1/batch"] {
            let answer = case.post(path, body);
            case.refused(&answer, 400, "invalid_json");
            assert!(answer.text().contains("object"), "it says what would be right: {}", answer.text());
        }
    }
}

#[test]
fn bad_input_04_invalid_utf8() {
    let case = Case::new();
    // A lone continuation byte, an overlong slash, a cut character, an encoded surrogate, beyond U+10FFFF.
    for bad in [&b"\x80"[..], b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
        let mut body = format!("{{\"userId\":\"{}\",\"event\":\"", case.tag()).into_bytes();
        body.extend_from_slice(bad);
        body.extend_from_slice(b"\"}");
        case.refused(&case.post("/v1/track", &body), 400, "invalid_json");
    }
}

#[test]
fn bad_input_04_lone_surrogate_is_repaired() {
    let case = Case::new();
    let body = format!(
        r#"{{"userId":"{}","event":"half \ud83d","properties":{{"low":"\ude00.","pair":"\ud83d\ude00","\ud800key":1}}}}"#,
        case.tag()
    );
    let record = case.taken(&case.post("/v1/track", body));
    assert_eq!(record["event"], "half \u{fffd}");
    assert_eq!(record["properties"]["low"], "\u{fffd}.");
    assert_eq!(record["properties"]["pair"], "\u{1f600}");
    assert_eq!(record["properties"]["\u{fffd}key"], 1);
}

#[test]
fn bad_input_05_json_that_only_looks_like_it() {
    let case = Case::new();
    let tag = case.tag();
    for rest in [
        "\"properties\":{\"n\":NaN}}",
        "\"properties\":{\"n\":Infinity}}",
        "\"properties\":{\"n\":-Infinity}}",
        "\"properties\":{\"n\":1,}}",
        "\"properties\":{\"n\":[1,]}}",
        "\"properties\":{/* why */}}",
        "\"properties\":{}} // why",
        "\"properties\":{'n':1}}",
        "\"properties\":{n:1}}",
        "\"properties\":{\"n\":01}}",
        "\"properties\":{\"n\":+1}}",
        "\"properties\":{\"n\":.5}}",
        "\"properties\":{\"n\":0x10}}",
        "\"properties\":{\"n\":\"a\tb\"}}",
        "\"properties\":{\"n\":\"\\x41\"}}",
        "\"properties\":{\"n\":tru}}",
        "\"properties\":{}}}",
        "\"properties\":{}} {}",
        "\"properties\":{}}\0",
    ] {
        let body = format!("{{\"userId\":\"{tag}\",\"event\":\"e\",{rest}");
        let answer = case.post("/v1/track", &body);
        assert_eq!(answer.status, 400, "{body} got {}", answer.text());
        case.refused(&answer, 400, "invalid_json");
    }
}

#[test]
fn bad_input_06_nesting_in_a_single_message() {
    let case = Case::new();
    let body =
        |depth: usize| format!("{{\"userId\":\"{}\",\"event\":\"e\",\"properties\":{}}}", case.tag(), nested(depth));
    for depth in [64, 65, 128, 1_000, 5_000] {
        case.refused(&case.post("/v1/track", body(depth)), 400, "invalid_json");
    }
    let arrays = format!(
        "{{\"userId\":\"{}\",\"event\":\"e\",\"properties\":{{\"a\":{}{}}}}}",
        case.tag(),
        "[".repeat(90),
        "]".repeat(90)
    );
    case.refused(&case.post("/v1/track", arrays), 400, "invalid_json");
    // The message itself is the first level: 63 below it make the 64 that are allowed.
    case.taken(&case.post("/v1/track", body(63)));
}

#[test]
fn bad_input_06_nesting_in_one_item_of_a_batch() {
    let case = Case::new();
    let deep = format!(
        "{{\"type\":\"track\",\"userId\":\"{}\",\"event\":\"deep\",\"properties\":{}}}",
        case.tag(),
        nested(90)
    );
    let body = format!("{{\"batch\":[{},{deep},{}]}}", case.track("first"), case.track("last"));
    let answer = case.post("/v1/batch", body);
    assert_success(&answer);
    let statuses: Vec<_> = receipts(&answer).into_iter().map(|(_, code)| code).collect();
    assert_eq!(statuses, ["", "too_deep", ""]);
    assert_eq!(case.stored().len(), 2);
    assert!(case.rejected().contains(&"too_deep".to_owned()));
}

#[test]
fn bad_input_07_gzip_header_but_plain_body() {
    let case = Case::new();
    let answer = case.post_with("/v1/track", &[("Content-Encoding", "gzip")], case.track("plain").to_string());
    case.taken(&answer);
    case.still_serves();
    let other = Case::new();
    other.refused(
        &other.post_with("/v1/track", &[("Content-Encoding", "gzip")], "not JSON either"),
        400,
        "invalid_json",
    );
}

#[test]
fn bad_input_07_gzip_body_without_header() {
    let case = Case::new();
    case.taken(&case.post("/v1/track", gzip(case.track("zipped").to_string().as_bytes())));
}

#[test]
fn bad_input_08_corrupt_gzip() {
    let case = Case::new();
    let good = gzip(case.track("m").to_string().as_bytes());
    let cut = good[..good.len() / 2].to_vec();
    let without_trailer = good[..good.len() - 8].to_vec();
    let mut bad_sum = good.clone();
    let sum_at = bad_sum.len() - 8;
    bad_sum[sum_at] ^= 0xff;
    let mut bad_length = good.clone();
    let length_at = bad_length.len() - 4;
    bad_length[length_at] ^= 0xff;
    let mut bad_middle = good.clone();
    for byte in bad_middle.iter_mut().skip(20).take(8) {
        *byte ^= 0xa5;
    }
    for body in [cut, without_trailer, bad_sum, bad_length, bad_middle, vec![0x1f, 0x8b], vec![0x1f, 0x8b, 8, 0]] {
        for headers in [&[("Content-Encoding", "gzip")][..], &[]] {
            let answer = case.post_with("/v1/track", headers, &body);
            assert_eq!(answer.status, 400, "{} bytes starting {:?}: {}", body.len(), &body[..2], answer.text());
            case.refused(&answer, 400, "invalid_json");
        }
    }
}

#[test]
fn bad_input_58_unknown_content_encoding() {
    let case = Case::new();
    for encoding in ["br", "zstd", "compress", "banana", "gzip, br"] {
        let answer = case.post_with("/v1/track", &[("Content-Encoding", encoding)], case.track("m").to_string());
        case.refused(&answer, 400, "unsupported_encoding");
    }
}

#[test]
fn deflate_and_identity_are_understood() {
    use std::io::Write as _;
    let case = Case::new();
    let text = case.track("m").to_string();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(text.as_bytes()).unwrap();
    let answer = case.post_with("/v1/track", &[("Content-Encoding", "deflate")], zlib.finish().unwrap());
    case.taken(&answer);
    let again = case.post_with("/v1/track", &[("Content-Encoding", "identity")], text);
    assert_eq!(receipts(&again)[0].0, "duplicate");
}

#[test]
fn byte_order_mark_is_tolerated_on_every_route() {
    let case = Case::new();
    let marked = |text: String| [b"\xef\xbb\xbf", text.as_bytes()].concat();
    assert_success(&case.post("/v1/track", marked(case.track("one").to_string())));
    assert_success(&case.post("/v1/batch", marked(format!("{{\"batch\":[{}]}}", case.track("two")))));
    assert_success(&case.post("/v1/import", marked(format!("{{\"batch\":[{}]}}", case.track("three")))));
    assert_eq!(case.stored().len(), 3);
}

#[test]
fn content_type_does_not_choose_the_parser() {
    let case = Case::with(setup());
    let kinds = [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
        "",
    ];
    for (number, kind) in kinds.iter().enumerate() {
        let answer =
            case.post_with("/v1/track", &[("Content-Type", kind)], case.track(&number.to_string()).to_string());
        assert_success(&answer);
    }
    assert_success(&case.post("/v1/track", case.track("without").to_string()));
    assert_eq!(case.stored().len(), kinds.len() + 1);
}

#[test]
fn form_and_multipart_bodies_are_not_json() {
    let case = Case::new();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    case.refused(&case.post_with("/v1/track", &[form], format!("userId={}&event=e", case.tag())), 400, "invalid_json");
    let multipart = format!("--x\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\n{}\r\n--x--\r\n", case.tag());
    let kind = ("Content-Type", "multipart/form-data; boundary=x");
    case.refused(&case.post_with("/v1/track", &[kind], multipart), 400, "invalid_json");
}

#[test]
fn beacon_without_headers_and_key_in_the_body() {
    let case = Case::new();
    let body = case.track_with("m", "writeKey", "test-key".into()).to_string();
    let answer = http::request(
        case.server().port(),
        "POST",
        "/v1/t",
        &[("Content-Type", "text/plain;charset=UTF-8")],
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let record = case.stored_one();
    assert_eq!(record["projectId"], "web");
    assert!(!record.to_string().contains("test-key"), "the write key is never stored");
}

#[test]
fn ten_thousand_keys_in_one_event_take_linear_time() {
    let case = Case::new();
    let members: Vec<String> = (0..10_000).map(|number| format!("\"k{number:x}\":1")).collect();
    let keys = |count: usize| members.iter().take(count).map(String::as_str).collect::<Vec<_>>().join(",");
    // 32 KB hold about 3,000 short keys; the batch route is no way around the limit of one message.
    let body =
        |count: usize| format!("{{\"userId\":\"{}\",\"event\":\"e\",\"properties\":{{{}}}}}", case.tag(), keys(count));
    let whole = body(2_900);
    assert!(whole.len() <= 32_768);
    let began = std::time::Instant::now();
    let record = case.taken(&case.post("/v1/track", whole));
    assert!(began.elapsed().as_secs() < 5, "it took {:?}", began.elapsed());
    assert_eq!(record["properties"].as_object().unwrap().len(), 2_900);
    // All ten thousand with the shortest keys there are do not fit into one message either.
    assert_eq!(case.post("/v1/track", body(10_000)).status, 400);
}

#[test]
fn same_key_many_times_keeps_the_last() {
    let case = Case::new();
    let repeated: Vec<String> = (0..3_000).map(|number| format!("\"k\":{number}")).collect();
    let body = format!("{{\"userId\":\"{}\",\"event\":\"e\",\"properties\":{{{}}}}}", case.tag(), repeated.join(","));
    let record = case.taken(&case.post("/v1/track", body));
    assert_eq!(record["properties"], serde_json::json!({"k": 2_999}));
}
