//! `erase.json`: what was erased when, whose calls are dropped, and what is not done yet.
//!
//! Replaced as a whole and durably with every change. Of a person it holds digests of ids while the erasure is under way;
//! afterwards nothing, but hashes under a secret of this folder if the person is not to come back.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{EraseError, Target};
use crate::call::time::Time;
use crate::ingest::suppress::{IdHash, Suppressed, hash};
use crate::journal::{Sequence, files};
use crate::views::identity::NodeKey;

/// The format this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// How far an erasure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Under way.
    Running,
    /// Nothing is left.
    Done,
}

/// One erasure, without anything of the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its name.
    pub id: String,
    /// When it was ordered.
    pub at: String,
    /// How many calls it erased; while it runs, how many were known when it was ordered.
    pub calls: u64,
    /// Whether later calls of the person are dropped.
    pub suppressed: bool,
    /// How far it is.
    pub state: State,
    /// When it was done.
    pub done_at: Option<String>,
    /// Who ordered it: the name of a token, `command` or `webhook`.
    pub by: String,
    /// Why it does not get on, if it does not. Not kept over a restart.
    #[serde(skip_deserializing)]
    pub reason: Option<String>,
}

/// What is needed of an erasure while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    pub(super) id: String,
    /// The id of the person, then the digests of all its ids, as persons' ids are written.
    keys: Vec<String>,
    pub(super) suppress: bool,
    /// The order in the journal; none until it is there.
    pub(super) sequence: Option<u64>,
    /// Whether `keys` are all that the person had at that sequence.
    pub(super) is_whole: bool,
}

impl Running {
    /// The digests of all ids.
    pub(super) fn keys(&self) -> impl Iterator<Item = NodeKey> {
        self.keys.iter().filter_map(|key| key.parse().ok())
    }

    /// The digest that the person went by.
    pub(super) fn person(&self) -> Option<NodeKey> {
        self.keys().next()
    }

    pub(super) fn sequence(&self) -> Option<Sequence> {
        self.sequence.map(Sequence::new)
    }

    /// Adds ids.
    pub(super) fn add(&mut self, more: impl IntoIterator<Item = NodeKey>) {
        let mut known: HashSet<NodeKey> = self.keys().collect();
        self.keys.extend(more.into_iter().filter(|key| known.insert(*key)).map(|key| key.to_string()));
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct File {
    format: u32,
    /// In hexadecimal.
    secret: String,
    erasures: Vec<Erasure>,
    suppressed: Vec<String>,
    running: Vec<Running>,
}

/// The file, as it is on the disk.
pub(super) struct Book {
    path: PathBuf,
    file: Option<File>,
}

impl Book {
    /// Reads the file; a missing one is empty, and is made by the first order.
    pub(super) fn open(path: &Path) -> Result<Self, EraseError> {
        let broken = |detail: String| EraseError::File { path: path.display().to_string(), detail };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { path: path.to_owned(), file: None });
            }
            Err(error) => return Err(broken(error.to_string())),
        };
        let file: File = serde_json::from_slice(&bytes)
            .map_err(|error| broken(format!("it is damaged ({error}); restore it from a backup")))?;
        if file.format > FORMAT {
            return Err(broken(format!("it has format {}, this program reads up to {FORMAT}", file.format)));
        }
        if secret_of(&file).is_none() {
            return Err(broken("its secret is damaged; restore it from a backup".to_owned()));
        }
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    pub(super) fn erasures(&self) -> impl DoubleEndedIterator<Item = &Erasure> {
        self.file.iter().flat_map(|file| &file.erasures)
    }

    pub(super) fn running(&self) -> &[Running] {
        self.file.as_ref().map_or(&[], |file| &file.running)
    }

    /// Tells ingest whose calls are dropped.
    pub(super) fn publish(&self, suppressed: &Arc<Suppressed>) {
        let Some(file) = &self.file else { return };
        let hashes = file.suppressed.iter().filter_map(|text| unhex(text)).collect();
        suppressed.replace(secret_of(file).unwrap_or_default(), hashes);
    }

