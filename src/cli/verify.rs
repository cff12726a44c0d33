//! `verify`: reads and checks the journal, the views and the accounts of the relay; one line a finding, status 3 when
//! data is damaged or missing.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::arguments::Verify;
use super::output::{Failure, Output};
use super::place::{OpenJournal, Place, open_journal, open_relay};
use super::rebuild;
use crate::app::folder::Folder;
use crate::config::Config;
use crate::journal::Reader;
use crate::relay::shown::audit;
use crate::store::Engine;
use crate::store::sled::SledEngine;
use crate::views::snapshot::ViewError;
use crate::views::{Views, wipe};

/// How often to look whether the views have folded everything.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
/// When data is damaged or the folder cannot be used.
pub(super) fn run(config: &Config, arguments: &Verify, output: Output) -> Result<(), Failure> {
    let report = match Place::find(config, false)? {
        Place::Server(_) if arguments.accept_loss => {
            let text = "a running server has lost nothing; --accept-loss is for a folder that does not open";
            return Err(Failure::Usage(text.to_owned()));
        }
        Place::Server(remote) => remote.ask(Method::POST, "/api/verify", Some(&json!({})))?,
        Place::Folder(folder) => match open_journal(&folder, &accepting(config, arguments)) {
            Ok(journal) => {
                let verified = journal.0.verify(&mut |_, _| {});
                let mut findings: Vec<Value> =
                    verified.findings.iter().map(|one| json!({"damage": one.damage, "text": one.text})).collect();
                let views = if findings.iter().any(is_damage) {
                    Value::Null
                } else {
                    // Views can be made anew at any time, if there is room: what counts was read above.
                    compare(&journal, &folder, config, &mut findings).or_else(|failure| match failure {
                        Failure::Failed(why) => {
                            let text = format!("the views were not compared: {why}");
                            findings.push(json!({"damage": false, "text": text}));
                            Ok(Value::Null)
                        }
                        other => Err(other),
                    })?
                };
                let relay = reconcile(&journal, &folder, config, &mut findings);
                json!({
                    "records": verified.records,
                    "blocks": verified.blocks,
                    "volumes": verified.volumes,
                    "bytes": verified.bytes,
                    "views": views,
                    "relay": relay,
                    "findings": findings,
                })
            }
            // A journal that does not open is a finding too.
            Err(Failure::Damaged(text)) => json!({
                "records": 0, "blocks": 0, "volumes": 0, "bytes": 0, "findings": [{"damage": true, "text": text}],
            }),
            Err(failure) => return Err(failure),
        },
    };
    tell(output, &report)
}

fn is_damage(finding: &Value) -> bool {
    finding.get("damage").and_then(Value::as_bool) == Some(true)
}

/// Folds the journal once more beside the views and compares what came out.
fn compare(
    journal: &OpenJournal,
    folder: &Folder,
    config: &Config,
    findings: &mut Vec<Value>,
) -> Result<Value, Failure> {
    let engine: Arc<dyn Engine> = Arc::new(SledEngine);
    let reader: Arc<dyn Reader> = Arc::new(journal.0.clone());
    let views = Views::open(&folder.views(), &engine, &reader, &config.views)?;
    let end = reader.tail().next();
    while views.through() < end && views.status().stopped.is_none() {
        std::thread::sleep(PAUSE);
    }
    let (digest, parked) = (views.digest(), views.parked());
    views.close();
    let unreadable = |error: ViewError| Failure::Failed(error.to_string());
    let (through, digest) = digest.map_err(unreadable)?;
    for one in parked.map_err(unreadable)? {
        let text = format!("the record {} could not be folded into the views: {}", one.sequence, one.reason);
        findings.push(json!({"damage": false, "text": text}));
    }
    let beside = folder.path().join("views-verify");
    let again = rebuild::fold(journal, &beside, config, "comparing the views");
    wipe(&beside).map_err(|error| Failure::Failed(format!("cannot remove {}: {error}", beside.display())))?;
    let again = again?;
    let is_equal = again.through == through && again.digest == digest;
    if !is_equal {
        let text = "the views are not what the journal says; `roundtower rebuild` makes them anew";
        findings.push(json!({"damage": true, "text": text}));
    }
    Ok(json!({"through": through.get(), "digest": rebuild::hex(digest), "equal": is_equal}))
}

/// Counts the relay's states anew and compares. Null when nothing was ever relayed.
fn reconcile(journal: &OpenJournal, folder: &Folder, config: &Config, findings: &mut Vec<Value>) -> Value {
    if config.destinations.is_empty() || !folder.relay().is_dir() {
        return Value::Null;
    }
    let (accounts, more) = match open_relay(folder, journal, config) {
        Ok(relay) => audit(&relay.0),
        Err(error) => (Value::Null, vec![json!({"damage": error.is_damage(), "text": error.to_string()})]),
    };
    findings.extend(more);
    accounts
}

/// The configuration, with the loss accepted if that was asked for.
fn accepting(config: &Config, arguments: &Verify) -> Config {
    let mut config = config.clone();
    config.journal.accept_loss = arguments.accept_loss;
    config
}

fn tell(output: Output, report: &Value) -> Result<(), Failure> {
    let findings = report.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
    let damaged = findings.iter().filter(|one| is_damage(one)).count();
    let number = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or_default();
    let mut text = String::new();
    for finding in &findings {
        let kind = if is_damage(finding) { "damage" } else { "remark" };
        let _ = writeln!(text, "{kind}: {}", finding.get("text").and_then(Value::as_str).unwrap_or_default());
    }
    let verdict = if damaged == 0 { "all is well" } else { "damaged" };
    let _ = writeln!(
        text,
        "{} calls in {} blocks of {} volumes checked: {verdict}",
        number("records"),
        number("blocks"),
        number("volumes"),
    );
    if let Some(digest) = report.pointer("/views/digest").and_then(Value::as_str) {
        let _ = writeln!(text, "digest of the views: {digest}");
    }
    for account in report.get("relay").and_then(Value::as_array).into_iter().flatten() {
        let count = |name: &str| account.get(name).and_then(Value::as_u64).unwrap_or_default();
        let _ = writeln!(
            text,
            "relay to `{}`: {} appended = {} delivered + {} filtered + {} pending + {} dead",
            account.get("destination").and_then(Value::as_str).unwrap_or_default(),
            count("appended"),
            count("delivered"),
            count("filtered"),
            count("pending"),
            count("dead"),
        );
    }
    output.result(&text, report);
    if damaged == 0 { Ok(()) } else { Err(Failure::ToldDamage) }
}
