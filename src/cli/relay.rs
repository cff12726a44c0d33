//! `relay`: how destinations stand, and what operators order. Works without a server, too: what is ordered then is done
//! by the next one that starts.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::arguments::{Redeliver, Relay as Command};
use super::output::{Failure, Output};
use super::place::{Place, open_journal, open_relay};
use crate::access::Access;
use crate::app::folder::Folder;
use crate::config::Config;
use crate::journal::Reader as _;
use crate::journal::embedded::Journal;
use crate::relay::{Relay, Wanted, shown};

/// Runs the command.
///
/// # Errors
/// When there is no such destination, what is wanted is not clear, or the folder cannot be used.
pub(super) fn run(config: &Config, wanted: Command, output: Output) -> Result<(), Failure> {
    let place = Place::find(config, false)?;
    let is_served = matches!(place, Place::Server(_));
    match wanted {
        Command::Status { name: None } => {
            let all = on(&place, config, Method::GET, "/api/relay", None, |relay, _| {
                Ok(json!({"items": relay.list().iter().map(shown::destination).collect::<Vec<_>>()}))
            })?;
            let items = all.get("items").cloned().unwrap_or_default();
            output.result(&table(&items, is_served), &items);
        }
        Command::Status { name: Some(name) } => {
            let one = on(&place, config, Method::GET, &path(&name, ""), None, |relay, _| {
                Ok(shown::destination(&relay.status(&name)?))
            })?;
            output.result(&details(&one, is_served), &one);
        }
        Command::Pause { name } => {
            let one = on(&place, config, Method::POST, &path(&name, "/pause"), None, |relay, _| {
                relay.pause(&name)?;
                Ok(shown::destination(&relay.status(&name)?))
            })?;
            output.result(&format!("`{name}` is paused until `relay resume {name}`; what comes stays pending"), &one);
        }
        Command::Resume { name } => {
            let one = on(&place, config, Method::POST, &path(&name, "/resume"), None, |relay, _| {
                relay.resume(&name)?;
                Ok(shown::destination(&relay.status(&name)?))
            })?;
            let when = if is_served { "" } else { " when the server starts" };
            output.result(&format!("`{name}` gets its calls again{when}"), &one);
        }
        Command::Redeliver(wanted) => {
            let body = body(&wanted);
            let order = on(&place, config, Method::POST, &path(&wanted.name, "/redeliver"), Some(&body), {
                |relay, folder| redeliver(relay, folder, config, &wanted.name, &body)
            })?;
            output.result(&ordered(&order, is_served), &order);
        }
    }
    Ok(())
}

/// What an order opens besides the relay, when no server holds the folder.
struct Local<'a> {
    folder: &'a Folder,
    journal: &'a Journal,
}

/// Does it through the server, or on the folder.
fn on(
    place: &Place,
    config: &Config,
    method: Method,
    path: &str,
    body: Option<&Value>,
    local: impl FnOnce(&Relay, &Local<'_>) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    match place {
        Place::Server(remote) => remote.ask(method, path, body),
        Place::Folder(folder) => {
            let journal = open_journal(folder, config)?;
            let relay = open_relay(folder, &journal, config)?;
            local(&relay.0, &Local { folder, journal: &journal.0 })
        }
    }
}

fn redeliver(relay: &Relay, on: &Local<'_>, config: &Config, name: &str, body: &Value) -> Result<Value, Failure> {
    relay.status(name)?;
    let unclear = |error| Failure::Failed(format!("the order is not clear: {error}"));
    let wanted: Wanted = serde_json::from_value(body.clone()).map_err(unclear)?;
    let sources = Access::open(on.folder.path(), config, None)?.list_sources();
    let find = |id: &str| {
        let places = sources
            .iter()
            .map(|source| Ok(on.journal.find(&source.name, id)?.map(|place| (source.name.clone(), place))));
        places.filter_map(Result::transpose).collect()
    };
    let order = relay.redeliver(name, &wanted.selection(&find)?)?;
    Ok(shown::order(name, &order))
}

