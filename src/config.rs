//! The configuration: `config.toml`, environment and flags, composed of the rooms' own settings.
//!
//! Flags win over the environment, the environment over the file, the file over the defaults. An unknown key or a bad
//! value is an error that names the place and what would be right; nothing is guessed.

mod check;
mod destinations;
mod error;
mod layers;

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;

pub use error::ConfigError;
pub use layers::Flags;

use crate::access::token::Scope;
use crate::call::secret::Secret;
use crate::ingest::source::{Kind, Merges};
use crate::telemetry::LogFormat;

/// The file in the repository: every setting with its default.
const FILE: &str = include_str!("../config.toml");

/// Everything that an operator can set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on; port 0 picks a free one.
    pub listen: String,
    /// The data folder.
    pub data: PathBuf,
    /// How senders reach this server, such as `https://events.example.com`; empty means by the address they used.
    pub public_url: String,
    /// More host names that pages outside ingest may be asked for by.
    pub allowed_hosts: Vec<String>,
    /// Addresses of proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether `/metrics` needs no token.
    pub metrics_public: bool,
    /// A file to serve as `analytics.min.js` instead of the one built in; empty means that one.
    pub analytics_js: PathBuf,
    /// What is logged: `error`, `warn`, `info`, `debug`, or filters such as `info,roundtower::http=debug`.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The section `[journal]`.
    pub journal: crate::journal::settings::Settings,
    /// The section `[ingest]`.
    pub ingest: crate::ingest::settings::Settings,
    /// The section `[views]`.
    pub views: crate::views::settings::Settings,
    /// The section `[http]`.
    pub http: crate::http::settings::Settings,
    /// The section `[dashboard]`.
    pub dashboard: crate::http::settings::Dashboard,
    /// The list `[[sources]]`.
    pub sources: Vec<SourceEntry>,
    /// The list `[[tokens]]`.
    pub tokens: Vec<TokenEntry>,
    /// The list `[[destinations]]`, with the secrets in it wherever they came from.
    pub destinations: Vec<crate::relay::settings::Entry>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            data: PathBuf::from("./data"),
            public_url: String::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            metrics_public: false,
            analytics_js: PathBuf::new(),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            journal: crate::journal::settings::Settings::default(),
            ingest: crate::ingest::settings::Settings::default(),
            views: crate::views::settings::Settings::default(),
            http: crate::http::settings::Settings::default(),
            dashboard: crate::http::settings::Dashboard::default(),
            sources: Vec::new(),
            tokens: Vec::new(),
            destinations: Vec::new(),
        }
    }
}

impl Config {
    /// The destinations of the relay, in the order written.
    pub fn relay_destinations(&self) -> Vec<crate::relay::settings::Destination> {
        self.destinations.iter().map(|entry| entry.destination(&self.ingest.destination)).collect()
    }
}

/// One entry of `[[sources]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceEntry {
    /// Unique in this server; part of every record.
    pub name: String,
    /// The secret that proves it.
    #[serde(deserialize_with = "secret")]
    pub write_key: Secret,
    /// Where its calls come from.
    #[serde(default)]
    pub kind: Kind,
    /// Whom its aliases may merge.
    #[serde(default)]
    pub merges: Merges,
    /// Whether its webhooks may ask to erase people (`type: "delete"`).
    #[serde(default)]
    pub deletes: bool,
    /// What signs its webhooks, if they have to be signed.
    #[serde(default, deserialize_with = "optional_secret")]
    pub signing_secret: Option<Secret>,
    /// A disabled source's requests are answered 200 and dropped.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// One entry of `[[tokens]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// Unique in this server.
    pub name: String,
    /// The secret itself.
    #[serde(deserialize_with = "secret")]
    pub token: Secret,
    /// What it may do.
    pub scope: Scope,
}

fn yes() -> bool {
    true
}

fn secret<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Secret, D::Error> {
    String::deserialize(input).map(Secret::new)
}

