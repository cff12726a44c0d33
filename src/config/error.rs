//! What is wrong with a configuration: the place, the key, and what would be right.

use std::path::PathBuf;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {detail}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Something in the file is wrong.
    #[error("{}{}{}: {problem}", file.display(), line_text(*.line), key_text(key))]
    InFile {
        /// Which file.
        file: PathBuf,
        /// Its line, from 1, where it is known.
        line: Option<usize>,
        /// The key, with its section.
        key: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// An environment variable is wrong.
    #[error("environment variable {name}: {problem}")]
    InEnvironment {
        /// Which.
        name: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A flag is wrong.
    #[error("{flag}: {problem}")]
    InFlags {
        /// Which.
        flag: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
}

fn line_text(line: Option<usize>) -> String {
    line.map(|line| format!(", line {line}")).unwrap_or_default()
}

fn key_text(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(", `{key}`") }
}

/// The line (from 1) that the byte at `offset` is in.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The key, with its section, that stands on this line; empty when there is none.
pub(super) fn key_on_line(text: &str, line: usize) -> String {
    let mut section = String::new();
    for (number, content) in text.lines().enumerate().take(line) {
        let content = content.trim();
        if content.starts_with('[') {
            content.split(']').next().unwrap_or(content).trim_start_matches('[').clone_into(&mut section);
        }
        if number + 1 == line
            && let Some((key, _)) = content.split_once('=')
            && !content.starts_with('#')
        {
            let key = key.trim();
            return if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
        }
    }
    section
}

/// The line (from 1) where this key stands, with its section, in this entry (from 0) of a list. Where it does not, the
/// line where the entry begins.
pub(super) fn line_of(text: &str, key: &str, entry: usize) -> Option<usize> {
    let section = key.rsplit_once('.').map_or("", |(section, _)| section);
    let header = format!("[[{section}]]");
    let begins = |line: &str| line.trim().starts_with(&header);
    let starts: Vec<usize> =
        text.lines().enumerate().filter(|(_, line)| begins(line)).map(|(place, _)| place + 1).collect();
    let (first, next) = (starts.get(entry).copied(), starts.get(entry + 1).copied());
    let lines = first.unwrap_or(1)..next.unwrap_or(text.lines().count() + 1);
    lines.into_iter().find(|line| key_on_line(text, *line) == key).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_line_and_lines_by_key() {
        let text = "listen = \"x\"\n\n[http]\n# workers = 1\nworkers = 2\n[[sources]]\nname = \"a\"\n";
        assert_eq!(key_on_line(text, 1), "listen");
        assert_eq!(key_on_line(text, 5), "http.workers");
        assert_eq!(key_on_line(text, 7), "sources.name");
        assert_eq!(line_of(text, "http.workers", 0), Some(5));
        assert_eq!(line_of(text, "http.other", 0), None);
        assert_eq!(line_of(text, "sources.name", 0), Some(7));
        let two = format!("{text}[[sources]]\nkind = \"server\"\nname = \"a\"\n[http]\nname = 1");
        assert_eq!(line_of(&two, "sources.name", 0), Some(7));
        assert_eq!(line_of(&two, "sources.name", 1), Some(10));
        assert_eq!(line_of(&two, "sources.write_key", 1), Some(8), "the entry that lacks it");
        assert_eq!(line_at(text, text.find("workers = 2").unwrap()), 5);
    }
}
