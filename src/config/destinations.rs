//! `[[destinations]]`: what can be wrong with an entry, and where its secrets are read from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use reqwest::Url;

use super::check::Wrong;
use crate::access::name::Name;
use crate::call::secret::Secret;
use crate::relay::settings::{Destination, Entry, Format};

/// Longest secret, in bytes; no file is read any further.
const SECRET_BYTES_MAX: usize = 4_096;
const DAY_MS: u64 = 86_400_000;
const YEAR_S: u64 = 31_536_000;

/// Checks all entries; secrets only where they stand in the entry itself.
pub(super) fn check(entries: &[Entry]) -> Result<(), Wrong> {
    let mut names = BTreeSet::new();
    for (place, entry) in entries.iter().enumerate() {
        check_one(entry, &mut names).map_err(|wrong| wrong.of_entry(place))?;
    }
    Ok(())
}

fn check_one<'a>(entry: &'a Entry, names: &mut BTreeSet<&'a str>) -> Result<(), Wrong> {
    Name::parse(&entry.name).map_err(|why| wrong("name", why.to_string()))?;
    if !names.insert(&entry.name) {
        return Err(wrong("name", format!("two destinations are called `{}`; names have to differ", entry.name)));
    }
    url(&entry.url).map_err(|problem| wrong("url", format!("of `{}` {problem}", entry.name)))?;
    let keys = [entry.api_key.is_some(), entry.api_key_env.is_some(), entry.api_key_file.is_some()];
    if keys.iter().filter(|is_there| **is_there).count() != 1 {
        let problem = "needs exactly one of api_key, api_key_env (the name of a variable) and api_key_file (a path)";
        return Err(wrong("api_key", format!("`{}` {problem}", entry.name)));
    }
    let secrets =
        [entry.signing_secret.is_some(), entry.signing_secret_env.is_some(), entry.signing_secret_file.is_some()];
    if secrets.iter().filter(|is_there| **is_there).count() > 1 {
        let problem = "has more than one of signing_secret, signing_secret_env and signing_secret_file";
        return Err(wrong("signing_secret", format!("`{}` {problem}", entry.name)));
    }
    if let Some(key) = &entry.api_key {
        key_text(entry.format, key.expose()).map_err(|problem| wrong("api_key", problem))?;
    }
    if entry.integration.as_ref().is_some_and(String::is_empty) {
        return Err(wrong("integration", "is empty; it is the name that senders use in `integrations`"));
    }
    limits(&entry.destination(""))
}

fn wrong(key: &str, problem: impl Into<String>) -> Wrong {
    Wrong::new(format!("destinations.{key}"), problem)
}

fn url(text: &str) -> Result<(), &'static str> {
    let Ok(url) = Url::parse(text) else {
        return Err("has to be like \"https://hook.example.com\"");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("has to begin with http:// or https:// and name a host");
    }
    if text.contains(|one: char| one.is_whitespace() || one.is_control()) {
        return Err("has to be without blanks");
    }
    let authority = text.split('/').nth(2).unwrap_or_default();
    if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
        return Err("has to be without user and password; the key is set by api_key");
    }
    if text.contains(['?', '#']) {
        return Err("has to be without a query (?) and a fragment (#)");
    }
    Ok(())
}

/// Whether the format has a place that this key fits in.
fn key_text(format: Format, key: &str) -> Result<(), &'static str> {
    if key.is_empty() {
        return Err("is empty; it is the key that the receiver issued");
    }
    if key.len() > SECRET_BYTES_MAX || key.chars().any(char::is_control) {
        return Err("has to be one line of at most 4096 bytes");
    }
    match format {
        // Whoever reads a URL takes these segments out of the path, however they are written.
        Format::Windsor if matches!(key, "." | "..") => Err("cannot be `.` or `..`; it becomes a part of the path"),
        Format::Partner | Format::Segment if key.contains(':') => {
            Err("cannot hold `:`; it becomes a user name, which ends there")
        }
        _ => Ok(()),
    }
}

fn limits(to: &Destination) -> Result<(), Wrong> {
    let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    let all = [
        ("timeout_ms", to.timeout_ms, 1, 600_000),
        ("retry_initial_ms", to.retry_initial_ms, 1, DAY_MS),
        ("retry_max_ms", to.retry_max_ms, 1, DAY_MS),
        ("expire_after_s", to.expire_after_s, 1, YEAR_S),
        ("batch_max", number(to.batch_max), 0, 2_500),
        // The largest record fits in the smallest request.
        ("body_bytes_max", number(to.body_bytes_max), 65_536, 16_777_216),
        ("concurrency_max", number(to.concurrency_max), 1, 1_024),
        ("unauthorized_max", to.unauthorized_max.into(), 1, 1_000_000),
    ];
    for (key, value, least, most) in all {
        if !(least..=most).contains(&value) {
            return Err(wrong(key, format!("of `{}` has to be {least} to {most}", to.name)));
        }
    }
    if to.format == Format::Partner && to.batch_max > 1 {
        let problem = "has to be 0 or 1: the partner format carries one call in a request";
        return Err(wrong("batch_max", format!("of `{}` {problem}", to.name)));
    }
    Ok(())
}

