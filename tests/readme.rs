//! The README's three steps, as they stand there: run, send, see. And that the page of routes and codes has them all.

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use roundtower::http::routes::ROUTES;
use roundtower::ingest::Code;
use serde_json::Value;
use support::{PROGRAM, Setup, program};

const README: &str = include_str!("../README.md");
const RELAY: &str = include_str!("../docs/RELAY.md");
const CONFIG: &str = include_str!("../config.toml");
const API: &str = include_str!("../docs/API.md");
/// Where the codes of the control surface are made.
const PROBLEMS: &str = include_str!("../src/http/problem.rs");

/// The fenced blocks of a language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    README
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .map(str::trim_end)
        .collect()
}

/// What a line prints when it is pasted into a shell in this folder.
fn pasted(line: &str, folder: &Path) -> String {
    let output = Command::new("sh").args(["-c", line]).current_dir(folder).output().expect("there is a shell");
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

fn members(line: &str) -> Vec<(String, Value)> {
    let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    record.as_object().expect("an object").clone().into_iter().collect()
}

#[test]
fn three_steps() {
    let (commands, answers) = (blocks("sh"), blocks("json"));
    let [run, send, see, test] = commands.as_slice() else { panic!("the README has four commands: {commands:?}") };
    let [taken, seen] = answers.as_slice() else { panic!("the README shows two answers: {answers:?}") };
    assert_eq!(*run, "cargo run --release");
    assert_eq!(*test, "tests/run");

    // Run: the program itself, since building it once more in release mode would show nothing else.
    let mut server = Setup::default().bare().start();
    let printed = server.first_start().to_owned();
    let line = |start: &str| {
        let found = printed.lines().map(str::trim).find(|line| line.starts_with(start));
        found
            .unwrap_or_else(|| panic!("the first start prints no line that starts with {start:?}:\n{printed}"))
            .to_owned()
    };

    // Send: the printed line is the README's, but for the key and the port.
    let curl = line("curl ");
    let key = curl.split('\'').nth(1).and_then(|user| user.strip_suffix(':')).expect("a key in quotes");
    assert_eq!(curl.replace(key, "WRITE_KEY").replace(&server.url(""), "http://127.0.0.1:8080"), *send);
    let folder = server.data().parent().expect("the data folder lies in one").to_owned();
    assert_eq!(pasted(&curl.replace("curl ", "curl --silent --show-error "), &folder), *taken);

    // See: the printed line while the server runs, the README's after it has stopped.
    let record = pasted(&line(PROGRAM), &folder);
    assert!(server.stop().success());
    let config = format!("{PROGRAM} --config {}", server.config().display());
    assert_eq!(pasted(&see.replace("target/release/roundtower", &config), &folder), record);
    for ((key, found), (expected_key, expected)) in members(&record).iter().zip(members(seen)) {
        assert_eq!(*key, expected_key, "members and their order");
        match key.as_str() {
            "messageId" => assert!(found.as_str().is_some_and(|id| id.starts_with("api-"))),
            time if time.ends_with("imestamp") || time == "receivedAt" => {
                assert_eq!(found.as_str().map(str::len), Some(24));
            }
            _ => assert_eq!(*found, expected, "{key}"),
        }
    }
    assert_eq!(members(&record).len(), members(seen).len(), "{record}");
}

/// A path with its parameters unnamed.
fn shape(path: &str) -> String {
    let mut pieces = path.split('{');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |shape, piece| shape + "{}" + piece.split_once('}').map_or("", |(_, rest)| rest))
}

#[test]
fn every_route_is_documented() {
    let words = API.split(['`', ' ', ',', '?']).map(shape).collect::<std::collections::BTreeSet<_>>();
    for route in ROUTES {
        let path = match route.path.rsplit_once('/') {
            Some((pixel, _)) if pixel.contains("/pixel") || pixel.starts_with("/pixel") => format!("{pixel}/{{type}}"),
            _ => route.path.to_owned(),
        };
        assert!(words.contains(&shape(&path)), "docs/API.md does not name {path}");
    }
}