/// The order as the server takes it. A range may be given by sequences or by times.
fn body(wanted: &Redeliver) -> Value {
    let Redeliver { name: _, all_dead: _, message_id, source, sequence, from, to, kind, event, state } = wanted;
    let edge = |text: &String| text.parse::<u64>().map_or_else(|_| json!(text), |sequence| json!(sequence));
    let members = [
        ("message_id", message_id.as_ref().map(|text| json!(text))),
        ("source", source.as_ref().map(|text| json!(text))),
        ("sequence", sequence.map(|number| json!(number))),
        ("from", from.as_ref().map(edge)),
        ("to", to.as_ref().map(edge)),
        ("type", kind.as_ref().map(|text| json!(text))),
        ("event", event.as_ref().map(|text| json!(text))),
        ("state", state.as_ref().map(|text| json!(text))),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn path(name: &str, rest: &str) -> String {
    format!("/api/relay/{}{rest}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn word<'a>(one: &'a Value, place: &str) -> &'a str {
    one.pointer(place).and_then(Value::as_str).unwrap_or("-")
}

fn number(one: &Value, place: &str) -> u64 {
    one.pointer(place).and_then(Value::as_u64).unwrap_or_default()
}

fn table(items: &Value, is_served: bool) -> String {
    let mut text = String::new();
    for one in items.as_array().into_iter().flatten() {
        let _ = writeln!(text, "{}", line(one));
        if let Some(reason) = one.get("reason").and_then(Value::as_str) {
            let _ = writeln!(text, "  {reason}");
        }
    }
    if text.is_empty() {
        return "no destinations; `[[destinations]]` in config.toml adds one".to_owned();
    }
    text + unserved(is_served)
}

const fn unserved(is_served: bool) -> &'static str {
    if is_served { "" } else { "No server runs on this folder: nothing is sent.\n" }
}

fn line(one: &Value) -> String {
    format!(
        "{:<24} {:<8} {:<9} {} pending, {} delivered, {} filtered, {} dead; lag {}",
        word(one, "/name"),
        word(one, "/format"),
        word(one, "/state"),
        number(one, "/counts/pending"),
        number(one, "/counts/delivered"),
        number(one, "/counts/filtered"),
        number(one, "/counts/dead"),
        lag(number(one, "/lag_ms")),
    )
}

/// A time for people: the two greatest units of it.
fn lag(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

fn details(one: &Value, is_served: bool) -> String {
    let mut text = table(&json!([one]), true);
    let _ = writeln!(text, "  to {}", word(one, "/url"));
    let rate = one.get("rate_per_second").and_then(Value::as_f64).unwrap_or_default();
    let _ = writeln!(
        text,
        "  {rate:.1} calls a second; {} in flight, {} waiting for another try, up to {} requests at once; breaker {}",
        number(one, "/in_flight"),
        number(one, "/waiting"),
        number(one, "/concurrency"),
        word(one, "/breaker"),
    );
    let outcomes = one.get("outcomes").and_then(Value::as_object).into_iter().flatten();
    let outcomes: Vec<String> = outcomes.map(|(outcome, count)| format!("{outcome} {count}")).collect();
    if !outcomes.is_empty() {
        let _ = writeln!(text, "  requests since the start: {}", outcomes.join(", "));
    }
    let _ = writeln!(text, "  last success {}", word(one, "/last_success"));
    if one.get("last_failure").is_some_and(Value::is_object) {
        let _ = writeln!(text, "  last failure {}: {}", word(one, "/last_failure/at"), word(one, "/last_failure/text"));
    }
    if number(one, "/redelivering") > 0 {
        let _ = writeln!(text, "  {} orders to deliver again are open", number(one, "/redelivering"));
    }
    text + unserved(is_served)
}

fn ordered(order: &Value, is_served: bool) -> String {
    let records = number(order, "/records");
    let what = if word(order, "/state") == "dead" { "dead letters" } else { "what was delivered or given up" };
    let when = if is_served { "now" } else { "when the server starts" };
    format!(
        "`{}` gets {what} among {records} records again {when}; `relay status {}` shows how far it is",
        word(order, "/destination"),
        word(order, "/destination"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_told_in_its_greatest_units() {
        let told: Vec<String> = [0, 999, 59_999, 61_000, 3_661_000, 90_000_000].map(lag).into();
        assert_eq!(told, ["0 ms", "999 ms", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
