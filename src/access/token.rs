//! Tokens: who may ask, and for what.

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::ingest::source::KeyHash;

/// What a token may do. `Admin` includes `Read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Look at everything but secrets.
    Read,
    /// Change everything.
    Admin,
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "read" => Ok(Self::Read),
            "admin" => Ok(Self::Admin),
            _ => Err("has to be `read` or `admin`".to_owned()),
        }
    }
}

/// All tokens, as hashes.
#[derive(Debug, Default)]
pub struct Tokens(ArcSwap<Vec<(KeyHash, Scope)>>);

impl Tokens {
    /// Replaces all tokens at once.
    pub fn replace(&self, tokens: Vec<(KeyHash, Scope)>) {
        self.0.store(std::sync::Arc::new(tokens));
    }

    /// What this token may do; none if it is unknown. Takes the same time for a wrong token as for an unknown one.
    pub fn scope_of(&self, token: &str) -> Option<Scope> {
        let hash = KeyHash::of(token);
        let mut found = None;
        for (known, scope) in self.0.load().iter() {
            if bool::from(known.0.ct_eq(&hash.0)) {
                found = found.max(Some(*scope));
            }
        }
        found
    }
}
