//! The corners of the rules that the worked cases leave open.

use super::super::blocked::is_blocked;
use super::super::*;
use super::story::tell;

#[test]
fn blocked_values_are_these() {
    let blocked = [
        "0",
        "000",
        "-",
        "---",
        "-0",
        "00000000-0000-0000-0000-000000000000",
        "-1",
        "null",
        "NULL",
        "Null",
        "anonymous",
        "Anonymous",
        "undefined",
        "none",
        "None",
        "nan",
        "NaN",
        "guest",
        "[object Object]",
        "[OBJECT OBJECT]",
    ];
    for value in blocked {
        assert!(is_blocked(value), "{value}");
    }
    let fine = ["1", "-2", "01", "u1", " null", "null ", "nulls", "guest1", "0x0", "a-0", "٠", "[object object", "–"];
    for value in fine {
        assert!(!is_blocked(value), "{value}");
    }
}

#[test]
fn a_blocked_user_claims_nothing_and_a_blocked_visitor_is_not_claimed() {
    let story = tell("-,a1; guest,a1; -,0-0; u1,0-0; u1,0-0");
    assert_eq!(story.people(), "~a1 | guest | ~0-0 | u1");
    assert_eq!(story.refused(), ["~a1 guest BlockedId 2", "~0-0 u1 BlockedId 4"]);
    let refused: Vec<_> = story.verdicts.iter().map(|verdict| verdict.refused).collect();
    let blocked = Some(RefusalCode::BlockedId);
    assert_eq!(refused, [None, blocked, None, blocked, blocked]);
}

#[test]
fn an_alias_into_a_blocked_value_belongs_to_nobody_until_that_owns_something() {
    let story = tell("p,-; p->null; null->null");
    assert_eq!(story.people(), "p");
    assert_eq!(story.verdicts(), ["p,-", "-,-", "-,-"]);
    assert_eq!(story.verdicts[1].refused, Some(RefusalCode::AliasBlockedId));
    assert_eq!(story.verdicts[2].refused, None);
    let story = tell("p,-; null,-; p->null; q->null");
    assert_eq!(story.people(), "p | null");
    assert_eq!(story.verdicts(), ["p,-", "null,-", "null,-", "null,-"]);
    assert_eq!(story.refused(), ["p null AliasBlockedId 3", "- null AliasBlockedId 4"]);
}

#[test]
fn an_alias_of_a_blocked_value_still_makes_its_target() {
    let story = tell("null->n; -,null; null->n");
    assert_eq!(story.people(), "n | ~null");
    assert_eq!(story.refused(), ["- n AliasBlockedId 1", "~null n AliasBlockedId 3"]);
}

#[test]
fn an_aliass_own_anonymous_id_claims_nothing_and_does_not_appear() {
    let story = tell("p->n,a1; -,a1");
    assert_eq!(story.people(), "n(?p) | ~a1");
    let story = tell("n,a1; p->n,a1; p->m,a1");
    assert_eq!(story.verdicts(), ["n,~a1", "n,~a1", "m,~a1"]);
    assert_eq!(story.people(), "m(n ~a1 ?p)");
}

#[test]
fn a_reserved_id_is_the_targets_under_the_namespace_it_appears_in() {
    let story = tell("p->n; -,p; p,-");
    assert_eq!(story.people(), "n(~p) | p");
    assert_eq!(story.links("n"), ["~p n R4e 1 made by 2"]);
    let story = tell("p->n; u1,p");
    assert_eq!(story.people(), "n(~p) | u1");
    assert_eq!(story.refused(), ["~p u1 SharedDevice 2"]);
}

#[test]
fn a_reserved_id_appears_as_the_target_of_an_alias_too() {
    let story = tell("p->n; x,-; x->p");
    assert_eq!(story.people(), "n(x p)");
    assert_eq!(story.links("n"), ["p n R4e 1 made by 3", "x p R4b 3"]);
}

#[test]
fn both_ids_of_one_call_may_have_been_reserved() {
    let story = tell("p->n; q->n; p,q");
    assert_eq!(story.people(), "n(p ~q)");
    assert_eq!(story.links("n"), ["p n R4e 1 made by 3", "~q n R4e 2 made by 3"]);
    let story = tell("p->n; q->m; p,q");
    assert_eq!(story.people(), "n(p) | m(~q)");
    assert_eq!(story.refused(), ["~q p SharedDevice 3"]);
}

#[test]
fn an_alias_of_a_reserved_id_means_whoever_it_is_reserved_for() {
    let story = tell("p->n; p->m; p,-");
    assert_eq!(story.people(), "m(n p)");
    assert_eq!(story.links("m"), ["n m R4b 2", "p n R4e 1 made by 3"]);
    assert_eq!(tell("p->n; p->n").people(), "n(?p)");
}

#[test]
fn a_limited_source_claims_visitors_only() {
    let story = tell("p,-; p=>n; -,a1; a1=>n; p=>n");
    assert_eq!(story.people(), "p | n(~a1)");
    assert_eq!(story.refused(), ["p n AliasUserNotAllowed 2"]);
    assert_eq!(story.verdicts[4].refused, Some(RefusalCode::AliasUserNotAllowed));
}

#[test]
fn a_limited_source_cannot_reserve_a_user_either() {
    let story = tell("boss=>n; boss,-; -,boss");
    assert_eq!(story.people(), "n(~boss) | boss");
    let story = tell("p=>n; p=>m");
    assert_eq!(story.people(), "n(?p) | m");
    assert_eq!(story.refused(), ["n m AliasUserNotAllowed 2"]);
}

#[test]
fn a_merge_takes_everything_along_and_moves_no_device_alone() {
    let story = tell("u1,a1; u2,a2; u1->u2; -,a1; u3,a1");
    assert_eq!(story.people(), "u2(u1 ~a1 ~a2) | u3");
    assert_eq!(story.refused(), ["~a1 u3 SharedDevice 5"]);
}

#[test]
fn who_belongs_together_does_not_depend_on_the_order_of_aliases() {
    let people = |script: &str| {
        let story = tell(script);
        let mut ids: Vec<_> =
            story.graph.ids(story.node("a")).into_iter().map(|id| story.name(id).to_owned()).collect();
        ids.sort();
        ids
    };
    let users = "a,-; b,-; c,-; d,-;";
    for aliases in ["a->b; b->c; d->a", "d->a; b->c; a->b", "b->c; a->b; d->a", "a->b; d->a; b->c"] {
        assert_eq!(people(&format!("{users} {aliases}")), ["a", "b", "c", "d"]);
    }
}

#[test]
fn the_shifts_of_a_call_tell_who_joined_whom() {
    let story = tell("-,a1; u1,a1; p->n; p,-; n,-; p->u1");
    let (a1, u1, n, p) = (story.node("~a1"), story.node("u1"), story.node("n"), story.node("p"));
    let joined = |from, into| vec![Shift::Joined { from, into }];
    let nothing = Vec::new();
    assert_eq!(story.shifts, [nothing.clone(), joined(a1, u1), nothing.clone(), joined(p, n), nothing, joined(n, u1)]);
    let appeared: Vec<_> = story.verdicts.iter().flat_map(|verdict| verdict.appeared.clone()).collect();
    let expected = [(a1, "a1"), (u1, "u1"), (n, "n"), (p, "p")].map(|(node, id)| (node, id.to_owned()));
    assert_eq!(appeared, expected);
}

#[test]
fn a_call_without_ids_belongs_to_nobody() {
    let story = tell("-,-");
    assert_eq!(story.verdicts, [Verdict::default()]);
    assert!(story.changes.is_empty());
}
