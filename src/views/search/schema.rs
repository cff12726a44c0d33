//! The fields of the index.

use tantivy::TantivyDocument;
use tantivy::schema::{BytesOptions, Field, NumericOptions, Schema, TextOptions};
use tantivy::tokenizer::RAW_TOKENIZER_NAME;

use super::texts::{self, fold};
use super::{Doc, SortBy, facts};

/// The column of roots.
pub(super) const ROOT: &str = "root";
const FACT: &str = "fact";
/// Bytes of a name or email that order people; longer ones that begin alike are ordered by their root.
const SORT_BYTES_MAX: usize = 256;
/// Bytes of most documents.
const DOCUMENT_BYTES: usize = 4_096;

/// The fields of the index. Nothing is stored: a hit is a root, and the views know the rest.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    /// The number of the root: finds a document to replace it, and tells whose it is.
    pub root: Field,
    /// Terms of [`facts`].
    pub fact: Field,
    name: Field,
    email: Field,
    text: Field,
}

impl Fields {
    /// The fields and the schema that holds them.
    pub fn new() -> (Self, Schema) {
        let mut builder = Schema::builder();
        let sorted = TextOptions::default().set_fast(RAW_TOKENIZER_NAME);
        let fields = Self {
            root: builder.add_u64_field(ROOT, NumericOptions::default().set_indexed().set_fast()),
            fact: builder.add_bytes_field(FACT, BytesOptions::default().set_indexed()),
            name: builder.add_text_field(SortBy::Name.column(), sorted.clone()),
            email: builder.add_text_field(SortBy::Email.column(), sorted),
            text: builder.add_custom_field(texts::FIELD, texts::FIELD, serde_json::Value::Null),
        };
        (fields, builder.build())
    }

    /// A person as tantivy takes it.
    pub fn document(&self, doc: &Doc) -> TantivyDocument {
        let mut document = TantivyDocument::with_capacity(DOCUMENT_BYTES);
        document.add_u64(self.root, doc.root.0.into());
        for (field, value) in [(self.name, &doc.name), (self.email, &doc.email)] {
            if let Some(key) = value.as_deref().and_then(sort_key) {
                document.add_text(field, key);
            }
        }
        document.add_custom(self.text, &texts::of(doc));
        facts::each(doc, &mut |term| document.add_bytes(self.fact, term));
        document
    }
}

/// What orders people by a name or email: without case and outer spaces. None for nothing but spaces.
fn sort_key(value: &str) -> Option<String> {
    let mut key = fold(value.trim());
    let end = (0..=SORT_BYTES_MAX.min(key.len())).rev().find(|end| key.is_char_boundary(*end)).unwrap_or(0);
    key.truncate(end);
    (!key.is_empty()).then_some(key)
}
