//! Questions while segments are merged.

use super::*;

/// What was lost: a search answered with an error after a merge had ended. Why: the texts of a segment are opened when a
/// question needs them, and the merge had removed them. What prevents it: the question is asked of the merged segment.
#[test]
fn questions_are_answered_while_segments_are_merged_away() {
    let index = Index::new();
    for number in 0..60_u32 {
        let doc = Doc {
            root: NodeNo(number),
            name: Some(format!("Ada Lovelace {number}")),
            email: None,
            phone: None,
            ids: vec![format!("user-{number}")],
            traits: Vec::new(),
            computed: Vec::new(),
            known: true,
            complete: false,
        };
        index.search.put(doc);
        index.search.commit(Sequence::new(u64::from(number) + 2)).unwrap();
        for _ in 0..20 {
            assert_eq!(index.with_text("lovelace").len(), number as usize + 1);
        }
    }
    for _ in 0..500 {
        assert_eq!(index.with_text("lovelace").len(), 60);
    }
}
