//! One person at one device: what they do becomes calls, each a moment after the one before.

use serde_json::{Map, Value, json};

use super::cast::{Company, Device, Person};
use super::chance::Chance;
use super::sent::{Sent, Source, later};
use super::words::{DESK, SHOP};
use crate::call::time::Time;

/// What is happening.
pub(super) struct Scene<'a> {
    pub(super) chance: &'a mut Chance,
    pub(super) out: &'a mut Vec<Sent>,
    pub(super) companies: &'a [Company],
    pub(super) person: &'a mut Person,
    pub(super) device: Device,
    pub(super) at: Time,
    /// The path of the page that is open.
    pub(super) path: String,
    /// What brought them here, if anything did.
    pub(super) campaign: Option<Value>,
}

impl Scene<'_> {
    /// Lets so many seconds pass, about.
    pub(super) fn wait(&mut self, low_s: u32, high_s: u32) {
        let millis = self.chance.between(low_s.saturating_mul(1_000), high_s.saturating_mul(1_000));
        self.at = later(self.at, i64::from(millis));
    }

    /// Their user id, once they are known.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.person.user_id.as_deref().filter(|_| self.person.is_known)
    }

    /// Whether this is a phone.
    pub(super) fn is_phone(&self) -> bool {
        matches!(self.device.source, Source::ShopIos | Source::ShopAndroid)
    }

    /// A call of the device.
    pub(super) fn say(&mut self, kind: &str, members: Value) {
        let context = self.context();
        let sent = Sent::new(self.at, self.device.source, kind, self.chance)
            .with("anonymousId", self.device.anonymous_id.clone())
            .with("userId", self.user_id().map_or(Value::Null, Value::from));
        self.push(sent, members, context);
    }

    /// A call of the company's server about this person, who has to be known to it.
    pub(super) fn server_says(&mut self, kind: &str, members: Value) {
        let Some(user_id) = self.user_id().map(str::to_owned) else { return };
        let source = if self.person.work.is_some() { Source::DeskServer } else { Source::ShopServer };
        let mut context = library(source);
        self.add_group(&mut context);
        self.at = later(self.at, 40);
        let sent = Sent::new(self.at, source, kind, self.chance).with("userId", user_id);
        self.push(sent, members, context);
    }

    fn push(&mut self, mut sent: Sent, members: Value, context: Map<String, Value>) {
        if let Value::Object(members) = members {
            sent.call.extend(members);
        }
        sent.call.insert("context".to_owned(), Value::Object(context));
        self.out.push(sent);
    }

    /// An event.
    pub(super) fn track(&mut self, event: &str, properties: Value) {
        let members = [("event".to_owned(), json!(event)), ("properties".to_owned(), properties)];
        self.say("track", Value::Object(Map::from_iter(members)));
    }

    /// A page, or a screen on a phone.
    pub(super) fn open(&mut self, category: Option<&str>, name: &str, path: &str) {
        path.clone_into(&mut self.path);
        let mut members = json!({"name": name});
        if let (Some(category), Some(members)) = (category, members.as_object_mut()) {
            members.insert("category".to_owned(), json!(category));
        }
        if self.is_phone() {
            return self.say("screen", members);
        }
        if let Some(members) = members.as_object_mut() {
            members.insert("properties".to_owned(), json!({"path": path, "title": name, "url": self.url()}));
        }
        self.say("page", members);
    }

    /// Says who they are.
    pub(super) fn identify(&mut self) {
        let traits = self.person.traits(self.companies, self.at);
        self.say("identify", json!({"traits": traits}));
        if let Some(company) = self.company() {
            let (id, traits) = (company.id.clone(), company.traits(self.at));
            self.wait(0, 1);
            self.say("group", json!({"groupId": id, "traits": traits}));
        }
    }

    /// Where they work at the desk.
    pub(super) fn company(&self) -> Option<&Company> {
        self.person.work.and_then(|(place, _)| self.companies.get(place))
    }

    fn url(&self) -> String {
        let site = if self.device.source == Source::DeskWeb { DESK } else { SHOP };
        format!("{site}{}", self.path)
    }

    fn add_group(&self, context: &mut Map<String, Value>) {
        if let Some(company) = self.company() {
            context.insert("groupId".to_owned(), json!(company.id));
        }
    }

    fn context(&self) -> Map<String, Value> {
        let (_, _, timezone, locale) = self.person.home(self.at);
        let mut context = library(self.device.source);
        let mut add = |name: &str, value: Value| context.insert(name.to_owned(), value);
        add("ip", json!(self.device.ip));
        add("locale", json!(locale));
        add("timezone", json!(timezone));
        match self.device.source {
            Source::ShopIos | Source::ShopAndroid => {
                let is_ios = self.device.source == Source::ShopIos;
                let (kind, os, version) = if is_ios { ("ios", "iOS", "18.2") } else { ("android", "Android", "15") };
                add(
                    "app",
                    json!({"name": "Quillwick", "version": "3.4.0", "build": "340", "namespace": "example.quillwick"}),
                );
                add("device", json!({"type": kind, "model": "Examplephone 4"}));
                add("os", json!({"name": os, "version": version}));
            }
            _ => {
                add("page", json!({"path": self.path, "url": self.url()}));
                add("userAgent", json!("ExampleBrowser/12.0 (Desktop)"));
            }
        }
        if let Some(campaign) = &self.campaign {
            add("campaign", campaign.clone());
        }
        self.add_group(&mut context);
        context
    }
}

/// A context that says only which SDK speaks.
pub(super) fn library(source: Source) -> Map<String, Value> {
    let (name, version) = source.library();
    let mut context = Map::new();
    context.insert("library".to_owned(), json!({"name": name, "version": version}));
    context
}
