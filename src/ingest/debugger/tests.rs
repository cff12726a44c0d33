//! The debugger with a clock that is moved by hand: what is kept, for whom, and what is told of the rest.

use std::sync::Arc;

use super::*;
use crate::clock::Clock;

fn source(name: &str) -> Arc<str> {
    Arc::from(name)
}

/// One request of so many calls.
fn send(debugger: &Debugger, clock: &Clock, name: &str, status: Status, calls: usize) {
    if debugger.is_watched(clock.now()) {
        let mut notes = debugger.notes(&source(name), clock.now());
        for _ in 0..calls {
            notes.add("track", status, |glance| glance);
        }
        notes.keep();
    }
}

fn look(debugger: &Debugger, clock: &Clock) {
    debugger.look(clock.now(), |_| Vec::new());
}

/// All that there is for a reader, and what it is told as skipped.
fn read(debugger: &Debugger, filter: &Filter, place: &mut Place) -> (usize, u64) {
    let mut count = 0;
    loop {
        let page = debugger.take(filter, place, 32);
        count += page.calls.len();
        if !page.more {
            place.told += page.skipped;
            return (count, page.skipped);
        }
    }
}

fn started() -> (Debugger, Clock) {
    let clock = Clock::hand(Time::parse("2026-11-23T12:00:00.000Z").unwrap());
    (Debugger::new(clock.now()), clock)
}

#[test]
fn nothing_is_kept_while_nobody_looks_and_a_look_lasts_ten_minutes() {
    let (debugger, clock) = started();
    send(&debugger, &clock, "web", Status::Appended, 3);
    assert!(debugger.ring().calls.is_empty());
    look(&debugger, &clock);
    send(&debugger, &clock, "web", Status::Appended, 3);
    assert_eq!(debugger.ring().calls.len(), 3);
    clock.advance(LEASE_MS);
    assert!(debugger.is_watched(clock.now()));
    clock.advance(1);
    send(&debugger, &clock, "web", Status::Appended, 3);
    assert!(!debugger.is_watched(clock.now()));
    assert!(debugger.ring().calls.is_empty(), "what was kept is let go");
}

#[test]
fn a_reader_gets_what_is_kept_and_then_what_comes() {
    let (debugger, clock) = started();
    look(&debugger, &clock);
    send(&debugger, &clock, "web", Status::Appended, 40);
    send(&debugger, &clock, "web", Status::Rejected, 2);
    send(&debugger, &clock, "api", Status::Duplicate, 1);
    let all = Filter::default();
    let of_web = Filter { source: Some("web".to_owned()), verdict: None };
    let rejected = Filter { verdict: Some(Verdict::Rejected), ..of_web.clone() };
    for (filter, count) in [(&all, 43), (&of_web, 42), (&rejected, 2)] {
        let mut place = debugger.place(filter, None);
        assert_eq!(read(&debugger, filter, &mut place), (count, 0));
        assert_eq!(read(&debugger, filter, &mut place), (0, 0));
        send(&debugger, &clock, "web", Status::Rejected, 1);
        assert_eq!(read(&debugger, filter, &mut place), (1, 0));
        debugger.ring().calls.pop_back();
    }
}

#[test]
fn what_comes_too_fast_is_counted_and_told_to_whom_it_concerns() {
    let (debugger, clock) = started();
    look(&debugger, &clock);
    let (all, quiet) = (Filter::default(), Filter { source: Some("quiet".to_owned()), verdict: None });
    let (mut of_all, mut of_quiet) = (debugger.place(&all, None), debugger.place(&quiet, None));
    let (mut shown, mut skipped) = (0, 0);
    for _ in 0..1_000 {
        send(&debugger, &clock, "loud", Status::Appended, 100);
        clock.advance(1);
        let (now, beyond) = read(&debugger, &all, &mut of_all);
        shown += now;
        skipped += beyond;
    }
    send(&debugger, &clock, "quiet", Status::Appended, 1);
    send(&debugger, &clock, "loud", Status::Rejected, 1);
    assert_eq!(shown as u64 + skipped, 100_000, "every call is shown or told");
    assert!((250..=310).contains(&shown), "a burst, and then so many a second: {shown}");
    assert_eq!(read(&debugger, &all, &mut of_all), (2, 0), "neither is lost beside the loud one");
    assert_eq!(read(&debugger, &quiet, &mut of_quiet), (1, 0), "what others send is not told as skipped");
    assert!(debugger.ring().calls.len() <= CALLS_MAX);
}

