//! Ids of erased people who are not to come back: their later calls are answered and dropped.
//!
//! Only hashes of the ids are kept, with a secret of this data folder: whoever has the list cannot tell whose ids they are,
//! nor try names without the secret.

use std::collections::HashSet;

use arc_swap::ArcSwapOption;

use crate::call::ids::{AnonymousId, UserId, digest_of_anonymous, digest_of_user};
use crate::call::{Call, Marks, Target};

/// The hash of an id that is suppressed.
pub type IdHash = [u8; 16];

/// The hash of the id with this digest (see [`digest_of_user`]).
pub fn hash(secret: &[u8; 32], digest: &[u8; 16]) -> IdHash {
    blake3::keyed_hash(secret, digest).as_bytes().first_chunk().copied().unwrap_or_default()
}

/// All suppressed ids. Cheap to ask while it is empty, and while it is replaced.
#[derive(Debug, Default)]
pub struct Suppressed(ArcSwapOption<List>);

struct List {
    secret: [u8; 32],
    hashes: HashSet<IdHash>,
}

impl std::fmt::Debug for List {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("List").field("ids", &self.hashes.len()).finish_non_exhaustive()
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is taken as it is.
    Take,
    /// It is somebody else's, on a device that is suppressed: it is taken without its anonymousId.
    Unname,
    /// It is dropped.
    Drop,
}

impl Suppressed {
    /// Replaces the whole list at once.
    pub fn replace(&self, secret: [u8; 32], hashes: HashSet<IdHash>) {
        let list = (!hashes.is_empty()).then(|| std::sync::Arc::new(List { secret, hashes }));
        self.0.store(list);
    }

    /// What becomes of a call.
    pub(super) fn verdict(&self, call: &Call<'_>) -> Verdict {
        let list = self.0.load();
        let Some(list) = list.as_ref() else { return Verdict::Take };
        let holds = |digest: [u8; 16]| list.hashes.contains(&hash(&list.secret, &digest));
        let user = call.user_id.as_ref().map(UserId::as_str);
        let device = call.anonymous_id.as_ref().map(AnonymousId::as_str).map(digest_of_anonymous);
        let is_previous = match &call.target {
            Target::Previous(id) => holds(digest_of_user(id.as_str())) || holds(digest_of_anonymous(id.as_str())),
            Target::Group(_) | Target::None => false,
        };
        if is_previous || user.map(digest_of_user).is_some_and(holds) {
            return Verdict::Drop;
        }
        match device.is_some_and(holds) {
            false => Verdict::Take,
            true if user.is_some() => Verdict::Unname,
            true => Verdict::Drop,
        }
    }

    /// The call as it is taken; none if it is dropped.
    pub(super) fn pass<'a>(&self, call: Call<'a>) -> Option<Call<'a>> {
        match self.verdict(&call) {
            Verdict::Take => Some(call),
            Verdict::Unname => Some(Call { anonymous_id: None, marks: call.marks.with(Marks::UNNAMED), ..call }),
            Verdict::Drop => None,
        }
    }
}
