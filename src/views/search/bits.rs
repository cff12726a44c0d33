//! Some of a segment's people: a bit for each.

use tantivy::{DocId, DocSet, TERMINATED};

/// People of one word of bits.
const WORD: u32 = u64::BITS;

/// A set of documents of one segment.
#[derive(Debug)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// Nobody of so many people.
    pub fn none(people: u32) -> Self {
        Self { words: vec![0; usize::try_from(people.div_ceil(WORD)).unwrap_or_default()] }
    }

    /// With the lowest bit of the first word for the first document.
    pub const fn of(words: Vec<u64>) -> Self {
        Self { words }
    }

    /// Takes a document in.
    pub fn insert(&mut self, doc: DocId) {
        if let Some(word) = usize::try_from(doc / WORD).ok().and_then(|at| self.words.get_mut(at)) {
            *word |= 1 << (doc % WORD);
        }
    }

    /// The documents in their order.
    pub fn docs(self) -> Docs {
        let count = self.words.iter().map(|word| word.count_ones()).sum();
        let left = self.words.first().copied().unwrap_or_default();
        let mut docs = Docs { words: self.words, at: 0, left, doc: 0, count };
        docs.advance();
        docs
    }
}

/// Goes through a set of documents.
pub(super) struct Docs {
    words: Vec<u64>,
    /// Which word `doc` is in.
    at: usize,
    /// Those of this word that come after `doc`.
    left: u64,
    doc: DocId,
    count: u32,
}

impl DocSet for Docs {
    fn advance(&mut self) -> DocId {
        while self.left == 0 {
            self.at += 1;
            let Some(word) = self.words.get(self.at) else {
                self.doc = TERMINATED;
                return TERMINATED;
            };
            self.left = *word;
        }
        self.doc = u32::try_from(self.at).map_or(TERMINATED, |at| at * WORD + self.left.trailing_zeros());
        self.left &= self.left - 1;
        self.doc
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc >= target {
            return self.doc;
        }
        let at = usize::try_from(target / WORD).unwrap_or(usize::MAX);
        if at > self.at {
            self.at = at;
            self.left = self.words.get(at).copied().unwrap_or_default();
        }
        self.left &= u64::MAX << (target % WORD);
        self.advance()
    }

    fn doc(&self) -> DocId {
        self.doc
    }

    fn size_hint(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn docs_come_in_order_and_are_sought(
            people in 1u32..400,
            some in proptest::collection::vec(0u32..400, 0..60),
            steps in proptest::collection::vec(proptest::option::of(0u32..150), 0..40),
        ) {
            let some: BTreeSet<u32> = some.into_iter().filter(|doc| *doc < people).collect();
            let mut bits = Bits::none(people);
            for doc in &some {
                bits.insert(*doc);
            }
            let mut docs = bits.docs();
            prop_assert_eq!(docs.size_hint() as usize, some.len());
            let from = |from: u32| some.range(from..).next().copied().unwrap_or(TERMINATED);
            let mut expected = from(0);
            for step in steps {
                prop_assert_eq!(docs.doc(), expected);
                if expected == TERMINATED {
                    break;
                }
                let target = expected + step.unwrap_or(1);
                expected = from(target);
                prop_assert_eq!(if step.is_some() { docs.seek(target) } else { docs.advance() }, expected);
            }
            while docs.doc() != TERMINATED {
                prop_assert_eq!(docs.doc(), expected);
                expected = from(expected + 1);
                docs.advance();
            }
            prop_assert_eq!(expected, TERMINATED);
        }
    }
}
