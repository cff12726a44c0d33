//! What becomes of each record: pure, and the same whenever it is asked.

use std::collections::HashMap;

use super::book::Running;
use crate::call::ids::{AnonymousId, UserId};
use crate::call::{Marks, Target};
use crate::journal::erase::Fate;
use crate::journal::{Record, Sequence};
use crate::views::identity::{IdKind, NodeKey};

/// All erasures that are carried out together.
pub(super) struct Fates {
    /// By the digest of an id: up to where, and by which erasure.
    keys: HashMap<NodeKey, (Sequence, String)>,
    /// Nothing from here on is erased.
    pub(super) end: Sequence,
}

impl Fates {
    /// Of these erasures; those that suppress erase everything below `tail`, for there can be nothing later.
    pub(super) fn new(running: &[Running], tail: Sequence) -> Self {
        let mut fates = Self { keys: HashMap::new(), end: Sequence::FIRST };
        for one in running {
            let Some(sequence) = one.sequence() else { continue };
            let end = if one.suppress { tail } else { sequence };
            fates.end = fates.end.max(end);
            for key in one.keys() {
                let known = fates.keys.entry(key).or_insert_with(|| (end, one.id.clone()));
                if known.0 < end {
                    *known = (end, one.id.clone());
                }
            }
        }
        fates
    }

    /// Which erasure an id belongs to, for a record at this place.
    fn by_key(&self, key: &NodeKey, at: Sequence) -> Option<&str> {
        self.keys.get(key).filter(|(end, _)| at < *end).map(|(_, id)| id.as_str())
    }

    fn by_id(&self, kind: IdKind, id: &str, at: Sequence) -> Option<&str> {
        self.by_key(&NodeKey::of(kind, id), at)
    }

    /// What becomes of a record.
    pub(super) fn of(&self, record: &Record<'_>) -> Fate {
        let (call, at) = (&record.call, record.sequence);
        if call.marks.has(Marks::CONTROL) {
            return self.merge(&call.payload, at).map_or(Fate::Keep, |id| Fate::Erase(id.to_owned()));
        }
        let user = call.user_id.as_ref().map(UserId::as_str);
        let device = call.anonymous_id.as_ref().map(AnonymousId::as_str);
        let of_user = user.and_then(|id| self.by_id(IdKind::User, id, at));
        let of_device = device.and_then(|id| self.by_id(IdKind::Anonymous, id, at));
        let of_previous = match &call.target {
            Target::Previous(id) => {
                [IdKind::User, IdKind::Anonymous].into_iter().find_map(|kind| self.by_id(kind, id.as_str(), at))
            }
            Target::Group(_) | Target::None => None,
        };
        match (of_user.or(of_previous), of_device) {
            (None, Some(_)) if user.is_some() => Fate::Unname,
            (Some(erasure), _) | (None, Some(erasure)) => Fate::Erase(erasure.to_owned()),
            (None, None) => Fate::Keep,
        }
    }

    /// Which erasure an operator's merge belongs to.
    fn merge(&self, payload: &str, at: Sequence) -> Option<&str> {
        let payload: serde_json::Value = serde_json::from_str(payload).ok()?;
        let keys = ["from", "into"].into_iter().filter_map(|name| payload.get(name)?.as_str()?.parse().ok());
        keys.into_iter().find_map(|key: NodeKey| self.by_key(&key, at))
    }
}
