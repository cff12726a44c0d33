//! Writes what was entered: first the log, which makes it durable, then now and then the tables, which makes the log short.
//!
//! What a cut leaves, by the moment of the cut:
//! - in the log: a beginning of the blocks; each is whole and stands alone, so a beginning of what was entered.
//! - between log and tables, or within the tables (a beginning of the puts): the root still names the old block, so the log
//!   from there on is replayed over tables of which some are newer. Atoms say outcomes, so that is harmless; totals are
//!   counted anew from the chunks that the log speaks of (see `table`).
//! - after the root: the log counts for nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codec::{Fault, Sealer};
use super::history::{self, Added, Place};
use super::log::{Log, failed};
use super::pack::pack;
use super::root::Root;
use super::sections::put_section;
use super::shared::{Held, Shared, lock};
use super::{atom, keys};
use crate::journal::files;
use crate::store::StoreError;

/// The tables are written when the log since then has so many bytes before packing,
const RECENT_BYTES_MAX: usize = 256 << 10;
/// or when so many pages were changed.
const DIRTY_PAGES_MAX: usize = 512;
/// Nothing is written when less than this is free on the disk: others need it more, and a store that could not finish a
/// write has to be opened anew.
pub(super) const DISK_FREE_BYTES_MIN: u64 = 8 << 20;

pub(super) struct Writer {
    pub(super) sealer: Sealer,
    pub(super) root: Root,
    pub(super) log: Option<Log>,
    /// The next block of the log.
    pub(super) next_block: u64,
    /// Blocks that are not durable yet, and up to which ticket they hold what was entered.
    pub(super) blocks: Vec<(u64, Vec<u8>)>,
    pub(super) ticket: Option<(u64, usize)>,
    /// Tables that are to be written once the blocks are durable.
    pub(super) tables: Option<Tables>,
    /// The last folder of the history could not be written to its end.
    pub(super) spoiled: bool,
    attempts_bytes_max: u64,
}

/// Tables as they were when the last block was cut.
pub(super) struct Tables {
    puts: Vec<(Vec<u8>, Vec<u8>)>,
    books: Vec<Arc<Held>>,
    block: u64,
    /// How many of the recent fragments they hold.
    recent: usize,
}

impl Writer {
    pub(super) fn new(root: Root, next_block: u64, attempts_bytes_max: u64) -> Result<Self, StoreError> {
        Ok(Self {
            sealer: Sealer::new()?,
            root,
            log: None,
            next_block,
            blocks: Vec::new(),
            ticket: None,
            tables: None,
            spoiled: false,
            attempts_bytes_max,
        })
    }

    /// Whether something was taken from the books that is not durable yet, or tables are owed.
    pub(super) fn is_behind(&self) -> bool {
        self.ticket.is_some() || self.tables.is_some()
    }

    /// Takes what was entered out of all books, and their tables as well when it is time for that.
    pub(super) fn take(&mut self, shared: &Shared, with_tables: bool) {
        let held = shared.held();
        self.ticket = Some(shared.ticket());
        let dirty: usize = held.iter().map(|held| lock(&held.content).dirty()).sum();
        let with_tables =
            with_tables || lock(&shared.archive).recent_bytes >= RECENT_BYTES_MAX || dirty >= DIRTY_PAGES_MAX;
        let (mut payload, mut puts, mut books) = (Vec::new(), Vec::new(), Vec::new());
        for held in held {
            let mut content = lock(&held.content);
            let mut archive = lock(&shared.archive);
            for fragment in std::mem::take(&mut content.fragments) {
                if !payload.is_empty() && payload.len() + fragment.bytes.len() > atom::FRAGMENT_BYTES {
                    self.cut(&mut payload);
                }
                put_section(held.number, &fragment.bytes, &mut payload);
                archive.recent_bytes += fragment.bytes.len();
                archive.recent.push((held.number, Arc::from(fragment.bytes)));
            }
            drop(archive);
            if with_tables && content.flush(held.number, &mut puts) {
                books.push(Arc::clone(&held));
            }
        }
        if !payload.is_empty() {
            self.cut(&mut payload);
        }
        let recent = lock(&shared.archive).recent.len();
        let block = self.next_block - 1;
        if with_tables && (block > self.root.block || !puts.is_empty()) {
            self.tables = Some(Tables { puts, books, block, recent });
        }
    }

