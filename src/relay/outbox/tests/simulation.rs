//! All rules at once against a receiver that misbehaves, in virtual time: random calls of few people, random answers,
//! restarts, pauses and clocks that jump. Whatever happens, each call is delivered in the order of its person or dead for
//! a reason that is true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::super::{HELD_MAX, Pause};
use super::{Change, Destination, Next, Offer, Outbox, Sequence, Time, Tried, at, destination};
use crate::relay::policy::Verdict;

/// What the receiver thinks of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taste {
    Good,
    /// 400, with all that is in the same request.
    Bad,
    /// 501.
    Unknown,
    /// 403, with all that is in the same request.
    Forbidden,
    /// Makes the receiver fail.
    Poison,
}

/// What the receiver does at a time, whatever the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    Down,
    Limiting,
    WrongKey,
    /// Takes what it gets, and the answer is lost.
    Deaf,
    /// Takes three calls at once at most.
    Narrow,
}

#[derive(Clone, Debug)]
enum Act {
    /// For so many seconds.
    Be(Mood, u16),
    Restart,
    Pause,
    Resume,
    Clock(i32),
}

fn moods() -> impl Strategy<Value = Mood> {
    prop_oneof![
        3 => Just(Mood::Well),
        2 => Just(Mood::Down),
        1 => Just(Mood::Limiting),
        1 => Just(Mood::WrongKey),
        1 => Just(Mood::Deaf),
        1 => Just(Mood::Narrow),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (moods(), 1..900_u16).prop_map(|(mood, seconds)| Act::Be(mood, seconds)),
        2 => Just(Act::Restart),
        1 => Just(Act::Pause),
        2 => Just(Act::Resume),
        1 => (-5_000..60_i32).prop_map(Act::Clock),
    ];
    prop::collection::vec(act, 0..24)
}

fn calls() -> impl Strategy<Value = Vec<(Vec<u64>, Taste)>> {
    let taste = prop_oneof![
        30 => Just(Taste::Good),
        2 => Just(Taste::Bad),
        1 => Just(Taste::Unknown),
        1 => Just(Taste::Forbidden),
        1 => Just(Taste::Poison),
    ];
    prop::collection::vec((prop::collection::vec(0..8_u64, 0..3), taste), 1..120)
}

/// One call as the world knows it.
struct Truth {
    ids: Vec<u64>,
    taste: Taste,
    tried: Option<Tried>,
    is_settled: bool,
    arrivals: u32,
    /// How often it may arrive: once, and once more for each answer that was lost.
    excuses: u32,
}

struct Request {
    ends: Time,
    sent: Vec<Sequence>,
    verdict: Verdict,
}

/// The journal, the ledger, the receiver and the worker in one.
struct World {
    to: Destination,
    outbox: Outbox,
    seed: u64,
    now: Time,
    /// How far the clock is off.
    mood: Mood,
    calls: BTreeMap<Sequence, Truth>,
    next: Sequence,
    under_way: Vec<Request>,
    requests: usize,
    was_wrong_key: bool,
    dead: Vec<(Sequence, &'static str)>,
    pause: Option<Pause>,
    lane_max: usize,
}

impl World {
    fn new(to: Destination, seed: u64, calls: Vec<(Vec<u64>, Taste)>) -> Self {
        let truth = |(ids, taste)| Truth { ids, taste, tried: None, is_settled: false, arrivals: 0, excuses: 1 };
        let calls = (1..).map(Sequence::new).zip(calls.into_iter().map(truth)).collect();
        Self {
            outbox: Outbox::new(&to, seed, None),
            to,
            seed,
            now: at(0),
            mood: Mood::Well,
            calls,
            next: Sequence::FIRST,
            under_way: Vec::new(),
            requests: 0,
            was_wrong_key: false,
            dead: Vec::new(),
            pause: None,
            lane_max: usize::MAX,
        }
    }

    fn owed(&self) -> usize {
        self.calls.values().filter(|truth| !truth.is_settled).count()
    }

    /// Offers what there is room for.
    fn read(&mut self) {
        if let Some(first) = self.outbox.left_behind() {
            self.next = first;
        }
        let room = self.outbox.room().min(50);
        for _ in 0..room {
            let Some(truth) = self.calls.get(&self.next) else { break };
            if !truth.is_settled {
                let offer = Offer { sequence: self.next, ids: truth.ids.clone(), bytes: 100, tried: truth.tried };
                let is_held = self.outbox.offer(offer, self.now);
                assert!(is_held || self.lane_max < self.calls.len(), "it was left behind without need");
            }
            self.next = self.next.plus(1);
        }
        assert!(self.outbox.numbers().held <= HELD_MAX);
    }

