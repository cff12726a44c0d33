//! Orders of the operator: merges, and undoing whatever joined people.

use super::super::*;
use super::story::{key, tell};
use crate::journal::Sequence;

#[test]
fn a_merge_keeps_the_one_that_is_merged_into() {
    let story = tell("u1,a1; u2,a2; merge u1 into u2");
    assert_eq!(story.people(), "u2(u1 ~a1 ~a2)");
    assert_eq!(story.links("u1"), ["~a1 u1 R2 1", "~a2 u2 R2 2", "u1 u2 Operator 3"]);
}

#[test]
fn a_merge_never_makes_a_known_person_anonymous() {
    assert_eq!(tell("u1,-; -,a1; merge u1 into ~a1").people(), "u1(~a1)");
    assert_eq!(tell("-,a1; -,a2; merge ~a1 into ~a2").people(), "~a2(~a1)");
    let story = tell("-,a1; -,a2; merge ~a1 into ~a2; u1,a1");
    assert_eq!(story.people(), "u1(~a1 ~a2)");
}

#[test]
fn a_merge_by_any_id_of_a_person_is_a_merge_of_the_person() {
    assert_eq!(tell("u1,a1; u2,a2; merge ~a1 into ~a2").people(), "u2(u1 ~a1 ~a2)");
}

#[test]
fn a_merge_that_cannot_be_says_why() {
    let mut story = tell("u1,a1; u2,-");
    let merge = |from, into| Order::Merge { from: key(from), into: key(into) };
    let next = Sequence::new(3);
    assert_eq!(story.order(next, &merge("u1", "u9")), Err(OrderError::Unknown));
    assert_eq!(story.order(next, &merge("~u1", "u2")), Err(OrderError::Unknown));
    assert_eq!(story.order(next, &merge("u1", "~a1")), Err(OrderError::Same));
    assert_eq!(story.order(next, &merge("u2", "u2")), Err(OrderError::Same));
    assert_eq!(story.order(next, &Order::Undo(Sequence::new(2))), Err(OrderError::NothingToUndo));
    assert_eq!(story.order(next, &Order::Undo(Sequence::new(99))), Err(OrderError::NothingToUndo));
    assert_eq!(story.people(), "u1(~a1) | u2");
    story.order(next, &Order::Undo(Sequence::new(1))).unwrap();
    assert_eq!(story.order(next, &Order::Undo(Sequence::new(1))), Err(OrderError::NothingToUndo));
    assert_eq!(story.order(next, &Order::Undo(Sequence::new(3))), Err(OrderError::NothingToUndo));
}

#[test]
fn every_rule_can_be_undone() {
    let r2 = tell("-,a1; u1,a1; undo 2");
    assert_eq!(r2.people(), "~a1 | u1");
    assert_eq!(r2.links("u1"), ["~a1 u1 R2 2 undone by 3"]);
    assert_eq!(r2.links("~a1"), r2.links("u1"));
    assert_eq!(tell("p,-; n,-; p->n; undo 3").people(), "p | n");
    assert_eq!(tell("-,a1; a1->n; undo 2").people(), "~a1 | n");
    assert_eq!(tell("p->n; undo 1; p,-").people(), "n | p");
    let r4e = tell("p->n; p,-; undo 1");
    assert_eq!(r4e.people(), "n | p");
    assert_eq!(r4e.links("p"), ["p n R4e 1 made by 2 undone by 3"]);
    assert_eq!(tell("u1,-; u2,-; merge u1 into u2; undo 3").people(), "u1 | u2");
}

#[test]
fn calls_in_between_stay_with_the_id_that_they_named() {
    let story = tell("p,-; n,-; p->n; p,a1; n,a2; p->m; -,a1; undo 3");
    assert_eq!(story.people(), "n(~a2) | m(p ~a1)");
    assert_eq!(story.links("m"), ["~a1 p R2 4", "p m R4b 6", "p n R4b 3 undone by 8"]);
    let (n, m) = (story.node("n"), story.node("m"));
    assert_eq!(story.shifts[7], [Shift::Split { from: m, into: vec![n, m] }]);
}

#[test]
fn the_middle_of_a_chain_can_be_taken_out() {
    let story = tell("a,-; b,-; c,-; d,-; a->b; b->c; c->d; undo 6");
    assert_eq!(story.people(), "b(a) | d(c)");
}

#[test]
fn what_was_undone_can_be_done_again() {
    let story = tell("p,-; n,-; p->n; undo 3; p->n; undo 5; n->p; undo 7; merge p into n");
    assert_eq!(story.people(), "n(p)");
    assert_eq!(
        story.links("n"),
        ["p n Operator 9", "p n R4b 3 undone by 4", "p n R4b 5 undone by 6", "n p R4b 7 undone by 8"]
    );
}

#[test]
fn a_device_that_was_set_free_is_claimed_by_the_next_user() {
    assert_eq!(tell("u1,a1; undo 1; u2,a1").people(), "u1 | u2(~a1)");
}

#[test]
fn a_known_part_never_goes_by_an_anonymous_id() {
    // The merge named a device of the one that survives; the device is then taken away from it.
    let story = tell("u1,a1; u2,-; merge u2 into ~a1; undo 1");
    assert_eq!(story.people(), "u1 | u2(~a1)");
}

#[test]
fn undoing_a_reservation_frees_the_id() {
    let story = tell("p->n; undo 1; p->m; p,-");
    assert_eq!(story.people(), "n | m(p)");
    assert!(story.graph.reserved(story.node("n")).is_empty());
}

#[test]
fn the_past_is_told_across_merges_and_undos() {
    // Every story compares each moment with what was told then; this one has people that meet and part twice.
    let story = tell("u1,a1; u2,a2; u3,a3; u1->u2; u2->u3; undo 4; u1->u3; undo 5; undo 7; q->u1; q,-; undo 10");
    assert_eq!(story.people(), "u1(~a1) | u2(~a2) | u3(~a3) | q");
    let (root, ids) = story.graph.ids_at(story.node("u1"), Sequence::new(6));
    assert_eq!((root, ids.len()), (story.node("u3"), 6));
    let links = story.graph.links_at(story.node("u1"), Sequence::new(6));
    assert_eq!(links.iter().map(|link| link.sequence.get()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(links.iter().all(|link| link.undone_by.is_none()));
    assert_eq!(story.graph.ids_at(story.node("q"), Sequence::new(11)).1, []);
}
