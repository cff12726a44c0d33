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

/// The line (from 1) where this key, with its section, stands.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    (1..=text.lines().count()).find(|line| key_on_line(text, *line) == key)
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
        assert_eq!(line_of(text, "http.workers"), Some(5));
        assert_eq!(line_of(text, "http.other"), None);
        assert_eq!(line_at(text, text.find("workers = 2").unwrap()), 5);
    }
}
