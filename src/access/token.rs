//! Tokens: who may ask, and for what.

use std::sync::Arc;

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

/// Whose token it is, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The name of the token.
    pub name: Arc<str>,
    /// The hash of its secret.
    pub hash: KeyHash,
    /// What it may do.
    pub scope: Scope,
}

/// All tokens, as hashes.
#[derive(Debug, Default)]
pub struct Tokens(ArcSwap<Vec<Holder>>);

impl Tokens {
    /// Replaces all tokens at once.
    pub fn replace(&self, tokens: Vec<Holder>) {
        self.0.store(Arc::new(tokens));
    }

    /// What this token may do; none if it is unknown.
    pub fn scope_of(&self, token: &str) -> Option<Scope> {
        self.holder(&KeyHash::of(token)).map(|holder| holder.scope)
    }

    /// Whose token has this hash; none if it is unknown. Takes the same time for a wrong token as for an unknown one. Of
    /// several with the same secret the one that may do most counts.
    pub fn holder(&self, hash: &KeyHash) -> Option<Holder> {
        let all = self.0.load();
        let mut found: Option<&Holder> = None;
        for known in all.iter() {
            if bool::from(known.hash.0.ct_eq(&hash.0)) && found.is_none_or(|found| found.scope < known.scope) {
                found = Some(known);
            }
        }
        found.cloned()
    }
}
