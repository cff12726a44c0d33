//! Sources and tokens as shown to operators: everything but the secrets.

use serde::Serialize;

use super::file::StoredToken;
use super::token::Scope;
use crate::ingest::source::{Kind, Merges, Source};

/// A source as shown to operators: everything but its key.
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the answer")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceView {
    /// Its name.
    pub name: String,
    /// Where its calls come from.
    pub kind: Kind,
    /// Whether its calls are taken.
    pub enabled: bool,
    /// Whom its aliases may merge.
    pub merges: Merges,
    /// Whether its webhooks may ask to erase people.
    pub deletes: bool,
    /// Whether its webhooks have to be signed.
    pub signed: bool,
    /// Whether it stands in the configuration, where alone it can be changed.
    pub configured: bool,
    /// When it was made; null in the configuration.
    pub created_at: Option<String>,
}

/// A token as shown to operators: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenView {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// Whether it stands in the configuration or environment, where alone it can be changed.
    pub configured: bool,
    /// When it was made; null in the configuration.
    pub created_at: Option<String>,
}

impl SourceView {
    pub(super) fn of(source: &Source, created_at: Option<&String>) -> Self {
        Self {
            name: source.name.to_string(),
            kind: source.kind,
            enabled: source.enabled,
            merges: source.merges,
            deletes: source.deletes,
            signed: source.signing_secret.is_some(),
            configured: created_at.is_none(),
            created_at: created_at.cloned(),
        }
    }
}

impl TokenView {
    pub(super) fn of(token: &StoredToken) -> Self {
        Self {
            name: token.name.to_string(),
            scope: token.scope,
            configured: false,
            created_at: Some(token.created_at.clone()),
        }
    }
}