#[test]
fn the_relay_in_three_lines() {
    let (_, section) = README.split_once("## Relay it").expect("the section");
    let mut blocks = section.split("```").skip(1).step_by(2);
    let lines: Vec<&str> = blocks.next().expect("three lines").lines().skip(1).collect();
    let [receive, run, send] = lines.as_slice() else { panic!("three lines: {lines:?}") };
    let expected = blocks.next().expect("what is seen").trim();

    // The same words with a free port, in a folder of its own.
    let arguments: Vec<&str> = receive.split(' ').skip(1).collect();
    assert_eq!(arguments, ["sink"]);
    let mut sink = program();
    sink.args(arguments).args(["--listen", "127.0.0.1:0"]).current_dir(std::env::temp_dir()).stdout(Stdio::piped());
    let mut sink = sink.spawn().expect("the sink starts");
    let mut shown = BufReader::new(sink.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let ready = shown.next().expect("a ready line");
    let port: String =
        ready.split("127.0.0.1:").nth(1).expect("a port").chars().take_while(char::is_ascii_digit).collect();

    let folder = tempfile::tempdir().expect("a folder");
    let (write, serve) = run.split_once(" && ").expect("two commands");
    assert_eq!(serve, "target/release/roundtower --config relay.toml");
    pasted(&write.replace("8090", &port), folder.path());
    let config = std::fs::read_to_string(folder.path().join("relay.toml")).expect("it was written");
    let server = Setup::default().bare().tables(&config).start();
    let key = server.first_start().split("curl -u '").nth(1).and_then(|rest| rest.split(':').next());
    let send = send.replace("WRITE_KEY", key.expect("a key")).replace("http://127.0.0.1:8080", &server.url(""));
    assert_eq!(pasted(&send.replace("curl ", "curl --silent --show-error "), folder.path()), r#"{"success":true}"#);
    let line = shown.next().expect("the call arrives");
    let words = |line: &str| line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&line), words(expected));
    sink.kill().expect("it runs");
    sink.wait().expect("it ends");
}

#[test]
fn every_setting_of_a_destination_is_documented_with_its_default() {
    let (_, section) = CONFIG.split_once("# [[destinations]]\n").expect("an example");
    let lines = section.lines().map_while(|line| line.strip_prefix("# "));
    let settings = lines.filter_map(|line| line.split_once(" = ")).filter(|(key, _)| !key.contains(' '));
    let settings: Vec<(&str, &str)> = settings.collect();
    assert!(settings.len() > 20, "{settings:?}");
    let (_, table) = RELAY.split_once("| Setting | Default | Means |\n").expect("the table of settings");
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    let row = |key: &str| {
        let of_key = |row: &&&str| row.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{key}`")));
        *rows.iter().find(of_key).unwrap_or_else(|| panic!("docs/RELAY.md does not explain {key}"))
    };
    for (key, rest) in settings {
        // Names, addresses and secrets have no default.
        let has_none =
            ["name", "format", "url"].contains(&key) || key.starts_with("api_key") || key.starts_with("signing");
        let value = rest.split('#').next().unwrap_or_default().trim();
        let cell = row(key).split('|').nth(2).unwrap_or_default().trim().to_owned();
        assert!(has_none || cell == format!("`{value}`"), "docs/RELAY.md says {cell} of {key}, config.toml {value}");
    }
}

#[test]
fn every_code_is_documented() {
    let of_problems =
        PROBLEMS.lines().filter_map(|line| line.split_once("=> \"")?.1.split_once('"')).map(|(code, _)| code);
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).chain(of_problems).collect();
    assert!(codes.contains(&"misdirected_request"), "the codes of {PROBLEMS:.60}... are found");
    for code in codes {
        assert!(API.contains(&format!("`{code}`")), "docs/API.md does not explain {code}");
    }
}
