//! Limits, and long chains: bounded by counts of work, never by times.

use super::super::*;
use super::story::dump;
use crate::journal::Sequence;

#[derive(Default)]
struct Crowd {
    graph: Graph,
    changes: Vec<Change>,
    sequence: u64,
}

impl Crowd {
    fn call(&mut self, user_id: Option<&str>, anonymous_id: Option<&str>, previous_id: Option<&str>) -> Verdict {
        self.sequence += 1;
        let sequence = Sequence::new(self.sequence);
        let naming = Naming { sequence, user_id, anonymous_id, previous_id, may_merge_users: true };
        self.graph.apply(&naming, &mut self.changes)
    }

    fn alias(&mut self, previous: &str, user: &str) -> Verdict {
        self.call(Some(user), None, Some(previous))
    }

    fn node(&self, user: &str) -> NodeNo {
        self.graph.node(IdKind::User, user).unwrap()
    }

    /// What weighted joining allows: each node is written when its side is the smaller one, and twice at a link.
    fn check_work(&self) {
        let nodes = u64::from(self.graph.len());
        let allowed = 2 * nodes * u64::from(nodes.ilog2() + 2);
        assert!(self.graph.people.written <= allowed, "{} nodes written, {allowed} allowed", self.graph.people.written);
    }
}

#[test]
fn a_chain_of_10_000_aliases_is_one_person_in_either_order() {
    let ids: Vec<String> = (0..10_000).map(|number| format!("u{number}")).collect();
    let (mut forth, mut back) = (Crowd::default(), Crowd::default());
    for crowd in [&mut forth, &mut back] {
        for id in &ids {
            crowd.call(Some(id), None, None);
        }
    }
    for pair in ids.windows(2) {
        forth.alias(&pair[0], &pair[1]);
    }
    for pair in ids.windows(2).rev() {
        back.alias(&pair[0], &pair[1]);
    }
    for crowd in [&forth, &back] {
        let first = crowd.node("u0");
        assert_eq!(crowd.graph.root(first), crowd.node("u9999"));
        assert_eq!(crowd.graph.ids(first).len(), 10_000);
        assert_eq!(crowd.graph.links(first).len(), 9_999);
        crowd.check_work();
    }
    let last = forth.node("u9999");
    let middle = forth.graph.links(last)[4_999].sequence;
    let (graph, changes) = (&mut forth.graph, &mut forth.changes);
    let shifts = graph.order(Sequence::new(50_000), &Order::Undo(middle), changes).unwrap();
    assert_eq!(shifts, [Shift::Split { from: last, into: vec![NodeNo(4_999), last] }]);
    assert_eq!((graph.size(NodeNo(0)), graph.size(last)), (5_000, 5_000));
    assert_eq!(graph.ids_at(NodeNo(0), Sequence::new(50_000)).1.len(), 10_000);
}

#[test]
fn a_chain_of_reservations_is_resolved_when_its_ids_appear() {
    let mut crowd = Crowd::default();
    let ids: Vec<String> = (0..10_000).map(|number| format!("u{number}")).collect();
    for pair in ids.windows(2).rev() {
        crowd.alias(&pair[0], &pair[1]);
    }
    assert_eq!(crowd.graph.len(), 9_999);
    crowd.call(Some("u0"), None, None);
    assert_eq!(crowd.graph.size(crowd.node("u0")), 10_000);
    assert_eq!(crowd.graph.root(crowd.node("u0")), crowd.node("u9999"));
    crowd.check_work();
}

#[test]
fn pairs_of_pairs_cost_no_more_than_the_smaller_side() {
    let mut crowd = Crowd::default();
    let count = 1 << 12;
    for number in 0..count {
        crowd.call(Some(&format!("u{number}")), None, None);
    }
    let mut step = 1;
    while step < count {
        for first in (0..count).step_by(2 * step) {
            crowd.alias(&format!("u{first}"), &format!("u{}", first + step));
        }
        step *= 2;
    }
    assert_eq!(crowd.graph.size(crowd.node("u0")), 1 << 12);
    crowd.check_work();
}

#[test]
fn a_person_has_100_000_ids_and_not_one_more() {
    let mut crowd = Crowd::default();
    for number in 1..IDS_MAX {
        assert_eq!(crowd.call(Some("u"), Some(&format!("a{number}")), None).refused, None);
    }
    let user = crowd.node("u");
    assert_eq!(crowd.graph.size(user), IDS_MAX);
    assert_eq!(crowd.graph.ids(user).len(), IDS_MAX as usize);
    crowd.check_work();
    let before = crowd.graph.len();
    let verdict = crowd.call(Some("u"), Some("one more"), None);
    assert_eq!((verdict.node, verdict.carried), (Some(user), None));
    assert_eq!(verdict.refused, Some(RefusalCode::TooManyIds));
    assert_eq!(crowd.graph.len(), before);
    crowd.call(Some("v"), None, None);
    assert_eq!(crowd.alias("v", "u").refused, Some(RefusalCode::TooManyIds));
    assert_eq!(crowd.alias("u", "v").refused, Some(RefusalCode::TooManyIds));
    crowd.alias("late", "u");
    assert_eq!(crowd.call(Some("late"), None, None).refused, Some(RefusalCode::TooManyIds));
    assert!(crowd.graph.is_root(crowd.node("late")));
    assert!(crowd.graph.reserved(user).is_empty());
    let merge = Order::Merge { from: crowd.graph.key(crowd.node("v")), into: crowd.graph.key(user) };
    let answer = crowd.graph.order(Sequence::new(500_000), &merge, &mut crowd.changes);
    assert_eq!(answer, Err(OrderError::TooManyIds(IDS_MAX)));
    let mut again = Graph::default();
    for change in &crowd.changes {
        again.replay(change);
    }
    assert_eq!(dump(&again), dump(&crowd.graph));
}

#[test]
fn a_device_of_a_thousand_users_keeps_the_first_hundred_refusals() {
    let mut crowd = Crowd::default();
    crowd.call(Some("owner"), Some("kiosk"), None);
    for _ in 0..2 {
        for number in 0..1_000 {
            let refused = crowd.call(Some(&format!("u{number}")), Some("kiosk"), None).refused;
            assert_eq!(refused, Some(RefusalCode::SharedDevice));
        }
    }
    let owner = crowd.node("owner");
    let kept = crowd.graph.refusals(owner);
    assert_eq!(kept.len(), REFUSALS_MAX);
    assert!(kept.iter().zip(2..).all(|(refusal, sequence)| refusal.sequence.get() == sequence));
    assert!(crowd.graph.has_more_refusals(owner));
    // Each of the others still learns why.
    let last = crowd.node("u999");
    assert_eq!(crowd.graph.refusals(last).len(), 1);
    assert!(!crowd.graph.has_more_refusals(last));
    let refused = crowd.changes.iter().filter(|change| matches!(change, Change::Refused(_))).count();
    assert_eq!(refused, 1_000);
}

#[test]
fn a_user_of_a_thousand_shared_devices_does_not_grow_without_end() {
    let mut crowd = Crowd::default();
    for number in 0..300 {
        crowd.call(Some("owner"), Some(&format!("a{number}")), None);
    }
    for _ in 0..3 {
        for number in 0..300 {
            crowd.call(Some("thief"), Some(&format!("a{number}")), None);
        }
    }
    assert_eq!(crowd.graph.refusals(crowd.node("thief")).len(), REFUSALS_MAX);
    assert!(crowd.graph.has_more_refusals(crowd.node("thief")));
    let refused = crowd.changes.iter().filter(|change| matches!(change, Change::Refused(_))).count();
    assert_eq!(refused, 300);
}
