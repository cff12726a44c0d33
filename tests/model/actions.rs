//! What senders and operators may do, from few ids, so that they meet often.

use proptest::prelude::*;

/// One record, or a stop of the program.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A call that is no alias.
    Call { user: Option<&'static str>, anonymous: Option<&'static str> },
    /// An alias.
    Alias { previous: &'static str, user: &'static str, anonymous: Option<&'static str>, may_merge_users: bool },
    /// The operator merges the people of two ids.
    Merge { from: (bool, &'static str), into: (bool, &'static str) },
    /// The operator undoes what the record this many places back did.
    Undo { back: u64 },
    /// All that is left is what was stored.
    Restart,
}

/// The same texts serve as userIds and as anonymousIds; two of them are blocked.
const IDS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "null", "0-0"];

fn ids() -> impl Strategy<Value = &'static str> {
    prop::sample::select(IDS.to_vec())
}

fn some_ids() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(0.7, ids())
}

/// Stories of up to 60 records.
pub(super) fn stories() -> impl Strategy<Value = Vec<Action>> {
    let call = (some_ids(), some_ids()).prop_map(|(user, anonymous)| Action::Call { user, anonymous });
    let alias = (ids(), ids(), prop::option::weighted(0.3, ids()), prop::bool::weighted(0.8)).prop_map(
        |(previous, user, anonymous, may_merge_users)| Action::Alias { previous, user, anonymous, may_merge_users },
    );
    let merge = (any::<bool>(), ids(), any::<bool>(), ids())
        .prop_map(|(known, from, other, into)| Action::Merge { from: (known, from), into: (other, into) });
    let undo = (1..40_u64).prop_map(|back| Action::Undo { back });
    let action = prop_oneof![8 => call, 6 => alias, 2 => merge, 3 => undo, 1 => Just(Action::Restart)];
    prop::collection::vec(action, 0..60)
}

/// Aliases between users, and the same ones in another order.
pub(super) fn shuffled_aliases() -> impl Strategy<Value = (Vec<Alias>, Vec<Alias>)> {
    let alias = (prop::sample::select(USERS.to_vec()), prop::sample::select(USERS.to_vec()));
    prop::collection::vec(alias, 0..12).prop_flat_map(|aliases| (Just(aliases.clone()), Just(aliases).prop_shuffle()))
}

/// From and to.
pub(super) type Alias = (&'static str, &'static str);

/// Ids that are not blocked.
pub(super) const USERS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
