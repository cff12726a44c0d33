//! appended = delivered + filtered + pending + dead, for each destination, by the API and by `verify`.

use serde_json::Value;

use super::scene::Scene;
use crate::durability::program::run;
use crate::support::TestServer;

/// The account of one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) delivered: u64,
    pub(super) filtered: u64,
    pub(super) pending: u64,
    pub(super) dead: u64,
}

impl Account {
    fn read(json: &Value) -> Self {
        let count = |name: &str| json[name].as_u64().unwrap_or_else(|| panic!("no {name}: {json}"));
        let (delivered, filtered) = (count("delivered"), count("filtered"));
        Self { delivered, filtered, pending: count("pending"), dead: count("dead") }
    }

    /// What the API says.
    pub(super) fn ask(scene: &Scene, name: &str) -> Self {
        Self::read(&scene.ask(name)["counts"])
    }

    pub(super) fn appended(self) -> u64 {
        self.delivered + self.filtered + self.pending + self.dead
    }
}

/// What `verify` says about a stopped server: no finding, and the accounts in the order of the configuration.
pub(super) fn verified(server: &TestServer) -> Vec<Account> {
    let ended = run(server.command(&["verify", "--json"]));
    assert!(ended.status.success(), "{:?}\n{}{}", ended.status, ended.stdout, ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["findings"], serde_json::json!([]), "{report}");
    let accounts = report["relay"].as_array().unwrap_or_else(|| panic!("no accounts: {report}"));
    let of = |account: &Value| {
        let read = Account::read(account);
        assert_eq!(account["equal"], true, "{report}");
        assert_eq!(report["records"].as_u64().unwrap(), read.appended(), "{report}");
        read
    };
    accounts.iter().map(of).collect()
}

impl Scene {
    /// With nothing pending any more: the receivers have what they have to have, the accounts say so, by the API, by
    /// `verify` on the stopped server, and by the API after a start; and that start sends nothing again. `owed` says which
    /// records a destination has to get, `dead` how many are given up.
    pub(super) fn assert_closes(&mut self, owed: impl Fn(&str, &Value) -> bool, dead: impl Fn(&str) -> u64) {
        self.send(1);
        self.settle();
        let journal = self.server.export();
        let mut before = Vec::new();
        for to in &self.all {
            let name = to.name.as_str();
            to.receiver.assert_has(name, &journal, |record| owed(name, record));
            let delivered = journal.iter().filter(|record| owed(name, record)).count() as u64;
            let filtered = journal.len() as u64 - delivered - dead(name);
            let expected = Account { delivered, filtered, pending: 0, dead: dead(name) };
            assert_eq!(Account::ask(self, name), expected, "{name}");
            before.push(expected);
        }
        assert!(self.server.stop().success());
        assert_eq!(verified(&self.server), before);
        self.next_life();
        self.server.spawn();
        self.settle();
        for (to, expected) in self.all.iter().zip(before) {
            assert_eq!(Account::ask(self, &to.name), expected, "{}, after a start", to.name);
            to.receiver.assert_has(&to.name, &journal, |record| owed(&to.name, record));
            assert_eq!(to.receiver.sent_again(&to.receiver.accepted(), self.life), 0, "{}: sent again", to.name);
        }
    }
}
