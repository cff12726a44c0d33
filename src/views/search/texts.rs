//! What people are searched by, as plain text beside the index: a file of each segment, kept and merged by tantivy.
//!
//! [`pairs`] know who has which two bytes in a row; whether a longer word is there, and not only its pairs, the text tells.
//! When most people have the pairs, going through all text is the fastest: gigabytes in a second.
//!
//! The file: the folded values of the first person, each closed by a byte that no UTF-8 has, then those of the next
//! one; then, eight bytes each, where every person's values end; then how many people there are.

use std::any::Any;
use std::io::{self, Write};

use memchr::memmem::Finder;
use tantivy::directory::{OwnedBytes, TerminatingWrite, WritePtr};
use tantivy::index::{Segment, SegmentComponent, SegmentReader};
use tantivy::indexer::DocIdMapping;
use tantivy::schema::document::ErasedDocument;
use tantivy::schema::{Field, Schema, Value};
use tantivy::{
    DocId, PluginMergeContext, PluginWriter, PluginWriterContext, SegmentPlugin, TantivyDocument, TantivyError,
};

use super::Doc;
use super::bits::Bits;
use super::pairs::{self, Pairs};

/// The field that carries the text to the file.
pub(super) const FIELD: &str = "text";
/// How tantivy names the file: the end of its name.
const FILE: &str = "texts";
/// The same of the file of [`pairs`].
const PAIRS_FILE: &str = "pairs";
/// Bytes of text of one person; what comes later is not found by a search.
pub(super) const TEXT_BYTES_MAX: usize = 4 * 1_024 * 1_024;
/// Closes a value, so that no hit runs over two of them.
pub(super) const VALUE_END: u8 = 0xff;
const NUMBER_BYTES: usize = size_of::<u64>();

/// Letters without case: what a search compares. Letter by letter, so that a part of a text folds to a part of it.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect()
}

/// A person's searchable values, as they stand in the file.
pub(super) fn of(doc: &Doc) -> Vec<u8> {
    let named = [&doc.name, &doc.email, &doc.phone].into_iter().flatten();
    let mut text = Vec::new();
    for value in named.chain(&doc.ids) {
        let value = fold(value);
        if text.len() + value.len() >= TEXT_BYTES_MAX {
            break;
        }
        text.extend(value.as_bytes());
        text.push(VALUE_END);
    }
    text
}

/// Makes tantivy keep the files.
pub(super) struct Texts;

impl SegmentPlugin for Texts {
    fn extensions(&self) -> &[&str] {
        &[FILE, PAIRS_FILE]
    }

    fn create_writer(&self, context: &PluginWriterContext<'_>) -> tantivy::Result<Box<dyn PluginWriter>> {
        let field = context.segment.schema().get_field(FIELD)?;
        Ok(Box::new(Pending { field, text: Vec::new(), ends: Vec::new() }))
    }

    /// The people of all segments in their order, without those who were removed: what tantivy does with the rest of a
    /// segment, as long as its documents are not sorted.
    fn merge(&self, context: PluginMergeContext<'_>) -> tantivy::Result<()> {
        let mut files = Files::create(context.target_segment)?;
        for reader in context.readers {
            let column = Column::open(reader)?;
            for doc in reader.doc_ids_alive() {
                files.push(column.text(doc))?;
            }
        }
        Ok(files.close()?)
    }
}

/// The texts of a segment that is being written.
struct Pending {
    field: Field,
    text: Vec<u8>,
    ends: Vec<u64>,
}

impl PluginWriter for Pending {
    fn add_document(&mut self, _: DocId, doc: &dyn ErasedDocument, _: &Schema) -> tantivy::Result<()> {
        let doc = doc.as_any().downcast_ref::<TantivyDocument>();
        let value = doc.and_then(|doc| doc.get_first(self.field));
        if let Some(text) = value.as_ref().and_then(Value::as_custom) {
            self.text.extend(text);
        }
        self.ends.push(self.text.len() as u64);
        Ok(())
    }

