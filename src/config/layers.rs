//! The layers, lowest first: defaults, file, environment, flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::{key_on_line, line_at};
use super::{Config, ConfigError, check, destinations};

/// The file that is read when nobody names one and it is there.
const USUAL_FILE: &str = "config.toml";
/// What the names of all environment variables begin with.
const PREFIX: &str = "ROUNDTOWER_";
/// Variables with that prefix that are no settings of the configuration.
const NO_SETTINGS: [&str; 2] = ["ROUNDTOWER_ADMIN_TOKEN", "ROUNDTOWER_CONFIG"];

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
}

impl Config {
    /// Reads and checks all layers.
    ///
    /// # Errors
    /// The first thing that is wrong, by its place.
    pub fn load(flags: &Flags, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let (file, text) = read_file(flags)?;
        let config: Self = parse(&file, &text)?;
        check::check(&config).map_err(|wrong| wrong.in_file(&file, &text))?;
        let mut table: Table = toml::from_str(&text).unwrap_or_default();
        let mut config = config;
        let secrets = destinations::variables(&config.destinations);
        for (name, value) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            if !NO_SETTINGS.contains(&name.as_str()) && !secrets.contains(name) {
                config = with_variable(&mut table, name, value)?;
            }
        }
        if let Some(data) = &flags.data {
            config.data.clone_from(data);
        }
        if let Some(listen) = &flags.listen {
            config.listen.clone_from(listen);
        }
        check::check(&config).map_err(|wrong| ConfigError::InFlags { flag: wrong.flag(), problem: wrong.problem })?;
        destinations::resolve(&mut config.destinations, &environment).map_err(|wrong| wrong.in_file(&file, &text))?;
        Ok(config)
    }
}

fn read_file(flags: &Flags) -> Result<(PathBuf, String), ConfigError> {
    let path = flags.config.clone().unwrap_or_else(|| PathBuf::from(USUAL_FILE));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && flags.config.is_none() => {
            Ok((path, String::new()))
        }
        Err(error) => Err(ConfigError::Unreadable { path, detail: error.to_string() }),
    }
}

fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let line = error.span().map(|span| line_at(text, span.start));
        let key = line.map(|line| key_on_line(text, line)).unwrap_or_default();
        ConfigError::InFile { file: file.to_owned(), line, key, problem: error.message().trim().replace('\n', "; ") }
    })
}

/// Lays one variable over the table: `ROUNDTOWER_HTTP__WORKERS` is `workers` in `[http]`.
fn with_variable(table: &mut Table, name: &str, value: &str) -> Result<Config, ConfigError> {
    let wrong = |problem: String| ConfigError::InEnvironment { name: name.to_owned(), problem };
    let path = name.trim_start_matches(PREFIX).to_ascii_lowercase();
    let parts: Vec<&str> = path.split("__").collect();
    let (section, key) = match *parts.as_slice() {
        [key] => (None, key),
        [section, key] => (Some(section), key),
        _ => return Err(wrong("no setting has this name; nested keys are written SECTION__KEY".to_owned())),
    };
    let defaults: Table = toml::from_str(super::FILE).unwrap_or_default();
    let home = section.map_or(Some(&defaults), |section| defaults.get(section).and_then(Value::as_table));
    let Some(default) = home.and_then(|table| table.get(key)).filter(|default| !default.is_table()) else {
        let known: Vec<String> = home.unwrap_or(&defaults).keys().map(|key| key.to_ascii_uppercase()).collect();
        return Err(wrong(format!("no setting has this name; known here: {}", known.join(", "))));
    };
    let value = like(default, value).map_err(wrong)?;
    let home = match section {
        None => &mut *table,
        Some(section) => match table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => inner,
            _ => return Err(wrong(format!("`{section}` is no section in the configuration file"))),
        },
    };
    home.insert(key.to_owned(), value);
    let config: Config = Value::Table(table.clone())
        .try_into()
        .map_err(|error: toml::de::Error| wrong(error.message().trim().replace('\n', "; ")))?;
    check::check(&config).map_err(|problem| wrong(problem.problem))?;
    Ok(config)
}

/// Reads `text` as the type that the default has. Lists are separated by commas.
fn like(default: &Value, text: &str) -> Result<Value, String> {
    match default {
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| "has to be true or false".to_owned()),
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| "has to be a whole number".to_owned()),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, flags: Flags, environment: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it.toml");
        std::fs::write(&file, text).unwrap();
        let flags = Flags { config: Some(file), ..flags };
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(&flags, environment).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        assert_eq!(load("", Flags::default(), &[]).unwrap().listen, "127.0.0.1:8080");
        let file = "listen = \"127.0.0.1:1\"";
        assert_eq!(load(file, Flags::default(), &[]).unwrap().listen, "127.0.0.1:1");
        let environment = [("ROUNDTOWER_LISTEN", "127.0.0.1:2"), ("ROUNDTOWER_ADMIN_TOKEN", "x")];
        assert_eq!(load(file, Flags::default(), &environment).unwrap().listen, "127.0.0.1:2");
        let flags = Flags { listen: Some("127.0.0.1:3".to_owned()), ..Flags::default() };
        assert_eq!(load(file, flags, &environment).unwrap().listen, "127.0.0.1:3");
    }

    #[test]
    fn nested_variables_reach_sections_and_keep_their_types() {
        let environment = [
            ("ROUNDTOWER_JOURNAL__DURABILITY", "written"),
            ("ROUNDTOWER_HTTP__WORKERS", "3"),
            ("ROUNDTOWER_TRUSTED_PROXIES", "127.0.0.1, ::1"),
        ];
        let config = load("[http]\nbody_timeout_ms = 7\n", Flags::default(), &environment).unwrap();
        assert_eq!(config.journal.durability.as_str(), "written");
        assert_eq!((config.http.workers, config.http.body_timeout_ms), (3, 7));
        assert_eq!(config.trusted_proxies.len(), 2);
    }

    #[test]
    fn errors_name_place_key_and_what_would_be_right() {
        let error = load("listen = \"127.0.0.1:1\"\nlisten_port = 5\n", Flags::default(), &[]).unwrap_err();
        assert!(error.contains("it.toml, line 2, `listen_port`") && error.contains("expected one of"), "{error}");
        let error = load("[http]\nworkers = \"two\"\n", Flags::default(), &[]).unwrap_err();
        assert!(error.contains("line 2, `http.workers`") && error.contains("usize"), "{error}");
        let error = load("[journal]\ndurability = \"maybe\"\n", Flags::default(), &[]).unwrap_err();
        assert!(error.contains("`journal.durability`") && error.contains("`synced`"), "{error}");
        let error = load("[http]\nbody_timeout_ms = 0\n", Flags::default(), &[]).unwrap_err();
        assert!(error.contains("line 2, `http.body_timeout_ms`") && error.contains("1 to"), "{error}");
        let error = load("", Flags::default(), &[("ROUNDTOWER_HTTP__WORKERS", "many")]).unwrap_err();
        assert!(error.contains("ROUNDTOWER_HTTP__WORKERS") && error.contains("whole number"), "{error}");
        let error = load("", Flags::default(), &[("ROUNDTOWER_LISTENN", "x")]).unwrap_err();
        assert!(error.contains("ROUNDTOWER_LISTENN") && error.contains("LISTEN"), "{error}");
        let error = load("", Flags { listen: Some("here".to_owned()), ..Flags::default() }, &[]).unwrap_err();
        assert!(error.contains("--listen") && error.contains("ADDRESS:PORT"), "{error}");
    }
}
