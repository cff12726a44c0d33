//! The index in its folder: made, opened, judged, thrown away.
//!
//! Everything here can be made again, so there is no repair: an index that is not whole, or not of this version, goes.
//! A commit's payload says which version wrote it and up to which record it goes.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use roaring::RoaringBitmap;
use tantivy::directory::MmapDirectory;
use tantivy::index::Index;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::AllQuery;
use tantivy::schema::Schema;
use tantivy::store::Compressor;
use tantivy::{IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyError};

use super::roots::Roots;
use super::shelf::Files;
use super::texts::Texts;
use crate::journal::Sequence;

/// What the payload of every commit begins with. Another number means that documents are made in another way.
const FORMAT: &str = "roundtower search 3 through ";
/// What tantivy demands for one indexing thread, and takes at most.
const MEMORY_BYTES: std::ops::RangeInclusive<usize> = 15_000_000..=1_000_000_000;
/// So many segments of about one size become one. Each segment costs every question a fixed time.
const MERGED_SEGMENTS: usize = 6;
/// Segments with fewer people than this are of one size.
const SMALL_SEGMENT_PEOPLE: u32 = 20_000;
/// A segment of which this part was replaced is written anew.
const REPLACED_PART: f32 = 0.3;

/// An index that is open for writing and reading.
pub(super) struct Opened {
    pub writer: IndexWriter,
    pub reader: IndexReader,
    /// Whose documents are in it.
    pub roots: RoaringBitmap,
    /// Up to which record it goes; none when it is new.
    pub through: Option<Sequence>,
}

/// Why an index cannot be used.
pub(super) enum Refused {
    /// Someone else writes to it, or the system gives no thread or file: another day it is good.
    Busy(TantivyError),
    /// It has to go.
    Useless(String),
}

impl From<TantivyError> for Refused {
    fn from(error: TantivyError) -> Self {
        Self::Useless(error.to_string())
    }
}

/// Opens what is in a folder; none when there is no index.
pub(super) fn reopen(folder: &Path, schema: &Schema, memory_bytes: usize) -> Result<Option<Opened>, Refused> {
    let Ok(directory) = MmapDirectory::open(folder) else {
        return Ok(None);
    };
    if !Index::exists(&directory).map_err(|error| Refused::Useless(error.to_string()))? {
        return Ok(None);
    }
    let mut index = Index::open(directory)?;
    index.register_plugin(Arc::new(Texts));
    if index.schema() != *schema {
        return Err(Refused::Useless("it has other fields".to_owned()));
    }
    let payload = index.load_metas()?.payload.unwrap_or_default();
    let Some(through) = through(&payload) else {
        return Err(Refused::Useless("another version wrote it, or none finished".to_owned()));
    };
    // A flipped bit would show up as a wrong answer long after, or not at all.
    if let Some(path) = index.validate_checksum()?.into_iter().next() {
        return Err(Refused::Useless(format!("{} is damaged", path.display())));
    }
    open(&index, memory_bytes, Some(through)).map(Some)
}

/// Makes a new index in place of whatever is in the folder.
pub(super) fn create(folder: &Path, schema: Schema, memory_bytes: usize) -> tantivy::Result<Opened> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let settings = IndexSettings {
        docstore_compression: Compressor::None, // nothing is stored
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    };
    let builder = Index::builder().schema(schema).settings(settings).register_plugin(Arc::new(Texts));
    let index = builder.create_in_dir(folder)?;
    open(&index, memory_bytes, None).map_err(|refused| match refused {
        Refused::Busy(error) => error,
        Refused::Useless(why) => TantivyError::SystemError(why),
    })
}

fn open(index: &Index, memory_bytes: usize, through: Option<Sequence>) -> Result<Opened, Refused> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(memory_bytes.clamp(*MEMORY_BYTES.start(), *MEMORY_BYTES.end()))
        .build();
    let writer: IndexWriter = index.writer_with_options(options).map_err(|error| match error {
        TantivyError::LockFailure(..) | TantivyError::IoError(_) => Refused::Busy(error),
        other => Refused::from(other),
    })?;
    let mut merging = LogMergePolicy::default();
    merging.set_min_num_segments(MERGED_SEGMENTS);
    merging.set_min_layer_size(SMALL_SEGMENT_PEOPLE);
    merging.set_del_docs_ratio_before_merge(REPLACED_PART);
    writer.set_merge_policy(Box::new(merging));
    // Readers move on when a commit says so, and never by watching files.
    let reader: IndexReader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let searcher = reader.searcher();
    let roots = searcher.search(&AllQuery, &Roots)?;
    if roots.len() != searcher.num_docs() {
        return Err(Refused::Useless("it does not hold every person once".to_owned()));
    }
    for segment in searcher.segment_readers() {
        Files::open(segment)?;
    }
    Ok(Opened { writer, reader, roots, through })
}

/// What a commit says of itself. The list of segments, which holds it, has no checksum: the number brings its own.
pub(super) fn payload(through: Sequence) -> String {
    let text = format!("{FORMAT}{through}");
    let sum = crc32fast::hash(text.as_bytes());
    format!("{text} {sum:08x}")
}

/// What a commit of this version said; none of another.
fn through(said: &str) -> Option<Sequence> {
    let (number, _) = said.strip_prefix(FORMAT)?.split_once(' ')?;
    let through = Sequence::new(number.parse().ok()?);
    (payload(through) == said).then_some(through)
}
