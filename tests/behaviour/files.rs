//! People, groups and the feed as files, over HTTP and by command: whole, safe to open, and only as fast as they are read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Answer, PATIENCE, TestServer};

fn read(server: &TestServer, path: &str) -> Answer {
    server.get_as("read-token", path)
}

fn send(server: &TestServer, calls: &[Value]) -> u64 {
    let mut last = 0;
    for some in calls.chunks(100) {
        let answer = server.post("/v1/batch?receipt=1", json!({"batch": some}).to_string()).json();
        let receipts = answer["receipts"].as_array().expect("receipts").clone();
        assert!(receipts.iter().all(|one| one["status"] == "appended"), "{answer}");
        last = receipts.last().and_then(|one| one["sequence"].as_u64()).expect("a sequence");
    }
    last
}

/// The rows of a CSV (RFC 4180).
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && letters.next_if_eq(&'\n').is_some() => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            letter => cell.push(letter),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted, "the file ends in the middle of a row");
    rows
}

const HEAD: &str = "id,user_id,anonymous_ids,name,email,phone,group_id,group_name,first_seen,last_seen,events,anonymous,incomplete,traits";
const HOSTILE: [&str; 9] =
    ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "=cmd|'/C calc'!A0", "a,\"b\"\r\n=1", "; =1, \u{202e}x"];

/// People with names that want to be formulas, one who is anonymous, a group, and what they did.
fn hostile() -> (TestServer, u64) {
    let server = TestServer::start();
    let mut calls: Vec<Value> = HOSTILE
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let traits = json!({"name": text, "email": text, "phone": text, "=k": {"x": text}, "n": -5});
            json!({"type": "identify", "userId": format!("{text}{at}"), "anonymousId": format!("={at}"), "traits": traits})
        })
        .collect();
    calls.push(json!({"type": "group", "userId": "=1+10", "groupId": "@g", "traits": {"name": "=G"}}));
    calls.push(json!({"type": "track", "anonymousId": "-a", "event": "=E", "properties": {"=x": 1}}));
    calls.push(json!({"type": "page", "userId": "=1+10", "name": "Hidden"}));
    let last = send(&server, &calls);
    (server, last)
}

#[test]
fn a_csv_of_people_is_whole_and_safe_to_open() {
    let (server, last) = hostile();
    let answer = read(
        &server,
        &format!("/api/export/people?format=csv&anonymous=true&sort=first_seen&order=asc&wait_for={last}"),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"people.csv\""));
    let text = String::from_utf8(answer.body).expect("UTF-8");
    let all = rows(&text);
    assert_eq!(all[0].join(","), HEAD);
    assert_eq!(all.len(), HOSTILE.len() + 2);
    for row in &all {
        assert_eq!(row.len(), 14, "{row:?}");
        assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])), "{row:?}");
    }
    let items = read(&server, "/api/people?anonymous=true&sort=first_seen&order=asc&limit=500").json()["items"].clone();
    for (row, item) in all[1..].iter().zip(items.as_array().expect("items")) {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let same = |cell: &str, text: &str| cell == text || cell.strip_prefix('\'') == Some(text);
        for (at, name) in
            [(0, "id"), (1, "user_id"), (3, "name"), (4, "email"), (5, "phone"), (8, "first_seen"), (9, "last_seen")]
        {
            assert!(same(&row[at], &text(name)), "{name}: {row:?} {item}");
        }
        assert_eq!(serde_json::from_str::<Value>(&row[2]).expect("JSON"), item["anonymous_ids"]);
        assert_eq!(serde_json::from_str::<Value>(&row[13]).expect("JSON"), item["traits"]);
        assert!(same(&row[6], item["group"]["id"].as_str().unwrap_or_default()), "{row:?}");
        assert!(same(&row[7], item["group"]["name"].as_str().unwrap_or_default()), "{row:?}");
        assert_eq!(
            [&row[10], &row[11], &row[12]],
            [&item["events"], &item["anonymous"], &item["incomplete"]].map(Value::to_string).each_ref()
        );
    }
    let groups = rows(&read(&server, "/api/export/groups?format=csv").text());
    assert_eq!((groups.len(), groups[1][0].as_str(), groups[1][1].as_str()), (2, "'@g", "'=G"));
    let feed = rows(&read(&server, "/api/export/feed?format=csv&hidden=true").text());
    assert_eq!((feed.len(), feed[1][3].as_str(), feed[2][3].as_str()), (3, "Hidden", "'=E"));
}

