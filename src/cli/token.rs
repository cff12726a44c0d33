//! `token`: API tokens. A token is shown once, when it is made.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use super::arguments::Token;
use super::output::{Failure, Output};
use super::place::Place;
use super::source::on;
use crate::app::welcome::login_link;
use crate::clock::Clock;
use crate::config::Config;

/// Runs the command.
///
/// # Errors
/// When the name is taken, unknown or stands in the configuration, or the folder cannot be used.
pub(super) fn run(config: &Config, wanted: Token, output: Output) -> Result<(), Failure> {
    let place = Place::find(config, matches!(wanted, Token::Add { .. }))?;
    match wanted {
        Token::Add { name, scope } => {
            let body = json!({"name": name, "scope": scope});
            let made = on(&place, config, Method::POST, "/api/tokens", Some(&body), |access| {
                let (view, token) = access.add_token(&name, scope, Clock::System.now())?;
                let mut view = json!(view);
                if let Some(members) = view.as_object_mut() {
                    members.insert("token".to_owned(), json!(token.expose()));
                }
                Ok(view)
            })?;
            let secret = made.get("token").and_then(Value::as_str).unwrap_or_default();
            let link = match &place {
                Place::Server(remote) => format!("\nlogs in: {}", login_link(remote.url(), secret)),
                Place::Folder(_) => String::new(),
            };
            output.result(&format!("token `{name}`, shown once: {secret}{link}"), &made);
        }
        Token::List => {
            let all = on(&place, config, Method::GET, "/api/tokens", None, |access| {
                Ok(json!({"items": access.list_tokens()}))
            })?;
            let items = all.get("items").cloned().unwrap_or_default();
            output.result(&table(&items), &items);
        }
        Token::Revoke { name } => {
            let path = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
            on(&place, config, Method::DELETE, &format!("/api/tokens/{path}"), None, |access| {
                access.revoke_token(&name)?;
                Ok(Value::Null)
            })?;
            output.result(&format!("token `{name}` is revoked"), &json!({"name": name, "revoked": true}));
        }
    }
    Ok(())
}

fn table(items: &Value) -> String {
    let mut text = String::new();
    for item in items.as_array().into_iter().flatten() {
        let word = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or("-");
        let configured = item.get("configured").and_then(Value::as_bool).unwrap_or_default();
        let home = if configured { "configuration" } else { word("created_at") };
        let _ = writeln!(text, "{:<24} {:<6} {home}", word("name"), word("scope"));
    }
    if text.is_empty() { "no tokens; make one with `roundtower token add NAME --scope read`".to_owned() } else { text }
}
