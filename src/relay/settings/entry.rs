//! One entry of `[[destinations]]` as it is written: what is not there has its default.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use super::{Destination, Format, From};
use crate::call::secret::Secret;
use crate::call::time::Time;

/// A destination as written. A secret stands here, in an environment variable, or in a file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// See [`Destination::name`].
    pub name: String,
    /// See [`Destination::format`].
    pub format: Format,
    /// See [`Destination::url`].
    pub url: String,
    /// The key itself.
    #[serde(default, deserialize_with = "secret")]
    pub api_key: Option<Secret>,
    /// The environment variable with the key.
    pub api_key_env: Option<String>,
    /// The file with the key.
    pub api_key_file: Option<PathBuf>,
    /// See [`Destination::enabled`].
    pub enabled: Option<bool>,
    /// See [`Destination::integration`].
    pub integration: Option<String>,
    /// See [`Destination::relay_screen`].
    pub relay_screen: Option<bool>,
    /// See [`Destination::from`].
    pub from: Option<From>,
    /// See [`Destination::timeout_ms`].
    pub timeout_ms: Option<u64>,
    /// See [`Destination::retry_initial_ms`].
    pub retry_initial_ms: Option<u64>,
    /// See [`Destination::retry_max_ms`].
    pub retry_max_ms: Option<u64>,
    /// See [`Destination::expire_after_s`].
    pub expire_after_s: Option<u64>,
    /// See [`Destination::rate_per_second`].
    pub rate_per_second: Option<u32>,
    /// See [`Destination::batch_max`].
    pub batch_max: Option<usize>,
    /// See [`Destination::body_bytes_max`].
    pub body_bytes_max: Option<usize>,
    /// See [`Destination::concurrency_max`].
    pub concurrency_max: Option<usize>,
    /// See [`Destination::unauthorized_max`].
    pub unauthorized_max: Option<u32>,
    /// See [`Destination::deny_private`].
    pub deny_private: Option<bool>,
    /// The signing secret itself; empty means none.
    #[serde(default, deserialize_with = "secret")]
    pub signing_secret: Option<Secret>,
    /// The environment variable with the signing secret.
    pub signing_secret_env: Option<String>,
    /// The file with the signing secret.
    pub signing_secret_file: Option<PathBuf>,
}