/// Names of the variables that secrets are read from: they are no settings, whatever they begin with.
pub(super) fn variables(entries: &[Entry]) -> BTreeSet<String> {
    entries.iter().flat_map(|entry| [&entry.api_key_env, &entry.signing_secret_env]).flatten().cloned().collect()
}

/// Puts the secrets that stand elsewhere into the entries.
pub(super) fn resolve(entries: &mut [Entry], environment: &BTreeMap<String, String>) -> Result<(), Wrong> {
    for (place, entry) in entries.iter_mut().enumerate() {
        resolve_one(entry, environment).map_err(|wrong| wrong.of_entry(place))?;
    }
    Ok(())
}

fn resolve_one(entry: &mut Entry, environment: &BTreeMap<String, String>) -> Result<(), Wrong> {
    let variable = |key: &str, name: String| {
        let value = environment.get(&name).filter(|value| !value.is_empty());
        let value =
            value.ok_or_else(|| wrong(key, format!("the environment variable `{name}` is not set, or empty")))?;
        Ok(Secret::new(value.clone()))
    };
    let file = |key: &str, path: &Path| secret_in(path).map_err(|problem| wrong(key, problem));
    if let Some(name) = entry.api_key_env.take() {
        let key = variable("api_key_env", name)?;
        key_text(entry.format, key.expose()).map_err(|problem| wrong("api_key_env", problem))?;
        entry.api_key = Some(key);
    }
    if let Some(path) = entry.api_key_file.take() {
        let key = file("api_key_file", &path)?;
        key_text(entry.format, key.expose())
            .map_err(|problem| wrong("api_key_file", format!("the key in {} {problem}", path.display())))?;
        entry.api_key = Some(key);
    }
    if let Some(name) = entry.signing_secret_env.take() {
        entry.signing_secret = Some(variable("signing_secret_env", name)?);
    }
    if let Some(path) = entry.signing_secret_file.take() {
        let secret = file("signing_secret_file", &path)?;
        entry.signing_secret = Some(secret);
    }
    Ok(())
}

