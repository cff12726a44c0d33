//! Paths that documents and comments name have to exist.

use super::files::{all, check, prove, root};
use super::lexer::lex;

const FOLDERS: [&str; 9] = ["src/", "tests/", "docs/", "benches/", "fuzz/", "dashboard/", "web/", ".ci/", "examples/"];
const FILES: [&str; 10] = [
    "README.md",
    "CHANGELOG.md",
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
    "rust-toolchain.toml",
    "LICENSE-MIT",
];

/// What stands between backticks in a Markdown text or a comment, one word each.
fn quoted(text: &str) -> Vec<String> {
    let pieces =
        text.lines().flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    pieces.filter_map(|piece| piece.split_whitespace().next().map(str::to_owned)).collect()
}

/// The targets of relative Markdown links.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with(['#', '<']))
        .map(|target| target.split('#').next().unwrap().to_owned())
        .collect()
}

fn is_ours(path: &str) -> bool {
    let is_pattern = path.contains(['*', '{', '<', '…', '$']) || path.contains("NNNN") || path.contains("...");
    !is_pattern && (FOLDERS.iter().any(|folder| path.starts_with(folder)) || FILES.contains(&path))
}

fn missing(names: &[String]) -> Vec<String> {
    let clean = |name: &String| name.trim_start_matches("./").trim_end_matches([',', '.', ':', ';']).to_owned();
    let names = names.iter().map(clean).filter(|name| is_ours(name));
    names
        .filter(|name| !root().join(name).exists())
        .map(|name| format!("it names {name}, which is not there"))
        .collect()
}

fn markdown(path: &str, text: &str) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let linked = links(text).into_iter().filter(|target| !target.is_empty());
    let broken = linked.filter(|target| !root().join(folder).join(target).exists());
    missing(&quoted(text))
        .into_iter()
        .chain(broken.map(|target| format!("a link to {target}, which is not there")))
        .collect()
}

fn comments(_: &str, text: &str) -> Vec<String> {
    missing(&quoted(&lex(text).comments))
}

#[test]
fn documents_name_what_exists() {
    let good = "See `src/lib.rs`, `tests/tidy.rs --help`, `docs/NNNN-x.md`, `src/<room>`, `data/journal`, [tidy](../tests/tidy.rs), [x](https://x.example/y).";
    prove(
        markdown,
        "docs/x.md",
        good,
        &["See `src/nowhere.rs`.", "See [it](nowhere.md).", "Run `benches/nowhere --now`."],
    );
    let mut files = all();
    files.retain(|file| file.path.ends_with(".md"));
    assert!(!files.is_empty());
    check(&files, markdown);
}

#[test]
fn comments_name_what_exists() {
    prove(
        comments,
        "src/x.rs",
        "//! See `src/lib.rs`.\nlet x = \"`src/nowhere.rs`\";",
        &["//! See `src/nowhere.rs`.", "/// See `tests/nowhere`."],
    );
    let mut files = all();
    files.retain(|file| file.path.ends_with(".rs") && file.path != "tests/tidy/documents.rs");
    check(&files, comments);
}
