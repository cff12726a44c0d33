//! Whose a record is, and what the file keeps.

use super::book::{Book, Running};
use super::fates::Fates;
use super::{FILE_NAME, State, Target};
use crate::call::ids::{AnonymousId, MessageId, UserId, digest_of_user};
use crate::call::time::Time;
use crate::call::{Call, CallType, Marks, Target as CallTarget};
use crate::ingest::suppress::hash;
use crate::journal::erase::Fate;
use crate::journal::{Record, Sequence};
use crate::views::identity::{IdKind, NodeKey};

const NOW: Time = Time::from_millis(1_790_000_000_000);

fn target(ids: &[(IdKind, &str)]) -> Target {
    let keys: Vec<_> = ids.iter().map(|(kind, id)| NodeKey::of(*kind, id)).collect();
    Target { person: keys[0], keys, ids: Vec::new(), calls: 3 }
}

fn call(user: Option<&'static str>, device: Option<&'static str>, previous: Option<&'static str>) -> Call<'static> {
    Call {
        kind: if previous.is_some() { CallType::Alias } else { CallType::Track },
        message_id: MessageId::parse("m").unwrap(),
        user_id: user.map(|id| UserId::parse(id).unwrap()),
        anonymous_id: device.map(|id| AnonymousId::parse(id).unwrap()),
        target: previous.map_or(CallTarget::None, |id| CallTarget::Previous(UserId::parse(id).unwrap())),
        name: None,
        category: None,
        timestamp: NOW,
        original_timestamp: NOW,
        sent_at: None,
        channel: "server".into(),
        payload: "{}".into(),
        context: "{}".into(),
        integrations: None,
        extra: "{}".into(),
        marks: Marks::default(),
    }
}

fn record(sequence: u64, call: Call<'static>) -> Record<'static> {
    Record { sequence: Sequence::new(sequence), source: "s", received_at: NOW, call }
}

/// Those under way after orders for these, entered at 100 and 200; the second one suppresses.
fn running(folder: &std::path::Path) -> (Book, Vec<Running>) {
    let mut book = Book::open(&folder.join(FILE_NAME)).unwrap();
    let first = book.order(&target(&[(IdKind::User, "u"), (IdKind::Anonymous, "a")]), false, "ops", NOW).unwrap();
    let second = book.order(&target(&[(IdKind::User, "v")]), true, "ops", NOW).unwrap();
    book.change(&first.id, |one| one.sequence = Some(100)).unwrap();
    book.change(&second.id, |one| one.sequence = Some(200)).unwrap();
    let all = book.running().to_vec();
    (book, all)
}

#[test]
fn a_call_belongs_to_its_user_else_to_its_device() {
    let folder = tempfile::tempdir().unwrap();
    let (_, running) = running(folder.path());
    let (first, second) = (running[0].id.clone(), running[1].id.clone());
    let fates = Fates::new(&running, Sequence::new(300));
    assert_eq!(fates.end, Sequence::new(300));
    let erase = |id: &String| Fate::Erase(id.clone());
    for (at, user, device, previous, expected) in [
        (1, Some("u"), None, None, erase(&first)),
        (1, Some("u"), Some("other"), None, erase(&first)),
        (1, None, Some("a"), None, erase(&first)),
        (1, Some("x"), Some("a"), None, Fate::Unname),
        (1, Some("x"), Some("b"), None, Fate::Keep),
        // A userId is no anonymousId.
        (1, Some("a"), Some("u"), None, Fate::Keep),
        (1, Some("x"), None, Some("u"), erase(&first)),
        (1, Some("x"), None, Some("a"), erase(&first)),
        (1, Some("x"), None, Some("y"), Fate::Keep),
        (99, Some("u"), None, None, erase(&first)),
        (100, Some("u"), None, None, Fate::Keep),
        // Who is not to come back has nothing later either.
        (250, Some("v"), None, None, erase(&second)),
        (300, Some("v"), None, None, Fate::Keep),
    ] {
        let record = record(at, call(user, device, previous));
        assert_eq!(fates.of(&record), expected, "{at} {user:?} {device:?} {previous:?}");
    }
    let key = |id| NodeKey::of(IdKind::User, id).to_string();
    for (from, into, expected) in [("u", "x", erase(&first)), ("x", "v", erase(&second)), ("x", "y", Fate::Keep)] {
        let payload = serde_json::json!({"from": key(from), "into": key(into)}).to_string();
        let call = Call { marks: Marks::CONTROL, payload: payload.into(), ..call(None, None, None) };
        assert_eq!(fates.of(&record(1, call)), expected, "{from} into {into}");
    }
}

#[test]
fn when_it_is_done_the_file_says_nothing_of_whom() {
    let folder = tempfile::tempdir().unwrap();
    let (mut book, running) = running(folder.path());
    let path = folder.path().join(FILE_NAME);
    let text = || std::fs::read_to_string(&path).unwrap();
    let key = NodeKey::of(IdKind::User, "u").to_string();
    assert!(text().contains(&key), "needed while it runs");
    let again = Book::open(&path).unwrap();
    assert_eq!(again.running(), running, "a restart knows what to go on with");
    let done: Vec<_> = running.iter().map(|one| (one.id.clone(), 5)).collect();
    book.done(&done, NOW).unwrap();
    assert!(!text().contains(&key) && !text().contains(&NodeKey::of(IdKind::User, "v").to_string()));
    let secret = text().split('"').skip_while(|part| *part != "secret").nth(2).unwrap().to_owned();
    let secret = *blake3::Hash::from_hex(secret).unwrap().as_bytes();
    let hashed = |id: &str| u128::from_be_bytes(hash(&secret, &digest_of_user(id)));
    assert!(text().contains(&format!("{:032x}", hashed("v"))), "not to come back");
    assert!(!text().contains(&format!("{:032x}", hashed("u"))));
    let book = Book::open(&path).unwrap();
    assert!(book.running().is_empty());
    assert!(book.erasures().all(|one| one.state == State::Done && one.calls == 5 && one.done_at.is_some()));
    for broken in ["{", r#"{"format":2}"#, &text().replace("\"format\": 1", "\"format\": 2")] {
        std::fs::write(&path, broken).unwrap();
        assert!(Book::open(&path).is_err(), "{broken}");
    }
}
