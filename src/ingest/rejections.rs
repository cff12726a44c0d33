//! What was refused, newest first, to look at: a ring bounded in entries and in bytes. It does not survive a restart.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::code::Code;
use super::settings::Settings;
use crate::call::time::Time;

/// Bytes that all kept rejections may take together.
const BYTES_MAX: usize = 16 << 20;
/// What an entry takes besides its texts, about.
const ENTRY_BYTES: usize = 256;

/// One message or request that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Rising from 1; what pages are cut by.
    pub number: u64,
    /// When.
    pub at: Time,
    /// The source, if the key named one.
    pub source: Option<Arc<str>>,
    /// The message's type, or the route's name when it has none.
    pub kind: &'static str,
    /// Why.
    pub code: Code,
    /// The same in words.
    pub message: String,
    /// The message's id, if it had a usable one.
    pub message_id: Option<String>,
    /// How many messages this entry stands for; 0 for a remark on a whole request.
    pub messages: u64,
    /// The body as received, cut to the limit, write keys masked.
    pub body: String,
}

impl Rejection {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.message.len() + self.body.len() + self.message_id.as_ref().map_or(0, String::len)
    }
}

/// Some rejections, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rejections.
    pub items: Vec<Arc<Rejection>>,
    /// Pass it as `before` to get the next page; none when this is the last.
    pub next: Option<u64>,
}

/// The rejections that are kept.
#[derive(Debug)]
pub struct Rejections {
    ring: Mutex<Ring>,
    entries_max: usize,
    /// How much of a body is kept.
    pub body_bytes_max: usize,
    counts: Vec<AtomicU64>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Arc<Rejection>>,
    bytes: usize,
    last: u64,
}

impl Rejections {
    /// An empty list with the limits of these settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            ring: Mutex::default(),
            entries_max: settings.rejections_max,
            body_bytes_max: settings.rejection_body_bytes_max,
            counts: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Adds one; its number is given here. The oldest ones make room.
    pub fn add(&self, mut rejection: Rejection) {
        if let Some(count) =
            Code::ALL.iter().position(|code| *code == rejection.code).and_then(|at| self.counts.get(at))
        {
            count.fetch_add(rejection.messages.max(1), Ordering::Relaxed);
        }
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.last += 1;
        rejection.number = ring.last;
        ring.bytes += rejection.bytes();
        ring.entries.push_back(Arc::new(rejection));
        while ring.entries.len() > self.entries_max || ring.bytes > BYTES_MAX {
            let Some(oldest) = ring.entries.pop_front() else { break };
            ring.bytes -= oldest.bytes();
        }
    }

    /// Forgets every entry that names one of these ids or was of one of these messages, and every one of which that cannot
    /// be told: its body was cut, or holds escapes behind which anything may stand.
    pub fn forget(&self, ids: &[String]) {
        let finders: Vec<_> = ids.iter().map(|id| memchr::memmem::Finder::new(id.as_bytes())).collect();
        let names = |text: &str| finders.iter().any(|finder| finder.find(text.as_bytes()).is_some());
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.entries.retain(|one| {
            let is_unclear = one.body.len() >= self.body_bytes_max || one.body.contains('\\');
            !is_unclear && !names(&one.body) && !names(&one.message) && !one.message_id.as_deref().is_some_and(names)
        });
        ring.bytes = ring.entries.iter().map(|one| one.bytes()).sum();
    }

    /// At most `limit` rejections with numbers below `before` (the newest ones without it) that `wanted` accepts.
    pub fn page(&self, before: Option<u64>, limit: usize, wanted: impl Fn(&Rejection) -> bool) -> Page {
        let entries: Vec<_> = {
            let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
            let end =
                before.map_or(ring.entries.len(), |before| ring.entries.partition_point(|one| one.number < before));
            ring.entries.range(..end).rev().cloned().collect()
        };
        let mut found = entries.into_iter().filter(|one| wanted(one));
        let items: Vec<_> = found.by_ref().take(limit).collect();
        let next = found.next().and_then(|_| items.last().map(|one| one.number));
        Page { items, next }
    }

    /// How often each code came up since the start; codes that never did are left out.
    pub fn counts(&self) -> impl Iterator<Item = (Code, u64)> {
        Code::ALL.iter().zip(&self.counts).filter_map(|(code, count)| {
            let count = count.load(Ordering::Relaxed);
            (count > 0).then_some((*code, count))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, Page, Rejection, Rejections};
    use crate::call::time::Time;
    use crate::ingest::code::Code;
    use crate::ingest::settings::Settings;

    fn rejections(rejections_max: usize) -> Rejections {
        Rejections::new(&Settings { rejections_max, ..Settings::default() })
    }

    fn add(rejections: &Rejections, code: Code, messages: u64, body: String) {
        rejections.add(Rejection {
            number: 0,
            at: Time::default(),
            source: None,
            kind: "track",
            code,
            message: String::new(),
            message_id: None,
            messages,
            body,
        });
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.items.iter().map(|one| one.number).collect()
    }

    #[test]
    fn pages_go_from_new_to_old_and_never_skip() {
        let rejections = rejections(5);
        for number in 0..8 {
            add(&rejections, if number % 2 == 0 { Code::TooDeep } else { Code::InvalidJson }, 1, String::new());
        }
        let first = rejections.page(None, 2, |_| true);
        assert_eq!((numbers(&first), first.next), (vec![8, 7], Some(7)));
        add(&rejections, Code::TooDeep, 1, String::new());
        let second = rejections.page(first.next, 2, |_| true);
        assert_eq!((numbers(&second), second.next), (vec![6, 5], None), "4 made room for 9");
        let deep = rejections.page(None, 10, |one| one.code == Code::TooDeep);
        assert_eq!((numbers(&deep), deep.next), (vec![9, 7, 5], None));
        assert_eq!(rejections.page(Some(1), 10, |_| true), Page::default());
    }

    #[test]
    fn bytes_are_bounded_and_all_are_counted() {
        let rejections = rejections(usize::MAX);
        for _ in 0..20 {
            add(&rejections, Code::BatchTooMany, 3, "x".repeat(1 << 20));
        }
        let kept = rejections.page(None, usize::MAX, |_| true);
        assert_eq!(kept.items.len(), BYTES_MAX / (1 << 20) - 1, "entries weigh a little more than their bodies");
        assert_eq!(rejections.counts().collect::<Vec<_>>(), [(Code::BatchTooMany, 60)]);
    }

    #[test]
    fn none_are_kept_if_none_are_wanted() {
        let rejections = rejections(0);
        add(&rejections, Code::TooDeep, 1, String::new());
        assert!(rejections.page(None, 10, |_| true).items.is_empty());
        assert_eq!(rejections.counts().count(), 1);
    }
}
