//! Strings: finding their ends eight bytes at a time, and what their escapes mean.

use std::borrow::Cow;

use super::scan::{Scanner, Syntax};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks the bytes of `word` that end plain text: a quote, a backslash or a control character. The lowest mark is
/// exact; higher ones may be wrong.
const fn ends(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is_quote | is_backslash | is_control) & HIGHS
}

/// Where plain text that goes on at `at` ends.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let marks = ends(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

impl Scanner<'_> {
    /// Passes a string whose opening quote was passed. Tells whether it holds escapes.
    #[inline]
    pub(super) fn string(&mut self) -> Result<bool, Syntax> {
        self.at = plain_end(self.bytes, self.at);
        if self.bytes.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Ok(false);
        }
        self.string_with_escapes().map(|()| true)
    }

    fn string_with_escapes(&mut self) -> Result<(), Syntax> {
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.syntax("a control character in a string has to be escaped")),
                None => return Err(self.syntax("the text ends within a string")),
            }
            self.at = plain_end(self.bytes, self.at);
        }
    }

    /// Passes one escape, or two that are the halves of one character.
    fn escape(&mut self) -> Result<(), Syntax> {
        let start = self.at;
        self.at += 1;
        match self.bytes.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.unit(start)? {
                0xD800..0xDC00 if matches!(unit_at(self.bytes, start + 6), Some(0xDC00..0xE000)) => {
                    self.at = start + 12;
                }
                0xD800..0xE000 => {
                    self.repairs.push(start);
                    self.at = start + 6;
                }
                _ => self.at = start + 6,
            },
            Some(_) => return Err(self.syntax("no such escape")),
            None => return Err(self.syntax("the text ends within a string")),
        }
        Ok(())
    }

    fn unit(&self, start: usize) -> Result<u16, Syntax> {
        unit_at(self.bytes, start).ok_or_else(|| self.syntax("\\u needs four hexadecimal digits"))
    }
}

/// The UTF-16 unit of the escape `\uXXXX` at `at`.
fn unit_at(bytes: &[u8], at: usize) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = bytes.get(at..)?.first_chunk::<6>()? else { return None };
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | u16::try_from(char::from(*digit).to_digit(16)?).ok()?))
}

/// What a checked string means; `raw` is with its quotes. None if half of a surrogate pair is left in it.
pub(crate) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if plain_end(inner.as_bytes(), 0) == inner.len() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(raw).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::{ends, plain_end};

    #[test]
    fn plain_text_ends_where_a_byte_by_byte_search_says() {
        for special in 0..=255_u8 {
            for place in 0..24 {
                let mut bytes = *b"abcdefgh\x7fjklm\xc3\xa9opqrstuv!";
                bytes[place] = special;
                let slow = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
                let expected = bytes.iter().position(slow).unwrap_or(bytes.len());
                assert_eq!(plain_end(&bytes, 0), expected, "{special} at {place}");
            }
        }
        assert_eq!(ends(u64::from_le_bytes(*b"!#[]~\x7f\xff ")), 0);
    }
}
