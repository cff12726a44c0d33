//! Where requests go: to the destination as it was written there, and nowhere else.

use roundtower::relay::client::{REDIRECTS_MAX, Transport as _, Trust};
use roundtower::relay::policy::{Answer, Failure};

use super::Case;
use crate::support::windsor::{Act, Reply, Windsor};

#[test]
fn a_request_arrives_as_it_was_written() {
    let case = Case::new();
    let expected = Answer::Status { status: 200, retry_after: None, text: r#"{"success":true}"#.to_owned() };
    assert_eq!(case.send(), expected);
    assert_eq!(case.send(), expected);
    let requests = case.windsor.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/hook/k3y%2Fwith-some%2Bsigns"));
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].header("user-agent"), Some("windsor-node/1.0.0"));
    for absent in ["accept-encoding", "cookie", "referer", "transfer-encoding"] {
        assert_eq!(requests[0].header(absent), None, "{absent}");
    }
    assert_eq!(requests[0].body, case.request().body);
    assert_eq!(case.windsor.ids(), ["m1", "m2", "m1", "m2"]);
}

#[test]
fn no_cookie_is_kept() {
    let case = Case::new();
    let reply = Reply::new(200).header("Set-Cookie", "id=1; Path=/");
    assert_eq!(case.answered(Act::Answer(reply)).0, 200);
    case.send();
    assert!(case.windsor.requests().iter().all(|request| request.header("cookie").is_none()));
}

#[test]
fn redirects_lead_only_to_the_same_place() {
    let case = Case::new();
    for status in [307, 308] {
        case.windsor.then([Act::redirect(status, "/other?x=1")]);
        assert!(matches!(case.send(), Answer::Status { status: 200, .. }));
        let last = case.windsor.requests().pop().unwrap();
        assert_eq!((last.method.as_str(), last.path.as_str()), ("POST", "/other?x=1"));
        assert_eq!(last.body, case.request().body, "with its body and headers");
        assert_eq!(last.header("user-agent"), Some("windsor-node/1.0.0"));
    }
    let other = Windsor::start();
    let port = case.windsor.port();
    let elsewhere = [
        other.url("/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        "file:///etc/passwd".to_owned(),
    ];
    for place in elsewhere.iter().map(String::as_str).chain(["//evil.example/", "data:,x", "http://["]) {
        assert_eq!(case.answered(Act::redirect(308, place)).0, 308, "{place}");
    }
    let nowhere = Act::Answer(Reply { status: 307, headers: Vec::new(), body: Vec::new() });
    assert_eq!(case.answered(nowhere).0, 307);
    assert!(other.requests().is_empty());
    for status in [300, 301, 302, 303, 305] {
        let before = case.windsor.requests().len();
        assert_eq!(case.answered(Act::redirect(status, "/other")).0, status);
        assert_eq!(case.windsor.requests().len(), before + 1, "{status} is not followed");
    }
    let before = case.windsor.requests().len();
    case.windsor.always(Act::redirect(307, "/again"));
    assert!(matches!(case.send(), Answer::Failed { failure: Failure::Protocol, .. }));
    assert_eq!(case.windsor.requests().len(), before + 1 + REDIRECTS_MAX);
}

#[test]
fn private_addresses_are_denied_by_number_and_by_name() {
    let windsor = Windsor::start();
    let port = windsor.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "localhost",
        "10.0.0.1",
        "169.254.169.254",
        "[64:ff9b::7f00:1]",
        "100.64.0.1",
    ];
    for host in hosts {
        let url = format!("http://{host}:{port}/hook");
        let case = Case::with(Windsor::start(), &Trust::nobody(), |to| (to.url, to.deny_private) = (url, true));
        let Answer::Failed { failure: Failure::Denied, text } = case.send() else { panic!("{host} was reached") };
        assert!(text.contains("deny_private"), "{text}");
    }
    assert_eq!(windsor.look(|state| state.connections), 0, "nothing knocked");
}

#[test]
fn a_certificate_nobody_vouches_for_is_refused() {
    let (windsor, pem) = Windsor::start_tls();
    let case = Case::with(windsor, &Trust::system(), |_| {});
    let Answer::Failed { failure: Failure::Tls, text } = case.send() else { panic!("it was believed") };
    assert!(text.contains("certificate"), "{text}");
    assert!(case.windsor.requests().is_empty());
    // The same receiver, once somebody says that it is to be believed.
    let trust = Trust::only(pem.as_bytes()).unwrap();
    let case = Case::with(case.windsor, &trust, |_| {});
    assert!(matches!(case.send(), Answer::Status { status: 200, .. }));
    assert!(matches!(case.send(), Answer::Status { status: 200, .. }));
    assert_eq!(case.windsor.requests().len(), 2);
    case.fails(Act::ResetBefore, Failure::Reset);
    // But under its own name only.
    let url = case.windsor.url("/hook").replace("localhost", "127.0.0.1");
    let case = Case::with(case.windsor, &trust, |to| to.url = url);
    assert!(matches!(case.send(), Answer::Failed { failure: Failure::Tls, .. }));
    // TLS where there is none.
    let plain = Windsor::start();
    let url = plain.url("/hook").replace("http://", "https://");
    let case = Case::with(plain, &trust, |to| (to.url, to.timeout_ms) = (url, 300));
    assert!(matches!(
        case.send(),
        Answer::Failed { failure: Failure::Tls | Failure::Reset | Failure::Timeout | Failure::Connect, .. }
    ));
}

#[test]
fn many_requests_share_few_connections() {
    let case = Case::new();
    let client = &case.client;
    case.runtime.block_on(async {
        for _ in 0..50 {
            let four = std::array::from_fn::<_, 4, _>(|_| client.send(case.request()));
            for answer in futures_util::future::join_all(four).await {
                assert!(matches!(answer, Answer::Status { status: 200, .. }), "{answer:?}");
            }
        }
    });
    let (requests, connections) = case.windsor.look(|state| (state.requests.len(), state.connections));
    assert_eq!(requests, 200);
    // A connection that is still being given back when the next round begins is not used for it: some more than four.
    assert!(connections <= 40, "{connections} connections for 200 requests, four at a time");
}
