//! `verify`: reads and checks the journal; one line a finding, status 3 when data is damaged or missing.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use super::arguments::Verify;
use super::output::{Failure, Output};
use super::place::{Place, open_journal};
use crate::config::Config;

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
                let findings: Vec<Value> =
                    verified.findings.iter().map(|one| json!({"damage": one.damage, "text": one.text})).collect();
                json!({
                    "records": verified.records,
                    "blocks": verified.blocks,
                    "volumes": verified.volumes,
                    "bytes": verified.bytes,
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

/// The configuration, with the loss accepted if that was asked for.
fn accepting(config: &Config, arguments: &Verify) -> Config {
    let mut config = config.clone();
    config.journal.accept_loss = arguments.accept_loss;
    config
}

fn tell(output: Output, report: &Value) -> Result<(), Failure> {
    let findings = report.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
    let damaged = findings.iter().filter(|one| one.get("damage").and_then(Value::as_bool) == Some(true)).count();
    let number = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or_default();
    let mut text = String::new();
    for finding in &findings {
        let kind = if finding.get("damage").and_then(Value::as_bool) == Some(true) { "damage" } else { "remark" };
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
    output.result(&text, report);
    if damaged == 0 { Ok(()) } else { Err(Failure::ToldDamage) }
}
