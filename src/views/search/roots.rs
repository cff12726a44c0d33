//! From hits to roots, a quarter of a million in a few milliseconds.

use std::sync::Arc;

use roaring::RoaringBitmap;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::ColumnValues;
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocId, Score, SegmentOrdinal, SegmentReader};

use super::schema::ROOT;

/// Below this many hits for each root that could be one, a bit for each root costs more than sorting the hits.
const SPARSE: usize = 64;

/// Collects the roots of all hits.
pub(super) struct Roots;

impl Collector for Roots {
    type Fruit = RoaringBitmap;
    type Child = SegmentRoots;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentRoots> {
        Ok(SegmentRoots { column: column(segment)?, roots: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Vec<u32>>) -> tantivy::Result<RoaringBitmap> {
        Ok(bitmap(&segments))
    }
}

/// The roots of a segment's people.
pub(super) fn column(segment: &SegmentReader) -> tantivy::Result<Arc<dyn ColumnValues<u64>>> {
    Ok(segment.fast_fields().u64(ROOT)?.first_or_default_col(0))
}

/// A root as the column holds it.
pub(super) fn root(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX) // only numbers of nodes were put into it
}

pub(super) struct SegmentRoots {
    column: Arc<dyn ColumnValues<u64>>,
    roots: Vec<u32>,
}

impl SegmentCollector for SegmentRoots {
    type Fruit = Vec<u32>;

    fn collect(&mut self, doc: DocId, _: Score) {
        self.roots.push(root(self.column.get_val(doc)));
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        let mut values = [0; COLLECT_BLOCK_BUFFER_LEN];
        for docs in docs.chunks(COLLECT_BLOCK_BUFFER_LEN) {
            let Some(values) = values.get_mut(..docs.len()) else { continue };
            self.column.get_vals(docs, values);
            self.roots.extend(values.iter().map(|value| root(*value)));
        }
    }

    fn harvest(self) -> Vec<u32> {
        self.roots
    }
}

/// One set of all of them. Most often roots lie close together, and a bit for each is set faster than they are sorted.
fn bitmap(segments: &[Vec<u32>]) -> RoaringBitmap {
    let hits: usize = segments.iter().map(Vec::len).sum();
    let Some(greatest) = segments.iter().flatten().max() else {
        return RoaringBitmap::new();
    };
    let bytes = usize::try_from(greatest / 8).unwrap_or(usize::MAX);
    if bytes / SPARSE > hits || *greatest > u32::MAX / 2 {
        return segments.iter().flatten().copied().collect();
    }
    let mut bits = vec![0u8; bytes + 1];
    for root in segments.iter().flatten() {
        if let Some(byte) = bits.get_mut(usize::try_from(root / 8).unwrap_or(usize::MAX)) {
            *byte |= 1 << (root % 8);
        }
    }
    RoaringBitmap::from_lsb0_bytes(0, &bits)
}