    fn serialize(self: Box<Self>, segment: &Segment, sorted: Option<&DocIdMapping>) -> tantivy::Result<()> {
        if sorted.is_some() {
            return Err(TantivyError::InvalidArgument("texts are kept in the order of documents".to_owned()));
        }
        let mut files = Files::create(segment)?;
        let mut begin = 0;
        for end in self.ends.iter().filter_map(|end| usize::try_from(*end).ok()) {
            files.push(self.text.get(begin..end).unwrap_or_default())?;
            begin = end;
        }
        Ok(files.close()?)
    }

    fn mem_usage(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * NUMBER_BYTES
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// The files of a segment that is being written.
struct Files {
    texts: WritePtr,
    ends: Vec<u64>,
    length: u64,
    pairs: pairs::Writer,
}

impl Files {
    fn create(segment: &Segment) -> tantivy::Result<Self> {
        let create = |file: &str| segment.open_write(SegmentComponent::Custom(file.to_owned()));
        Ok(Self { texts: create(FILE)?, ends: Vec::new(), length: 0, pairs: pairs::Writer::new(create(PAIRS_FILE)?) })
    }

    /// The values of the next person.
    fn push(&mut self, text: &[u8]) -> io::Result<()> {
        self.texts.write_all(text)?;
        self.length += text.len() as u64;
        self.ends.push(self.length);
        self.pairs.push(text)
    }

    fn close(mut self) -> io::Result<()> {
        for number in self.ends.iter().copied().chain([self.ends.len() as u64]) {
            self.texts.write_all(&number.to_le_bytes())?;
        }
        self.texts.terminate()?;
        self.pairs.close()
    }
}

/// The pairs of one segment.
pub(super) fn pairs(segment: &SegmentReader) -> tantivy::Result<Pairs> {
    let file = segment.open_read(SegmentComponent::Custom(PAIRS_FILE.to_owned()))?.read_bytes()?;
    Ok(Pairs::of(file, segment.max_doc()).ok_or_else(|| damaged("pairs"))?)
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the {what} of a segment are not as long as they say"))
}

/// The texts of one segment.
pub(super) struct Column {
    text: OwnedBytes,
    ends: OwnedBytes,
}

impl Column {
    /// Maps the file of a segment.
    pub fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        let file = segment.open_read(SegmentComponent::Custom(FILE.to_owned()))?.read_bytes()?;
        Ok(Self::of(file, segment.max_doc()).ok_or_else(|| damaged("texts"))?)
    }

    fn of(file: OwnedBytes, people: u32) -> Option<Self> {
        let counted_at = file.len().checked_sub(NUMBER_BYTES)?;
        let (file, count) = file.split(counted_at);
        let ends_at = counted_at.checked_sub(usize::try_from(people).ok()?.checked_mul(NUMBER_BYTES)?)?;
        let (text, ends) = file.split(ends_at);
        let column = Self { text, ends };
        let length = people.checked_sub(1).map_or(0, |last| column.end(last));
        (number(&count, 0) == Some(people.into()) && length == column.text.len()).then_some(column)
    }

    /// One person's values.
    fn text(&self, doc: DocId) -> &[u8] {
        let begin = doc.checked_sub(1).map_or(0, |former| self.end(former));
        self.text.get(begin..self.end(doc)).unwrap_or_default()
    }

    fn end(&self, doc: DocId) -> usize {
        let end = usize::try_from(doc).ok().and_then(|doc| number(&self.ends, doc));
        end.and_then(|end| usize::try_from(end).ok()).unwrap_or(self.text.len())
    }

    /// Whether one person's values hold this word.
    pub fn holds(&self, doc: DocId, word: &Finder<'_>) -> bool {
        word.find(self.text(doc)).is_some()
    }

    /// Everybody whose values hold this word, removed people included.
    pub fn all(&self, word: &Finder<'_>, people: u32) -> Bits {
        let mut found = Bits::none(people);
        let (mut from, mut doc) = (0, 0);
        while let Some(at) = self.text.get(from..).and_then(|rest| word.find(rest)) {
            while doc < people && self.end(doc) <= from + at {
                doc += 1;
            }
            if doc == people {
                break;
            }
            found.insert(doc);
            from = self.end(doc);
            doc += 1;
        }
        found
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let begin = at.checked_mul(NUMBER_BYTES)?;
    let bytes = bytes.get(begin..begin.checked_add(NUMBER_BYTES)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}