    fn cut(&mut self, payload: &mut Vec<u8>) {
        let number = self.next_block;
        self.next_block += 1;
        self.blocks.push((number, self.sealer.seal(&keys::block(number), payload)));
        payload.clear();
    }

    /// Writes what was taken. After an error for want of room it can be tried again.
    pub(super) fn write(&mut self, shared: &Shared) -> Result<(), StoreError> {
        if self.is_behind() {
            let free = files::disk_free(&shared.dir).map_err(|error| failed(&error))?;
            if free < DISK_FREE_BYTES_MIN {
                let detail = format!("{free} bytes free in {}, {DISK_FREE_BYTES_MIN} needed", shared.dir.display());
                return Err(StoreError::Full(detail));
            }
        }
        if !self.blocks.is_empty() {
            self.write_log(shared)?;
            self.blocks.clear();
        }
        if let Some(ticket) = self.ticket.take() {
            shared.durable(ticket);
        }
        if let Some(tables) = self.tables.take() {
            let written = self.write_tables(shared, &tables);
            if written.is_err() {
                self.tables = Some(tables);
            }
            written?;
        }
        Ok(())
    }

    fn write_log(&mut self, shared: &Shared) -> Result<(), StoreError> {
        let Some((first, _)) = self.blocks.first() else { return Ok(()) };
        let mut log = match self.log.take() {
            Some(log) => log,
            None => Log::begin(&*shared.engine, &shared.dir, *first)?,
        };
        // A log that failed is let go of here: what comes next begins a new folder.
        log.write(&self.blocks)?;
        self.log = Some(log);
        Ok(())
    }

    fn write_tables(&mut self, shared: &Shared, tables: &Tables) -> Result<(), StoreError> {
        let (recent, folders) = {
            let archive = lock(&shared.archive);
            (archive.recent.get(..tables.recent).unwrap_or_default().to_vec(), archive.folders.clone())
        };
        let packed = pack(&recent).ok_or_else(|| shared.state.damaged("an attempt in memory", Fault::Meaning))?;
        let (next_folder, bytes_max) = (self.root.next_folder, self.attempts_bytes_max);
        let place = Place { next_folder, spoiled: self.spoiled, bytes_max };
        self.spoiled = true;
        let added = history::add(&shared.engine, &shared.dir, &mut self.sealer, &folders, place, &packed)?;
        self.spoiled = false;
        let root = Root {
            block: tables.block,
            books: self.root.books,
            next_folder: added.next_folder,
            folders: added.listed.clone(),
        };
        let mut puts = tables.puts.clone();
        puts.push((keys::ROOT.to_vec(), root.encode()));
        shared.state.write(&mut self.sealer, &puts)?;
        self.root = root;
        for held in &tables.books {
            lock(&held.content).flushed();
        }
        count(shared, tables.recent, &added);
        if self.log.as_ref().is_some_and(Log::is_long) {
            self.drop_log();
        }
        Ok(())
    }

    /// The log is of no use any more: the tables hold all of it.
    pub(super) fn drop_log(&mut self) {
        if let Some(log) = self.log.take() {
            log.remove();
        }
    }
}

/// What was recent counts as history.
fn count(shared: &Shared, recent: usize, added: &Added) {
    let gone = {
        let mut archive = lock(&shared.archive);
        let archive = &mut *archive;
        archive.recent.drain(..recent.min(archive.recent.len()));
        archive.recent_bytes = archive.recent.iter().map(|(_, bytes)| bytes.len()).sum();
        history::count(&mut archive.folders, added)
    };
    for folder in gone {
        folder.remove();
    }
}

/// The log of what was replayed, as if it had just been taken from the books: for the start.
pub(super) fn tables_of(books: &BTreeMap<u16, Arc<Held>>, block: u64, recent: usize) -> Tables {
    let (mut puts, mut flushed) = (Vec::new(), Vec::new());
    for (number, held) in books {
        if lock(&held.content).flush(*number, &mut puts) {
            flushed.push(Arc::clone(held));
        }
    }
    Tables { puts, books: flushed, block, recent }
}
