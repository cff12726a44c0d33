//! Export and import: everything out, and in again without doubling anything.

use std::io::Write as _;

use serde_json::Value;

use crate::support::{TestServer, run};

fn lines(count: u32) -> String {
    (0..count)
        .map(|n| format!(r#"{{"type":"track","userId":"u{n}","event":"e","messageId":"m{n}","timestamp":"2026-01-01T00:00:00Z"}}"#) + "\n")
        .collect()
}

fn import(server: &TestServer, file: &std::path::Path, more: &[&str]) -> (i32, Value) {
    let file = file.to_string_lossy();
    let arguments: Vec<&str> = ["import", &file, "--source", "api", "--json"].iter().chain(more).copied().collect();
    let output = server.command(&arguments).output().expect("the command runs");
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("no result: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code().unwrap_or(-1), value)
}

fn numbers(tally: &Value) -> (u64, u64, u64) {
    let number = |name: &str| tally[name].as_u64().expect("a number");
    (number("appended"), number("duplicate"), number("rejected"))
}

#[test]
fn an_import_is_idempotent_and_tells_bad_lines_by_number() {
    let server = TestServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("calls.ndjson");
    std::fs::write(&file, lines(100) + "\n{broken\n" + r#"{"type":"track","userId":"u"}"# + "\n").expect("written");
    let (status, dry) = import(&server, &file, &["--dry-run"]);
    assert_eq!((status, numbers(&dry), &dry["dry_run"]), (1, (100, 0, 2), &true.into()));
    assert!(server.export().is_empty(), "a dry run stores nothing");
    let (status, first) = import(&server, &file, &[]);
    assert_eq!((status, numbers(&first)), (1, (100, 0, 2)));
    let bad: Vec<u64> =
        first["bad_lines"].as_array().expect("a list").iter().filter_map(|one| one["line"].as_u64()).collect();
    assert_eq!(bad, [102, 103]);
    assert_eq!(first["bad_lines"][1]["code"], "event_not_defined");
    assert_eq!(numbers(&import(&server, &file, &[]).1), (0, 100, 2));
    assert_eq!(server.export().len(), 100);
    let accounts = server.get_as("read-token", "/status").json()["accounts"].clone();
    let number = |name: &str| accounts[name].as_u64().expect("a number");
    assert_eq!(number("received"), number("appended") + number("duplicate") + number("rejected"));
}

#[test]
fn compressed_files_are_known_by_their_first_bytes() {
    let server = TestServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (gzip, zstd) = (folder.path().join("a"), folder.path().join("b"));
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(lines(50).as_bytes()).expect("packed");
    std::fs::write(&gzip, packer.finish().expect("packed")).expect("written");
    std::fs::write(&zstd, zstd::encode_all(lines(60).as_bytes(), 1).expect("packed")).expect("written");
    assert_eq!((import(&server, &gzip, &[]).0, numbers(&import(&server, &zstd, &[]).1)), (0, (10, 50, 0)));
    std::fs::write(&gzip, &std::fs::read(&gzip).expect("read")[..60]).expect("written");
    let output = server.command(&["import", &gzip.to_string_lossy(), "--source", "api"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("breaks off"));
}

#[test]
fn an_export_imports_again_to_the_same_calls() {
    let server = TestServer::start();
    server.post("/v1/batch", format!("{{\"batch\":[{}]}}", lines(20).trim().replace('\n', ",")));
    let file = server.data().with_file_name("out.ndjson");
    let output =
        server.command(&["export", "calls", "--json", "--out", &file.to_string_lossy()]).output().expect("runs");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["records"], 20);
    let other = TestServer::start();
    assert_eq!(numbers(&import(&other, &file, &[]).1), (20, 0, 0));
    assert_eq!(server.export(), other.export());
    let from = server.command(&["export", "calls", "--from", "15"]).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&from.stdout).lines().count(), 6);
}

#[test]
fn importing_into_nobody_is_refused() {
    let mut server = TestServer::start();
    let config = server.config().to_string_lossy().into_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["--config", &config, "import", "-", "--source", "nobody"];
    let (status, _, text) = run(folder.path(), &arguments, lines(1).as_bytes());
    assert!(status == 1 && text.contains("source"), "{status} {text}");
    server.stop();
    let (status, _, text) = run(folder.path(), &arguments, lines(1).as_bytes());
    assert!(status == 1 && text.contains("source"), "{status} {text}");
}

#[test]
fn verify_answers_through_the_server_and_on_the_folder() {
    let mut server = TestServer::start();
    server.post("/v1/track", r#"{"userId":"u","event":"e"}"#);
    for _ in 0..2 {
        let output = server.command(&["verify", "--json"]).output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(report["findings"].as_array().is_some_and(Vec::is_empty), "{report}");
        if server.log().contains("stopped") {
            break;
        }
        server.stop();
    }
}
