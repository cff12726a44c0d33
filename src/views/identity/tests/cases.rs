//! The worked cases of `docs/IDENTITY.md`, by number. Cases that are about traits, groups and times alone are told here,
//! too: who is who must not depend on those.

use super::story::{Story, tell};

/// The people that a story ends with, and everything that was refused on the way.
fn ends(script: &str, people: &str, refused: &[&str]) -> Story {
    let story = tell(script);
    assert_eq!(story.people(), people, "{script}");
    assert_eq!(story.refused(), refused, "{script}");
    story
}

#[test]
fn case_01_an_identify_makes_a_person() {
    ends("u1,-", "u1", &[]);
}

#[test]
fn case_02_a_track_of_a_user_makes_one_too() {
    let story = ends("u1,-", "u1", &[]);
    assert_eq!(story.verdicts(), ["u1,-"]);
}

#[test]
fn case_03_an_anonymous_call_makes_an_anonymous_person() {
    let story = ends("-,a1", "~a1", &[]);
    assert!(!story.graph.has_user(story.node("~a1")));
    assert_eq!(story.graph.primary_user(story.node("~a1")), None);
    assert_eq!(story.verdicts(), ["~a1,-"]);
}

#[test]
fn case_04_the_first_user_gets_the_anonymous_history() {
    let story = ends("-,a1; u1,a1", "u1(~a1)", &[]);
    assert_eq!(story.links("u1"), ["~a1 u1 R2 2"]);
    assert_eq!(story.verdicts(), ["~a1,-", "u1,~a1"]);
    assert_eq!(story.graph.primary_user(story.node("~a1")), Some(story.node("u1")));
}

#[test]
fn case_05_anonymous_calls_after_the_claim_are_the_users() {
    let story = ends("u1,a1; -,a1", "u1(~a1)", &[]);
    assert_eq!(story.verdicts(), ["u1,~a1", "~a1,-"]);
    assert_eq!(story.graph.root(story.node("~a1")), story.node("u1"));
}

#[test]
fn case_06_two_devices_are_one_person() {
    let story = ends("-,a1; -,a2; u1,a1; u1,a2", "u1(~a1 ~a2)", &[]);
    assert_eq!(story.links("u1"), ["~a1 u1 R2 3", "~a2 u1 R2 4"]);
}

#[test]
fn case_07_a_second_user_on_a_device_stays_apart() {
    let story = ends("-,a1; u1,a1; u2,a1", "u1(~a1) | u2", &["~a1 u2 SharedDevice 3"]);
    assert_eq!(story.verdicts(), ["~a1,-", "u1,~a1", "u2,-"]);
}

#[test]
fn case_08_a_shared_device_stays_with_the_first() {
    let story = ends("-,a1; u1,a1; u2,a1; -,a1", "u1(~a1) | u2", &["~a1 u2 SharedDevice 3"]);
    assert_eq!(story.verdicts()[3], "~a1,-");
}

#[test]
fn case_09_a_logout_is_respected() {
    ends("u1,a1; -,a2", "u1(~a1) | ~a2", &[]);
}

#[test]
fn case_10_anonymous_traits_come_along() {
    ends("-,a1; u1,a1", "u1(~a1)", &[]);
}

#[test]
fn case_11_a_late_claim_joins_all_the_same() {
    ends("-,a1; u1,-; u1,a1", "u1(~a1)", &[]);
}

#[test]
fn cases_12_to_14_traits_make_nobody() {
    ends("u1,-; u1,-", "u1", &[]);
}

#[test]
fn cases_15_and_16_groups_make_nobody() {
    ends("u1,-; u1,-", "u1", &[]);
}

#[test]
fn case_17_an_anonymous_member_is_claimed() {
    ends("-,a1; -,a1; u1,a1", "u1(~a1)", &[]);
}

#[test]
fn case_18_an_alias_merges_two_users() {
    let story = ends("p,-; n,-; p->n", "n(p)", &[]);
    assert_eq!(story.links("n"), ["p n R4b 3"]);
    assert_eq!(story.verdicts()[2], "n,-");
}

