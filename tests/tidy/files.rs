//! The files of the project, as a fresh clone has them: nothing built, nothing installed, nothing of git.

use std::path::{Path, PathBuf};

const SKIPPED: [&str; 7] = ["target", "node_modules", "data", ".git", "corpus", "artifacts", ".venv"];

/// A text file: its path from the root, with `/`, and what is in it.
pub(super) struct Text {
    pub(super) path: String,
    pub(super) text: String,
}

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All text files, in order of their paths.
pub(super) fn all() -> Vec<Text> {
    let mut found = Vec::new();
    collect(&root(), &root(), &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(found.len() > 50, "only {} files found", found.len());
    found
}

/// The Rust files below any of these folders.
pub(super) fn rust(folders: &[&str]) -> Vec<Text> {
    let mut found = all();
    found.retain(|file| file.path.ends_with(".rs") && folders.iter().any(|folder| file.path.starts_with(folder)));
    assert!(!found.is_empty(), "no Rust file below {folders:?}");
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Text>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            collect(root, &path, found);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.push(Text { path, text });
        }
    }
}

/// Applies a rule to files; panics with every breach.
pub(super) fn check(files: &[Text], rule: impl Fn(&str, &str) -> Vec<String>) {
    let breaches: Vec<String> = files
        .iter()
        .flat_map(|file| rule(&file.path, &file.text).into_iter().map(|breach| format!("{}: {breach}", file.path)))
        .collect();
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

/// A rule has to find something in `bad` and nothing in `good`.
pub(super) fn prove(rule: impl Fn(&str, &str) -> Vec<String>, path: &str, good: &str, bad: &[&str]) {
    assert!(rule(path, good).is_empty(), "a false alarm: {:?}", rule(path, good));
    for text in bad {
        assert!(!rule(path, text).is_empty(), "not noticed: {text}");
    }
}
