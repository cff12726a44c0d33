//! Bodies at and beyond the limits, compressed ones too, and what they cost the server.

use std::io::Write as _;

use serde_json::json;

use super::case::{Case, assert_refusal, assert_success, gzip, receipts, setup};
use crate::support::http;

/// A track call of exactly `length` bytes.
fn sized(case: &Case, message_id: &str, length: usize) -> String {
    let mut call = case.track(message_id);
    call["properties"] = json!({"pad": ""});
    let missing = length - call.to_string().len();
    call["properties"]["pad"] = json!("x".repeat(missing));
    let text = call.to_string();
    assert_eq!(text.len(), length);
    text
}

/// A batch body of exactly `length` bytes made of messages below 30 KB.
fn sized_batch(case: &Case, length: usize) -> String {
    let mut items: Vec<String> = (0..16).map(|number| sized(case, &format!("i{number}"), 30_000)).collect();
    let frame = "{\"batch\":[]}".len() + items.len();
    let last = length - frame - items.iter().map(String::len).sum::<usize>();
    items.push(sized(case, "last", last));
    let body = format!("{{\"batch\":[{}]}}", items.join(","));
    assert_eq!(body.len(), length);
    body
}

/// Peak resident memory of the server since it began, in bytes.
pub(super) fn peak_memory(case: &Case) -> u64 {
    memory(case, "VmHWM:")
}

fn memory(case: &Case, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", case.server().pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn bad_input_10_single_message_of_32769_bytes() {
    let case = Case::new();
    for path in ["/v1/track", "/v1/t"] {
        let answer = case.post(path, sized(&case, "over", 32_769));
        case.refused(&answer, 400, "payload_too_large");
        assert!(answer.text().contains("Exceed payload limit"), "{}", answer.text());
    }
    let record = case.taken(&case.post("/v1/track", sized(&case, "edge", 32_768)));
    assert!(record["properties"]["pad"].as_str().unwrap().len() > 32_000);
}

#[test]
fn bad_input_10_the_limit_counts_after_decompression() {
    let case = Case::new();
    let headers = [("Content-Encoding", "gzip")];
    let over = gzip(sized(&case, "over", 32_769).as_bytes());
    assert!(over.len() < 1_000);
    case.refused(&case.post_with("/v1/track", &headers, over), 400, "payload_too_large");
    let edge = gzip(sized(&case, "edge", 32_768).as_bytes());
    case.taken(&case.post_with("/v1/track", &headers, edge));
}

#[test]
fn bad_input_11_batch_of_512001_bytes() {
    let case = Case::with(setup());
    case.refused(&case.post("/v1/batch", sized_batch(&case, 512_001)), 400, "payload_too_large");
    case.refused(&case.post("/v1/import", sized_batch(&case, 512_001)), 400, "payload_too_large");
    let answer = case.post("/v1/batch", sized_batch(&case, 512_000));
    assert_success(&answer);
    assert_eq!(case.stored().len(), 17);
}

#[test]
fn bad_input_12_one_item_of_40_kb_among_good_ones() {
    let case = Case::with(setup());
    let edge = sized(&case, "edge", 32_768);
    let over = sized(&case, "over", 32_769);
    let huge = sized(&case, "huge", 40 * 1024);
    let body = format!("{{\"batch\":[{},{edge},{over},{huge},{}]}}", case.track("first"), case.track("last"));
    let answer = case.post("/v1/batch", body);
    assert_success(&answer);
    let codes: Vec<_> = receipts(&answer).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["", "", "message_too_large", "message_too_large", ""]);
    assert_eq!(case.stored().len(), 3);
    assert!(case.rejected().contains(&"message_too_large".to_owned()));
}

