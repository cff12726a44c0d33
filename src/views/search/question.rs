//! From a filter to tantivy's query.

use std::ops::Bound;
use std::sync::Arc;

use tantivy::Term;
use tantivy::query::{AllQuery, BooleanQuery, EmptyQuery, InvertedIndexRangeQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::facts::{self, KEY_BYTES_MAX, Span, VALUE_BYTES_MAX};
use super::shelf::Shelf;
use super::texts::fold;
use super::words::Worded;
use super::{Anonymous, Filter, SearchError, Test};

/// Words that one search may have.
pub(super) const WORDS_MAX: usize = 16;

/// The query that finds the people of a filter.
pub(super) fn query(filter: &Filter, fact: Field, shelf: &Arc<Shelf>) -> Result<Box<dyn Query>, SearchError> {
    let mut parts: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    for (path, test) in &filter.traits {
        parts.push(about_trait(path, test, fact)?);
    }
    if let Some(key) = &filter.audience {
        let members = facts::members(key).ok_or(SearchError::LongKey)?;
        let any = BooleanQuery::union(members.iter().map(|term| only(fact, term)).collect());
        parts.push((Occur::Must, Box::new(any)));
    }
    match filter.anonymous {
        Anonymous::Include => {}
        Anonymous::Hide => parts.push((Occur::Must, only(fact, facts::KNOWN))),
        Anonymous::Only => parts.push((Occur::MustNot, only(fact, facts::KNOWN))),
    }
    if filter.incomplete {
        parts.push((Occur::Must, only(fact, facts::INCOMPLETE)));
    }
    let words = words(filter.text.as_deref().unwrap_or_default())?;
    if !parts.is_empty() && parts.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        parts.push((Occur::Must, Box::new(AllQuery)));
    }
    let others: Option<Box<dyn Query>> = if parts.is_empty() { None } else { Some(Box::new(BooleanQuery::new(parts))) };
    Ok(match (others, words.is_empty()) {
        (Some(others), true) => others,
        (None, true) => Box::new(AllQuery),
        (others, false) => Box::new(Worded { others, words, shelf: Arc::clone(shelf) }),
    })
}

/// The people with exactly this term.
pub(super) fn only(fact: Field, term: &[u8]) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_bytes(fact, term), IndexRecordOption::Basic))
}

fn about_trait(path: &str, asked: &Test, fact: Field) -> Result<(Occur, Box<dyn Query>), SearchError> {
    if path.len() > KEY_BYTES_MAX {
        return Err(SearchError::LongKey);
    }
    if let Test::Equals(text) | Test::Greater(text) | Test::Less(text) = asked
        && text.len() > VALUE_BYTES_MAX
    {
        return Err(SearchError::LongValue);
    }
    let any = |queries: Vec<Box<dyn Query>>| -> Box<dyn Query> { Box::new(BooleanQuery::union(queries)) };
    let spans = |spans: Vec<Span>| any(spans.into_iter().map(|span| row(fact, span)).collect());
    Ok(match asked {
        Test::Exists(true) => (Occur::Must, only(fact, &facts::exists(path))),
        Test::Exists(false) => (Occur::MustNot, only(fact, &facts::exists(path))),
        Test::Equals(text) => {
            (Occur::Must, any(facts::equals(path, text).iter().map(|term| only(fact, term)).collect()))
        }
        Test::Greater(text) => (Occur::Must, spans(facts::compared(path, text, true))),
        Test::Less(text) => (Occur::Must, spans(facts::compared(path, text, false))),
    })
}

fn row(fact: Field, span: Span) -> Box<dyn Query> {
    let Some(to) = span.to else {
        return only(fact, &span.from);
    };
    if span.from >= to {
        return Box::new(EmptyQuery);
    }
    let from = Term::from_field_bytes(fact, &span.from);
    let from = if span.is_from_in { Bound::Included(from) } else { Bound::Excluded(from) };
    Box::new(InvertedIndexRangeQuery::new(from, Bound::Excluded(Term::from_field_bytes(fact, &to))))
}

/// The words that have to be there, the longest first; without those that are part of another.
fn words(text: &str) -> Result<Vec<String>, SearchError> {
    let folded = fold(text);
    let mut all: Vec<&str> = folded.split_whitespace().collect();
    if all.len() > WORDS_MAX {
        return Err(SearchError::ManyWords);
    }
    all.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut words: Vec<String> = Vec::with_capacity(all.len());
    for word in all {
        if !words.iter().any(|longer| longer.contains(word)) {
            words.push(word.to_owned());
        }
    }
    Ok(words)
}
