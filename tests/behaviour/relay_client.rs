//! The client that sends to destinations, against a receiver that does as it is told: whatever it does, one request ends
//! in one answer, in time, in little room, without our keys in its text.

#![expect(clippy::needless_pass_by_value, reason = "what a receiver is told reads better without a reference")]

mod answers;
mod breaks;
mod reach;

use roundtower::call::secret::Secret;
use roundtower::clock::Clock;
use roundtower::relay::client::{Client, TEXT_BYTES_MAX, Transport as _, Trust};
use roundtower::relay::format::Request;
use roundtower::relay::policy::{Answer, Failure};
use roundtower::relay::settings::{Destination, Format};

use crate::support::windsor::{Act, Windsor};

const KEY: &str = "k3y/with-some+signs";
const SIGNING: &str = "signing-secret-of-ours";
const TIMEOUT_MS: u64 = 20_000;

struct Case {
    windsor: Windsor,
    client: Client,
    runtime: tokio::runtime::Runtime,
    to: Destination,
}

fn destination(url: String) -> Destination {
    Destination {
        timeout_ms: TIMEOUT_MS,
        concurrency_max: 4,
        signing_secret: Some(Secret::new(SIGNING.to_owned())),
        ..Destination::new("target", Format::Windsor, url, Secret::new(KEY.to_owned()))
    }
}

/// With a thread of its own: connections are looked after also between requests, as in the server.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

impl Case {
    fn new() -> Self {
        Self::with(Windsor::start(), &Trust::nobody(), |_| {})
    }

    fn with(windsor: Windsor, trust: &Trust, change: impl FnOnce(&mut Destination)) -> Self {
        let mut to = destination(windsor.url("/hook"));
        change(&mut to);
        let client = Client::new(&to, trust, Clock::System).expect("a client");
        Self { windsor, client, runtime: runtime(), to }
    }

    fn request(&self) -> Request {
        let body = br#"{"batch":[{"type":"user","messageId":"m1","userId":"u"},{"type":"event","messageId":"m2","userId":"u"}]}"#;
        let headers =
            vec![("Content-Type", "application/json".to_owned()), ("User-Agent", "windsor-node/1.0.0".to_owned())];
        Request { url: format!("{}/k3y%2Fwith-some%2Bsigns", self.to.url), headers, body: body.to_vec() }
    }

    /// Sends one request; its text is checked for what must never be in one.
    fn send(&self) -> Answer {
        let answer = self.runtime.block_on(self.client.send(self.request()));
        let (Answer::Status { text, .. } | Answer::Failed { text, .. }) = &answer;
        let encoded = [
            "k3y/with-some+signs",
            "k3y%2Fwith-some%2Bsigns",
            "k3y%2Fwith%2Dsome%2Bsigns",
            "k3y%2Fwith-some+signs",
            SIGNING,
            "azN5L3dpdGgtc29tZStzaWduczo=",
        ];
        for secret in encoded {
            assert!(!text.contains(secret), "a secret in {answer:?}");
        }
        assert!(!text.contains("http://") && !text.contains("https://"), "an URL of ours in {answer:?}");
        assert!(text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control), "{answer:?}");
        answer
    }

    fn after(&self, act: Act) -> Answer {
        self.windsor.then([act]);
        self.send()
    }

    /// Sends one request that has to fail this way.
    fn fails(&self, act: Act, expected: Failure) -> String {
        match self.after(act.clone()) {
            Answer::Failed { failure, text } if failure == expected => text,
            other => panic!("{act:?} gave {other:?}, not {expected:?}"),
        }
    }

    /// Sends one request that is answered; the status and the text.
    fn answered(&self, act: Act) -> (u16, String) {
        match self.after(act.clone()) {
            Answer::Status { status, text, .. } => (status, text),
            other @ Answer::Failed { .. } => panic!("{act:?} gave {other:?}"),
        }
    }
}
