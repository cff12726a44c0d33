//! Packs attempts for the history: each destination's together, in blocks that fit into one value.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::atom::{Atom, Atoms, FRAGMENT_BYTES, Fragment};
use super::sections::put_section;
use super::spans;

/// One block to be.
pub(super) struct Packed {
    pub(super) payload: Vec<u8>,
    pub(super) spans: Vec<u8>,
}

/// A fragment and the records it speaks of.
type Section = (u16, Fragment, Vec<u64>);

/// The attempts in fragments, in their order, as blocks; none if a fragment does not decode.
pub(super) fn pack(fragments: &[(u16, Arc<[u8]>)]) -> Option<Vec<Packed>> {
    let mut books: BTreeMap<u16, Vec<Section>> = BTreeMap::new();
    for (book, bytes) in fragments {
        let sections = books.entry(*book).or_default();
        for atom in Atoms::of(bytes) {
            // The last answers are what operators ask for; what became of the records is in the tables.
            let atom = atom?;
            if let Atom::Request { records, .. } = &atom {
                if !sections.last_mut().is_some_and(|(_, fragment, _)| fragment.push(&atom)) {
                    let mut fresh = Fragment::default();
                    fresh.push(&atom);
                    sections.push((*book, fresh, Vec::new()));
                }
                sections.last_mut().into_iter().for_each(|(_, _, named)| named.extend(records));
            }
        }
    }
    let mut packed = Vec::new();
    let mut open = Block::default();
    for (book, fragment, records) in books.into_values().flatten() {
        if !open.payload.is_empty() && open.payload.len() + fragment.bytes.len() > FRAGMENT_BYTES {
            packed.push(std::mem::take(&mut open).close());
        }
        put_section(book, &fragment.bytes, &mut open.payload);
        open.records.entry(book).or_default().extend(records);
    }
    if !open.payload.is_empty() {
        packed.push(open.close());
    }
    Some(packed)
}

#[derive(Default)]
struct Block {
    payload: Vec<u8>,
    records: BTreeMap<u16, Vec<u64>>,
}

impl Block {
    fn close(self) -> Packed {
        Packed { payload: self.payload, spans: spans::encode(self.records) }
    }
}
