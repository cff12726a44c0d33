//! `source`: write keys. A key is shown once, when it is made.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use super::arguments::Source;
use super::output::{Failure, Output};
use super::place::Place;
use crate::access::{Access, SourceChange};
use crate::app::welcome::first_call;
use crate::clock::Clock;
use crate::config::Config;

/// Runs the command.
///
/// # Errors
/// When the name is taken, unknown or stands in the configuration, or the folder cannot be used.
pub(super) fn run(config: &Config, wanted: Source, output: Output) -> Result<(), Failure> {
    let place = Place::find(config, matches!(wanted, Source::Add { .. }))?;
    let url = address(&place, config);
    match wanted {
        Source::Add { name, kind, merges } => {
            let body = json!({"name": name, "kind": kind, "merges": merges});
            let made = on(&place, config, Method::POST, "/api/sources", Some(&body), |access| {
                let (view, key) = access.add_source(&name, kind, merges, Clock::System.now())?;
                Ok(with_key(&json!(view), key.expose()))
            })?;
            output.result(&snippet(&made, &url), &made);
        }
        Source::List => {
            let all = on(&place, config, Method::GET, "/api/sources", None, |access| {
                Ok(json!({"items": access.list_sources()}))
            })?;
            let items = all.get("items").cloned().unwrap_or_default();
            output.result(&table(&items), &items);
        }
        Source::Rotate { name } => {
            let changed = on(&place, config, Method::POST, &path(&name, "/rotate"), None, |access| {
                let (view, key) = access.rotate_source(&name)?;
                Ok(with_key(&json!(view), key.expose()))
            })?;
            output.result(&snippet(&changed, &url), &changed);
        }
        Source::Disable { name } => switch(&place, config, &name, false, output)?,
        Source::Enable { name } => switch(&place, config, &name, true, output)?,
    }
    Ok(())
}

fn switch(place: &Place, config: &Config, name: &str, enabled: bool, output: Output) -> Result<(), Failure> {
    let changed = on(place, config, Method::PATCH, &path(name, ""), Some(&json!({"enabled": enabled})), |access| {
        Ok(json!(access.patch_source(name, SourceChange { enabled: Some(enabled), ..SourceChange::default() })?))
    })?;
    let state = if enabled { "enabled" } else { "disabled: what it sends is answered 200 and dropped" };
    output.result(&format!("source `{name}` is {state}"), &changed);
    Ok(())
}

/// Does it through the server, or on the folder.
pub(super) fn on(
    place: &Place,
    config: &Config,
    method: Method,
    path: &str,
    body: Option<&Value>,
    local: impl FnOnce(&Access) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    match place {
        Place::Server(remote) => remote.ask(method, path, body),
        Place::Folder(folder) => local(&Access::open(folder.path(), config, None)?),
    }
}

fn path(name: &str, rest: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("/api/sources/{name}{rest}")
}

fn address(place: &Place, config: &Config) -> String {
    if !config.public_url.is_empty() {
        return config.public_url.trim_end_matches('/').to_owned();
    }
    match place {
        Place::Server(remote) => remote.url().to_owned(),
        Place::Folder(_) => format!("http://{}", config.listen),
    }
}

fn with_key(view: &Value, key: &str) -> Value {
    let mut view = view.clone();
    if let Some(members) = view.as_object_mut() {
        members.insert("write_key".to_owned(), json!(key));
    }
    view
}

/// What a page needs that bundles nothing.
const PAGE_SNIPPET: &str = include_str!("snippet.html");

fn snippet(made: &Value, url: &str) -> String {
    let text = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = text("write_key");
    let mut all = format!("write key of the source `{}`, shown once: {key}\n\n", text("name"));
    if text("kind") == "browser" {
        let load = format!("AnalyticsBrowser.load({{ writeKey: \"{key}\", cdnURL: \"{url}\" }})");
        let page = PAGE_SNIPPET.replace("ADDRESS", url).replace("WRITE_KEY", key);
        let _ = writeln!(
            all,
            "In the head of a web page:\n\n{page}\nOr where @segment/analytics-next is bundled:\n\n  {load}\n"
        );
    }
    let _ = writeln!(all, "Send a first call:\n\n  {}", first_call(url, key));
    all
}

fn table(items: &Value) -> String {
    let mut text = String::new();
    for item in items.as_array().into_iter().flatten() {
        let word = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or("-");
        let enabled = item.get("enabled").and_then(Value::as_bool).unwrap_or_default();
        let configured = item.get("configured").and_then(Value::as_bool).unwrap_or_default();
        let state = if enabled { "enabled" } else { "disabled" };
        let home = if configured { "configuration" } else { word("created_at") };
        let _ = writeln!(text, "{:<24} {:<8} {state:<9} {home}", word("name"), word("kind"));
    }
    if text.is_empty() { "no sources; make one with `roundtower source add NAME`".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_snippet_is_the_one_that_the_readme_shows() {
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&PAGE_SNIPPET.replace("ADDRESS", "http://127.0.0.1:8080")));
        let made = json!({"name": "web", "kind": "browser", "write_key": "k"});
        assert!(snippet(&made, "https://rt.example").contains("('https://rt.example', 'k')"));
    }
}