    /// All there is to do at this time. How often that is, is bounded.
    fn work(&mut self) -> Option<Time> {
        for _ in 0..10_000 {
            self.read();
            match self.outbox.next(self.now) {
                Next::Send(sent) => self.send(sent),
                Next::Settle(changes) => self.enter(changes),
                Next::Wait(until) => {
                    assert!(until.is_none_or(|until| until > self.now), "it waits for what is now");
                    return until;
                }
            }
        }
        panic!("it does not come to an end");
    }

    fn send(&mut self, sent: Vec<Sequence>) {
        self.requests += 1;
        let batch_max = if self.to.batch_max == 0 { 20 } else { self.to.batch_max };
        assert!(!sent.is_empty() && sent.len() <= batch_max, "{} calls", sent.len());
        let busy: BTreeSet<u64> =
            self.under_way.iter().flat_map(|request| self.ids(&request.sent).into_iter().flatten()).collect();
        for (place, sequence) in sent.iter().enumerate() {
            let truth = &self.calls[sequence];
            assert!(!truth.is_settled, "{sequence} is sent though it is settled");
            assert!(truth.ids.iter().all(|id| !busy.contains(id)), "{sequence}: its lane is under way");
            for (earlier, other) in self.calls.range(..sequence) {
                let is_ahead = other.is_settled || sent[..place].contains(earlier);
                assert!(
                    is_ahead || !other.ids.iter().any(|id| truth.ids.contains(id)),
                    "{sequence} overtakes {earlier}"
                );
            }
        }
        let (verdict, took) = self.receive(&sent);
        self.under_way.push(Request { ends: Time::from_millis(self.now.as_millis() + took), sent, verdict });
    }

    fn ids(&self, sent: &[Sequence]) -> Vec<Vec<u64>> {
        sent.iter().map(|sequence| self.calls[sequence].ids.clone()).collect()
    }

    fn receive(&mut self, sent: &[Sequence]) -> (Verdict, i64) {
        let has = |taste| sent.iter().any(|sequence| self.calls[sequence].taste == taste);
        let verdict = match self.mood {
            Mood::Down => return (Verdict::Retry { after: None }, 5_000),
            Mood::Limiting => return (Verdict::Retry { after: Some(Duration::from_secs(30)) }, 5),
            Mood::WrongKey => {
                self.was_wrong_key = true;
                return (Verdict::Unauthorized, 5);
            }
            Mood::Narrow if sent.len() > 3 => return (Verdict::TooLarge, 5),
            _ if has(Taste::Poison) => return (Verdict::Retry { after: None }, 50),
            _ if has(Taste::Forbidden) => return (Verdict::Unauthorized, 50),
            _ if has(Taste::Bad) => return (Verdict::Refused, 50),
            _ if has(Taste::Unknown) => return (Verdict::Unsupported, 50),
            Mood::Deaf => Verdict::Retry { after: None },
            Mood::Well | Mood::Narrow => Verdict::Delivered,
        };
        for sequence in sent {
            let truth = self.calls.get_mut(sequence).unwrap();
            truth.arrivals += 1;
            truth.excuses += u32::from(verdict != Verdict::Delivered);
            assert!(truth.arrivals <= truth.excuses, "{sequence} arrives once more without need");
        }
        (verdict, 80)
    }

