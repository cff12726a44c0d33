//! Which records a block of the history speaks of: for each destination a few spans of sequences that hold them all.
//!
//! New calls lie close together and a few retries far away: the widest gaps between them part the spans.

use std::collections::BTreeMap;

use super::codec::{put, take};

/// Spans of one destination in one block at most.
const SPANS_MAX: usize = 8;

/// The spans of a block's records, as stored.
pub(super) fn encode(records: BTreeMap<u16, Vec<u64>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (book, records) in records {
        let spans = spans(records);
        put(u64::from(book), &mut bytes);
        put(spans.len() as u64, &mut bytes);
        let mut before = 0;
        for (first, last) in spans {
            put(first - before, &mut bytes);
            put(last - first, &mut bytes);
            before = last;
        }
    }
    bytes
}

/// First and last of each span.
fn spans(mut records: Vec<u64>) -> Vec<(u64, u64)> {
    records.sort_unstable();
    let pairs = records.iter().zip(records.iter().skip(1)).map(|(left, right)| (*left, *right));
    let mut gaps: Vec<(u64, u64)> = pairs.filter(|(left, right)| right - left > 1).collect();
    gaps.sort_unstable_by_key(|(left, right)| std::cmp::Reverse(right - left));
    gaps.truncate(SPANS_MAX - 1);
    gaps.sort_unstable();
    let firsts = records.first().copied().into_iter().chain(gaps.iter().map(|(_, right)| *right));
    let lasts = gaps.iter().map(|(left, _)| *left).chain(records.last().copied());
    firsts.zip(lasts).collect()
}

/// Whether a block with these spans may speak of a record; none if they do not decode.
pub(super) fn may_hold(mut bytes: &[u8], book: u16, sequence: u64) -> Option<bool> {
    while !bytes.is_empty() {
        let is_asked = take(&mut bytes)? == u64::from(book);
        let mut at = 0_u64;
        for _ in 0..take(&mut bytes)? {
            let first = at.checked_add(take(&mut bytes)?)?;
            at = first.checked_add(take(&mut bytes)?)?;
            if is_asked && (first..=at).contains(&sequence) {
                return Some(true);
            }
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_in_a_span_and_retries_do_not_widen_them() {
        let mut records: Vec<u64> = (10_000..20_000).rev().collect();
        records.extend([17, 900, 901, 5_000_000]);
        let bytes = encode(BTreeMap::from([(3, records.clone()), (9, vec![4])]));
        assert!(records.iter().all(|record| may_hold(&bytes, 3, *record) == Some(true)));
        assert!([16, 18, 899, 902, 9_999, 20_000, 4].iter().all(|record| may_hold(&bytes, 3, *record) == Some(false)));
        assert_eq!((may_hold(&bytes, 9, 4), may_hold(&bytes, 9, 17)), (Some(true), Some(false)));
        let scattered: Vec<u64> = (0..1_000).map(|number| number * number).collect();
        let bytes = encode(BTreeMap::from([(1, scattered.clone())]));
        assert!(scattered.iter().all(|record| may_hold(&bytes, 1, *record) == Some(true)));
        assert!(bytes.len() < 64 && may_hold(&bytes[..5], 1, 2).is_none());
    }
}
