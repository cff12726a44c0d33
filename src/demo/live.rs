//! What comes after the week: the same people, and now and then a new one, call after call as time goes by.

use std::collections::VecDeque;

use super::cast::{Cast, shopper};
use super::chance::Chance;
use super::engage::Engage;
use super::rhythm::SECOND_MS;
use super::sent::{Sent, later};
use super::stories;
use super::week::{Week, play};
use crate::call::time::Time;

/// A visit begins about this often. With what a visit says, that makes about two calls a second.
const VISIT_S: (u32, u32) = (2, 7);
/// Visits that have begun when the first one looks.
const BEGUN: u32 = 20;
/// How often audiences are told; a bad call comes a little less often.
const SYNC_MS: i64 = 60 * SECOND_MS;
/// After a longer gap (the machine slept) what would have come meanwhile is left out.
const GAP_MS: i64 = 60 * SECOND_MS;
/// New people who are remembered; later ones are visitors who never come back.
const PEOPLE_MAX: usize = 3_000;

/// The traffic from a time on.
#[derive(Debug)]
pub struct Live {
    chance: Chance,
    cast: Cast,
    engage: Engage,
    /// What will be sent, in order.
    coming: VecDeque<Sent>,
    next_visit: Time,
    next_sync: Time,
    refused: usize,
    until: Time,
}

impl Live {
    /// Goes on where the week ended, at `now`. Another `now` gives other message ids.
    pub fn after(week: Week, seed: u64, now: Time) -> Self {
        let chance = Chance::new(seed, now.as_millis().unsigned_abs());
        let next_sync = later(now, SYNC_MS);
        let (cast, engage) = (week.cast, week.engage);
        let mut live =
            Self { chance, cast, engage, coming: VecDeque::new(), next_visit: now, next_sync, refused: 0, until: now };
        for _ in 0..BEGUN {
            let at = later(now, i64::from(live.chance.between(0, 3_000)));
            live.visit(at);
        }
        live
    }

    /// All calls up to a time that were not given yet, in order.
    pub fn until(&mut self, now: Time) -> Vec<Sent> {
        if now.as_millis() - self.until.as_millis() > GAP_MS {
            self.coming.clear();
            (self.next_visit, self.next_sync) = (now, now);
        }
        self.until = now;
        let mut sent = Vec::new();
        loop {
            let next = self.next_visit.min(self.next_sync);
            self.happen(next.min(now), &mut sent);
            if next > now {
                return sent;
            }
            if next == self.next_visit {
                let (low, high) = VISIT_S;
                self.next_visit = later(next, i64::from(self.chance.between(low * 1_000, high * 1_000)));
                self.visit(next);
            } else {
                self.next_sync = later(next, SYNC_MS);
                self.engage.sync(next, &mut self.chance, &mut sent);
                sent.push(stories::refused(next, self.refused, &mut self.chance));
                self.refused += 1;
            }
        }
    }

    /// Takes what is due.
    fn happen(&mut self, until: Time, sent: &mut Vec<Sent>) {
        let due = self.coming.partition_point(|sent| sent.at <= until);
        for call in self.coming.drain(..due) {
            self.engage.see(&call);
            sent.push(call);
        }
    }

    /// Somebody comes.
    fn visit(&mut self, at: Time) {
        let is_new = self.chance.percent(12) && self.cast.people.len() < PEOPLE_MAX;
        let place = if is_new {
            let number = self.cast.people.len();
            // Not by number: a demo that goes on later begins to count anew.
            let id = format!("cus_{:06x}", self.chance.next() >> 40);
            let user_id = self.chance.percent(40).then_some(id);
            let person = shopper(&mut self.chance, user_id, at);
            self.cast.people.push(person);
            number
        } else {
            self.chance.place(self.cast.people.len())
        };
        let mut calls = Vec::new();
        play(&mut self.chance, &mut self.cast, place, at, &mut calls);
        self.coming.extend(calls);
        self.coming.make_contiguous().sort_by_key(|sent| sent.at);
    }
}
