//! The graph as bytes that are equal exactly when the graphs are: what digests of the views are made of.

use super::NodeNo;
use super::change::Change;
use super::graph::Graph;

impl Graph {
    /// Appends everything that the graph knows.
    pub fn dump(&self, out: &mut Vec<u8>) {
        self.dump_parts(&mut |part| out.extend_from_slice(part));
    }

    /// The same, in small parts.
    pub fn dump_parts(&self, put: &mut dyn FnMut(&[u8])) {
        let mut bytes = Vec::new();
        let mut put_change = |change: &Change, more: &[u8]| {
            bytes.clear();
            change.encode(&mut bytes);
            bytes.extend_from_slice(more);
            put(&bytes);
        };
        for node in (0..self.len()).map(NodeNo) {
            let (kind, key, sequence) = (self.kind(node), self.key(node), self.appeared(node));
            put_change(&Change::Node { kind, key, sequence }, &self.root(node).0.to_be_bytes());
        }
        for link in (0..self.links.len()).filter_map(|number| self.links.get(number)) {
            put_change(&Change::Linked(link), &[]);
        }
        for kept in self.reservations.all() {
            let ended_by = kept.ended_by.map_or(0, crate::journal::Sequence::get).to_be_bytes();
            put_change(&kept.change(), &ended_by);
        }
        for refusal in self.refusals.all() {
            put_change(&Change::Refused(*refusal), &[]);
        }
        for node in self.refusals.cut() {
            put(&node.0.to_be_bytes());
        }
    }
}
