//! Opens the ledger: reads the root and the names, replays the log over the tables, writes the tables, and begins a new
//! log. What no root names is removed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::atom::{Atom, Atoms};
use super::codec::{self, Fault, put, put_bytes, take, take_text};
use super::content::Content;
use super::history::{FOLDER, Folder};
use super::pages::Source;
use super::root::Root;
use super::sections::sections;
use super::shared::{Archive, Held, Known, Shared, lock};
use super::state::StateStore;
use super::writer::{Writer, tables_of};
use super::{keys, log};
use crate::journal::files;
use crate::store::{Engine, StoreError};

/// The folder of the state store.
pub(super) const STATE: &str = "state";

pub(super) fn open(dir: &Path, engine: &Arc<dyn Engine>, attempts_bytes_max: u64) -> Result<Shared, StoreError> {
    files::make_dir(dir).map_err(|error| log::failed(&error))?;
    let state_dir = dir.join(STATE);
    files::make_dir(&state_dir).map_err(|error| log::failed(&error))?;
    let state = StateStore::open(&state_dir, engine)?;
    let root = read_root(dir, &state)?;
    let mut books = read_names(&state, &root)?;
    let mut archive = Archive::default();
    archive.folders.extend(root.folders.iter().map(|listed| Arc::new(Folder::new(engine, dir, *listed))));
    let forgotten = forgotten(dir, engine, root.block)?;
    let mut replayed: BTreeMap<u16, Arc<Held>> = BTreeMap::new();
    let last = log::replay(&**engine, dir, root.block, &mut |payload| {
        let sections = sections(&payload).ok_or_else(|| codec::damaged(dir, "a block of the log", Fault::Meaning))?;
        for (number, fragment) in sections {
            let held = match replayed.get(&number) {
                Some(held) => held,
                None => replayed.entry(number).or_insert(begin(&state, &mut books, number, &forgotten)?),
            };
            replay(&state, held, fragment)?;
            archive.recent_bytes += fragment.len();
            archive.recent.push((number, Arc::from(fragment)));
        }
        Ok(())
    })?;
    for held in replayed.values() {
        lock(&held.content).table.end_recovery();
    }
    let recent = archive.recent.len();
    let behind = last > root.block;
    let mut writer = Writer::new(root, last + 1, attempts_bytes_max)?;
    if behind {
        writer.tables = Some(tables_of(&replayed, last, recent));
    }
    let shared = Shared::new(dir.to_path_buf(), Arc::clone(engine), state, writer, books, archive);
    lock(&shared.writer).write(&shared)?;
    log::remove_all(dir)?;
    remove_unnamed(dir, &lock(&shared.writer).root)?;
    Ok(shared)
}

/// Reads the root; writes the first one of a new ledger.
fn read_root(dir: &Path, state: &StateStore) -> Result<Root, StoreError> {
    if let Some(bytes) = state.get(keys::ROOT, "the root")? {
        return Root::decode(&bytes).ok_or_else(|| state.damaged("the root", Fault::Meaning));
    }
    if !state.is_empty()? || !log::folders(dir, log::FOLDER)?.is_empty() || !log::folders(dir, FOLDER)?.is_empty() {
        return Err(state.damaged("the root", Fault::Missing));
    }
    let root = Root { next_folder: 1, ..Root::default() };
    state.write(&mut codec::Sealer::new()?, &[(keys::ROOT.to_vec(), root.encode())])?;
    files::sync_dir(&dir.join(STATE)).and_then(|()| files::sync_dir(dir)).map_err(|error| log::failed(&error))?;
    Ok(root)
}

/// The destinations that were ever seen.
fn read_names(state: &StateStore, root: &Root) -> Result<BTreeMap<String, Known>, StoreError> {
    let mut books = BTreeMap::new();
    let what = "the name of a destination";
    state.scan(&keys::name(0), what, &mut |key, payload| {
        let [keys::NAMES, high, low] = *key else { return Ok(false) };
        let mut rest = payload;
        let (Some(start), Some(name)) = (take(&mut rest), take_text(&mut rest)) else {
            return Err(state.damaged(what, Fault::Meaning));
        };
        books.insert(name, Known { number: u16::from_be_bytes([high, low]), start, held: None });
        Ok(true)
    })?;
    let mut numbers: Vec<u16> = books.values().map(|known| known.number).collect();
    numbers.sort_unstable();
    if (books.len() as u64) < root.books || !numbers.into_iter().eq((0..).take(books.len())) {
        return Err(state.damaged(what, Fault::Missing));
    }
    Ok(books)
}

