//! Words that name nothing, in what the project defines and in the names of its files.

use super::files::{all, check, prove, rust};
use super::lexer::lex;

/// If no better noun fits, the thing is not understood yet.
const EMPTY: [&str; 9] = ["manager", "helper", "helpers", "util", "utils", "common", "info", "misc", "stuff"];
/// Also in the names of types and modules.
const EMPTY_TYPES: [&str; 3] = ["data", "process", "processor"];
const DEFINES: [&str; 9] = ["fn", "struct", "enum", "trait", "mod", "type", "const", "static", "macro_rules!"];
const TYPES: [&str; 5] = ["struct", "enum", "trait", "mod", "type"];

/// `BatchInfo` and `batch_info` are both `batch`, `info`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() && was_small {
            parts.push(String::new());
        }
        was_small = letter.is_lowercase();
        if letter != '_' {
            parts.last_mut().unwrap().extend(letter.to_lowercase());
        }
    }
    parts
}

fn definitions(_: &str, text: &str) -> Vec<String> {
    let code = lex(text).code;
    let words: Vec<&str> = code
        .split(|letter: char| letter.is_whitespace() || "(){}<>:;,=&".contains(letter))
        .filter(|word| !word.is_empty())
        .collect();
    words
        .windows(2)
        .filter_map(|pair| match pair {
            [kind, name] if DEFINES.contains(kind) => Some((*kind, *name)),
            _ => None,
        })
        .filter(|(kind, name)| is_empty(name, TYPES.contains(kind)))
        .map(|(kind, name)| format!("`{kind} {name}` says nothing: find the noun"))
        .collect()
}

fn is_empty(name: &str, is_type: bool) -> bool {
    let banned = |part: &String| EMPTY.contains(&part.as_str()) || is_type && EMPTY_TYPES.contains(&part.as_str());
    parts(name).iter().any(banned) || name.starts_with("do_")
}

fn file_name(path: &str, _: &str) -> Vec<String> {
    let names = path.split('/').map(|name| name.split('.').next().unwrap_or(name));
    names
        .filter(|name| is_empty(&name.replace('-', "_"), true))
        .map(|name| format!("the name {name} says nothing"))
        .collect()
}

#[test]
fn definitions_have_meaning() {
    let good = "fn sync_data() {} struct Batch; let info = 5; // fn do_it()\nfn information() {} fn undo_it() {} std::process::exit";
    let bad = [
        "fn do_it() {}",
        "struct StoreManager;",
        "mod util {}",
        "fn batch_info() {}",
        "enum Data { A }",
        "trait HelperTrait {}",
        "mod process;",
    ];
    prove(definitions, "src/x.rs", good, &bad);
    check(&rust(&["src/", "tests/", "benches/", "build.rs"]), definitions);
}

#[test]
fn files_have_meaning() {
    assert!(file_name("src/journal/writer.rs", "").is_empty());
    for path in ["src/util.rs", "src/helpers/x.rs", "src/data.rs", "tests/common/mod.rs", "src/queue-manager.rs"] {
        assert!(!file_name(path, "").is_empty(), "{path}");
    }
    let mut files = all();
    files.retain(|file| {
        ["src/", "tests/", "benches/", "docs/", "dashboard/"].iter().any(|folder| file.path.starts_with(folder))
    });
    check(&files, file_name);
}
