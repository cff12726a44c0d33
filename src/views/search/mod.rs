//! Search: people found by text, traits and audiences, counted, and ordered by name or email.
//!
//! Promise: what was put before a commit is found after it; a removed or replaced document is not. A search never waits
//! for a writer. The index is one more view: it holds nothing that the others do not, so it is thrown away when it is
//! damaged or of another version, and its caller fills it anew.
//!
//! Life of a document: [`Search::put`] hands it to tantivy's writer, which holds it in memory and now and then writes a
//! segment; [`Search::commit`] syncs them, notes up to which record they go, and lets readers see them. Segments are
//! merged in the background. A crash leaves this commit or the one before, and [`Search::open`] tells which.
//!
//! Put a person again when its traits, ids or audiences change, not on every event.

mod bits;
mod facts;
mod filter;
mod index;
mod members;
mod number;
mod pairs;
mod question;
mod roots;
mod schema;
mod shelf;
mod sort;
mod steps;
#[cfg(test)]
mod tests;
mod texts;
mod words;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use roaring::RoaringBitmap;
use tantivy::collector::Count;
use tantivy::directory::error::OpenReadError;
use tantivy::{IndexReader, Searcher, TantivyError};

pub(super) use self::facts::KEY_BYTES_MAX;
pub use self::filter::{Anonymous, Audience, Computed, Doc, Filter, Position, SortBy, Test};
use self::index::{Opened, Refused};
use self::roots::Roots;
use self::schema::Fields;
use self::shelf::Shelf;
use self::writing::Writing;
use crate::journal::Sequence;
use crate::views::identity::NodeNo;

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Every word takes a pass.
    #[error("a search takes at most {max} words; leave some out", max = question::WORDS_MAX)]
    ManyWords,
    /// Such keys are not indexed.
    #[error("the key of a trait or audience is at most {max} bytes long", max = facts::KEY_BYTES_MAX)]
    LongKey,
    /// Such values are not indexed.
    #[error("a trait is compared with at most {max} bytes", max = facts::VALUE_BYTES_MAX)]
    LongValue,
    /// A write failed before, and what was put since the last commit is lost.
    #[error("the search index lost what was put since its last commit: {0}")]
    Lost(String),
    /// Disk, memory or a damaged index.
    #[error("the search index failed: {0}")]
    Index(#[from] TantivyError),
}

/// How often a question is asked whose segments were merged away.
const TRIES: usize = 5;

/// The search index of all people.
pub struct Search {
    folder: PathBuf,
    memory_bytes: usize,
    fields: Fields,
    writing: Mutex<Writing>,
    reader: RwLock<IndexReader>,
    shelf: Arc<Shelf>,
    through: AtomicU64,
}

impl Search {
    /// Opens the index in a folder of its own, with the checkpoint of its last commit: everything before that record is
    /// in it. Without a checkpoint it is empty, because it is new or was thrown away. Reads all of it once, to
    /// find damage. The writer takes `memory_bytes`, at least 15 MB.
    ///
    /// # Errors
    /// When the folder cannot be written, or another process writes the index.
    pub fn open(dir: &Path, memory_bytes: usize) -> Result<(Self, Option<Sequence>), SearchError> {
        let (fields, schema) = Fields::new();
        let opened = match index::reopen(dir, &schema, memory_bytes) {
            Ok(Some(opened)) => opened,
            Ok(None) => index::create(dir, schema, memory_bytes)?,
            Err(Refused::Busy(error)) => return Err(error.into()),
            Err(Refused::Useless(why)) => {
                tracing::warn!("the search index is thrown away and will be filled anew: {why}");
                index::create(dir, schema, memory_bytes)?
            }
        };
        let Opened { writer, reader, roots, through } = opened;
        let search = Self {
            folder: dir.to_owned(),
            memory_bytes,
            fields,
            writing: Mutex::new(Writing::new(writer, roots)),
            reader: RwLock::new(reader),
            shelf: Arc::default(),
            through: AtomicU64::new(through.unwrap_or(Sequence::FIRST).get()),
        };
        Ok((search, through))
    }

    /// Puts a person in place of what was there under its root. It is found after the next commit. Waits when the
    /// writer is behind. A failure is told by that commit.
    #[expect(clippy::needless_pass_by_value, reason = "the caller made it for this, and has no more use for it")]
    pub fn put(&self, doc: Doc) {
        let document = self.fields.document(&doc);
        self.writing().put(self.fields, doc.root, document);
    }

    /// Takes a person out; it is found until the next commit.
    pub fn remove(&self, root: NodeNo) {
        self.writing().take_out(self.fields, root);
    }

