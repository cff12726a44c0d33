//! Writing the ledger again without what receivers answered about some records.
//!
//! Its stores keep deleted bytes, so all of it is copied into a new folder beside, `NAME.new`, which then takes the place of
//! the old one: that is moved to `NAME.old` and removed. A crash leaves the old folder, or the new one, whole; or none of
//! that name for a moment, and then the new one is whole: [`settle`] says which counts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::atom::{Atom, Atoms, Fragment};
use super::codec::{Fault, Sealer};
use super::history::Folder;
use super::letters::{LetterPage, PAGE_RECORDS};
use super::log::{self, failed};
use super::pages::Page;
use super::recovery::STATE;
use super::root::Root;
use super::sections::{put_section, sections};
use super::state::{StateStore, close};
use super::{Ledger, keys};
use crate::journal::files;
use crate::relay::policy::Answer;
use crate::store::{Engine, Store, StoreError};

/// Values copied between two syncs and two looks at what the store holds in memory.
const SYNC_EVERY: u32 = 256;

/// Room that has to be left on the disk beside both, in bytes: ingest goes first.
const ROOM_BYTES: u64 = 192 << 20;

fn beside(dir: &Path, ending: &str) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn remove(dir: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&error)),
        _ => Ok(()),
    }
}

/// Finishes or undoes what a crash left of [`erase`]. The ledger must not be open.
pub(super) fn settle(dir: &Path) -> Result<(), StoreError> {
    let (fresh, old) = (beside(dir, ".new"), beside(dir, ".old"));
    if !fresh.exists() && !old.exists() {
        return Ok(());
    }
    if !dir.exists() && fresh.exists() {
        // The old one was moved away: the new one was whole by then.
        std::fs::rename(&fresh, dir).map_err(|error| failed(&error))?;
        sync_parent(dir)?;
    }
    remove(&fresh)?;
    remove(&old)?;
    sync_parent(dir)
}

fn sync_parent(dir: &Path) -> Result<(), StoreError> {
    files::sync_dir(dir.parent().unwrap_or(Path::new("."))).map_err(|error| failed(&error))
}

/// Writes the ledger in `dir` again. It must not be open; without a folder there is nothing to do.
pub(super) fn erase(dir: &Path, engine: &Arc<dyn Engine>, is_touched: &dyn Fn(u64) -> bool) -> Result<(), StoreError> {
    settle(dir)?;
    if !dir.join(STATE).is_dir() {
        return Ok(());
    }
    if !log::folders(dir, log::FOLDER)?.is_empty() {
        // What a crash or a full disk left: opening takes it into the tables.
        Ledger::open(dir, engine)?.close();
        if !log::folders(dir, log::FOLDER)?.is_empty() {
            return Err(StoreError::Failed("the relay's ledger could not be closed in order".to_owned()));
        }
    }
    let (free, needed) = (files::disk_free(dir).map_err(|error| failed(&error))?, files::disk_bytes(dir) + ROOM_BYTES);
    if free < needed {
        return Err(StoreError::Full(format!("{free} bytes free in {}, {needed} needed", dir.display())));
    }
    let (fresh, old) = (beside(dir, ".new"), beside(dir, ".old"));
    let written = Copy { dir, engine, is_touched, sealer: Sealer::new()? }.write(&fresh);
    written.inspect_err(|_| {
        let _ = std::fs::remove_dir_all(&fresh);
    })?;
    sync_parent(dir)?;
    std::fs::rename(dir, &old).and_then(|()| std::fs::rename(&fresh, dir)).map_err(|error| failed(&error))?;
    sync_parent(dir)?;
    remove(&old)?;
    sync_parent(dir)
}

struct Copy<'a> {
    dir: &'a Path,
    engine: &'a Arc<dyn Engine>,
    is_touched: &'a dyn Fn(u64) -> bool,
    sealer: Sealer,
}

