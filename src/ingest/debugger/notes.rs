//! What becomes of the calls of one request, gathered for the debugger and handed over at once.

use std::sync::Arc;

use super::Debugger;
use super::glance::{Glance, Verdict};
use super::lanes::Share;
use crate::call::time::Time;
use crate::ingest::receipt::Status;

/// One lane of a request.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    room: usize,
    seen: u64,
    kept: usize,
}

/// The calls of one request.
#[derive(Debug)]
pub(in crate::ingest) struct Notes<'a> {
    debugger: &'a Debugger,
    source: Option<Arc<str>>,
    at: Time,
    /// In the order of [`Share::ALL`].
    tallies: [Tally; 3],
    glances: Vec<Glance>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(debugger: &'a Debugger, source: Option<Arc<str>>, at: Time) -> Self {
        let mut ring = debugger.ring();
        let tallies = Share::ALL.map(|share| {
            let room = ring.lanes.room(source.as_ref(), share, at);
            Tally { room, ..Tally::default() }
        });
        drop(ring);
        Self { debugger, source, at, tallies, glances: Vec::new() }
    }

    /// One call; it is only looked at if it can be kept.
    pub(in crate::ingest) fn add(&mut self, kind: &'static str, status: Status, look: impl FnOnce(Glance) -> Glance) {
        let share = match Verdict::of(status) {
            Verdict::Accepted => Share::Accepted,
            Verdict::Rejected => Share::Rejected,
        };
        self.add_to(share, kind, status, look);
    }

    /// A request of which nothing was taken, or a remark on all of it.
    pub(in crate::ingest) fn add_whole(&mut self, kind: &'static str, look: impl FnOnce(Glance) -> Glance) {
        self.add_to(Share::Whole, kind, Status::Rejected, look);
    }

    fn add_to(&mut self, share: Share, kind: &'static str, status: Status, look: impl FnOnce(Glance) -> Glance) {
        let mut tallies = Share::ALL.iter().zip(&mut self.tallies);
        if let Some((_, tally)) = tallies.find(|(of, _)| **of == share) {
            tally.seen += 1;
            if tally.kept < tally.room {
                tally.kept += 1;
                self.glances.push(look(Glance::new(self.at, self.source.clone(), kind, status)));
            }
        }
    }

    /// Hands them over.
    pub(in crate::ingest) fn keep(self) {
        let is_news = !self.glances.is_empty();
        let mut ring = self.debugger.ring();
        for (share, tally) in Share::ALL.into_iter().zip(self.tallies) {
            if tally.seen > 0 {
                ring.lanes.count(self.source.as_ref(), share, tally.seen, tally.kept, self.at);
            }
        }
        for glance in self.glances {
            ring.push(glance);
        }
        let next = ring.next;
        drop(ring);
        if is_news {
            self.debugger.moved.send_replace(next);
        }
    }
}
