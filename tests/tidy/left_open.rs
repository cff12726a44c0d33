//! What must not stay behind: open ends, paths of somebody's machine, addresses of downloads.

use super::files::{all, check, prove};

/// Written so that this file does not find itself.
const OPEN_ENDS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("db", "g!("),
    concat!("to", "do!("),
    concat!("unimplemen", "ted!("),
];
const MACHINE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

fn open_ends(_: &str, text: &str) -> Vec<String> {
    let found = |line: &str| OPEN_ENDS.iter().find(|end| stands_alone(line, end)).copied();
    text.lines()
        .enumerate()
        .filter_map(|(number, line)| Some(format!("line {}: {}", number + 1, found(line)?)))
        .collect()
}

/// Not as part of a longer word.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default().chars().next_back();
        let after = line.get(at + word.len()..).unwrap_or_default().chars().next();
        let is_letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        !is_letter(before) && (!is_letter(after) || word.ends_with('('))
    })
}

fn machine_paths(_: &str, text: &str) -> Vec<String> {
    let starts_path = |line: &str, path: &str| {
        line.match_indices(path).any(|(at, _)| {
            let before = line.get(..at).unwrap_or_default().chars().next_back().unwrap_or(' ');
            !(before.is_alphanumeric() || "._-}".contains(before))
        })
    };
    let found = |line: &str| MACHINE.iter().find(|path| starts_path(line, path)).copied();
    text.lines()
        .enumerate()
        .filter_map(|(number, line)| Some(format!("line {}: a path below {}", number + 1, found(line)?)))
        .collect()
}

fn download_addresses(path: &str, text: &str) -> Vec<String> {
    if !path.ends_with("package-lock.json") {
        return Vec::new();
    }
    let is_address = |line: &&str| line.trim_start().starts_with("\"resolved\": \"http");
    text.lines().filter(is_address).take(1).map(|line| format!("an address of a download: {}", line.trim())).collect()
}

#[test]
fn nothing_is_left_open() {
    let bad: Vec<String> = OPEN_ENDS.iter().map(|end| format!("// {end} later")).collect();
    let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
    prove(open_ends, "src/x.rs", "let todos = 5; // todo list in lower case", &bad);
    let mut files = all();
    files.retain(|file| !file.path.ends_with("package-lock.json"));
    check(&files, open_ends);
}

#[test]
fn no_path_of_a_machine() {
    let bad: Vec<String> = MACHINE.iter().map(|path| format!("see {path}x")).collect();
    let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
    prove(machine_paths, "docs/x.md", "https://example.com/home/x and $HOME and ~/x and a/root/x", &bad);
    check(&all(), machine_paths);
}

#[test]
fn lock_files_name_no_host() {
    let bad = "{\n  \"resolved\": \"https://registry.example/x.tgz\",\n}";
    prove(download_addresses, "web/package-lock.json", "{\n  \"version\": \"1.0.0\",\n}", &[bad]);
    check(&all(), download_addresses);
}
