//! Sessions: who logged in on a page, until they leave, stay away too long, or lose their token.
//!
//! A session is 32 random bytes that a browser keeps; here are only their hash and the hash of the token they were
//! traded for. What a session may do is what that token may do now: one that was revoked or got a new secret takes its
//! sessions along. Beginning and ending are written to the disk at once, the time of the last use now and then: a crash
//! forgets some minutes of it. The file can be lost; then everybody logs in again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::file::FileError;
use super::sessions_file::{SessionsFile, StoredSession};
use crate::call::secret::Secret;
use crate::call::time::Time;
use crate::ingest::source::KeyHash;

/// Random bytes of a session.
const RANDOM_BYTES: usize = 32;
/// Sessions at the same time; with one more, the one that was not used for the longest time ends.
pub const SESSIONS_MAX: usize = 1_000;
/// How long uses stay unwritten, in milliseconds.
const UNWRITTEN_MS_MAX: i64 = 10 * 60 * 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// All sessions of one server.
#[derive(Debug)]
pub struct Sessions {
    path: PathBuf,
    /// Time without any use after which a session ends.
    idle_ms: i64,
    all: RwLock<HashMap<KeyHash, Session>>,
    /// Whether something changed since the last write.
    changed: AtomicBool,
    /// When the file was written last; held while it is written, so that what is newer is written later.
    written_at: Mutex<Time>,
}

#[derive(Debug)]
struct Session {
    token: KeyHash,
    created_at: Time,
    used_at_ms: AtomicI64,
}

/// A session that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The hash of the token that it was begun with.
    pub token: KeyHash,
    /// When it ends if it is not used again.
    pub expires_at: Time,
}

impl Sessions {
    /// Reads what an earlier run left in `path`. A file that cannot be read is as good as none.
    pub fn open(path: &Path, days: u32) -> Self {
        let kept = SessionsFile::read(path).unwrap_or_else(|error| {
            tracing::warn!(%error, "the sessions of the dashboard are lost; everybody has to log in again");
            SessionsFile::default()
        });
        let all = kept.sessions.iter().filter_map(|stored| {
            let (id, token) = stored.hashes()?;
            let used_at_ms = AtomicI64::new(Time::parse(&stored.used_at)?.as_millis());
            Some((id, Session { token, created_at: Time::parse(&stored.created_at)?, used_at_ms }))
        });
        Self {
            path: path.to_owned(),
            idle_ms: i64::from(days) * DAY_MS,
            all: RwLock::new(all.take(SESSIONS_MAX).collect()),
            changed: AtomicBool::new(false),
            written_at: Mutex::new(Time::from_millis(0)),
        }
    }

