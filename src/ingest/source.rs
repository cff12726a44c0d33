//! Sources: who may send. A write key is only known by its BLAKE3 hash, so looking one up takes the same time whatever
//! part of it is right.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::call::Marks;
use crate::call::secret::Secret;

/// Where a source's calls come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A server: its key is secret.
    #[default]
    Server,
    /// Web pages or apps: everybody can read its key.
    Browser,
}

/// Whom a source's aliases may merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Merges {
    /// Anybody, as Segment's alias does.
    #[default]
    All,
    /// Anonymous visitors only: an alias of a known user is refused when the views see it. For keys that everybody can
    /// read, since an alias of such a sender could join two strangers.
    Anonymous,
}

impl Merges {
    /// What the aliases of such a source are marked with.
    pub const fn marks(self) -> Marks {
        match self {
            Self::All => Marks(0),
            Self::Anonymous => Marks::MERGES_ANONYMOUS_ONLY,
        }
    }
}

/// One sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, unique in this server; part of every record.
    pub name: Arc<str>,
    /// Where its calls come from.
    pub kind: Kind,
    /// A disabled source's requests are answered 200 and dropped.
    pub enabled: bool,
    /// What signs its webhooks, if they have to be signed.
    pub signing_secret: Option<Secret>,
    /// Whom its aliases may merge.
    pub merges: Merges,
    /// Whether its webhooks may ask to erase people.
    pub deletes: bool,
}

/// The BLAKE3 hash of a write key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// The hash of this key.
    pub fn of(key: &str) -> Self {
        Self(*blake3::hash(key.as_bytes()).as_bytes())
    }
}

/// All sources by the hashes of their keys. Cheap to read while it is replaced.
#[derive(Debug, Default)]
pub struct Sources(ArcSwap<HashMap<KeyHash, Arc<Source>>>);

impl Sources {
    /// No source at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces all sources at once. A source may have several keys, for instance while one is being rotated.
    pub fn replace(&self, sources: impl IntoIterator<Item = (KeyHash, Arc<Source>)>) {
        self.0.store(Arc::new(sources.into_iter().collect()));
    }

    /// The source that this key belongs to.
    pub fn lookup(&self, key: &str) -> Option<Arc<Source>> {
        self.0.load().get(&KeyHash::of(key)).cloned()
    }

    /// The source of this name.
    pub fn named(&self, name: &str) -> Option<Arc<Source>> {
        self.0.load().values().find(|source| &*source.name == name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{KeyHash, Kind, Merges, Source, Sources};
    use crate::call::secret::Secret;

    #[test]
    fn a_source_is_found_by_any_of_its_keys_until_it_is_replaced() {
        let source = Source {
            name: "web".into(),
            kind: Kind::Browser,
            enabled: true,
            signing_secret: None,
            merges: Merges::All,
            deletes: false,
        };
        let source = Arc::new(source);
        let sources = Sources::new();
        sources.replace([(KeyHash::of("old"), Arc::clone(&source)), (KeyHash::of("new"), source)]);
        assert!(sources.lookup("old").is_some() && sources.lookup("new").is_some());
        assert!(sources.lookup("").is_none() && sources.lookup("NEW").is_none());
        sources.replace([]);
        assert!(sources.lookup("new").is_none());
    }

    #[test]
    fn a_secret_does_not_show() {
        assert_eq!(format!("{:?}", Secret::new("hush".to_owned())), "Secret(..)");
    }
}
