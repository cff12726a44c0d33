//! Who may send and who may ask: sources and tokens, from the configuration and from the data folder.
//!
//! Secrets are made here, shown once, and stored only as BLAKE3 hashes in `access.toml` (mode 0600). What stands in the
//! configuration cannot be changed here; where both know a name, the configuration wins. Every change is on the disk
//! before it counts, and counts at once for the next request.

mod error;
pub mod file;
pub mod name;
pub mod secret;
pub mod sessions;
mod sessions_file;
pub mod token;
mod view;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use error::AccessError;
use file::{AccessFile, StoredSource, StoredToken};
use name::Name;
use sessions::{Seen, Sessions};
use token::{Holder, Scope, Tokens};
pub use view::{SourceView, TokenView};

use crate::call::secret::Secret;
use crate::call::time::Time;
use crate::config::Config;
use crate::ingest::source::{KeyHash, Kind, Merges, Source, Sources};

/// The name of the file in the data folder.
pub const FILE_NAME: &str = "access.toml";
/// The name of the file with the sessions, beside it.
const SESSIONS_FILE_NAME: &str = "sessions.toml";

/// What to change about a source; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceChange {
    /// Whether its calls are taken.
    pub enabled: Option<bool>,
    /// Where its calls come from.
    pub kind: Option<Kind>,
    /// Whom its aliases may merge.
    pub merges: Option<Merges>,
    /// Whether its webhooks may ask to erase people.
    pub deletes: Option<bool>,
}

/// All sources and tokens of one server.
#[derive(Debug)]
pub struct Access {
    path: PathBuf,
    stored: Mutex<AccessFile>,
    configured_sources: Vec<(KeyHash, Arc<Source>)>,
    configured_tokens: Vec<(Name, KeyHash, Scope)>,
    sources: Arc<Sources>,
    tokens: Tokens,
    sessions: Sessions,
}

impl Access {
    /// Reads `access.toml` in `folder` and adds what the configuration and `ROUNDTOWER_ADMIN_TOKEN` say.
    ///
    /// # Errors
    /// When the file cannot be read or is not what this program writes.
    pub fn open(folder: &Path, config: &Config, admin_token: Option<&Secret>) -> Result<Self, AccessError> {
        let path = folder.join(FILE_NAME);
        let stored = AccessFile::read(&path)?;
        let configured_sources = config.sources.iter().map(|entry| {
            let source = Source {
                name: Arc::from(entry.name.as_str()),
                kind: entry.kind,
                enabled: entry.enabled,
                signing_secret: entry.signing_secret.clone(),
                merges: entry.merges,
                deletes: entry.deletes,
            };
            (KeyHash::of(entry.write_key.expose()), Arc::new(source))
        });
        let mut configured_tokens = Vec::new();
        for entry in &config.tokens {
            configured_tokens.push((Name::parse(&entry.name)?, KeyHash::of(entry.token.expose()), entry.scope));
        }
        if let Some(token) = admin_token {
            configured_tokens.push((Name::parse("ROUNDTOWER_ADMIN_TOKEN")?, KeyHash::of(token.expose()), Scope::Admin));
        }
        let access = Self {
            path,
            stored: Mutex::new(stored),
            configured_sources: configured_sources.collect(),
            configured_tokens,
            sources: Arc::default(),
            tokens: Tokens::default(),
            sessions: Sessions::open(&folder.join(SESSIONS_FILE_NAME), config.dashboard.session_days),
        };
        access.publish(&access.stored());
        Ok(access)
    }

    /// The sources by their keys, as ingest sees them; follows every change.
    pub fn sources(&self) -> Arc<Sources> {
        Arc::clone(&self.sources)
    }

    /// The tokens; follows every change.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Trades a token for a session; none if nobody knows the token. Where the disk does not take it, the session lives
    /// until the server stops.
    pub fn begin_session(&self, token: &str, now: Time) -> Option<(Secret, Holder, Seen)> {
        let holder = self.tokens.holder(&KeyHash::of(token))?;
        let (id, seen) = self.sessions.begin(holder.hash, now);
        self.write_sessions(now);
        Some((id, holder, seen))
    }

    /// Whose session this is and what it may do now; it counts as used.
    pub fn session(&self, id: &str, now: Time) -> Option<(Holder, Seen)> {
        let seen = self.sessions.find(id, now)?;
        Some((self.tokens.holder(&seen.token)?, seen))
    }

    /// Makes a session unknown from now on.
    pub fn end_session(&self, id: &str, now: Time) {
        if self.sessions.end(id) {
            self.write_sessions(now);
        }
    }

