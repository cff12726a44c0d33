//! A call on its way: what it says, when, and through which source; and the sources themselves.

use serde_json::{Map, Value, json};

use super::chance::Chance;
use crate::call::time::Time;

/// Who sends. The order is that in which sources are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "see `Source::name`")]
pub enum Source {
    ShopWeb,
    ShopServer,
    ShopIos,
    ShopAndroid,
    DeskWeb,
    DeskServer,
    Mail,
    Engage,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ShopWeb,
        Self::ShopServer,
        Self::ShopIos,
        Self::ShopAndroid,
        Self::DeskWeb,
        Self::DeskServer,
        Self::Mail,
        Self::Engage,
    ];

    /// Its name in the server.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShopWeb => "shop-web",
            Self::ShopServer => "shop-server",
            Self::ShopIos => "shop-ios",
            Self::ShopAndroid => "shop-android",
            Self::DeskWeb => "desk-web",
            Self::DeskServer => "desk-server",
            Self::Mail => "mail",
            Self::Engage => "segment-engage",
        }
    }

    /// Whether everybody can read its write key.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::ShopWeb | Self::ShopIos | Self::ShopAndroid | Self::DeskWeb)
    }

    /// What the SDK in use calls itself.
    pub(super) const fn library(self) -> (&'static str, &'static str) {
        match self {
            Self::ShopWeb | Self::DeskWeb => ("analytics.js", "next-1.84.3"),
            Self::ShopIos => ("analytics-swift", "1.6.2"),
            Self::ShopAndroid => ("analytics-kotlin", "1.16.3"),
            Self::ShopServer | Self::DeskServer => ("analytics-python", "2.4.0"),
            Self::Mail | Self::Engage => ("analytics-node", "3.1.0"),
        }
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// When it happens.
    pub at: Time,
    /// Who sends it.
    pub source: Source,
    /// The call as an SDK writes it, without its times.
    pub call: Map<String, Value>,
}

impl Sent {
    /// A call of this type, with a message id of its own.
    pub(super) fn new(at: Time, source: Source, kind: &str, chance: &mut Chance) -> Self {
        let mut call = Map::new();
        call.insert("type".to_owned(), json!(kind));
        call.insert("messageId".to_owned(), json!(chance.id()));
        Self { at, source, call }
    }

    /// Adds a member, unless it is null.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.call.insert(name.to_owned(), value);
        }
        self
    }

    /// A text member, empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.call.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The call as it stands in a file: with the time at which it happened, and at which it was received a moment later.
    pub fn archived(&self) -> Value {
        // Derived from the id, so that it needs no choice of its own.
        let delay = 60 + self.text("messageId").bytes().map(i64::from).sum::<i64>() % 700;
        let mut call = self.call.clone();
        call.insert("timestamp".to_owned(), json!(self.at.to_string()));
        call.insert("receivedAt".to_owned(), json!(later(self.at, delay).to_string()));
        Value::Object(call)
    }

    /// The call as it is sent right now.
    pub fn live(&self) -> Value {
        let mut call = self.call.clone();
        call.insert("timestamp".to_owned(), json!(self.at.to_string()));
        Value::Object(call)
    }
}

/// `millis` after a time.
pub(super) const fn later(at: Time, millis: i64) -> Time {
    Time::from_millis(at.as_millis().saturating_add(millis))
}

/// An amount of money as a number in a call.
pub(super) fn money(cents: u32) -> Value {
    json!(f64::from(cents) / 100.0)
}
