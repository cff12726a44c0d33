//! Connections that break, hang or never come to be: each told by its own word.

use std::time::Duration;

use roundtower::relay::client::Trust;
use roundtower::relay::policy::{Answer, Failure};

use super::Case;
use crate::support::windsor::{Act, Reply, Windsor};

#[test]
fn broken_connections_are_told_apart() {
    let case = Case::new();
    case.fails(Act::ResetBefore, Failure::Reset);
    assert!(case.windsor.ids().is_empty());
    case.fails(Act::ResetAfter, Failure::Reset);
    assert_eq!(case.windsor.ids(), ["m1", "m2"]);
    case.fails(Act::HalfReset, Failure::Reset);
    assert_eq!(case.windsor.ids(), ["m1", "m2", "m1"]);
    assert_eq!(case.answered(Act::Half(500)).0, 500);
    for status in [200, 400, 404, 500] {
        case.fails(Act::CutOff(Reply::new(status)), Failure::Reset);
    }
    let text = case.fails(Act::Garbage, Failure::Protocol);
    assert!(text.contains("no HTTP"), "{text}");
    case.fails(Act::EndlessHead, Failure::Protocol);
    let (status, _) = case.answered(Act::Close(Reply::new(200)));
    assert_eq!(status, 200);
    case.windsor.down();
    assert!(matches!(case.send(), Answer::Failed { failure: Failure::Reset | Failure::Connect, .. }));
    case.windsor.up();
    assert!(matches!(case.send(), Answer::Status { status: 200, .. }), "it goes on as if nothing had been");
}

#[test]
fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let case = Case::with(Windsor::start(), &Trust::nobody(), |to| to.url = format!("http://{free}/hook"));
    let Answer::Failed { failure: Failure::Connect, text } = case.send() else { panic!("somebody answered") };
    assert!(text.contains("refused"), "{text}");
    // Too long for a name: the system refuses it without asking anybody.
    let url = format!("http://{}.invalid/hook", "x".repeat(70));
    let case = Case::with(Windsor::start(), &Trust::nobody(), |to| to.url = url);
    assert!(matches!(case.send(), Answer::Failed { failure: Failure::Dns, .. }));
    let case = Case::with(Windsor::start(), &Trust::nobody(), |to| to.url = "no URL".to_owned());
    assert!(matches!(case.send(), Answer::Failed { failure: Failure::Protocol, .. }));
}

#[test]
fn the_time_limit_holds_for_everything() {
    let case = Case::with(Windsor::start(), &Trust::nobody(), |to| to.timeout_ms = 300);
    let slow = || Act::Slow(Duration::from_secs(600), Box::new(Act::Take));
    for act in [Act::Hang, Act::HangAfter, Act::Stall(Reply::new(200)), Act::Stall(Reply::new(400)), slow()] {
        let text = case.fails(act, Failure::Timeout);
        assert_eq!(text, "no whole answer within 300 ms");
    }
    assert_eq!(case.answered(Act::Stall(Reply::new(429).body("busy"))), (429, "busy".to_owned()));
    // A receiver that takes the connection and says nothing at all, not even in TLS.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/hook", silent.local_addr().unwrap());
    let case = Case::with(Windsor::start(), &Trust::nobody(), |to| (to.url, to.timeout_ms) = (url, 300));
    assert!(matches!(case.send(), Answer::Failed { failure: Failure::Timeout, .. }));
}
