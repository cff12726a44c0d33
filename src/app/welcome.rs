//! What the server prints on standard output: on the first start the secrets it made, and always the ready line.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::{AppError, Start};
use crate::access::Access;
use crate::access::token::Scope;
use crate::clock::Clock;
use crate::config::Config;
use crate::ingest::source::{Kind, Merges};

/// Makes a source and a token when there are none at all, and tells how to go on. Otherwise the text is empty.
///
/// # Errors
/// When they cannot be stored.
pub fn first_start(
    access: &Access,
    clock: &Clock,
    url: &str,
    config: &Config,
    start: &Start,
) -> Result<String, AppError> {
    if !access.is_empty() {
        return Ok(String::new());
    }
    let now = clock.now();
    let (_, key) = access.add_source("default", Kind::Server, Merges::All, now)?;
    let (_, token) = access.add_token("admin", Scope::Admin, now)?;
    let (key, token) = (key.expose(), token.expose());
    let (link, curl) = (login_link(url, token), first_call(url, key));
    let export = export_command(config, start);
    let mut text = String::new();
    let _ = write!(
        text,
        "First start. These are shown once, so keep them:\n\
         \n\
         \x20 write key of the source `default`   {key}\n\
         \x20 admin token                         {token}\n\
         \n\
         Open the dashboard; this link logs in:\n\
         \n\
         \x20 {link}\n\
         \n\
         Send a first call:\n\
         \n\
         \x20 {curl}\n\
         \n\
         See it come back:\n\
         \n\
         \x20 {export}\n\
         \n"
    );
    Ok(text)
}

/// A link to the dashboard that logs in. What follows the `#` never leaves the browser, so it is in no log.
pub fn login_link(url: &str, token: &str) -> String {
    format!("{url}/login#{token}")
}

/// A line for the shell that sends one call.
pub fn first_call(url: &str, key: &str) -> String {
    let call = r#"{"userId":"user-1","event":"First Call","properties":{"plan":"free"}}"#;
    format!("curl -u '{key}:' -H 'Content-Type: application/json' -d '{call}' {url}/v1/track")
}

fn export_command(config: &Config, start: &Start) -> String {
    let mut command = quote(&start.program);
    match &start.config_file {
        Some(file) => {
            let _ = write!(command, " --config {}", quote(&file.to_string_lossy()));
        }
        None if config.data != Path::new("./data") => {
            let _ = write!(command, " --data {}", quote(&config.data.to_string_lossy()));
        }
        None => {}
    }
    command.push_str(" export calls");
    command
}

/// A word for the shell.
fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_');
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Prints, and does not mind when nobody listens any more.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
