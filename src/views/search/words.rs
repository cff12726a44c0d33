//! Words of a search that are longer than what the index has terms for: narrowed by their parts, judged by the text.

use memchr::memmem::Finder;
use tantivy::query::{
    BitSetDocSet, ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight, intersect_scorers,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term};

use super::facts::{GRAM_BYTES, gram};
use super::texts::Column;

/// When more than one in so many people may match, going through the whole text once is faster than looking up each
/// one's part of it.
const MANY: u32 = 3;
/// Parts of a word that narrow; more of them cost more than they save.
const PARTS: usize = 3;

/// The people of another query (or all) whose text holds all of some words.
#[derive(Debug)]
pub(super) struct Worded {
    pub others: Option<Box<dyn Query>>,
    /// The longest first.
    pub words: Vec<String>,
    pub fact: Field,
}

impl Clone for Worded {
    fn clone(&self) -> Self {
        let others = self.others.as_ref().map(|others| others.box_clone());
        Self { others, words: self.words.clone(), fact: self.fact }
    }
}

impl Query for Worded {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let words = self.words.iter().map(|word| Finder::new(word.as_bytes()).into_owned()).collect();
        let others = self.others.as_ref().map(|others| others.weight(scoring)).transpose()?;
        Ok(Box::new(WordedWeight { others, words, fact: self.fact }))
    }
}

struct WordedWeight {
    others: Option<Box<dyn Weight>>,
    words: Vec<Finder<'static>>,
    fact: Field,
}

impl WordedWeight {
    /// The fewest people who can be sought by parts of a word; none when a part is nobody's.
    fn having_parts(&self, reader: &SegmentReader, word: &[u8]) -> tantivy::Result<Option<Vec<Box<dyn Scorer>>>> {
        let inverted = reader.inverted_index(self.fact)?;
        let mut terms = Vec::new();
        for part in word.windows(GRAM_BYTES) {
            match inverted.get_term_info(&Term::from_field_bytes(self.fact, &gram(part)))? {
                Some(term) => terms.push(term),
                None => return Ok(None),
            }
        }
        terms.sort_by_key(|term| (term.doc_freq, term.postings_range.start));
        terms.dedup();
        let mut scorers: Vec<Box<dyn Scorer>> = Vec::new();
        for term in terms.iter().take(PARTS) {
            let postings = inverted.read_postings_from_terminfo(term, IndexRecordOption::Basic)?;
            scorers.push(Box::new(ConstScorer::new(postings, 1.0)));
        }
        Ok(Some(scorers))
    }
}

impl Weight for WordedWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let people = reader.max_doc();
        let mut narrow = Vec::new();
        if let Some(others) = &self.others {
            narrow.push(others.scorer(reader, boost)?);
        }
        for word in &self.words {
            match self.having_parts(reader, word.needle())? {
                Some(parts) => narrow.extend(parts),
                None => return Ok(Box::new(EmptyScorer)),
            }
        }
        let fewest = narrow.iter().map(DocSet::size_hint).min().unwrap_or(people);
        let column = Column::open(reader)?;
        let mut found = BitSet::with_max_value(people);
        match self.words.split_first() {
            Some((longest, rest)) if fewest > people / MANY => {
                let all = column.all(longest, people);
                if let (None, []) = (&self.others, rest) {
                    found = all;
                } else {
                    let all = Box::new(ConstScorer::new(BitSetDocSet::from(all), boost));
                    narrow.push(all);
                    judge(&column, rest, intersect_scorers(narrow, people), &mut found);
                }
            }
            _ => judge(&column, &self.words, intersect_scorers(narrow, people), &mut found),
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(found), boost)))
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
fn judge(column: &Column, words: &[Finder<'_>], mut people: Box<dyn Scorer>, found: &mut BitSet) {
    let mut doc = people.doc();
    while doc != TERMINATED {
        if words.iter().all(|word| column.holds(doc, word)) {
            found.insert(doc);
        }
        doc = people.advance();
    }
}
