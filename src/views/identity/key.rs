//! What a node is known by, and how that is written.

use std::fmt;
use std::str::FromStr;

use super::IdKind;
use crate::call::ids::{digest_of_anonymous, digest_of_user};

/// What a node is known by without keeping its text in memory: 128 bits of BLAKE3 over kind and id. It is also the id of
/// the person whose root the node is, as 26 letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey(pub [u8; 16]);

/// Not the id of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a person is 26 letters and digits without i, l, o and u; the first is 0 to 7")]
pub struct InvalidKey;

/// Crockford's base32: no letter looks like a digit.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

impl NodeKey {
    /// The key of an id.
    pub fn of(kind: IdKind, id: &str) -> Self {
        Self(match kind {
            IdKind::User => digest_of_user(id),
            IdKind::Anonymous => digest_of_anonymous(id),
        })
    }
}

impl fmt::Display for NodeKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        let text: String = (0..LENGTH)
            .rev()
            .filter_map(|place| LETTERS.get(((bits >> (place * 5)) & 31) as usize).map(|letter| char::from(*letter)))
            .collect();
        out.pad(&text)
    }
}

impl FromStr for NodeKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        // 26 letters hold 130 bits, so the first one may only use three of its five.
        if text.len() != LENGTH || !text.starts_with(|first: char| ('0'..='7').contains(&first)) {
            return Err(InvalidKey);
        }
        let mut bits = 0_u128;
        for letter in text.bytes() {
            let letter = letter.to_ascii_lowercase();
            let value = LETTERS.iter().position(|known| *known == letter).ok_or(InvalidKey)?;
            bits = bits << 5 | value as u128;
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_kind_and_text_and_never_change() {
        assert_ne!(NodeKey::of(IdKind::User, "a"), NodeKey::of(IdKind::Anonymous, "a"));
        assert_ne!(NodeKey::of(IdKind::User, "a"), NodeKey::of(IdKind::User, "A"));
        // Links that somebody keeps have to work for ever.
        assert_eq!(NodeKey::of(IdKind::User, "u1").to_string(), "6mcn003xqdn1jy6y4qvwkrkw6k");
        assert_eq!(NodeKey::of(IdKind::Anonymous, "u1").to_string(), "4d5mk3s4k2pac55pmh719w88r7");
    }

    #[test]
    fn letters_are_read_back() {
        for key in [NodeKey([0; 16]), NodeKey([255; 16]), NodeKey::of(IdKind::User, "x"), NodeKey([1; 16])] {
            let text = key.to_string();
            assert_eq!(text.len(), 26);
            assert_eq!(text.parse(), Ok(key));
            assert_eq!(text.to_uppercase().parse(), Ok(key));
        }
        assert_eq!(NodeKey([255; 16]).to_string(), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    #[test]
    fn anything_else_is_refused() {
        let zeros = "0".repeat(26);
        assert_eq!(zeros.parse(), Ok(NodeKey([0; 16])));
        for bad in
            ["", "0", "8zzzzzzzzzzzzzzzzzzzzzzzzz", &zeros[1..], &format!("{zeros}0"), " 7zzzzzzzzzzzzzzzzzzzzzzzz"]
        {
            assert_eq!(bad.parse::<NodeKey>(), Err(InvalidKey), "{bad}");
        }
        for letter in ["i", "l", "o", "u", "-", " ", "é", "\0"] {
            let bad = format!("{}{letter}", &zeros[letter.len()..]);
            assert_eq!(bad.parse::<NodeKey>(), Err(InvalidKey), "{bad}");
        }
    }
}