#[test]
fn a_file_has_the_rows_of_all_pages_in_their_order() {
    let server = TestServer::start();
    let person = |number: u32| json!({"type": "identify", "userId": format!("u{number:03}"), "traits": {"name": format!("N{:03}", (number * 7) % 450), "odd": number % 2 == 1}});
    let last = send(&server, &(0..450).map(person).collect::<Vec<_>>());
    for query in [
        "",
        "sort=name",
        "sort=name&order=desc",
        "sort=email",
        "trait.odd=true&sort=first_seen&order=asc",
        "search=u00",
        "sort=events",
    ] {
        let file = read(&server, &format!("/api/export/people?{query}&wait_for={last}"));
        assert_eq!((file.status, file.header("content-type")), (200, Some("application/x-ndjson")), "{query}");
        let of_file: Vec<Value> = file.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let of_pages = read(&server, &format!("/api/people?{query}&limit=500&wait_for={last}")).json()["items"].clone();
        assert_eq!(&of_file, of_pages.as_array().expect("items"), "{query}");
    }
    let head = server.request("HEAD", "/api/export/people?format=csv", &[("Authorization", "Bearer read-token")], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for (path, status, code) in [
        ("/api/export/people?format=parquet", 400, "bad_request"),
        ("/api/export/people?limit=5", 400, "bad_request"),
        ("/api/export/groups?sort=name", 400, "bad_request"),
        ("/api/export/feed?person=user_id:none", 404, "not_found"),
        ("/api/export/feed?since=x", 400, "bad_request"),
    ] {
        let answer = read(&server, path);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
    let long = vec!["w"; 1_000].join("+");
    assert_eq!(read(&server, &format!("/api/export/people?search={long}")).status, 400, "too long to ask for");
    for path in ["people", "groups", "feed"] {
        assert_eq!(server.get(&format!("/api/export/{path}")).status, 401, "{path}");
    }
}

#[test]
fn who_reads_slowly_or_leaves_keeps_nobody_from_anything() {
    let server = TestServer::start();
    let filler = "x".repeat(20_000);
    let person = |number: u32| json!({"type": "identify", "userId": format!("u{number}"), "traits": {"t": filler}});
    let calls: Vec<Value> = (0..1_500).map(person).collect();
    let mut last = 0;
    for some in calls.chunks(20) {
        last = last.max(send(&server, some));
    }
    assert_eq!(read(&server, &format!("/api/people/count?wait_for={last}")).json()["count"], 1_500);
    let open = || {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("it connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option is set");
        let request = "GET /api/export/people HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer read-token\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut first = [0; 1_000];
        stream.read_exact(&mut first).expect("the answer begins");
        assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first));
        stream
    };
    // Thirty megabytes that are not read: they are not made either, and four of them take all places.
    let slow: Vec<TcpStream> = (0..4).map(|_| open()).collect();
    let fifth = read(&server, "/api/export/people");
    assert_eq!((fifth.status, fifth.code().as_str()), (503, "too_slow"), "four at a time");
    assert_eq!(read(&server, "/api/people?limit=1").status, 200);
    let last = send(&server, &[json!({"type": "track", "userId": "u", "event": "E"})]);
    drop(slow);
    // The places of those who left are free again, for a file that is whole.
    let whole = read(&server, &format!("/api/export/people?format=csv&wait_for={last}"));
    assert_eq!((whole.status, rows(&whole.text()).len()), (200, 1_502));
}

#[test]
fn the_command_writes_the_same_with_and_without_a_server() {
    let (mut server, last) = hostile();
    read(&server, &format!("/api/people?wait_for={last}"));
    let run = |server: &TestServer, arguments: &[&str]| {
        let output = server.command(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let commands = [
        ["export", "people", "--format", "csv"],
        ["export", "people", "--format", "ndjson"],
        ["export", "groups", "--format", "csv"],
        ["export", "feed", "--format", "csv"],
        ["export", "feed", "--format", "ndjson"],
    ];
    let of_server: Vec<String> = commands.iter().map(|command| run(&server, command)).collect();
    assert_eq!(of_server[0], read(&server, "/api/export/people?format=csv&anonymous=true").text());
    assert_eq!(rows(&of_server[0]).len(), HOSTILE.len() + 2);
    let file = server.data().with_file_name("people.csv");
    let told = run(&server, &["export", "people", "--format", "csv", "--json", "--out", &file.to_string_lossy()]);
    assert_eq!(serde_json::from_str::<Value>(&told).expect("JSON")["records"], HOSTILE.len() as u64 + 1);
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), of_server[0]);
    server.stop();
    let of_folder: Vec<String> = commands.iter().map(|command| run(&server, command)).collect();
    assert_eq!(of_folder, of_server);
    for wrong in [
        ["export", "people", "--format", "parquet"],
        ["export", "calls", "--format", "csv"],
        ["export", "people", "--from", "5"],
    ] {
        assert_eq!(server.command(&wrong).output().expect("it runs").status.code(), Some(2), "{wrong:?}");
    }
}