impl Entry {
    /// The destination, for a server that answers to `own` in `integrations`. Secrets are those that stand in the entry.
    pub fn destination(&self, own: &str) -> Destination {
        let api_key = self.api_key.clone().unwrap_or_else(|| Secret::new(String::new()));
        let usual = Destination::new(self.name.clone(), self.format, self.url.clone(), api_key);
        let integration = self.integration.clone().unwrap_or(usual.integration);
        Destination {
            own_name: integration == own,
            integration,
            enabled: self.enabled.unwrap_or(usual.enabled),
            relay_screen: self.relay_screen.unwrap_or(usual.relay_screen),
            from: self.from.unwrap_or(usual.from),
            timeout_ms: self.timeout_ms.unwrap_or(usual.timeout_ms),
            retry_initial_ms: self.retry_initial_ms.unwrap_or(usual.retry_initial_ms),
            retry_max_ms: self.retry_max_ms.unwrap_or(usual.retry_max_ms),
            expire_after_s: self.expire_after_s.unwrap_or(usual.expire_after_s),
            rate_per_second: self.rate_per_second.unwrap_or(usual.rate_per_second),
            batch_max: self.batch_max.unwrap_or(usual.batch_max),
            body_bytes_max: self.body_bytes_max.unwrap_or(usual.body_bytes_max),
            concurrency_max: self.concurrency_max.unwrap_or(usual.concurrency_max),
            unauthorized_max: self.unauthorized_max.unwrap_or(usual.unauthorized_max),
            deny_private: self.deny_private.unwrap_or(usual.deny_private),
            signing_secret: self.signing_secret.clone().filter(|secret| !secret.expose().is_empty()),
            name: usual.name,
            format: usual.format,
            url: usual.url,
            api_key: usual.api_key,
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Secret>, D::Error> {
    String::deserialize(input).map(|text| Some(Secret::new(text)))
}

/// A start as written: TOML has times of its own beside texts.
#[derive(Deserialize)]
#[serde(untagged, expecting = "has to be \"now\", \"start\", or a time such as \"2026-11-23T12:00:00Z\"")]
pub(super) enum Written {
    Text(String),
    Time(toml::value::Datetime),
}

impl TryFrom<Written> for From {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let text = match written {
            Written::Text(text) => text,
            Written::Time(time) => time.to_string(),
        };
        match text.as_str() {
            "now" => Ok(Self::Now),
            "start" => Ok(Self::Start),
            text => Time::parse(text).filter(|time| time.is_plausible()).map(Self::Time).ok_or_else(|| {
                format!("`{text}` has to be \"now\", \"start\", or a time such as \"2026-11-23T12:00:00Z\"")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = "name = \"a\"\nformat = \"windsor\"\nurl = \"https://example.com\"\napi_key = \"k\"\n";

    fn read(more: &str) -> Result<Destination, String> {
        let entry: Entry = toml::from_str(&format!("{SHORT}{more}")).map_err(|error| error.message().to_owned())?;
        Ok(entry.destination("Windsor"))
    }

    #[test]
    fn what_is_not_written_has_its_default() {
        let expected = Destination::new("a", Format::Windsor, "https://example.com", Secret::new("k".to_owned()));
        assert_eq!(read("").unwrap(), expected);
        assert_eq!(read("signing_secret = \"\"").unwrap(), expected);
        let all = "enabled = false\nintegration = \"Other\"\nrelay_screen = false\nfrom = \"start\"\ntimeout_ms = 1\n\
                   retry_initial_ms = 2\nretry_max_ms = 3\nexpire_after_s = 4\nrate_per_second = 5\nbatch_max = 6\n\
                   body_bytes_max = 7\nconcurrency_max = 8\nunauthorized_max = 9\ndeny_private = true\n\
                   signing_secret = \"s\"";
        let expected = Destination {
            enabled: false,
            integration: "Other".to_owned(),
            own_name: false,
            relay_screen: false,
            from: From::Start,
            timeout_ms: 1,
            retry_initial_ms: 2,
            retry_max_ms: 3,
            expire_after_s: 4,
            rate_per_second: 5,
            batch_max: 6,
            body_bytes_max: 7,
            concurrency_max: 8,
            unauthorized_max: 9,
            deny_private: true,
            signing_secret: Some(Secret::new("s".to_owned())),
            ..expected
        };
        assert_eq!(read(all).unwrap(), expected);
    }

    #[test]
    fn the_start_is_a_word_or_a_time() {
        let noon = From::Time(Time::parse("2026-11-23T12:00:00Z").unwrap());
        for (text, expected) in [
            ("\"now\"", From::Now),
            ("\"start\"", From::Start),
            ("\"2026-11-23T12:00:00Z\"", noon),
            ("\"2026-11-23T13:00:00.000+01:00\"", noon),
            ("2026-11-23T12:00:00Z", noon),
            ("2026-11-23 13:00:00+01:00", noon),
            ("\"2026-11-23\"", From::Time(Time::parse("2026-11-23T00:00:00Z").unwrap())),
        ] {
            assert_eq!(read(&format!("from = {text}")).unwrap().from, expected, "{text}");
        }
        for text in ["\"yesterday\"", "\"\"", "\"NOW\"", "7", "true", "\"0001-01-01\"", "12:00:00"] {
            let error = read(&format!("from = {text}")).unwrap_err();
            assert!(error.contains("\"start\""), "{text}: {error}");
        }
    }

    #[test]
    fn unknown_keys_and_formats_are_errors_that_name_what_is_known() {
        assert!(read("rate = 5").unwrap_err().contains("`rate_per_second`"));
        let error = toml::from_str::<Entry>(&SHORT.replace("windsor", "mixpanel")).unwrap_err().to_string();
        assert!(error.contains("`windsor`, `partner`, `segment`"), "{error}");
        assert!(read("rate_per_second = -1").is_err());
    }
}