    /// Makes everything that was put since the last commit durable and visible, and notes that it is true for all
    /// records before `through`.
    ///
    /// # Errors
    /// When the disk fails, or a write failed before. What was put since the last commit is then forgotten: put again
    /// what changed since [`Search::through`], or [`Search::clear`] it and start over.
    pub fn commit(&self, through: Sequence) -> Result<(), SearchError> {
        let mut writing = self.writing();
        let committed = writing.commit(through);
        let reader = self.reader();
        if let Err(error) = committed.and_then(|()| Ok(reader.reload()?)) {
            writing.forget(&reader)?;
            return Err(error);
        }
        self.shelf.keep(&reader.searcher());
        self.through.store(through.get(), Ordering::Release);
        Ok(())
    }

    /// The checkpoint of the last commit.
    pub fn through(&self) -> Sequence {
        Sequence::new(self.through.load(Ordering::Acquire))
    }

    /// Throws everything away, also after a failure.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn clear(&self) -> Result<(), SearchError> {
        let mut writing = self.writing();
        writing.end();
        let Opened { writer, reader, roots, .. } = index::create(&self.folder, Fields::new().1, self.memory_bytes)?;
        *writing = Writing::new(writer, roots);
        self.shelf.keep(&reader.searcher());
        *self.reader.write().unwrap_or_else(PoisonError::into_inner) = reader;
        self.through.store(Sequence::FIRST.get(), Ordering::Release);
        Ok(())
    }

    /// Waits until segments that are being merged are.
    ///
    /// # Errors
    /// When a merge failed.
    pub fn close(self) -> Result<(), SearchError> {
        let writing = self.writing.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(writing.close()?)
    }

    /// The roots of all people of a filter.
    ///
    /// # Errors
    /// When the filter is too long, or the index fails.
    pub fn roots(&self, filter: &Filter) -> Result<RoaringBitmap, SearchError> {
        let query = question::query(filter, self.fields.fact, &self.shelf)?;
        self.ask(|searcher| searcher.search(&*query, &Roots))
    }

    /// How many people a filter has.
    ///
    /// # Errors
    /// When the filter is too long, or the index fails.
    pub fn count(&self, filter: &Filter) -> Result<u64, SearchError> {
        let query = question::query(filter, self.fields.fact, &self.shelf)?;
        Ok(self.ask(|searcher| searcher.search(&*query, &Count))? as u64)
    }

    /// The people of a filter by name or email: those who come after a place, or the first ones. Who has none comes
    /// last in both directions, and who is alike by root.
    ///
    /// # Errors
    /// When the filter is too long, or the index fails.
    #[expect(clippy::needless_pass_by_value, reason = "a cursor is made for one page")]
    pub fn sorted(
        &self,
        filter: &Filter,
        by: SortBy,
        descending: bool,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<(NodeNo, Option<String>)>, SearchError> {
        let query = question::query(filter, self.fields.fact, &self.shelf)?;
        let next = sort::Next { by, is_descending: descending, after: after.as_ref(), limit };
        let people = self.ask(|searcher| searcher.search(&*query, &next))?;
        Ok(people.into_iter().map(|(name, root)| (root, name)).collect())
    }

    /// People with this email, without regard to case and outer spaces, in the order of roots.
    ///
    /// # Errors
    /// When the index fails.
    pub fn by_email(&self, email: &str) -> Result<Vec<NodeNo>, SearchError> {
        self.with_fact(facts::email(email))
    }

    /// People with this phone number, by its digits and a leading plus, in the order of roots.
    ///
    /// # Errors
    /// When the index fails.
    pub fn by_phone(&self, phone: &str) -> Result<Vec<NodeNo>, SearchError> {
        self.with_fact(facts::phone(phone))
    }

    /// The audiences, steps of journeys and computed traits that anybody is or was in, and how many are now, in the
    /// order of keys, then of classes. People without a userId count.
    ///
    /// # Errors
    /// When the index fails.
    pub fn audiences(&self) -> Result<Vec<Audience>, SearchError> {
        self.ask(|searcher| members::audiences(searcher, self.fields.fact))
    }

    fn with_fact(&self, fact: Option<Vec<u8>>) -> Result<Vec<NodeNo>, SearchError> {
        let Some(fact) = fact else {
            return Ok(Vec::new());
        };
        let roots = self.ask(|searcher| searcher.search(&*question::only(self.fields.fact, &fact), &Roots))?;
        Ok(roots.into_iter().map(NodeNo).collect())
    }

    /// Asks the index as of the last commit. A merge that ends meanwhile removes the files of what it merged, and texts are
    /// only opened when a question needs them: then the same people are asked for in the merged segment.
    fn ask<T>(&self, ask: impl Fn(&Searcher) -> tantivy::Result<T>) -> Result<T, SearchError> {
        let reader = self.reader();
        for _ in 1..TRIES {
            match ask(&reader.searcher()) {
                Err(TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_))) => reader.reload()?,
                answer => return Ok(answer?),
            }
        }
        Ok(ask(&reader.searcher())?)
    }

    fn reader(&self) -> IndexReader {
        self.reader.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
