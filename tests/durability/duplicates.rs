//! Copies of one message, in flight at once or long after: one is appended, all are answered 200.

use std::sync::Barrier;
use std::time::Instant;

use super::connection::Connection;
use super::ledger::{Ledger, Parcel};
use crate::support::TestServer;

#[test]
fn two_copies_in_flight_are_one_record_and_two_acks() {
    const PAIRS: usize = 400;
    let (server, ledger) = (TestServer::start(), Ledger::default());
    let start = Barrier::new(2);
    let appended = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = Connection::open(server.port()).unwrap();
                    let mut appended = 0;
                    for pair in 0..PAIRS {
                        let parcel = Parcel::batch(vec![format!("p{pair}a"), format!("p{pair}b"), format!("p{pair}a")]);
                        ledger.note_sent(&parcel);
                        start.wait();
                        let sent_at = Instant::now();
                        let answer = connection.post(parcel.path, &parcel.body).unwrap();
                        assert_eq!(answer.status, 200, "{}", answer.text());
                        appended += answer.text().matches("\"appended\"").count();
                        ledger.note_answer(&parcel, sent_at, &answer);
                    }
                    appended
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).sum::<usize>()
    });
    assert_eq!(appended, 2 * PAIRS, "each of the two ids of a pair is appended once");
    assert_eq!(server.export().len(), 2 * PAIRS);
    ledger.assert_holds(&server);
}

#[test]
fn copies_after_restarts_and_kills_are_duplicates() {
    let (mut server, ledger) = (TestServer::start(), Ledger::default());
    let parcels: Vec<Parcel> =
        (0..30).map(|number| Parcel::batch((0..20).map(|item| format!("n{number}i{item}")).collect())).collect();
    for round in 0..4 {
        let mut connection = Connection::open(server.port()).unwrap();
        for parcel in &parcels {
            ledger.note_sent(parcel);
            let answer = connection.post(parcel.path, &parcel.body).unwrap();
            let expected = if round == 0 { "\"appended\"" } else { "\"duplicate\"" };
            assert_eq!(answer.text().matches(expected).count(), 20, "round {round}: {}", answer.text());
            ledger.note_answer(parcel, Instant::now(), &answer);
        }
        if round % 2 == 0 {
            server.kill();
            server.spawn();
        } else {
            server.restart();
        }
    }
    assert_eq!(server.export().len(), 600);
    ledger.assert_holds(&server);
}
