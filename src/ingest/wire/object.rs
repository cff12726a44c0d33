//! Objects member by member: while they are checked, and again once they are.

use super::message::Span;
use super::scan::{Scanner, Syntax};

/// The key that was just passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// With its quotes.
    pub(super) span: Span,
    /// Whether it holds escapes.
    pub(super) escaped: bool,
}

impl<'a> Scanner<'a> {
    /// Passes an object whose opening bracket comes next. `each` has to pass the value of the key it is given.
    #[inline]
    pub(super) fn object(&mut self, mut each: impl FnMut(&mut Self, Key) -> Result<(), Syntax>) -> Result<(), Syntax> {
        self.open(true);
        if self.token()? == b'}' {
            self.close();
            return Ok(());
        }
        loop {
            self.token()?;
            let start = self.at;
            let (end, escaped) = self.key()?;
            each(self, Key { span: Span::new(start, end), escaped })?;
            match self.token()? {
                b',' => self.at += 1,
                b'}' => {
                    self.close();
                    return Ok(());
                }
                _ => return Err(self.syntax("expected ',' or '}'")),
            }
        }
    }

    /// Passes a value and tells where it is.
    #[inline]
    pub(super) fn value_span(&mut self) -> Result<Span, Syntax> {
        self.token()?;
        let start = self.at;
        self.value()?;
        Ok(Span::new(start, self.at))
    }

    /// A key as text, unescaped into `buffer` if need be.
    #[inline]
    pub(super) fn key_text<'k>(&self, key: Key, buffer: &'k mut Vec<u8>) -> &'k [u8]
    where
        'a: 'k,
    {
        let raw = key.span.bytes_of(self.bytes);
        if key.escaped {
            *buffer = serde_json::from_slice::<String>(raw).map(String::into_bytes).unwrap_or_default();
            return buffer;
        }
        raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default()
    }
}

/// The members of an object that was checked before: key with its quotes, and value. Empty when it is none.
pub(crate) fn members(object: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut scanner = Scanner::new(object);
    if object.starts_with('{') {
        let walked = scanner.object(|scanner, key| {
            let value = scanner.value_span()?;
            found.push((key.span.of(object), value.of(object)));
            Ok(())
        });
        debug_assert!(walked.is_ok(), "only checked objects are walked");
    }
    found
}