    /// Writes when sessions were used last, if that has not been done for a while.
    pub fn keep_sessions(&self, now: Time) {
        if self.sessions.is_due(now) {
            self.write_sessions(now);
        }
    }

    /// Forgets the sessions that nobody can use any more, and writes the others.
    pub fn write_sessions(&self, now: Time) {
        self.sessions.sweep(now, |token| self.tokens.holder(token).is_some());
        if let Err(error) = self.sessions.write(now) {
            tracing::warn!(%error, "the sessions of the dashboard are not stored; a restart may forget or revive some");
        }
    }

    /// Whether there is no source and no token at all: the first start.
    pub fn is_empty(&self) -> bool {
        let stored = self.stored();
        stored.sources.is_empty()
            && stored.tokens.is_empty()
            && self.configured_sources.is_empty()
            && self.configured_tokens.is_empty()
    }

    /// All sources, by name.
    pub fn list_sources(&self) -> Vec<SourceView> {
        let configured = self.configured_sources.iter().map(|(_, source)| SourceView::of(source, None));
        let stored = self.stored();
        let kept = stored.sources.iter().filter(|source| !self.configured_source(source.name.as_str()));
        let mut all: Vec<_> =
            configured.chain(kept.map(|kept| SourceView::of(&kept.to_source(), Some(&kept.created_at)))).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Makes a source and returns it with its write key, which is not kept.
    ///
    /// # Errors
    /// When the name is no name, taken or kept for the server itself, or the file cannot be written.
    pub fn add_source(
        &self,
        name: &str,
        kind: Kind,
        merges: Merges,
        now: Time,
    ) -> Result<(SourceView, Secret), AccessError> {
        let name = Name::of_source(name)?;
        let key = secret::generate();
        let view = self.change(|stored| {
            if self.configured_source(name.as_str()) || stored.source(name.as_str()).is_some() {
                return Err(AccessError::taken("source", &name));
            }
            let source = StoredSource {
                name: name.clone(),
                key_hash: file::hex(&KeyHash::of(key.expose())),
                kind,
                enabled: true,
                merges,
                deletes: false,
                created_at: now.to_string(),
            };
            let view = SourceView::of(&source.to_source(), Some(&source.created_at));
            stored.sources.push(source);
            Ok(view)
        })?;
        Ok((view, key))
    }

    /// Gives a source a new write key; the old one is unknown from now on.
    ///
    /// # Errors
    /// When there is none, it stands in the configuration, or the file cannot be written.
    pub fn rotate_source(&self, name: &str) -> Result<(SourceView, Secret), AccessError> {
        let key = secret::generate();
        let view = self.change_source(name, |source| source.key_hash = file::hex(&KeyHash::of(key.expose())))?;
        Ok((view, key))
    }

    /// Switches a source on or off, or changes its kind or whom it may merge.
    ///
    /// # Errors
    /// As [`Access::rotate_source`].
    pub fn patch_source(&self, name: &str, change: SourceChange) -> Result<SourceView, AccessError> {
        self.change_source(name, |source| {
            source.enabled = change.enabled.unwrap_or(source.enabled);
            source.kind = change.kind.unwrap_or(source.kind);
            source.merges = change.merges.unwrap_or(source.merges);
            source.deletes = change.deletes.unwrap_or(source.deletes);
        })
    }

    /// All tokens, by name.
    pub fn list_tokens(&self) -> Vec<TokenView> {
        let configured = self.configured_tokens.iter().map(|(name, _, scope)| TokenView {
            name: name.to_string(),
            scope: *scope,
            configured: true,
            created_at: None,
        });
        let stored = self.stored();
        let mut all: Vec<_> = configured.chain(stored.tokens.iter().map(TokenView::of)).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Makes a token and returns it with the secret, which is not kept.
    ///
    /// # Errors
    /// As [`Access::add_source`].
    pub fn add_token(&self, name: &str, scope: Scope, now: Time) -> Result<(TokenView, Secret), AccessError> {
        let name = Name::parse(name)?;
        let token = secret::generate();
        let view = self.change(|stored| {
            if self.configured_token(name.as_str()) || stored.token(name.as_str()).is_some() {
                return Err(AccessError::taken("token", &name));
            }
            let entry = StoredToken {
                name: name.clone(),
                token_hash: file::hex(&KeyHash::of(token.expose())),
                scope,
                created_at: now.to_string(),
            };
            let view = TokenView::of(&entry);
            stored.tokens.push(entry);
            Ok(view)
        })?;
        Ok((view, token))
    }

    /// Gives a token a new secret; the old one is unknown from now on.
    ///
    /// # Errors
    /// As [`Access::rotate_source`].
    pub fn rotate_token(&self, name: &str) -> Result<(TokenView, Secret), AccessError> {
        let token = secret::generate();
        let view = self.change_token(name, |entry| entry.token_hash = file::hex(&KeyHash::of(token.expose())))?;
        Ok((view, token))
    }

    /// Changes what a token may do.
    ///
    /// # Errors
    /// As [`Access::rotate_source`].
    pub fn patch_token(&self, name: &str, scope: Scope) -> Result<TokenView, AccessError> {
        self.change_token(name, |entry| entry.scope = scope)
    }

    /// The name of a token; none if it is unknown.
    pub fn token_name(&self, token: &str) -> Option<String> {
        let hash = KeyHash::of(token);
        let configured = self.configured_tokens.iter().find(|(_, known, _)| *known == hash);
        if let Some((name, ..)) = configured {
            return Some(name.to_string());
        }
        let text = file::hex(&hash);
        self.stored().tokens.iter().find(|token| token.token_hash == text).map(|token| token.name.to_string())
    }

    /// Makes a token unknown from now on.
    ///
    /// # Errors
    /// As [`Access::rotate_source`].
    pub fn revoke_token(&self, name: &str) -> Result<(), AccessError> {
        if self.configured_token(name) {
            return Err(AccessError::Configured { what: "token", name: name.to_owned() });
        }
        self.change(|stored| {
            let before = stored.tokens.len();
            stored.tokens.retain(|token| token.name.as_str() != name);
            if stored.tokens.len() == before { Err(AccessError::unknown("token", name)) } else { Ok(()) }
        })
    }

    fn change_source(&self, name: &str, edit: impl FnOnce(&mut StoredSource)) -> Result<SourceView, AccessError> {
        if self.configured_source(name) {
            return Err(AccessError::Configured { what: "source", name: name.to_owned() });
        }
        self.change(|stored| {
            let source = stored.source(name).ok_or_else(|| AccessError::unknown("source", name))?;
            edit(source);
            Ok(SourceView::of(&source.to_source(), Some(&source.created_at)))
        })
    }

    fn change_token(&self, name: &str, edit: impl FnOnce(&mut StoredToken)) -> Result<TokenView, AccessError> {
        if self.configured_token(name) {
            return Err(AccessError::Configured { what: "token", name: name.to_owned() });
        }
        self.change(|stored| {
            let token = stored.token(name).ok_or_else(|| AccessError::unknown("token", name))?;
            edit(token);
            Ok(TokenView::of(token))
        })
    }

    /// Edits a copy, writes it, and only then lets it count.
    fn change<T>(&self, edit: impl FnOnce(&mut AccessFile) -> Result<T, AccessError>) -> Result<T, AccessError> {
        let mut stored = self.stored();
        let mut next = stored.clone();
        let answer = edit(&mut next)?;
        next.write(&self.path)?;
        *stored = next;
        self.publish(&stored);
        Ok(answer)
    }

    fn publish(&self, stored: &AccessFile) {
        let kept = stored.sources.iter().filter(|source| !self.configured_source(source.name.as_str()));
        let kept = kept.filter_map(|source| Some((file::unhex(&source.key_hash)?, Arc::new(source.to_source()))));
        // The configuration comes last: with the same key in both, it wins.
        self.sources.replace(kept.chain(self.configured_sources.iter().cloned()));
        let kept = stored.tokens.iter().filter(|token| !self.configured_token(token.name.as_str()));
        let holder = |name: &Name, hash, scope| Holder { name: Arc::from(name.as_str()), hash, scope };
        let kept = kept.filter_map(|token| Some(holder(&token.name, file::unhex(&token.token_hash)?, token.scope)));
        let configured = self.configured_tokens.iter().map(|(name, hash, scope)| holder(name, *hash, *scope));
        self.tokens.replace(kept.chain(configured).collect());
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, AccessFile> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn configured_source(&self, name: &str) -> bool {
        self.configured_sources.iter().any(|(_, source)| &*source.name == name)
    }

    fn configured_token(&self, name: &str) -> bool {
        self.configured_tokens.iter().any(|(known, _, _)| known.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path, config: &str) -> Access {
        Access::open(folder, &toml::from_str(config).unwrap(), Some(&Secret::new("from-env".to_owned()))).unwrap()
    }

    #[test]
    fn a_source_counts_at_once_and_after_reopening_and_its_old_key_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let access = open(folder.path(), "");
        let (view, key) = access.add_source("shop", Kind::Browser, Merges::Anonymous, Time::from_millis(0)).unwrap();
        assert_eq!((view.name.as_str(), view.kind, view.enabled), ("shop", Kind::Browser, true));
        assert_eq!(view.merges, Merges::Anonymous);
        assert_eq!(key.expose().len(), 32);
        assert_eq!(&*access.sources().lookup(key.expose()).unwrap().name, "shop");
        let (_, newer) = access.rotate_source("shop").unwrap();
        assert!(access.sources().lookup(key.expose()).is_none());
        access.patch_source("shop", SourceChange { enabled: Some(false), ..SourceChange::default() }).unwrap();
        let again = open(folder.path(), "");
        let source = again.sources().lookup(newer.expose()).unwrap();
        assert_eq!((source.kind, source.enabled, source.merges), (Kind::Browser, false, Merges::Anonymous));
        let file = std::fs::read_to_string(folder.path().join(FILE_NAME)).unwrap();
        assert!(!file.contains(newer.expose()), "the key itself is never stored");
    }

    #[test]
    fn names_are_unique_and_the_configuration_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let access = open(folder.path(), "[[sources]]\nname = \"web\"\nwrite_key = \"k\"");
        let now = Time::from_millis(0);
        assert!(matches!(access.add_source("web", Kind::Server, Merges::All, now), Err(AccessError::Taken { .. })));
        assert!(matches!(access.rotate_source("web"), Err(AccessError::Configured { .. })));
        assert!(matches!(access.rotate_source("other"), Err(AccessError::Unknown { .. })));
        assert!(matches!(access.add_source("no/name", Kind::Server, Merges::All, now), Err(AccessError::Name(_))));
        assert!(matches!(access.add_source("roundtower", Kind::Server, Merges::All, now), Err(AccessError::Name(_))));
        assert_eq!(&*access.sources().lookup("k").unwrap().name, "web");
    }

    #[test]
    fn a_session_may_do_what_its_token_may_do_now_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let access = open(folder.path(), "");
        let now = Time::from_millis(1_700_000_000_000);
        let (_, token) = access.add_token("ops", Scope::Read, now).unwrap();
        assert!(access.begin_session("wrong", now).is_none());
        let (id, holder, _) = access.begin_session(token.expose(), now).unwrap();
        assert_eq!((&*holder.name, holder.scope), ("ops", Scope::Read));
        access.patch_token("ops", Scope::Admin).unwrap();
        let scope = |access: &Access, id: &Secret| access.session(id.expose(), now).map(|(holder, _)| holder.scope);
        assert_eq!(scope(&access, &id), Some(Scope::Admin));
        let again = open(folder.path(), "");
        assert_eq!(scope(&again, &id), Some(Scope::Admin), "after a restart");
        let (_, newer) = again.rotate_token("ops").unwrap();
        assert_eq!(scope(&again, &id), None, "another secret");
        let (id, ..) = again.begin_session(newer.expose(), now).unwrap();
        let (other, ..) = again.begin_session(newer.expose(), now).unwrap();
        again.end_session(id.expose(), now);
        assert_eq!((scope(&again, &id), scope(&again, &other)), (None, Some(Scope::Admin)));
        again.revoke_token("ops").unwrap();
        assert_eq!(scope(&again, &other), None);
        again.write_sessions(now);
        let file = std::fs::read_to_string(folder.path().join(SESSIONS_FILE_NAME)).unwrap();
        assert!(!file.contains("_hash"), "what nobody can use is not kept: {file}");
    }

    #[test]
    fn tokens_are_known_until_they_are_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let access = open(folder.path(), "");
        let (_, token) = access.add_token("ops", Scope::Read, Time::from_millis(0)).unwrap();
        assert_eq!(access.tokens().scope_of(token.expose()), Some(Scope::Read));
        assert_eq!(access.tokens().scope_of("from-env"), Some(Scope::Admin));
        assert_eq!(access.tokens().scope_of("wrong"), None);
        access.patch_token("ops", Scope::Admin).unwrap();
        assert_eq!(access.tokens().scope_of(token.expose()), Some(Scope::Admin));
        access.revoke_token("ops").unwrap();
        assert_eq!(access.tokens().scope_of(token.expose()), None);
        assert!(access.revoke_token("ops").is_err());
    }
}