#[test]
fn case_19_an_alias_makes_its_target() {
    ends("p,-; p->n", "n(p)", &[]);
}

#[test]
fn case_20_an_id_aliased_before_it_appears_ends_the_same() {
    let story = tell("p->n");
    assert_eq!(story.people(), "n(?p)");
    let story = ends("p->n; p,-", "n(p)", &[]);
    assert_eq!(story.links("n"), ["p n R4e 1 made by 2"]);
}

#[test]
fn case_21_a_retired_id_appears_late() {
    let story = ends("p->n; n,-; p,-", "n(p)", &[]);
    assert_eq!(story.verdicts()[2], "p,-");
}

#[test]
fn cases_22_and_23_a_merge_is_one_person_whatever_the_times() {
    ends("p,-; n,-; p->n", "n(p)", &[]);
}

#[test]
fn case_24_aliases_chain_in_either_order() {
    ends("a->b; b->c; a,-", "c(b a)", &[]);
    ends("b->c; a->b; a,-", "c(b a)", &[]);
    ends("a->b; a,-; b->c", "c(b a)", &[]);
}

#[test]
fn case_25_the_second_half_of_a_cycle_changes_nothing() {
    let story = ends("a,-; b,-; a->b; b->a", "b(a)", &[]);
    assert_eq!(story.links("b"), ["a b R4b 3"]);
}

#[test]
fn case_26_a_self_alias_changes_nothing() {
    ends("u1,-; u1->u1", "u1", &[]);
}

#[test]
fn case_27_a_self_alias_of_nobody_makes_the_target() {
    ends("x->x", "x", &[]);
}

#[test]
fn case_28_an_alias_of_a_visitor_claims() {
    let story = ends("-,a1; a1->u1", "u1(~a1)", &[]);
    assert_eq!(story.links("u1"), ["~a1 u1 R4c 2"]);
}

#[test]
fn case_29_an_alias_after_identify_is_harmless() {
    ends("u1,a1; a1->u1", "u1(~a1)", &[]);
}

#[test]
fn case_30_an_alias_cannot_take_a_claimed_visitor() {
    ends("u1,a1; a1->u2", "u1(~a1) | u2", &["~a1 u2 AliasAnonClaimed 2"]);
}

#[test]
fn case_31_a_second_alias_takes_the_first_target_along() {
    let story = ends("p,-; n1,-; n2,-; p->n1; p->n2", "n2(p n1)", &[]);
    assert_eq!(story.links("p"), ["p n1 R4b 4", "p n2 R4b 5"]);
}

#[test]
fn case_32_a_retired_id_keeps_working() {
    let story = ends("p,-; n,-; p->n; p,-", "n(p)", &[]);
    assert_eq!(story.verdicts()[3], "p,-");
}

#[test]
fn case_33_a_blocked_value_links_no_devices() {
    let story = ends("null,a1; null,a2; -,a1", "null | ~a1", &["- null BlockedId 1"]);
    assert_eq!(story.verdicts(), ["null,-", "null,-", "~a1,-"]);
}

#[test]
fn case_34_ids_are_told_apart_by_case() {
    ends("U1,-; u1,-", "U1 | u1", &[]);
}

#[test]
fn case_35_a_number_is_its_digits() {
    ends("7,-; 7,-", "7", &[]);
}

#[test]
fn case_36_saying_it_twice_changes_nothing() {
    let story = tell("u1,a1; u1,a1");
    assert_eq!(story.people(), "u1(~a1)");
    assert_eq!(story.changes.len(), 3);
}

#[test]
fn cases_37_to_39_equal_traits_and_groups_join_nobody() {
    ends("u1,-; u2,-", "u1 | u2", &[]);
}

#[test]
fn case_40_without_calls_there_is_nobody() {
    let story = ends("", "", &[]);
    assert!(story.graph.is_empty());
}
