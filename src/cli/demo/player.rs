//! Plays the story to the server: what an operator orders at the end of the week, and then what comes, as time goes by.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::house::Keys;
use crate::app::control::Control;
use crate::cli::output::Failure;
use crate::cli::remote::Remote;
use crate::clock::Clock;
use crate::demo::{Live, MERGES, NOISE, Sent, Source, Week};

/// How often something may be sent.
const TICK: Duration = Duration::from_millis(250);
/// Every so many batches one is sent twice, as if its answer had been lost.
const REPEATED: usize = 60;
/// How often the views are waited for, ten seconds each.
const WAITS_MAX: usize = 12;

/// What is played, and with whose keys.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) seed: u64,
    pub(super) keys: Keys,
    /// What becomes of the folder.
    pub(super) end: String,
}

impl Player {
    /// Plays what comes after this week, until `stopped` is closed.
    ///
    /// # Errors
    /// When the server does not take an order.
    pub(super) fn play(
        &self,
        week: Week,
        control: Control,
        stopped: &Receiver<()>,
        print: fn(&str),
    ) -> Result<(), Failure> {
        let url = control.url.clone();
        let remote = Remote::connect(control)?;
        settle(&remote)?;
        self.order(&remote, &week)?;
        settle(&remote)?;
        print(&self.invitation(&url, week.calls.len()));
        let mut live = Live::after(week, self.seed, Clock::System.now());
        let mut batches = 0;
        while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            self.send(&remote, &live.until(Clock::System.now()), &mut batches);
        }
        Ok(())
    }

    /// What an operator does at the end of the week, once.
    fn order(&self, remote: &Remote, week: &Week) -> Result<(), Failure> {
        let name = utf8_percent_encode(NOISE, NON_ALPHANUMERIC).to_string();
        let known = remote.ask(Method::GET, &format!("/api/events?search={name}"), None)?;
        // The last order of all: where it was given, the others were, too.
        let is_hidden =
            |event: &Value| event.get("name") == Some(&json!(NOISE)) && event.get("hidden") == Some(&json!(true));
        let is_done = known.get("items").and_then(Value::as_array).is_some_and(|all| all.iter().any(is_hidden));
        if is_done {
            return Ok(());
        }
        self.send(remote, &week.refused, &mut 0);
        for (from, into, is_undone) in MERGES {
            let pair = json!({"from": format!("user_id:{from}"), "into": format!("user_id:{into}")});
            let merged = remote.ask(Method::POST, "/api/merges", Some(&pair))?;
            let sequence = merged.get("sequence").and_then(Value::as_u64).unwrap_or_default();
            if is_undone {
                remote.ask(Method::POST, &format!("/api/merges/{sequence}/undo"), None)?;
            }
        }
        remote.ask(Method::PUT, &format!("/api/events/{name}"), Some(&json!({"hidden": true})))?;
        Ok(())
    }

    /// Sends calls as their senders would: a batch of each source. What is not taken is lost, and nobody's fault: its
    /// key was changed on the Sources page, or the server stops.
    fn send(&self, remote: &Remote, calls: &[Sent], batches: &mut usize) {
        let mut by_source: BTreeMap<Source, Vec<Value>> = BTreeMap::new();
        for sent in calls {
            by_source.entry(sent.source).or_default().push(sent.live());
        }
        for (source, calls) in by_source {
            let Some(key) = self.keys.sources.get(&source) else { continue };
            let sent_at = Clock::System.now().to_string();
            let body = json!({"writeKey": key.expose(), "sentAt": sent_at, "batch": calls});
            *batches += 1;
            let times = if batches.is_multiple_of(REPEATED) { 2 } else { 1 };
            for _ in 0..times {
                if let Err(failure) = remote.call("/v1/batch", &body) {
                    tracing::debug!(?failure, source = source.name(), "calls of the demo were not taken");
                }
            }
        }
    }

    fn invitation(&self, url: &str, calls: usize) -> String {
        let (admin, viewer) = (self.keys.admin.expose(), self.keys.viewer.expose());
        format!(
            "\nA week of Quillwick, a made-up company: {calls} calls, and more are coming. Look around:\n\
             \n\
             \x20 {url}/login#{admin}\n\
             \n\
             The same for somebody who may only read:\n\
             \n\
             \x20 {url}/login#{viewer}\n\
             \n\
             Ctrl-C ends the demo{}.\n",
            self.end
        )
    }
}

/// Waits until the views have folded all there is, and the search knows of it.
fn settle(remote: &Remote) -> Result<(), Failure> {
    let status = remote.ask(Method::GET, "/status", None)?;
    let tail = status.get("tail").and_then(Value::as_u64).unwrap_or(1);
    let path = format!("/api/audiences?limit=1&wait_for={}", tail.saturating_sub(1).max(1));
    let mut answer = remote.ask(Method::GET, &path, None);
    for _ in 1..WAITS_MAX {
        if answer.is_ok() {
            break;
        }
        answer = remote.ask(Method::GET, &path, None);
    }
    answer.map(|_| ())
}