impl Copy<'_> {
    fn write(mut self, fresh: &Path) -> Result<(), StoreError> {
        for folder in [fresh.to_path_buf(), fresh.join(STATE)] {
            files::make_dir(&folder).map_err(|error| failed(&error))?;
        }
        let root = self.tables(&fresh.join(STATE))?;
        for listed in &root.folders {
            let from = Folder::new(self.engine, self.dir, *listed);
            let to = fresh.join(from.name());
            self.attempts(&from, listed.slots, &to)?;
        }
        files::sync_dir(&fresh.join(STATE)).and_then(|()| files::sync_dir(fresh)).map_err(|error| failed(&error))
    }

    /// The state store, dead letters without what was answered.
    fn tables(&mut self, to: &Path) -> Result<Root, StoreError> {
        let from = StateStore::open(&self.dir.join(STATE), self.engine)?;
        let root = from.get(keys::ROOT, "the root")?.and_then(|bytes| Root::decode(&bytes));
        let root = root.ok_or_else(|| from.damaged("the root", Fault::Meaning))?;
        let store = self.engine.open(to)?;
        let mut count = 0;
        from.scan(&[], "a value", &mut |key, payload| {
            let payload = match key {
                [LetterPage::FAMILY, _, _, number @ ..] => self.letters(&from, number, payload)?,
                _ => payload.to_vec(),
            };
            store.put(key, &self.sealer.seal(key, &payload))?;
            tick(&*store, key, &mut count)?;
            Ok(true)
        })?;
        let synced = store.sync();
        close(Some(store));
        from.close();
        synced.map(|()| root)
    }

    fn letters(&self, from: &StateStore, number: &[u8], payload: &[u8]) -> Result<Vec<u8>, StoreError> {
        let damaged = || from.damaged(LetterPage::NAME, Fault::Meaning);
        let number = number.try_into().map(u64::from_be_bytes).map_err(|_| damaged())?;
        let mut page = LetterPage::decode(payload).ok_or_else(damaged)?;
        for (place, letter) in &mut page.0 {
            if (self.is_touched)(number * PAGE_RECORDS + u64::from(*place)) {
                silence(&mut letter.answer);
            }
        }
        Ok(page.encode())
    }

    /// One folder of attempts, without what was answered to a request in which one of the records was.
    fn attempts(&mut self, from: &Folder, slots: u32, to: &Path) -> Result<(), StoreError> {
        let source = from.store()?;
        let store = log::make(&**self.engine, to)?;
        let mut count = 0;
        for slot in 0..slots {
            let key = keys::slot(slot);
            let payload = from.payload(&*source, &key)?;
            let payload = self.block(&payload).ok_or_else(|| from.fault(Fault::Meaning))?;
            store.put(&key, &self.sealer.seal(&key, &payload))?;
            let key = keys::index(slot);
            store.put(&key, &self.sealer.seal(&key, &from.payload(&*source, &key)?))?;
            tick(&*store, &key, &mut count)?;
            source.forget(&key);
        }
        let synced = store.sync();
        close(Some(store));
        drop(source);
        from.rest();
        synced
    }

    /// The same block; none if it does not decode.
    fn block(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(payload.len());
        for (book, fragment) in sections(payload)? {
            let mut fragments: Vec<Fragment> = Vec::new();
            for atom in Atoms::of(fragment) {
                let mut atom = atom?;
                if let Atom::Request { records, attempt, .. } = &mut atom
                    && records.iter().any(|record| (self.is_touched)(*record))
                {
                    silence(&mut attempt.answer);
                }
                Fragment::push_to(&mut fragments, &atom);
            }
            for fragment in fragments {
                put_section(book, &fragment.bytes, &mut out);
            }
        }
        Some(out)
    }
}

/// Leaves of an answer only what kind it was.
fn silence(answer: &mut Answer) {
    match answer {
        Answer::Status { text, .. } | Answer::Failed { text, .. } => text.clear(),
    }
}

fn tick(store: &dyn Store, key: &[u8], count: &mut u32) -> Result<(), StoreError> {
    *count += 1;
    if count.is_multiple_of(SYNC_EVERY) {
        store.sync()?;
    }
    store.forget(key);
    Ok(())
}
