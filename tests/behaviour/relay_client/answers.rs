//! What receivers say: told short and printable, whatever they send.

use std::time::Duration;

use roundtower::relay::client::{ANSWER_BYTES_MAX, TEXT_BYTES_MAX, Trust};
use roundtower::relay::policy::{Answer, Failure};

use super::{Case, KEY, SIGNING};
use crate::support::windsor::{Act, Reply, Windsor};

#[test]
fn every_status_is_told_with_what_the_receiver_said() {
    let case = Case::new();
    for status in [200, 202, 400, 401, 403, 404, 413, 429, 500, 501, 503] {
        let said = if status < 300 { r#"{"success":true}"#.to_owned() } else { format!("as told: {status}") };
        assert_eq!(case.answered(Act::status(status)), (status, said));
    }
    for status in [204, 304] {
        let reply = Reply { status, headers: Vec::new(), body: Vec::new() };
        assert_eq!(case.answered(Act::Answer(reply)).0, status);
    }
}

#[test]
fn retry_after_is_read_and_junk_is_not() {
    let case = Case::new();
    let after = |act| match case.after(act) {
        Answer::Status { retry_after, .. } => retry_after,
        other @ Answer::Failed { .. } => panic!("{other:?}"),
    };
    assert_eq!(after(Act::later(429, "7")), Some(Duration::from_secs(7)));
    assert_eq!(after(Act::later(503, " 0 ")), Some(Duration::ZERO));
    assert!(after(Act::later(429, "99999999999999999999999")).is_none_or(|time| time > Duration::from_secs(1_000_000)));
    assert_eq!(after(Act::later(503, "Sun, 06 Nov 1994 08:49:37 GMT")), Some(Duration::ZERO));
    let far = after(Act::later(503, "Wed, 01 Jan 2200 00:00:00 GMT"));
    assert!(far.is_some_and(|time| time > Duration::from_secs(365 * 86_400)), "{far:?}");
    for junk in ["", "soon", "-5", "7 apples", "\u{fc}"] {
        assert_eq!(after(Act::later(429, junk)), None, "{junk:?}");
    }
    assert_eq!(after(Act::status(429)), None);
    // An overloaded receiver is believed even if it breaks off.
    let reply = Reply::new(503).header("Retry-After", "9").body("busy");
    assert_eq!(after(Act::CutOff(reply)), Some(Duration::from_secs(9)));
}

#[test]
fn an_endless_answer_costs_no_more_than_its_first_part() {
    let case = Case::new();
    for status in [200, 500] {
        let (answered, text) = case.answered(Act::EndlessBody(status));
        assert_eq!(answered, status);
        assert!(text.starts_with("na na ") && text.len() <= TEXT_BYTES_MAX);
    }
    case.windsor.wait("the endless answers to end", |state| state.busy == 0);
    let sent = case.windsor.look(|state| state.bytes_sent);
    // What is beyond our limit fits into the buffers of the two sockets.
    assert!(sent < 64 * 1024 * 1024, "{sent} bytes were taken, {ANSWER_BYTES_MAX} are read");
    case.send();
}

#[test]
fn a_bomb_stays_packed() {
    let case = Case::new();
    let (status, text) = case.answered(Act::Bomb(500));
    assert_eq!((status, text.as_str()), (500, "an answer packed as gzip, which is not unpacked"));
}

#[test]
fn pages_and_terminal_tricks_become_plain_text() {
    let case = Case::new();
    let page = "<!DOCTYPE html><html><head><TITLE>\n 502 Bad\tGateway </title></head><body>long</body></html>";
    assert_eq!(case.answered(Act::page(502, page)), (502, "an HTML page: 502 Bad Gateway".to_owned()));
    assert_eq!(case.answered(Act::page(404, "no title")).1, "an HTML page");
    let plain =
        |body: &[u8]| case.answered(Act::Answer(Reply::new(400).header("Content-Type", "text/plain").body(body))).1;
    assert_eq!(plain(b"a\x1b[2Jb\r\nc\0"), r"a\u{1b}[2Jb\r\nc\u{0}");
    assert_eq!(plain("x\u{202e}y\u{feff}z\u{9b}".as_bytes()), r"x\u{202e}y\u{feff}z\u{9b}");
    assert_eq!(plain(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    assert_eq!(plain(b"  \n "), "");
    assert_eq!(plain(br#"{"message":"  bad \u001b email ","code":7}"#), r"bad \u{1b} email");
    assert_eq!(plain(br#"{"message":7}"#), r#"{"message":7}"#);
    assert_eq!(plain("[".repeat(60_000).as_bytes()).len(), TEXT_BYTES_MAX);
    assert!(plain("\u{fc}".repeat(9_000).as_bytes()).len() <= TEXT_BYTES_MAX);
}

#[test]
fn keys_that_a_receiver_repeats_are_masked() {
    let case = Case::new();
    let said = |body: String| case.answered(Act::Answer(Reply::new(404).body(body))).1;
    assert_eq!(said(format!("Cannot POST /hook/{KEY}")), "Cannot POST /hook/***");
    assert_eq!(said("Cannot POST /hook/k3y%2Fwith-some%2Bsigns".to_owned()), "Cannot POST /hook/***");
    assert_eq!(
        said(format!("you sent Basic azN5L3dpdGgtc29tZStzaWduczo= and {SIGNING}")),
        "you sent Basic *** and ***"
    );
    assert_eq!(said(r#"{"message":"no \u006b3y/with-some+signs"}"#.to_owned()), "no ***");
    assert_eq!(case.answered(Act::page(404, &format!("<html><title>{KEY}</title>"))).1, "an HTML page: ***");
    let windsor = Windsor::start();
    windsor.always(Act::Answer(Reply::new(404).body("no T0K3NT0K3NT0K3NT0K3N here, 0123456789abcdef")));
    let url = windsor.url("/hooks/T0K3NT0K3NT0K3NT0K3N?auth=0123456789abcdef");
    let case = Case::with(windsor, &Trust::nobody(), |to| to.url = url);
    assert!(matches!(case.send(), Answer::Status { text, .. } if text == "no *** here, ***"));
}

/// The resident memory of this process.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[test]
fn memory_stays_flat_whatever_comes() {
    let case = Case::new();
    let round = || {
        case.answered(Act::EndlessBody(500));
        case.fails(Act::EndlessHead, Failure::Protocol);
        case.answered(Act::Bomb(200));
    };
    round();
    let before = resident_bytes();
    (0..20).for_each(|_| round());
    let grown = resident_bytes().saturating_sub(before);
    // Other tests of this binary may run beside it; what an unlimited client would hold is more than a gigabyte.
    assert!(grown < 256 * 1024 * 1024, "grown by {grown} bytes");
}
