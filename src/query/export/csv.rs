//! Lines of CSV (RFC 4180), safe to open with a program that computes.
//!
//! Names, traits and ids come from senders. A cell that begins like a formula would be computed where the file is opened,
//! so an apostrophe goes before it; numbers of ours stay numbers.

use std::io::Write as _;

use serde::Serialize;

use crate::call::time::Time;
use crate::query::error::QueryError;
use crate::views::snapshot::ViewError;

/// What formulas begin with. A tab or line end would be skipped before one.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];
/// The same in full width, which some programs take for the same.
const WIDE_FORMULA: [char; 4] = ['\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// One line that is being written.
#[derive(Debug)]
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl<'a> Line<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, is_first: true }
    }

    fn next(&mut self) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(b',');
        }
    }

    /// Text of anybody.
    pub(super) fn text(&mut self, text: &str) {
        self.next();
        let is_formula = text.starts_with(FORMULA) || text.starts_with(WIDE_FORMULA);
        // Some programs separate by semicolons or tabs, and some cut spaces off before they look.
        let is_quoted = text.contains([',', ';', '"', '\t', '\r', '\n']) || text.trim() != text;
        if is_quoted {
            self.out.push(b'"');
        }
        if is_formula {
            self.out.push(b'\'');
        }
        if is_quoted {
            self.out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            self.out.push(b'"');
        } else {
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    /// The same, or nothing.
    pub(super) fn maybe(&mut self, text: Option<&str>) {
        self.text(text.unwrap_or_default());
    }

    /// A number of ours.
    pub(super) fn number(&mut self, number: u64) {
        self.next();
        let _ = write!(self.out, "{number}");
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, flag: bool) {
        self.text(if flag { "true" } else { "false" });
    }

    /// A time as the API tells it, or nothing.
    pub(super) fn time(&mut self, time: Option<Time>) {
        self.maybe(time.map(|time| time.to_string()).as_deref());
    }

    /// JSON: lists and objects in one cell.
    pub(super) fn json<T: Serialize>(&mut self, value: &T) {
        self.text(&serde_json::to_string(value).unwrap_or_default());
    }

    /// Ends the line.
    pub(super) fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

/// Appends a value as JSON.
pub(super) fn json_into<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), QueryError> {
    serde_json::to_writer(out, value).map_err(|error| QueryError::View(ViewError::Unreadable(error.to_string())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(text: &str) -> String {
        let mut out = Vec::new();
        let mut line = Line::new(&mut out);
        line.text(text);
        line.end();
        String::from_utf8(out).unwrap().strip_suffix("\r\n").unwrap().to_owned()
    }

    /// Reads lines as RFC 4180 says.
    fn parse(text: &str) -> Vec<Vec<String>> {
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
        assert!(row.is_empty() && cell.is_empty() && !quoted, "{text:?} ends in the middle");
        rows
    }

    #[test]
    fn what_begins_like_a_formula_gets_an_apostrophe() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+49 170", "'+49 170"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("=\"a\"", "\"'=\"\"a\"\"\""),
            ("'=1", "'=1"),
            (" =1", "\" =1\""),
            ("a;=1", "\"a;=1\""),
            ("a=1", "a=1"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("{\"a\":1}", "\"{\"\"a\"\":1}\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_stay_numbers() {
        let mut out = Vec::new();
        let mut line = Line::new(&mut out);
        line.number(u64::MAX);
        line.flag(true);
        line.time(None);
        line.time(Some(Time::from_millis(0)));
        line.json(&["a", "b"]);
        line.end();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "18446744073709551615,true,,1970-01-01T00:00:00.000Z,\"[\"\"a\"\",\"\"b\"\"]\"\r\n");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_but_for_the_apostrophe(
            rows in prop::collection::vec(prop::collection::vec("(?s)[=+@\\-\t\r\n\",;' a\u{0}ü]{0,6}|(?s).{0,12}", 1..4), 1..5)
        ) {
            let mut out = Vec::new();
            for row in &rows {
                let mut line = Line::new(&mut out);
                for text in row {
                    line.text(text);
                }
                line.end();
            }
            let read = parse(std::str::from_utf8(&out).unwrap());
            prop_assert_eq!(read.len(), rows.len());
            for (read, row) in read.iter().zip(&rows) {
                prop_assert_eq!(read.len(), row.len());
                for (read, text) in read.iter().zip(row) {
                    prop_assert!(!read.starts_with(FORMULA) && !read.starts_with(WIDE_FORMULA), "{:?}", read);
                    prop_assert!(read == text || read.strip_prefix('\'') == Some(text), "{:?} {:?}", read, text);
                }
            }
        }
    }
}
