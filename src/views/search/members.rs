//! How many members each audience has, and how many people have each computed trait.

use std::collections::BTreeMap;

use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, Searcher};

use super::Audience;
use super::facts::{ALL_COMPUTED, ALL_COMPUTED_END, of_computed};

/// In the order of keys, then of classes. One that has only former members is there, too.
pub(super) fn audiences(searcher: &Searcher, fact: Field) -> tantivy::Result<Vec<Audience>> {
    let mut all = BTreeMap::new();
    for segment in searcher.segment_readers() {
        let inverted = segment.inverted_index(fact)?;
        let mut terms = inverted.terms().range().ge(ALL_COMPUTED).lt(ALL_COMPUTED_END).into_stream()?;
        while terms.advance() {
            let Some((class, is_member, key)) = of_computed(terms.key()) else { continue };
            let count = match segment.alive_bitset() {
                None => terms.value().doc_freq,
                Some(alive) => {
                    inverted.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?.count(alive)
                }
            };
            if count > 0 {
                *all.entry((key.to_owned(), class)).or_default() += if is_member { u64::from(count) } else { 0 };
            }
        }
    }
    let audience = |((key, class), members): ((Vec<u8>, _), u64)| Audience {
        key: String::from_utf8_lossy(&key).into_owned(),
        class,
        members,
    };
    Ok(all.into_iter().map(audience).collect())
}
