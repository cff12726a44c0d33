//! What an operator can set about ingest: the section `[ingest]`.

use serde::Deserialize;

/// What happens to a request whose write key nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownKeys {
    /// Answered 401, so that whoever set up the sender sees the mistake.
    #[default]
    Refuse,
    /// Answered 200 and dropped, as Segment does.
    Drop,
}

/// Settings of ingest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What happens to a request whose write key nobody knows.
    pub unknown_keys: UnknownKeys,
    /// Reject ids that are JSON numbers, instead of taking their digits.
    pub strict_ids: bool,
    /// Accept types in any letter case in a batch (`Track`).
    pub lenient_types: bool,
    /// The name this server answers to in a message's `integrations`. Case-sensitive.
    pub destination: String,
    /// How many rejections are kept to look at.
    pub rejections_max: usize,
    /// How many bytes of a rejected body are kept.
    pub rejection_body_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unknown_keys: UnknownKeys::Refuse,
            strict_ids: false,
            lenient_types: false,
            destination: "Windsor".to_owned(),
            rejections_max: 10_000,
            rejection_body_bytes_max: 4_096,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, UnknownKeys};

    #[test]
    fn missing_keys_have_defaults_and_unknown_ones_are_errors() {
        let settings: Settings = toml::from_str("unknown_keys = \"drop\"\nstrict_ids = true").unwrap();
        let expected = Settings { unknown_keys: UnknownKeys::Drop, strict_ids: true, ..Settings::default() };
        assert_eq!(settings, expected);
        for wrong in ["unknown_keys = \"ignore\"", "strict = true", "rejections_max = -1"] {
            assert!(toml::from_str::<Settings>(wrong).is_err(), "{wrong}");
        }
    }
}
