//! What nodes and links take in memory, by the room that the lists of a real graph hold.

use std::mem::size_of;

use super::super::*;
use crate::journal::Sequence;

/// 300,000 nodes in pairs, each pair by a link. Three million of them take ten times that: about 150 megabytes.
#[test]
fn a_node_with_half_a_link_takes_53_bytes_at_most() {
    let (mut graph, mut changes) = (Graph::default(), Vec::new());
    for number in 0..150_000 {
        let id = format!("id{number}");
        let sequence = Sequence::new(number + 1);
        let (user_id, anonymous_id) = (Some(id.as_str()), Some(id.as_str()));
        let naming = Naming { sequence, user_id, anonymous_id, previous_id: None, may_merge_users: true };
        graph.apply(&naming, &mut changes);
        changes.clear();
    }
    assert_eq!(graph.len(), 300_000);
    let bytes = graph.nodes.bytes() + graph.links.bytes() + graph.people.bytes();
    assert!(bytes < 53 * 300_000, "{bytes}");
    // A list that is left out of the count would make it meaningless.
    assert!(bytes > 300_000 * (size_of::<NodeKey>() + 3 * size_of::<u32>()), "{bytes}");
}