    /// Takes the changes into the ledger, as the worker does.
    fn enter(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Delivered(sequence) => {
                    let truth = self.calls.get_mut(&sequence).unwrap();
                    assert!(truth.arrivals > 0 && !truth.is_settled, "{sequence} did not arrive");
                    truth.is_settled = true;
                }
                Change::Dead { sequence, code, tried } => {
                    let truth = self.calls.get_mut(&sequence).unwrap();
                    assert!(!std::mem::replace(&mut truth.is_settled, true), "{sequence} dies twice");
                    match code {
                        "REFUSED" => assert_eq!(truth.taste, Taste::Bad),
                        "UNSUPPORTED_EVENT_TYPE" => assert_eq!(truth.taste, Taste::Unknown),
                        "UNAUTHORIZED" => assert!(truth.taste == Taste::Forbidden || self.was_wrong_key),
                        "EXPIRED" => {
                            let age_ms = tried.due.as_millis() - tried.first_at.as_millis();
                            assert!(tried.attempts > 0 && age_ms >= 4 * 3_600_000, "{sequence}: {tried:?}");
                        }
                        other => panic!("{sequence} is dead: {other}"),
                    }
                    self.dead.push((sequence, code));
                }
                Change::Waiting { sequence, tried } => {
                    let truth = self.calls.get_mut(&sequence).unwrap();
                    assert!(!truth.is_settled);
                    truth.tried = Some(tried);
                }
            }
        }
        if let Some(pause) = self.outbox.pause_wanted() {
            assert!(self.calls.values().any(|truth| truth.taste == Taste::Forbidden) || self.was_wrong_key);
            self.pause = Some(pause);
        }
    }

    /// Lets the time pass until then, and one step further if anything is under way.
    fn run_until(&mut self, end: Time) {
        loop {
            let wanted = self.work();
            let ends = self.under_way.iter().map(|request| request.ends).min();
            let Some(now) = wanted.into_iter().chain(ends).min().filter(|now| *now <= end) else { break };
            self.now = self.now.max(now);
            let (back, under_way) =
                std::mem::take(&mut self.under_way).into_iter().partition(|request: &Request| request.ends <= self.now);
            self.under_way = under_way;
            for Request { sent, verdict, .. } in back {
                let changes = self.outbox.answered(&sent, verdict, Duration::from_millis(80), self.now);
                self.enter(changes);
            }
        }
        self.now = self.now.max(end);
    }

    fn later(&self, seconds: i64) -> Time {
        Time::from_millis(self.now.as_millis() + seconds * 1_000)
    }

    fn resume(&mut self) {
        self.pause = None;
        self.outbox.pause(None);
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Be(mood, seconds) => {
                self.mood = mood;
                self.run_until(self.later(seconds.into()));
            }
            Act::Restart => {
                self.seed += 1;
                self.outbox = Outbox::new(&self.to, self.seed, self.pause.clone());
                self.outbox.crowd.lane_max = self.lane_max;
                self.next = Sequence::FIRST;
                for sequence in std::mem::take(&mut self.under_way).into_iter().flat_map(|request| request.sent) {
                    self.calls.get_mut(&sequence).unwrap().excuses += 1;
                }
            }
            Act::Pause => {
                self.pause = Some(Pause::Operator);
                self.outbox.pause(self.pause.clone());
            }
            Act::Resume => self.resume(),
            Act::Clock(seconds) => {
                // What is under way comes back before, so that the model need not know two clocks.
                self.run_until(self.later(6));
                self.now = self.later(seconds.into());
            }
        }
    }

    /// The receiver is well again and the operator watches: everything comes to its end.
    fn finish(&mut self) {
        self.mood = Mood::Well;
        for _ in 0..200 {
            self.resume();
            // An accepted call shows that the key is good: without one nobody knows what 403 speaks against.
            let number = self.calls.keys().next_back().map_or(1, |last| last.get() + 1);
            let good = Truth {
                ids: vec![number],
                taste: Taste::Good,
                tried: None,
                is_settled: false,
                arrivals: 0,
                excuses: 1,
            };
            self.calls.insert(Sequence::new(number), good);
            self.run_until(self.later(1_800));
            if self.owed() == 0 {
                break;
            }
        }
        let owed: Vec<_> =
            self.calls.iter().filter(|(_, truth)| !truth.is_settled).map(|(sequence, _)| sequence).collect();
        assert!(owed.is_empty(), "still owed: {owed:?}");
        let numbers = self.outbox.numbers();
        assert_eq!((numbers.held, numbers.in_flight, numbers.waiting), (0, 0, 0));
        assert!(self.outbox.lanes.is_empty() && self.outbox.pieces.is_empty() && self.outbox.agenda.is_empty());
        assert!(self.outbox.flights.is_empty());
    }
}

proptest! {
    /// A failing run prints its seed and its acts.
    #[test]
    fn each_call_is_delivered_in_order_or_dead_for_a_true_reason(
        calls in calls(), acts in acts(), seed: u64, batch_max in 1..30_usize, concurrency_max in 1..8_usize,
        lane_max in prop_oneof![Just(usize::MAX), 2..20_usize],
        rate_per_second in prop_oneof![Just(0_u32), 1..50_u32],
    ) {
        let to = Destination { rate_per_second, batch_max, concurrency_max, ..destination() };
        let mut world = World::new(to, seed, calls);
        world.lane_max = lane_max;
        world.outbox.crowd.lane_max = lane_max;
        for act in &acts {
            world.act(act);
        }
        world.finish();
        let good = world.calls.values().filter(|truth| truth.taste == Taste::Good && truth.is_settled);
        for truth in good {
            prop_assert!(truth.arrivals <= truth.excuses);
        }
    }
}
