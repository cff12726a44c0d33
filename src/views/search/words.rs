//! Words of a search: narrowed by their pairs of bytes, and judged by the text unless the pairs decide.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;
use tantivy::query::{ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight, intersect_scorers};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError};

use super::bits::Bits;
use super::pairs;
use super::shelf::Shelf;
use super::texts::Column;

/// When more than one in so many people may match, going through the whole text once is faster than looking up each
/// one's part of it.
const MANY: u32 = 3;

/// The people of another query (or all) whose text holds all of some words.
pub(super) struct Worded {
    pub others: Option<Box<dyn Query>>,
    /// The longest first.
    pub words: Vec<String>,
    pub shelf: Arc<Shelf>,
}

impl std::fmt::Debug for Worded {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Worded").field("others", &self.others).field("words", &self.words).finish_non_exhaustive()
    }
}

impl Clone for Worded {
    fn clone(&self) -> Self {
        let others = self.others.as_ref().map(|others| others.box_clone());
        Self { others, words: self.words.clone(), shelf: Arc::clone(&self.shelf) }
    }
}

impl Query for Worded {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let bytes = || self.words.iter().map(String::as_bytes);
        let mut rows: Vec<_> = bytes().flat_map(pairs::rows).collect();
        rows.sort_unstable_by_key(|range| (range.start, range.end));
        rows.dedup();
        // What takes more rows for one pair comes last: there may be nobody left to look for.
        rows.sort_by_key(ExactSizeIterator::len);
        let words = bytes().filter(|word| !pairs::decide(word)).map(|word| Finder::new(word).into_owned()).collect();
        let others = self.others.as_ref().map(|others| others.weight(scoring)).transpose()?;
        Ok(Box::new(WordedWeight { others, rows, words, shelf: Arc::clone(&self.shelf) }))
    }
}

struct WordedWeight {
    others: Option<Box<dyn Weight>>,
    rows: Vec<Range<usize>>,
    /// Those that their pairs do not decide, the longest first.
    words: Vec<Finder<'static>>,
    shelf: Arc<Shelf>,
}

impl Weight for WordedWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let people = reader.max_doc();
        let files = self.shelf.files(reader)?;
        let with_pairs = files.pairs.having(&self.rows).docs();
        if with_pairs.doc() == TERMINATED {
            return Ok(Box::new(EmptyScorer));
        }
        let mut narrow: Vec<Box<dyn Scorer>> = vec![Box::new(ConstScorer::new(with_pairs, boost))];
        if let Some(others) = &self.others {
            narrow.push(others.scorer(reader, boost)?);
        }
        let Some((longest, rest)) = self.words.split_first() else {
            return Ok(intersect_scorers(narrow, people));
        };
        let mut found = Bits::none(people);
        let fewest = narrow.iter().map(DocSet::size_hint).min().unwrap_or(people);
        if fewest > people / MANY {
            let all = files.texts.all(longest, people);
            if let (None, []) = (&self.others, rest) {
                found = all;
            } else {
                narrow.push(Box::new(ConstScorer::new(all.docs(), boost)));
                judge(&files.texts, rest, intersect_scorers(narrow, people), &mut found);
            }
        } else {
            judge(&files.texts, &self.words, intersect_scorers(narrow, people), &mut found);
        }
        Ok(Box::new(ConstScorer::new(found.docs(), boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        if scorer.doc() <= doc && scorer.seek(doc) == doc {
            return Ok(Explanation::new("text holds all words", 1.0));
        }
        Err(TantivyError::InvalidArgument(format!("document {doc} does not match")))
    }
}

/// Those whose text really holds the words.
fn judge(column: &Column, words: &[Finder<'_>], mut people: Box<dyn Scorer>, found: &mut Bits) {
    let mut doc = people.doc();
    while doc != TERMINATED {
        if words.iter().all(|word| column.holds(doc, word)) {
            found.insert(doc);
        }
        doc = people.advance();
    }
}