fn optional_secret<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(input)?.filter(|text| !text.is_empty()).map(Secret::new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::settings::{Destination, Format};

    #[test]
    fn the_file_in_the_repository_equals_the_defaults() {
        assert_eq!(toml::from_str::<Config>(FILE).unwrap(), Config::default());
    }

    #[test]
    fn the_file_in_the_repository_mentions_every_key_with_its_default() {
        let file: toml::Table = toml::from_str(FILE).unwrap();
        let debug = format!("{:?}", Config::default());
        for (section, of) in [
            ("journal", "journal: Settings {"),
            ("ingest", "ingest: Settings {"),
            ("views", "views: Settings {"),
            ("http", "http: Settings {"),
            ("dashboard", "dashboard: Dashboard {"),
        ] {
            let start = debug.find(of).unwrap() + of.len();
            let inner = &debug[start..start + debug[start..].find('}').unwrap()];
            let names = inner.split(", ").filter_map(|pair| pair.split_once(": ")).map(|(name, _)| name.trim());
            // Set by a flag of one command, never by a file: a loss is accepted once, by somebody who looks at it. And
            // tests fold in small slices.
            for field in names.filter(|name| !["accept_loss", "slice_records"].contains(name)) {
                assert!(file[section].get(field).is_some(), "config.toml lacks {section}.{field}");
            }
        }
        let top = debug.split("journal: Settings").next().unwrap();
        for field in top.trim_start_matches("Config { ").split(", ").filter_map(|pair| pair.split_once(": ")) {
            assert!(file.contains_key(field.0.trim()), "config.toml lacks {}", field.0);
        }
        for key in [
            "[[sources]]",
            "write_key",
            "kind",
            "merges",
            "deletes",
            "signing_secret",
            "enabled",
            "[[tokens]]",
            "token =",
            "scope",
        ] {
            assert!(FILE.contains(key), "config.toml does not explain {key}");
        }
    }

    #[test]
    fn the_example_of_a_destination_shows_every_key_with_its_default() {
        let (_, example) = FILE.split_once("# [[destinations]]\n").unwrap();
        let lines: Vec<&str> = example.lines().map(|line| line.strip_prefix('#').unwrap()).collect();
        let elsewhere =
            |line: &str| line.split_once(" = ").is_some_and(|(key, _)| key.ends_with("_env") || key.ends_with("_file"));
        let usual: Vec<&str> = lines.iter().copied().filter(|line| !elsewhere(line)).collect();
        let config: Config = toml::from_str(&format!("[[destinations]]\n{}", usual.join("\n"))).unwrap();
        assert!(check::check(&config).is_ok());
        let key = Secret::new("the key that the receiver issued".to_owned());
        let expected = Destination::new("windsor", Format::Windsor, "https://hook.example.com", key);
        assert_eq!(config.relay_destinations(), [expected]);
        let error = toml::from_str::<Config>("[[destinations]]\nno_such_key = 1").unwrap_err().to_string();
        let known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(known.len(), 23, "{error}");
        for key in known {
            let start = format!(" {key} = ");
            assert!(lines.iter().any(|line| line.starts_with(&start)), "config.toml does not explain {key}");
        }
    }

    #[test]
    fn a_destination_knows_whether_it_has_the_name_of_this_server() {
        let one = "[[destinations]]\nname = \"a\"\nformat = \"partner\"\nurl = \"http://a\"\napi_key = \"k\"\n";
        for (ingest, integration, own) in
            [("Windsor", "Windsor", true), ("Windsor", "Other", false), ("Us", "Us", true)]
        {
            let text = format!("{one}integration = \"{integration}\"\n[ingest]\ndestination = \"{ingest}\"");
            let config: Config = toml::from_str(&text).unwrap();
            assert_eq!(config.relay_destinations()[0].own_name, own, "{text}");
        }
    }

    #[test]
    fn each_setting_has_a_comment_above_it() {
        let lines: Vec<&str> = FILE.lines().collect();
        for pair in lines.windows(2) {
            let setting = pair[1].contains(" = ") && !pair[1].starts_with('#');
            assert!(!setting || pair[0].starts_with('#'), "no comment above: {}", pair[1]);
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let config: Config = toml::from_str(
            "[[sources]]\nname = \"a\"\nwrite_key = \"hidden-key\"\nsigning_secret = \"hidden-too\"\n\
             [[destinations]]\nname = \"a\"\nformat = \"windsor\"\nurl = \"http://a\"\napi_key = \"hidden-key\"\n\
             signing_secret = \"hidden-too\"",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("hidden"));
    }
}
