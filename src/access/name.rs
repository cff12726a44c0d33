//! Names of sources and tokens: short, and safe in paths, logs and records.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest name, in bytes.
const BYTES_MAX: usize = 64;
/// The source of what the operator orders: no sender is called so.
pub const OWN_SOURCE: &str = "roundtower";

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not of this form.
    #[error(
        "a name has 1 to {BYTES_MAX} letters (a-z, A-Z), digits, `-`, `_` or `.`, and begins with a letter or digit"
    )]
    Form,
    /// The server itself is called so in its own records.
    #[error(
        "no source can be called `{OWN_SOURCE}`: merges and other orders of the operator are recorded under this name"
    )]
    Kept,
}

/// The name of a source or token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Takes the text as it is.
    ///
    /// # Errors
    /// When it is no name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let good = text.len() <= BYTES_MAX
            && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
            && text.bytes().all(plain);
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidName::Form) }
    }

    /// The same, for a sender: it may not look like the server itself.
    ///
    /// # Errors
    /// When it is no name, or the server's own.
    pub fn of_source(text: &str) -> Result<Self, InvalidName> {
        let name = Self::parse(text)?;
        if name.0 == OWN_SOURCE { Err(InvalidName::Kept) } else { Ok(name) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "9", "web-shop_2.eu", &"x".repeat(64)] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", ".", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Name::of_source(OWN_SOURCE), Err(InvalidName::Kept));
        assert!(Name::parse(OWN_SOURCE).is_ok(), "a token may be called so");
    }
}
