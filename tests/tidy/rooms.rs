//! Who may import whom, and which room alone may name a crate.

use super::files::{check, prove, rust};
use super::lexer::lex;

/// What each room may import besides itself. Who is not listed may import everything: `app`, `cli`, `main`, `lib`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("call", &[]),
    ("demo", &["call"]),
    ("clock", &["call"]),
    ("store", &[]),
    ("journal", &["call", "clock", "store"]),
    ("ingest", &["call", "clock", "journal"]),
    ("views", &["call", "clock", "journal", "store"]),
    ("relay", &["call", "clock", "journal", "store"]),
    ("query", &["call", "clock", "journal", "views"]),
    ("erase", &["access", "call", "clock", "ingest", "journal", "relay", "views"]),
    ("access", &["call", "config", "ingest"]),
    ("telemetry", &[]),
    ("config", &["access", "call", "http", "ingest", "journal", "relay", "telemetry", "views"]),
    (
        "http",
        &["access", "call", "clock", "config", "erase", "ingest", "journal", "query", "relay", "telemetry", "views"],
    ),
];

/// Crates and calls that belong to one place, with the reason.
const BELONGS: &[(&str, &[&str], &str)] = &[
    ("sled::", &["src/store/"], "the store is the only room that names sled"),
    ("actix_web::", &["src/http/"], "http is the only room that names actix"),
    ("actix_server::", &["src/http/"], "http is the only room that names actix"),
    ("actix_http::", &["src/http/"], "http is the only room that names actix"),
    (
        "bincode::",
        &["src/journal/codec.rs", "src/journal/block.rs", "src/views/"],
        "bincode is for records and block headers, never for keys",
    ),
    ("tantivy::", &["src/views/search/"], "search is the only room inside views that names tantivy"),
    ("SystemTime::now", &["src/clock.rs"], "time is data: take it from the clock"),
    ("Timestamp::now", &["src/clock.rs"], "time is data: take it from the clock"),
    (
        "Uuid::new_v4",
        &["src/ingest/normalize.rs", "src/app/folder.rs"],
        "only message ids and the instance id are made up",
    ),
    ("clap::", &["src/main.rs", "src/cli/"], "only the command line reads arguments"),
];

/// `src/http/body.rs` is in the room `http`, `src/clock.rs` is the room `clock`.
fn room(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split(['/', '.']).next().unwrap_or(inside)
}

/// The rooms that a text names after `crate::`, also in braces.
fn imported(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => found.extend(first_names(list)),
            None => found.push(name_at(rest)),
        }
    }
    found
}

/// The first name of each member of a list in braces whose opening one is already gone.
fn first_names(list: &str) -> Vec<String> {
    let (mut depth, mut found, mut is_start) = (0, Vec::new(), true);
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_start = true,
            letter if is_start && letter.is_alphanumeric() => {
                found.push(name_at(list.get(at..).unwrap_or_default()));
                is_start = false;
            }
            _ => {}
        }
    }
    found
}

fn name_at(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

fn imports(path: &str, text: &str) -> Vec<String> {
    let own = room(path);
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == own) else { return Vec::new() };
    let rooms: Vec<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).chain(["app", "cli"]).collect();
    imported(&lex(text).code)
        .into_iter()
        .filter(|name| name != own && rooms.contains(&name.as_str()) && !allowed.contains(&name.as_str()))
        .map(|name| format!("{own} may not import {name}"))
        .collect()
}

fn belongings(path: &str, text: &str) -> Vec<String> {
    let code = lex(text).code;
    BELONGS
        .iter()
        .filter(|(name, places, _)| !places.iter().any(|place| path.starts_with(place)) && names(&code, name))
        .map(|(name, _, reason)| format!("it names {name}: {reason}"))
        .collect()
}

/// Whether `name` stands in the code as a path of its own, not as the end of another one.
fn names(code: &str, name: &str) -> bool {
    let is_root = |at: usize| {
        let before = code.get(..at).unwrap_or_default().chars().next_back().unwrap_or(' ');
        let is_call = name.contains("::n");
        !(before.is_alphanumeric() || before == '_' || before == ':' && !is_call)
    };
    code.match_indices(name).any(|(at, _)| is_root(at))
}

/// Ingest writes and never reads; views and relay read and never write.
fn sides(path: &str, text: &str) -> Vec<String> {
    let forbidden = match room(path) {
        "ingest" => "Reader",
        "views" | "relay" => "Appender",
        _ => return Vec::new(),
    };
    let code = lex(text).code;
    let is_named = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == forbidden);
    if is_named && !path.contains("/tests") { vec![format!("it may not see journal::{forbidden}")] } else { Vec::new() }
}

#[test]
fn rooms_import_only_what_they_may() {
    let good = "use crate::call::Call;\nuse crate::{clock::Clock, journal::{Batch, codec}};\nuse crate::ingest::Code; // crate::http";
    prove(
        imports,
        "src/ingest/x.rs",
        good,
        &["use crate::http::Site;", "use crate::{call::Call, store::Store};", "fn x() { crate::views::open() }"],
    );
    prove(imports, "src/call/mod.rs", "use std::fmt;", &["use crate::clock::Clock;"]);
    prove(imports, "src/clock.rs", "use crate::call::time::Time;", &["use crate::journal::Batch;"]);
    check(&rust(&["src/"]), imports);
}

#[test]
fn each_crate_has_its_room() {
    let good = "use crate::store::sled::SledEngine; // sled::open\nlet name = \"actix_web::App\";";
    let bad = [
        "use sled::Db;",
        "fn x() -> sled::Result<()> {}",
        "use actix_web::web;",
        "let now = std::time::SystemTime::now();",
        "Uuid::new_v4()",
        "bincode::decode()",
    ];
    prove(belongings, "src/journal/x.rs", good, &bad);
    check(&rust(&["src/"]), belongings);
}

#[test]
fn ingest_writes_and_never_reads() {
    prove(
        sides,
        "src/ingest/x.rs",
        "use crate::journal::Appender;\nuse std::io::BufReader;",
        &["use crate::journal::Reader as _;"],
    );
    prove(sides, "src/views/x.rs", "use crate::journal::Reader;", &["use crate::journal::{Appender, Reader};"]);
    check(&rust(&["src/"]), sides);
}

#[test]
fn every_room_is_in_the_table() {
    let known: Vec<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).chain(["app", "cli", "main", "lib"]).collect();
    for file in rust(&["src/"]) {
        assert!(known.contains(&room(&file.path)), "{} is in no known room: add it to MAY_IMPORT", file.path);
    }
}