    /// Begins a session for the token with this hash, and returns its secret, which is not kept.
    ///
    /// # Panics
    /// When the operating system gives no randomness: nothing safe can be made then.
    pub fn begin(&self, token: KeyHash, now: Time) -> (Secret, Seen) {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes).expect("the operating system gives randomness");
        let id = Secret::new(URL_SAFE_NO_PAD.encode(bytes));
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        while all.len() >= SESSIONS_MAX {
            let oldest = all.iter().min_by_key(|(id, one)| (one.used_at_ms.load(Ordering::Relaxed), id.0));
            let Some(oldest) = oldest.map(|(id, _)| *id) else { break };
            all.remove(&oldest);
        }
        let used_at_ms = AtomicI64::new(now.as_millis());
        all.insert(KeyHash::of(id.expose()), Session { token, created_at: now, used_at_ms });
        self.changed.store(true, Ordering::Relaxed);
        (id, Seen { token, expires_at: self.expires_at(now) })
    }

    /// The session with this secret, which is used now; none if nobody knows it or it stayed away too long.
    pub fn find(&self, id: &str, now: Time) -> Option<Seen> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(&KeyHash::of(id))?;
        if found.is_over(self.idle_ms, now) {
            return None;
        }
        if found.used_at_ms.fetch_max(now.as_millis(), Ordering::Relaxed) < now.as_millis() {
            self.changed.store(true, Ordering::Relaxed);
        }
        Some(Seen { token: found.token, expires_at: self.expires_at(now) })
    }

    /// Ends the session with this secret; whether there was one.
    pub fn end(&self, id: &str) -> bool {
        let ended = self.all.write().unwrap_or_else(PoisonError::into_inner).remove(&KeyHash::of(id)).is_some();
        self.changed.fetch_or(ended, Ordering::Relaxed);
        ended
    }

    /// Forgets the sessions that are over, and those whose tokens are unknown.
    pub fn sweep(&self, now: Time, is_known: impl Fn(&KeyHash) -> bool) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|_, one| !one.is_over(self.idle_ms, now) && is_known(&one.token));
        self.changed.fetch_or(all.len() != before, Ordering::Relaxed);
    }

    /// Whether what changed has waited long enough to be written.
    pub fn is_due(&self, now: Time) -> bool {
        let waited = now.as_millis().saturating_sub(self.lock_file().as_millis());
        self.changed.load(Ordering::Relaxed) && !(0..UNWRITTEN_MS_MAX).contains(&waited)
    }

    /// Writes what changed since the last time.
    ///
    /// # Errors
    /// When the disk does not take it; the next write tries again.
    pub fn write(&self, now: Time) -> Result<(), FileError> {
        let mut written_at = self.lock_file();
        if !self.changed.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let written = self.snapshot().write(&self.path);
        self.changed.fetch_or(written.is_err(), Ordering::Relaxed);
        *written_at = now;
        written
    }

    fn snapshot(&self) -> SessionsFile {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let stored = all.iter().map(|(id, one)| {
            let used_at = Time::from_millis(one.used_at_ms.load(Ordering::Relaxed));
            StoredSession::new(*id, one.token, one.created_at, used_at)
        });
        SessionsFile::of(stored.collect())
    }

    fn expires_at(&self, used_at: Time) -> Time {
        Time::from_millis(used_at.as_millis().saturating_add(self.idle_ms))
    }

    fn lock_file(&self) -> std::sync::MutexGuard<'_, Time> {
        self.written_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_over(&self, idle_ms: i64, now: Time) -> bool {
        now.as_millis().saturating_sub(self.used_at_ms.load(Ordering::Relaxed)) >= idle_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> Time {
        Time::from_millis(1_700_000_000_000 + days * DAY_MS)
    }

    fn open(folder: &tempfile::TempDir) -> Sessions {
        Sessions::open(&folder.path().join("sessions.toml"), 30)
    }

    #[test]
    fn a_session_lives_while_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = open(&folder);
        let token = KeyHash::of("token");
        let (id, begun) = sessions.begin(token, at(0));
        assert_eq!((id.expose().len(), begun.expires_at), (43, at(30)));
        assert_eq!(sessions.find(id.expose(), at(29)), Some(Seen { token, expires_at: at(59) }));
        assert!(sessions.find(id.expose(), at(58)).is_some());
        assert_eq!(sessions.find(id.expose(), at(88)), None, "30 days without a use");
        assert_eq!(sessions.find("unknown", at(0)), None);
        let (other, _) = sessions.begin(token, at(88));
        assert!(sessions.end(other.expose()) && !sessions.end(other.expose()));
        assert_eq!(sessions.find(other.expose(), at(88)), None);
    }

    #[test]
    fn a_restart_keeps_sessions_and_their_last_use_and_the_file_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = open(&folder);
        let (id, _) = sessions.begin(KeyHash::of("token"), at(0));
        sessions.write(at(0)).unwrap();
        assert!(!sessions.is_due(at(0)));
        assert!(sessions.find(id.expose(), at(20)).is_some() && sessions.is_due(at(20)));
        sessions.write(at(20)).unwrap();
        let text = std::fs::read_to_string(folder.path().join("sessions.toml")).unwrap();
        assert!(!text.contains(id.expose()) && !text.contains("token\""), "{text}");
        let again = open(&folder);
        assert!(again.find(id.expose(), at(45)).is_some(), "the last use was on day 20");
        assert_eq!(again.find("", at(45)), None);
        std::fs::write(folder.path().join("sessions.toml"), "format = 1\n[[sessions]]\nid").unwrap();
        assert_eq!(open(&folder).find(id.expose(), at(20)), None, "a damaged file is none");
    }

    #[test]
    fn uses_are_written_now_and_then_only() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = open(&folder);
        let (id, _) = sessions.begin(KeyHash::of("token"), at(0));
        sessions.write(at(0)).unwrap();
        let later = |ms: i64| Time::from_millis(at(0).as_millis() + ms);
        assert!(sessions.find(id.expose(), later(1)).is_some());
        assert!(!sessions.is_due(later(UNWRITTEN_MS_MAX - 1)) && sessions.is_due(later(UNWRITTEN_MS_MAX)));
    }

    #[test]
    fn the_one_not_used_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = open(&folder);
        let moment = |n: usize| Time::from_millis(at(0).as_millis() + i64::try_from(n).unwrap());
        let ids: Vec<Secret> = (0..SESSIONS_MAX).map(|n| sessions.begin(KeyHash::of("token"), moment(n)).0).collect();
        assert!(sessions.find(ids[0].expose(), moment(SESSIONS_MAX)).is_some(), "as many as there may be");
        sessions.begin(KeyHash::of("token"), moment(SESSIONS_MAX));
        assert!(sessions.find(ids[1].expose(), moment(SESSIONS_MAX)).is_none());
        assert!(sessions.find(ids[0].expose(), moment(SESSIONS_MAX)).is_some());
        assert_eq!(sessions.snapshot().sessions.len(), SESSIONS_MAX);
    }

    #[test]
    fn sweeping_forgets_what_nobody_can_use() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = open(&folder);
        let (kept, gone) = (KeyHash::of("kept"), KeyHash::of("gone"));
        let (one, _) = sessions.begin(kept, at(10));
        sessions.begin(gone, at(10));
        sessions.begin(kept, at(-25));
        sessions.sweep(at(10), |token| *token == kept);
        assert_eq!(sessions.snapshot().sessions.len(), 1);
        assert!(sessions.find(one.expose(), at(10)).is_some());
    }
}