#[test]
fn bad_input_13_batch_of_2501_small_items() {
    let case = Case::with(setup());
    let items = |count: usize, name: &str| {
        let calls: Vec<String> = (0..count)
            .map(|number| {
                format!(
                    "{{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"messageId\":\"{}-{number}\"}}",
                    case.id(name)
                )
            })
            .collect();
        format!("{{\"batch\":[{}]}}", calls.join(","))
    };
    let answer = case.post("/v1/batch", items(2_501, "over"));
    assert_success(&answer);
    let outcomes = receipts(&answer);
    assert_eq!(outcomes.len(), 2_501);
    assert!(outcomes[..2_500].iter().all(|(status, _)| status == "appended"));
    assert_eq!(outcomes[2_500], ("rejected".to_owned(), "batch_too_many".to_owned()));
    let stored = case.stored();
    assert_eq!(stored.len(), 2_500);
    let last = case.id("over-2499");
    assert_eq!(stored.last().unwrap()["messageId"], last);
    assert!(case.all_rejections().iter().any(|item| super::case::code_of(item) == "batch_too_many"));
    assert_success(&case.post("/v1/batch", items(2_500, "edge")));
    assert_eq!(case.stored().len(), 5_000);
}

#[test]
fn bad_input_09_gzip_bomb() {
    let case = Case::with(setup());
    case.still_serves();
    let before = peak_memory(&case);
    // A gigabyte of one letter, as a JSON text that would be valid if one waited for its end: about a megabyte. The
    // compressed form of one piece is the same each time, so it is made once.
    let chunk = vec![b'x'; 1 << 20];
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut lengths = Vec::new();
    for piece in [&b"{\"userId\":\"u\",\"event\":\"e\",\"properties\":{\"p\":\""[..], &chunk, &chunk] {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
        lengths.push(encoder.get_ref().len());
    }
    let start = encoder.get_ref().clone();
    let bomb = [&start[..], &start[lengths[1]..].repeat(1_022)].concat();
    // Small enough on the wire to reach the decoder, too.
    let mut small = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..100 {
        small.write_all(&chunk).unwrap();
    }
    let small = small.finish().unwrap();
    let gzip = [("Content-Encoding", "gzip")];
    assert_refusal(&case.post_with("/v1/track", &gzip, &bomb), 400, "payload_too_large");
    assert_refusal(&case.post("/v1/batch", &bomb), 400, "payload_too_large");
    for path in ["/v1/track", "/v1/batch"] {
        assert_refusal(&case.post_with(path, &gzip, &small), 400, "payload_too_large");
        assert_refusal(&case.post(path, &small), 400, "payload_too_large");
    }
    let workers: Vec<_> = (0..16)
        .map(|_| {
            let (port, small) = (case.server().port(), small.clone());
            let headers = [("Authorization", http::basic("server-key")), ("Content-Encoding", "gzip".to_owned())];
            std::thread::spawn(move || {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                for _ in 0..10 {
                    assert_eq!(http::request(port, "POST", "/v1/batch", &headers, &small).status, 400);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let grown = peak_memory(&case).saturating_sub(before);
    assert!(grown < 64 << 20, "the server grew by {grown} bytes");
    case.still_serves();
}

#[test]
fn many_small_members_of_gzip_are_one_body() {
    let case = Case::new();
    let text = case.track("m").to_string();
    let (left, right) = text.as_bytes().split_at(text.len() / 2);
    let members = [gzip(left), gzip(right)].concat();
    case.taken(&case.post_with("/v1/track", &[("Content-Encoding", "gzip")], members));
    let other = Case::new();
    let mut endless = Vec::new();
    for _ in 0..20_000 {
        endless.extend_from_slice(&gzip(b""));
    }
    let answer = other.post_with("/v1/batch", &[("Content-Encoding", "gzip")], endless);
    assert_eq!(answer.status, 400, "{}", answer.text());
    other.still_serves();
}

#[test]
fn chunked_body_over_the_limit_is_cut_off() {
    let case = Case::with(setup());
    case.still_serves();
    let before = peak_memory(&case);
    let head = format!(
        "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: {}\r\nOrigin: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        case.server().port(),
        http::basic("server-key"),
        super::case::ORIGIN
    );
    let mut message = head.into_bytes();
    let blanks = vec![b' '; 0x10000];
    for _ in 0..1_600 {
        message.extend_from_slice(b"10000\r\n");
        message.extend_from_slice(&blanks);
        message.extend_from_slice(b"\r\n");
    }
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", case.server().port())).unwrap();
    let mut half = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || half.write_all(&message));
    let came = super::connections::read_answer(&mut stream, std::time::Duration::from_secs(10));
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    let _ = writer.join().unwrap();
    if let Some((answer, _)) = http::Answer::parse(&came) {
        assert_refusal(&answer, 400, "payload_too_large");
    }
    let grown = peak_memory(&case).saturating_sub(before);
    assert!(grown < 32 << 20, "the server grew by {grown} bytes for a body of 100 MB");
    case.stored_none();
    case.still_serves();
}

#[test]
fn expect_100_continue_with_a_huge_length_is_refused_first() {
    let case = Case::new();
    let head = format!(
        "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: {}\r\nOrigin: {}\r\nExpect: 100-continue\r\nContent-Length: 4000000000\r\n\r\n",
        case.server().port(),
        http::basic("server-key"),
        super::case::ORIGIN
    );
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", case.server().port())).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut came = super::connections::read_answer(&mut stream, std::time::Duration::from_secs(10));
    if came.starts_with(b"HTTP/1.1 100 ") {
        let end = came.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        came.drain(..end);
        if came.is_empty() {
            came = super::connections::read_answer(&mut stream, std::time::Duration::from_secs(10));
        }
    }
    let (answer, _) = http::Answer::parse(&came).expect("an answer without a byte of the body");
    assert_refusal(&answer, 400, "payload_too_large");
    case.still_serves();
}

#[test]
fn envelope_context_does_not_amplify() {
    let case = Case::with(setup());
    case.still_serves();
    let before = peak_memory(&case);
    let disk_before = folder_bytes(&case.server().data().join("journal"));
    let item = "{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\"}";
    let items = vec![item; 2_400].join(",");
    let context = format!("{{\"blob\":\"{}\"}}", "z".repeat(512_000 - items.len() - 60));
    let body = format!("{{\"context\":{context},\"batch\":[{items}]}}");
    assert!(body.len() <= 512_000 && body.len() > 480_000);
    let began = std::time::Instant::now();
    for _ in 0..4 {
        let answer = case.post("/v1/batch", &body);
        assert!(answer.status == 200 || answer.status == 400, "{}", answer.text());
    }
    assert!(began.elapsed().as_secs() < 20, "it took {:?}", began.elapsed());
    let grown = peak_memory(&case).saturating_sub(before);
    assert!(grown < 256 << 20, "the server grew by {grown} bytes");
    let disk = folder_bytes(&case.server().data().join("journal")).saturating_sub(disk_before);
    assert!(disk < 64 << 20, "the journal grew by {disk} bytes for 4 bodies of 500 KB");
    case.still_serves();
}

#[test]
fn moderate_envelope_context_reaches_every_item_or_is_refused_openly() {
    let case = Case::with(setup());
    let items: Vec<String> = (0..200).map(|number| case.track(&format!("i{number}")).to_string()).collect();
    let context = format!("{{\"blob\":\"{}\"}}", "z".repeat(20_000));
    let answer = case.post("/v1/batch", format!("{{\"context\":{context},\"batch\":[{}]}}", items.join(",")));
    assert_success(&answer);
    let appended = receipts(&answer).iter().filter(|(status, _)| status == "appended").count();
    let stored = case.stored();
    assert_eq!(stored.len(), appended);
    assert!(stored.iter().all(|record| record["context"]["blob"].as_str().is_some_and(|blob| blob.len() == 20_000)));
}

fn folder_bytes(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