/// The text of a file without the line break at its end, which editors add.
fn secret_in(path: &Path) -> Result<Secret, String> {
    let mut text = String::new();
    let limit = u64::try_from(SECRET_BYTES_MAX + 3).unwrap_or(u64::MAX);
    std::fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_string(&mut text))
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let secret = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.is_empty() || secret.len() > SECRET_BYTES_MAX {
        return Err(format!("{} has to hold 1 to {SECRET_BYTES_MAX} bytes", path.display()));
    }
    Ok(Secret::new(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::call::secret::Secret;
    use crate::config::{Config, Flags};
    use crate::relay::settings::{Destination, Format};

    const KEYLESS: &str = "[[destinations]]\nname = \"a\"\nformat = \"partner\"\nurl = \"https://example.com/in\"\n";

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Vec<Destination>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it.toml");
        std::fs::write(folder.path().join("key"), "from a file\n").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        std::fs::write(folder.path().join("long"), "x".repeat(5_000)).unwrap();
        std::fs::write(&file, text.replace("DIR", folder.path().to_str().unwrap())).unwrap();
        let flags = Flags { config: Some(file), ..Flags::default() };
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(&flags, environment).map_err(|error| error.to_string())?;
        Ok(config.relay_destinations())
    }

    #[test]
    fn secrets_come_from_the_entry_a_variable_or_a_file() {
        let environment = [("KEY", "from outside"), ("ROUNDTOWER_SIGNING", "signs"), ("ROUNDTOWER_LOG", "warn")];
        for (written, key, signing) in [
            ("api_key = \"here\"", "here", None),
            ("api_key = \"here\"\nsigning_secret = \"\"", "here", None),
            ("api_key_env = \"KEY\"\nsigning_secret = \"there\"", "from outside", Some("there")),
            ("api_key_env = \"KEY\"\nsigning_secret_env = \"ROUNDTOWER_SIGNING\"", "from outside", Some("signs")),
            ("api_key_file = \"DIR/key\"\nsigning_secret_file = \"DIR/key\"", "from a file", Some("from a file")),
        ] {
            let text = format!("{KEYLESS}{written}");
            // A variable that no entry names is a setting, and there is no such setting.
            let used = |name: &str| !name.ends_with("SIGNING") || written.contains(name);
            let given: Vec<_> = environment.into_iter().filter(|(name, _)| used(name)).collect();
            let found = load(&text, &given).unwrap();
            assert_eq!(found[0].api_key.expose(), key, "{written}");
            assert_eq!(found[0].signing_secret.as_ref().map(Secret::expose), signing, "{written}");
        }
        assert!(load(KEYLESS, &environment).unwrap_err().contains("exactly one"));
        assert_eq!(load("", &[]).unwrap(), []);
    }

    #[test]
    fn each_mistake_is_told_by_line_key_and_remedy() {
        let good = format!("{KEYLESS}api_key = \"k\"\n");
        let with = |more: &str| format!("{good}{more}");
        let other = |from: &str, to: &str| good.replace(from, to);
        for (text, words) in [
            (with("api_key_env = \"X\""), &["line 5, `destinations.api_key`", "exactly one"][..]),
            (KEYLESS.to_owned(), &["line 1, `destinations.api_key`", "exactly one", "api_key_file"]),
            (format!("{KEYLESS}api_key_env = \"X\""), &["line 5, `destinations.api_key_env`", "`X`", "not set"]),
            (format!("{KEYLESS}api_key_env = \"EMPTY\""), &["`destinations.api_key_env`", "empty"]),
            (format!("{KEYLESS}api_key_env = \"COLON\""), &["`destinations.api_key_env`", "`:`"]),
            (format!("{KEYLESS}api_key_file = \"DIR/none\""), &["`destinations.api_key_file`", "none"]),
            (format!("{KEYLESS}api_key_file = \"DIR/empty\""), &["`destinations.api_key_file`", "1 to"]),
            (format!("{KEYLESS}api_key_file = \"DIR/long\""), &["`destinations.api_key_file`", "1 to"]),
            (
                with("signing_secret = \"a\"\nsigning_secret_file = \"b\""),
                &["`destinations.signing_secret`", "more than"],
            ),
            (format!("{good}{good}"), &["line 7, `destinations.name`", "`a`", "differ"]),
            (other("\"a\"", "\"a b\""), &["line 2, `destinations.name`", "letters"]),
            (other("\"a\"", "\"\""), &["line 2, `destinations.name`", "letters"]),
            (other("https://", "ftp://"), &["line 4, `destinations.url`", "http://"]),
            (other("https://example.com/in", "example.com"), &["`destinations.url`", "https://"]),
            (other("example.com", "u:p@example.com"), &["`destinations.url`", "without user"]),
            (other("/in", "/in?key=1"), &["`destinations.url`", "query"]),
            (other("/in", "/in#x"), &["`destinations.url`", "fragment"]),
            (other("\"k\"", "\"\""), &["line 5, `destinations.api_key`", "empty"]),
            (other("\"k\"", "\"a:b\""), &["`destinations.api_key`", "`:`"]),
            (other("\"k\"", "\"a\\nb\""), &["`destinations.api_key`", "one line"]),
            (other("partner", "windsor").replace("\"k\"", "\"..\""), &["`destinations.api_key`", "path"]),
            (other("partner", "mixpanel"), &["line 3, `destinations.format`", "`windsor`"]),
            (with("batch_max = 2"), &["line 6, `destinations.batch_max`", "0 or 1"]),
            (with("timeout_ms = 0"), &["`destinations.timeout_ms`", "1 to 600000"]),
            (with("retry_initial_ms = 0"), &["`destinations.retry_initial_ms`", "1 to"]),
            (with("retry_max_ms = 0"), &["`destinations.retry_max_ms`", "1 to"]),
            (other("example.com", " example.com"), &["`destinations.url`"]),
            (other("/in", "/in "), &["`destinations.url`", "blanks"]),
            (other("example.com", "@example.com"), &["`destinations.url`", "without user"]),
            (with("expire_after_s = 0"), &["`destinations.expire_after_s`", "1 to"]),
            (with("body_bytes_max = 1000"), &["`destinations.body_bytes_max`", "65536"]),
            (with("concurrency_max = 0"), &["`destinations.concurrency_max`", "1 to 1024"]),
            (with("unauthorized_max = 0"), &["`destinations.unauthorized_max`", "1 to"]),
            (with("integration = \"\""), &["`destinations.integration`", "empty"]),
            (with("from = \"yesterday\""), &["line 6, `destinations.from`", "\"start\""]),
            (with("retries = 3"), &["line 6, `destinations.retries`", "`retry_max_ms`"]),
        ] {
            let error = load(&text, &[("EMPTY", ""), ("COLON", "a:b")]).unwrap_err();
            for word in words {
                assert!(error.contains(word), "{word} is missing in: {error}\n{text}");
            }
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        assert_eq!(load(&good, &[]).unwrap()[0].format, Format::Partner);
        for fine in ["http://127.0.0.1:1", "https://[::1]:8443/a%20b/", "http://hook.example.com/@team"] {
            assert!(load(&other("https://example.com/in", fine), &[]).is_ok(), "{fine}");
        }
    }
}
