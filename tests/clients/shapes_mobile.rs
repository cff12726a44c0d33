//! Requests in the shapes of SDKs for phones and desktops: Kotlin, Swift, React Native, C#, classic Android.
//!
//! All but the last send no `Authorization` header; each first asks for its settings.

use serde_json::{Value, json};

use super::arrival::Arrivals;
use super::shapes::{Times, each_with, gzip, library, post, six};
use crate::support::{TestServer, http};

/// A server whose settings route answers as these SDKs need it.
fn devices(settings_headers: &[(&str, &str)]) -> Arrivals {
    let arrivals = Arrivals::from_devices(TestServer::start());
    let path = format!("/v1/projects/{}/settings", arrivals.key());
    let answer = arrivals.server.request("GET", &path, settings_headers, b"");
    assert_eq!(answer.status, 200, "{answer:?}");
    let settings = answer.json();
    let segment_io = &settings["integrations"]["Segment.io"];
    assert_eq!(segment_io["apiKey"], arrivals.key());
    assert_eq!(segment_io["apiHost"], format!("127.0.0.1:{}/v1", arrivals.server.port()));
    for object in ["plan", "edgeFunction", "middlewareSettings", "metrics", "consentSettings"] {
        assert!(settings[object].is_object(), "their decoders read {object} as an object: {settings}");
    }
    arrivals
}

/// The messages as a phone has them: an anonymous id on each, a context of their library.
fn messages(prefix: &str, times: Times, library_name: &str) -> Vec<Value> {
    let mut context = library(library_name, "1.24.0");
    context["os"] = json!({ "name": "Phone", "version": "17" });
    context["device"] = json!({ "id": "device-1", "type": "phone" });
    let mut batch = each_with(six(prefix, times), "context", &context);
    batch = each_with(batch, "anonymousId", &json!("device-visitor-1"));
    each_with(batch, "integrations", &json!({}))
}

/// The envelope that they share: the key is in the body, and `sentAt` may stand before or after the batch.
fn envelope(arrivals: &Arrivals, batch: &[Value]) -> Vec<u8> {
    json!({ "batch": batch, "sentAt": Times::Zulu.now(), "writeKey": arrivals.key() }).to_string().into_bytes()
}

/// In chunks of uneven sizes, as a compressing stream hands them on.
fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for piece in bytes.chunks(97) {
        body.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        body.extend_from_slice(piece);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    body
}

#[test]
fn kotlin_chunked_gzip() {
    let user_agent = ("User-Agent", "analytics-kotlin/1.24.0");
    let mut arrivals = devices(&[user_agent, ("Content-Type", "application/json; charset=utf-8")]);
    let batch = messages("kotlin", Times::Zulu, "analytics-kotlin");
    let headers = [
        user_agent,
        ("Content-Type", "text/plain"),
        ("Content-Encoding", "gzip"),
        ("Accept", "text/html, image/gif, image/jpeg, */*; q=0.2"),
        ("Transfer-Encoding", "chunked"),
    ];
    post(&arrivals, "/v1/b", &headers, &chunked(&gzip(&envelope(&arrivals, &batch))));
    arrivals.assert_exactly(&batch);
}

#[test]
fn swift() {
    let common = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("User-Agent", "analytics-ios/1.9.1"),
        ("Accept-Encoding", "gzip"),
    ];
    let mut arrivals = devices(&common);
    let batch = messages("swift", Times::Zulu, "analytics-swift");
    post(&arrivals, "/v1/b", &common, &envelope(&arrivals, &batch));
    arrivals.assert_exactly(&batch);
}

#[test]
fn react_native() {
    let mut arrivals = devices(&[]);
    let batch = messages("react", Times::Zulu, "@segment/analytics-react-native");
    let headers = [("Content-Type", "text/plain"), ("User-Agent", "okhttp/4.9.2"), ("X-Retry-Count", "2")];
    post(&arrivals, "/v1/b", &headers, &envelope(&arrivals, &batch));
    arrivals.assert_exactly(&batch);
}

/// It names no content type at all.
#[test]
fn csharp_gzip() {
    let mut arrivals = devices(&[("Accept", "application/json"), ("Connection", "close")]);
    let batch = messages("csharp", Times::Zulu, "Analytics-CSharp");
    let headers = [("Accept", "text/plain"), ("Connection", "close"), ("Content-Encoding", "gzip")];
    post(&arrivals, "/v1/b", &headers, &gzip(&envelope(&arrivals, &batch)));
    arrivals.assert_exactly(&batch);
}

/// The one with Basic, on a route that otherwise servers use: its library tells what it is.
#[test]
fn classic_android_chunked_gzip() {
    let mut arrivals = devices(&[("User-Agent", "analytics-android/4.11.3")]);
    let mut batch = messages("android", Times::Zulu, "analytics-android");
    batch = each_with(batch, "channel", &json!("mobile"));
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", &*http::basic(arrivals.key())),
        ("Content-Encoding", "gzip"),
        ("User-Agent", "analytics-android/4.11.3"),
        ("Accept", "application/json"),
        ("Transfer-Encoding", "chunked"),
    ];
    let body = json!({ "batch": batch, "sentAt": Times::Zulu.now() }).to_string();
    post(&arrivals, "/v1/import", &headers, &chunked(&gzip(body.as_bytes())));
    arrivals.assert_exactly(&batch);
}