#[test]
fn a_reader_that_is_slower_than_the_ring_is_told_what_it_missed() {
    let (debugger, clock) = started();
    look(&debugger, &clock);
    let all = Filter::default();
    let mut place = debugger.place(&all, None);
    for name in ["a", "b", "c"] {
        send(&debugger, &clock, name, Status::Appended, 200);
    }
    assert_eq!(read(&debugger, &all, &mut place), (CALLS_MAX, 400));
}

#[test]
fn who_comes_back_goes_on_where_it_was_with_any_filter() {
    for filter in [Filter::default(), Filter { source: Some("a".to_owned()), verdict: None }] {
        let (debugger, clock) = started();
        look(&debugger, &clock);
        let mut place = debugger.place(&filter, None);
        send(&debugger, &clock, "a", Status::Appended, 5);
        send(&debugger, &clock, "b", Status::Appended, 5);
        let page = debugger.take(&filter, &mut place, 3);
        let (_, last) = *page.calls.last().unwrap();
        send(&debugger, &clock, "a", Status::Appended, 2);
        let rest = debugger.ring().fitting(&filter, last.next).count();
        let mut again = debugger.place(&filter, Some(last));
        assert_eq!(again, last);
        assert_eq!(read(&debugger, &filter, &mut again), (rest, 0), "no gap and no repeat");
        clock.advance(60_000);
        // What went through while it was away, and is not kept any more, is told.
        for _ in 0..3 {
            send(&debugger, &clock, "a", Status::Appended, 150);
            clock.advance(60_000);
            look(&debugger, &clock);
        }
        let mut late = debugger.place(&filter, Some(again));
        assert_eq!(read(&debugger, &filter, &mut late), (CALLS_MAX, 250));
    }
}

#[test]
fn a_place_of_another_run_begins_with_what_is_kept() {
    let (debugger, clock) = started();
    look(&debugger, &clock);
    send(&debugger, &clock, "a", Status::Appended, 5);
    let next = debugger.ring().next;
    for wrong in [0, 1, next - 6, next + 1, u64::MAX] {
        let mut place = debugger.place(&Filter::default(), Some(Place { next: wrong, told: 3 }));
        assert_eq!(read(&debugger, &Filter::default(), &mut place), (5, 0), "{wrong}");
    }
    clock.advance(3_600_000);
    assert!(Debugger::new(clock.now()).ring().first > next, "numbers rise over restarts");
}

#[test]
fn the_first_look_begins_with_what_was_refused_lately() {
    let (debugger, clock) = started();
    let refused = |number: u64| {
        Arc::new(Rejection {
            number,
            at: clock.now(),
            source: Some(source("web")),
            kind: "track",
            code: crate::ingest::Code::EventNotDefined,
            message: "there is no event".to_owned(),
            message_id: Some(number.to_string()),
            messages: 1,
            body: r#"{"writeKey":"secret"}"#.to_owned(),
        })
    };
    for _ in 0..2 {
        debugger.look(clock.now(), |limit| {
            assert!(limit <= CALLS_MAX);
            vec![refused(2), refused(1)]
        });
    }
    let filter = Filter { source: None, verdict: Some(Verdict::Rejected) };
    let mut place = debugger.place(&filter, None);
    let page = debugger.take(&filter, &mut place, 10);
    let ids: Vec<_> = page.calls.iter().map(|(one, _)| one.glance.message_id.clone().unwrap()).collect();
    assert_eq!((ids, page.skipped), (vec!["1".to_owned(), "2".to_owned()], 0), "once, the oldest first");
    let glance = &page.calls.first().unwrap().0.glance;
    assert_eq!(
        (glance.code, glance.fix),
        (Some("event_not_defined"), Some(crate::ingest::Code::EventNotDefined.fix()))
    );
    assert_eq!(glance.body, r#"{"writeKey":"***"}"#);
}

#[test]
fn a_body_is_cut_and_so_is_every_other_text() {
    let glance = Glance::new(Time::default(), None, "track", Status::Appended);
    let glance = glance.with_body("é".repeat(10_000).as_bytes());
    assert_eq!(glance.body.chars().count(), 2_048);
    assert_eq!(short("é".repeat(1_000)).len(), 1_024);
    assert_eq!(short("x".repeat(1_025)).len(), 1_024);
    assert_eq!(short("x".to_owned()), "x");
}
