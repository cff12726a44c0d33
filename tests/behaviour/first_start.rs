//! The first start of an empty folder: secrets shown once, and lines that work when they are pasted.

use std::process::Command;

use crate::support::{Setup, TestServer};

fn word_after<'a>(text: &'a str, marker: &str) -> &'a str {
    let rest = &text[text.find(marker).expect("the text has it") + marker.len()..];
    rest.split_whitespace().next().expect("a word follows")
}

fn line_with<'a>(text: &'a str, marker: &str) -> &'a str {
    text.lines().find(|line| line.contains(marker)).expect("the text has it").trim()
}

#[test]
fn the_printed_lines_work_when_pasted() {
    let mut server = Setup::default().bare().start();
    let text = server.first_start().to_owned();
    let curl = line_with(&text, "curl ");
    let sent = Command::new("sh").arg("-c").arg(format!("{curl} -s")).output().expect("curl runs");
    assert_eq!(String::from_utf8_lossy(&sent.stdout), r#"{"success":true}"#);
    let export = line_with(&text, "export calls");
    let export = Command::new("sh").arg("-c").arg(export).output().expect("the export runs");
    let line = String::from_utf8(export.stdout).expect("text");
    let call: serde_json::Value = serde_json::from_str(line.trim()).expect("one call comes back");
    assert_eq!((&call["event"], &call["projectId"]), (&"First Call".into(), &"default".into()));
    let token = word_after(&text, "admin token").to_owned();
    assert_eq!(server.get_as(&token, "/api/sources").status, 200);
    server.restart();
    assert_eq!(server.first_start(), "", "secrets are shown once");
    assert_eq!(server.get_as(&token, "/api/sources").status, 200);
}

#[test]
fn the_secrets_are_not_stored() {
    let server = Setup::default().bare().start();
    let (key, token) =
        (word_after(server.first_start(), "source `default`"), word_after(server.first_start(), "admin token"));
    for entry in std::fs::read_dir(server.data()).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            assert!(!text.contains(key) && !text.contains(token), "{}", path.display());
        }
    }
    assert!(!server.log().contains(key) && !server.log().contains(token));
}

#[test]
fn nothing_is_made_when_the_configuration_names_somebody() {
    let server = TestServer::start();
    assert_eq!(server.first_start(), "");
    let sources = server.get_as("admin-token", "/api/sources").json();
    let names: Vec<_> = sources["items"].as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["api", "web"]);
}
