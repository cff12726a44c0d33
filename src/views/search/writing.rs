//! The writing side: tantivy's writer, who is in the index, and what went wrong since the last commit.

use roaring::RoaringBitmap;
use tantivy::query::AllQuery;
use tantivy::{IndexReader, IndexWriter, TantivyDocument, TantivyError, Term};

use super::SearchError;
use super::index;
use super::roots::Roots;
use super::schema::Fields;
use crate::journal::Sequence;
use crate::views::identity::NodeNo;

/// The writing side.
pub(super) struct Writing {
    /// None after a failure that took tantivy's writer with it.
    writer: Option<IndexWriter>,
    /// Whose documents are in the index or on their way: who is new need not be looked for in every segment.
    roots: RoaringBitmap,
    /// The first write since the last commit that failed.
    failure: Option<String>,
}

impl Writing {
    /// Takes over what was just opened.
    pub fn new(writer: IndexWriter, roots: RoaringBitmap) -> Self {
        Self { writer: Some(writer), roots, failure: None }
    }

    /// Puts a document in place of the one with this root.
    pub fn put(&mut self, fields: Fields, root: NodeNo, document: TantivyDocument) {
        self.take_out(fields, root);
        match self.writer.as_ref().map(|writer| writer.add_document(document)) {
            Some(Ok(_)) => _ = self.roots.insert(root.0),
            Some(Err(error)) => self.fail(&error),
            None => {}
        }
    }

    /// Takes the document of this root out, if there is one.
    pub fn take_out(&mut self, fields: Fields, root: NodeNo) {
        if self.roots.remove(root.0)
            && let Some(writer) = &self.writer
        {
            writer.delete_term(Term::from_field_u64(fields.root, root.0.into()));
        }
    }

    fn fail(&mut self, error: &TantivyError) {
        self.failure.get_or_insert_with(|| error.to_string());
    }

    /// Makes durable what was put.
    pub fn commit(&mut self, through: Sequence) -> Result<(), SearchError> {
        if let Some(failure) = &self.failure {
            return Err(SearchError::Lost(failure.clone()));
        }
        let writer = self.writer.as_mut().ok_or_else(|| SearchError::Lost("it has no writer".to_owned()))?;
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&index::payload(through));
        commit.commit()?;
        Ok(())
    }

    /// Back to the last commit. Without a writer only clearing helps.
    pub fn forget(&mut self, reader: &IndexReader) -> Result<(), SearchError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        if let Err(error) = writer.rollback() {
            self.writer = None;
            self.fail(&error);
            return Err(error.into());
        }
        reader.reload()?;
        self.roots = reader.searcher().search(&AllQuery, &Roots)?;
        self.failure = None;
        Ok(())
    }

    /// Ends this writer. A merge that went on would write into the folder of the next one.
    pub fn end(&mut self) {
        if let Some(writer) = self.writer.take() {
            _ = writer.wait_merging_threads(); // whether it succeeds is of no interest
        }
        self.failure = Some("it was being thrown away".to_owned());
    }

    /// Waits until segments that are being merged are.
    pub fn close(self) -> Result<(), TantivyError> {
        self.writer.map_or(Ok(()), IndexWriter::wait_merging_threads)
    }
}
