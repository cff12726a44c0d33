//! The grammar of JSON: one iterative pass.

use std::fmt;

use super::nest::Nest;
use crate::call::limits::JSON_DEPTH_MAX;

/// Longest number that is finite whatever its digits, if it has no exponent.
const SHORT_NUMBER: usize = 300;

/// What no reader could make sense of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// Byte of the body, from 0.
    pub(crate) at: usize,
    /// What is wrong, or was expected.
    pub(crate) what: &'static str,
}

impl fmt::Display for Syntax {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (at byte {})", self.what, self.at)
    }
}

/// Well-formed, but more than this server stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nested too deep.
    TooDeep,
    /// A number beyond what a double can hold.
    InvalidNumber,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(out, "nested deeper than {JSON_DEPTH_MAX}"),
            Self::InvalidNumber => out.write_str("a number is too large"),
        }
    }
}

/// A place in a text, and what was seen before it.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) nest: Nest,
    /// How many containers may be open at once.
    pub(super) depth_max: usize,
    /// The first fault since it was last taken.
    pub(super) fault: Option<Fault>,
    /// Where halves of surrogate pairs begin, rising.
    pub(super) repairs: Vec<usize>,
}

impl<'a> Scanner<'a> {
    /// At the start of a text, after its byte order mark if it has one.
    pub(super) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        let (nest, repairs) = (Nest::default(), Vec::new());
        Self { bytes: text.as_bytes(), at, nest, depth_max: JSON_DEPTH_MAX, fault: None, repairs }
    }

    pub(super) const fn syntax(&self, what: &'static str) -> Syntax {
        Syntax { at: self.at, what }
    }

    /// The next byte that is no white space, without passing it.
    #[inline]
    pub(super) fn token(&mut self) -> Result<u8, Syntax> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(self.syntax("the text ends too early")),
            }
        }
    }

    /// Makes sure that nothing but white space follows.
    pub(super) fn end(&mut self) -> Result<(), Syntax> {
        match self.token() {
            Ok(_) => Err(self.syntax("more text after the end")),
            Err(_) => Ok(()),
        }
    }

    /// Passes the opening bracket of a container.
    #[inline]
    pub(super) fn open(&mut self, object: bool) {
        self.at += 1;
        self.nest.open(object);
        if self.nest.depth() > self.depth_max {
            self.fault.get_or_insert(Fault::TooDeep);
        }
    }

    /// Passes the closing bracket of a container.
    #[inline]
    pub(super) fn close(&mut self) {
        self.at += 1;
        self.nest.close();
    }

    /// Passes a key and its colon. Tells where the key ends, and whether it holds escapes.
    #[inline]
    pub(super) fn key(&mut self) -> Result<(usize, bool), Syntax> {
        if self.token()? != b'"' {
            return Err(self.syntax("expected a key in double quotes"));
        }
        self.at += 1;
        let escaped = self.string()?;
        let end = self.at;
        if self.token()? != b':' {
            return Err(self.syntax("expected ':' after a key"));
        }
        self.at += 1;
        Ok((end, escaped))
    }

    /// Passes one value of any kind.
    pub(super) fn value(&mut self) -> Result<(), Syntax> {
        let floor = self.nest.depth();
        loop {
            match self.token()? {
                b'"' => {
                    self.at += 1;
                    self.string()?;
                }
                b'{' => {
                    self.open(true);
                    if self.token()? != b'}' {
                        self.key()?;
                        continue;
                    }
                    self.close();
                }
                b'[' => {
                    self.open(false);
                    if self.token()? != b']' {
                        continue;
                    }
                    self.close();
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => return Err(self.syntax("expected a value")),
            }
            if !self.goes_on(floor)? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here, and tells whether another value follows above `floor`.
    #[inline]
    fn goes_on(&mut self, floor: usize) -> Result<bool, Syntax> {
        while self.nest.depth() > floor {
            match (self.token()?, self.nest.in_object()) {
                (b',', true) => {
                    self.at += 1;
                    self.key()?;
                    return Ok(true);
                }
                (b',', false) => {
                    self.at += 1;
                    return Ok(true);
                }
                (b'}', true) | (b']', false) => self.close(),
                (_, true) => return Err(self.syntax("expected ',' or '}'")),
                (_, false) => return Err(self.syntax("expected ',' or ']'")),
            }
        }
        Ok(false)
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Syntax> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.syntax("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Syntax> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        let exponent = matches!(self.bytes.get(self.at), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if (exponent || self.at - start > SHORT_NUMBER) && !self.is_finite(start) {
            self.fault.get_or_insert(Fault::InvalidNumber);
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Syntax> {
        let start = self.at;
        while matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("expected a digit")) } else { Ok(()) }
    }

    fn is_finite(&self, start: usize) -> bool {
        let number = self.bytes.get(start..self.at).and_then(|bytes| std::str::from_utf8(bytes).ok());
        number.and_then(|number| number.parse::<f64>().ok()).is_some_and(f64::is_finite)
    }
}