    /// Writes a new order down. Durable when it returns.
    pub(super) fn order(
        &mut self,
        target: &Target,
        suppress: bool,
        by: &str,
        now: Time,
    ) -> Result<Erasure, EraseError> {
        let random = || getrandom::u64().map_err(|_| EraseError::Failed("no randomness".to_owned()));
        let mut file = if let Some(file) = &self.file {
            file.clone()
        } else {
            let secret = [random()?, random()?, random()?, random()?].map(u64::to_be_bytes).concat();
            let secret = hex(&secret);
            File { format: FORMAT, secret, erasures: Vec::new(), suppressed: Vec::new(), running: Vec::new() }
        };
        let erasure = Erasure {
            id: format!("{:016x}", random()?),
            at: now.to_string(),
            calls: target.calls,
            suppressed: suppress,
            state: State::Running,
            done_at: None,
            by: by.to_owned(),
            reason: None,
        };
        let mut running = Running {
            id: erasure.id.clone(),
            keys: vec![target.person.to_string()],
            suppress,
            sequence: None,
            is_whole: false,
        };
        running.add(target.keys.iter().copied());
        file.erasures.push(erasure.clone());
        if suppress {
            suppress_all(&mut file, running.keys());
        }
        file.running.push(running);
        self.write(file)?;
        Ok(erasure)
    }

    /// Changes one of those under way, durably.
    pub(super) fn change(&mut self, id: &str, edit: impl FnOnce(&mut Running)) -> Result<(), EraseError> {
        let Some(mut file) = self.file.clone() else { return Ok(()) };
        if let Some(running) = file.running.iter_mut().find(|one| one.id == id) {
            edit(running);
            let (suppress, keys) = (running.suppress, running.keys().collect::<Vec<_>>());
            if suppress {
                suppress_all(&mut file, keys);
            }
        }
        self.write(file)
    }

    /// These are done; each with how many calls it has erased.
    pub(super) fn done(&mut self, ids: &[(String, u64)], now: Time) -> Result<(), EraseError> {
        let Some(mut file) = self.file.clone() else { return Ok(()) };
        for (id, calls) in ids {
            file.running.retain(|one| one.id != *id);
            for erasure in file.erasures.iter_mut().filter(|one| one.id == *id) {
                (erasure.state, erasure.calls, erasure.reason) = (State::Done, *calls, None);
                erasure.done_at = Some(now.to_string());
            }
        }
        self.write(file)
    }

    /// Why those under way do not get on.
    pub(super) fn note(&mut self, reason: &str) {
        let erasures = self.file.iter_mut().flat_map(|file| &mut file.erasures);
        for erasure in erasures.filter(|one| one.state == State::Running) {
            erasure.reason = Some(reason.to_owned());
        }
    }

    fn write(&mut self, file: File) -> Result<(), EraseError> {
        let failed = |detail: String| EraseError::File { path: self.path.display().to_string(), detail };
        let bytes = serde_json::to_vec_pretty(&file).map_err(|error| failed(error.to_string()))?;
        files::replace(&self.path, &bytes).map_err(|error| failed(error.to_string()))?;
        self.file = Some(file);
        Ok(())
    }
}

fn suppress_all(file: &mut File, keys: impl IntoIterator<Item = NodeKey>) {
    let Some(secret) = secret_of(file) else { return };
    let mut known: HashSet<String> = file.suppressed.iter().cloned().collect();
    let hashes = keys.into_iter().map(|key| hex(&hash(&secret, &key.0)));
    file.suppressed.extend(hashes.filter(|hash| known.insert(hash.clone())));
}

fn secret_of(file: &File) -> Option<[u8; 32]> {
    blake3::Hash::from_hex(&file.secret).ok().map(|hash| *hash.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<IdHash> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
}
