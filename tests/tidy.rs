//! The house rules that a machine can check: door signs, sizes, who may import whom, words, paths. Each rule is also tried
//! on a text that breaks it, because a rule that cannot fail is a wish.

#![expect(
    clippy::unwrap_used,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test that meets what it did not expect has to fail; our endings are in lower case"
)]

/// One file per kind of rule.
mod tidy {
    mod documents;
    mod files;
    mod left_open;
    mod lexer;
    mod rooms;
    mod shape;
    mod words;
}