/// From where on the log forgets records, by destination.
fn forgotten(dir: &Path, engine: &Arc<dyn Engine>, after: u64) -> Result<BTreeMap<u16, u64>, StoreError> {
    let mut forgotten: BTreeMap<u16, u64> = BTreeMap::new();
    log::replay(&**engine, dir, after, &mut |payload| {
        for (number, fragment) in sections(&payload).unwrap_or_default() {
            for atom in Atoms::of(fragment).flatten() {
                if let Atom::Forget(from) = atom {
                    let first = forgotten.entry(number).or_insert(from);
                    *first = from.min(*first);
                }
            }
        }
        Ok(())
    })?;
    Ok(forgotten)
}

/// Reads a destination over which the log is to be replayed.
fn begin(
    state: &StateStore,
    books: &mut BTreeMap<String, Known>,
    number: u16,
    forgotten: &BTreeMap<u16, u64>,
) -> Result<Arc<Held>, StoreError> {
    let known = books.values_mut().find(|known| known.number == number);
    let known = known.ok_or_else(|| state.damaged("the name of a destination", Fault::Missing))?;
    let mut content = Content::read(Source { state, book: number }, known.start)?;
    content.table.begin_recovery(forgotten.get(&number).copied().unwrap_or(u64::MAX));
    let held = Arc::new(Held { number, content: Mutex::new(content) });
    known.held = Some(Arc::clone(&held));
    Ok(held)
}

fn replay(state: &StateStore, held: &Held, fragment: &[u8]) -> Result<(), StoreError> {
    let source = Source { state, book: held.number };
    let mut content = lock(&held.content);
    for atom in Atoms::of(fragment) {
        let atom = atom.ok_or_else(|| state.damaged("a block of the log", Fault::Meaning))?;
        content.apply(source, &atom)?;
    }
    Ok(())
}

/// Removes folders of the history that do not count.
fn remove_unnamed(dir: &Path, root: &Root) -> Result<(), StoreError> {
    for (number, path) in log::folders(dir, FOLDER)? {
        if !root.folders.iter().any(|listed| listed.number == number) {
            log::remove(&path);
        }
    }
    Ok(())
}

/// The part of one destination: from memory, from the store, or new, beginning at `start`.
pub(super) fn book(shared: &Shared, name: &str, start: &dyn Fn() -> u64) -> Result<Arc<Held>, StoreError> {
    let mut writer = lock(&shared.writer);
    let mut books = lock(&shared.books);
    if let Some(known) = books.get_mut(name) {
        if let Some(held) = &known.held {
            return Ok(Arc::clone(held));
        }
        let content = Content::read(shared.source(known.number), known.start)?;
        let held = Arc::new(Held { number: known.number, content: Mutex::new(content) });
        known.held = Some(Arc::clone(&held));
        return Ok(held);
    }
    let number = u16::try_from(books.len()).map_err(|_| StoreError::Failed("too many destinations".to_owned()))?;
    let start = start().max(1);
    let mut content = Content::new(start);
    let mut puts = Vec::new();
    content.flush(number, &mut puts);
    content.flushed();
    puts.push((keys::name(number), named(name, start)));
    let root = Root { books: u64::from(number) + 1, ..writer.root.clone() };
    puts.push((keys::ROOT.to_vec(), root.encode()));
    shared.state.write(&mut writer.sealer, &puts).inspect_err(|error| {
        if !matches!(error, StoreError::Full(_)) {
            shared.fail(error);
        }
    })?;
    writer.root = root;
    let held = Arc::new(Held { number, content: Mutex::new(content) });
    books.insert(name.to_owned(), Known { number, start, held: Some(Arc::clone(&held)) });
    Ok(held)
}

/// What is kept under the number of a destination.
fn named(name: &str, start: u64) -> Vec<u8> {
    let mut value = Vec::new();
    put(start, &mut value);
    put_bytes(name.as_bytes(), &mut value);
    value
}

/// From now on the destination of this number begins at `start`, if it began later; durable when this returns.
pub(super) fn begin_earlier(shared: &Shared, number: u16, start: u64) -> Result<(), StoreError> {
    let mut writer = lock(&shared.writer);
    let mut books = lock(&shared.books);
    let known = books.iter_mut().find(|(_, known)| known.number == number && known.start > start);
    let Some((name, known)) = known else { return Ok(()) };
    shared.state.write(&mut writer.sealer, &[(keys::name(number), named(name, start))])?;
    known.start = start;
    Ok(())
}
