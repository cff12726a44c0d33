//! What one record says about a person or group: the pure pieces that the live fold and `as_of` share.
//!
//! Free JSON was checked on its way in. What cannot be read all the same says nothing; it never fails a fold.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::EntryKind;
use super::state::{Class, Stamp, Trait, Traits};
use crate::call::ids::GroupId;

/// The members of a JSON object by key, in the order of keys, with the text of each value.
pub type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The members of the object that is this text; none when it is no object. Of members with one name the last counts.
pub fn members(object: &str) -> Members<'_> {
    serde_json::from_str(object).unwrap_or_default()
}

/// What a JSON text means if it is a string.
pub fn string(json: &str) -> Option<String> {
    if json.starts_with('"') { serde_json::from_str(json).ok() } else { None }
}

/// Whether a JSON text is a number.
pub fn is_number(json: &str) -> bool {
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// A boolean as `true` or `false`, also in quotes, as some producers send it.
pub fn boolean(json: &str) -> Option<bool> {
    match json {
        "true" | "\"true\"" => Some(true),
        "false" | "\"false\"" => Some(false),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Personas {
    #[serde(default)]
    computation_class: Option<String>,
    #[serde(default)]
    computation_key: Option<String>,
}

/// What `context.personas` says: the class, and the only key that is of it, if it names one.
fn personas(context: &str) -> Option<(Class, Option<String>)> {
    memmem::find(context.as_bytes(), b"\"personas\"")?;
    let found: Personas = serde_json::from_str(members(context).get("personas")?.get()).ok()?;
    let class = match found.computation_class?.as_str() {
        "audience" => Class::Audience,
        "trait" | "computed_trait" => Class::Computed,
        "journey_step" => Class::JourneyStep,
        _ => return None,
    };
    Some((class, found.computation_key.filter(|key| !key.is_empty())))
}

/// The traits that an identify or group call sets: its top-level members. A null clears.
pub fn traits_of(payload: &str, context: &str, stamp: Stamp) -> Traits {
    if payload == "{}" {
        return Traits::new();
    }
    let personas = personas(context);
    let class_of = |key: &str| match &personas {
        Some((class, only)) if only.as_deref().is_none_or(|only| only == key) => *class,
        _ => Class::Plain,
    };
    let set = members(payload).into_iter().map(|(key, value)| {
        let value = Some(value.get()).filter(|text| *text != "null").map(str::to_owned);
        let class = class_of(&key);
        (key, Trait { value, stamp, class })
    });
    set.collect()
}

/// The group that a call is filed under: `context.groupId`, a string or an integer, if it is a valid id.
pub fn group_of_context(context: &str) -> Option<Cow<'_, str>> {
    memmem::find(context.as_bytes(), b"\"groupId\"")?;
    let json = members(context).remove("groupId")?.get();
    let id = if is_number(json) {
        let is_whole = json.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        is_whole.then_some(Cow::Borrowed(json))?
    } else {
        let inner = json.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') { Cow::Owned(string(json)?) } else { Cow::Borrowed(inner) }
    };
    GroupId::parse(&*id).is_ok().then_some(id)
}

/// Whether the call says that nobody was there (`context.active` is false): it does not count as being seen.
pub fn is_inactive(context: &str) -> bool {
    memmem::find(context.as_bytes(), b"\"active\"").is_some()
        && members(context).get("active").is_some_and(|value| value.get() == "false")
}

/// What a track, page or screen call is called in the event catalogue: the event; the full name of a page or screen, which
/// is category and name, or what a nameless one is called. None for other calls.
pub fn name_of<'a>(kind: EntryKind, name: Option<&'a str>, category: Option<&str>) -> Option<Cow<'a, str>> {
    let name = name.filter(|name| !name.is_empty());
    let nameless = match kind {
        EntryKind::Track => return name.map(Cow::Borrowed),
        EntryKind::Page => "Loaded a Page",
        EntryKind::Screen => "Loaded a Screen",
        EntryKind::Identify | EntryKind::Group | EntryKind::Alias | EntryKind::Control => return None,
    };
    Some(match (category.filter(|category| !category.is_empty()), name) {
        (Some(category), Some(name)) => Cow::Owned(format!("{category} {name}")),
        (None, Some(name)) => Cow::Borrowed(name),
        (_, None) => Cow::Borrowed(nameless),
    })
}

/// The traits that [`Contact::of`] reads.
pub const CONTACT_KEYS: [&str; 8] =
    ["avatar", "email", "firstName", "first_name", "lastName", "last_name", "name", "phone"];

/// How to reach and to name a person, resolved from its traits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the traits of that name")]
pub struct Contact {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub avatar: Option<String>,
}

impl Contact {
    /// Reads `name`, else first and last name in either spelling; `email`, `phone` and `avatar`. Only strings count, and
    /// for the phone numbers too.
    pub fn of(traits: &Traits) -> Self {
        let json = |key: &str| traits.get(key).and_then(|found| found.value.as_deref());
        let text = |key: &str| json(key).and_then(string).filter(|text| !text.trim().is_empty());
        let either = |camel: &str, snake: &str| text(camel).or_else(|| text(snake));
        let full = || match (either("firstName", "first_name"), either("lastName", "last_name")) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (one, other) => one.or(other),
        };
        let digits = |key: &str| json(key).filter(|json| is_number(json)).map(str::to_owned);
        Self {
            name: text("name").or_else(full),
            email: text("email"),
            phone: text("phone").or_else(|| digits("phone")),
            avatar: text("avatar"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::time::Time;
    use crate::journal::Sequence;

    const STAMP: Stamp = Stamp { time: Time::from_millis(5), sequence: Sequence::new(7) };

    fn value(traits: &Traits, key: &str) -> Option<(Option<String>, Class)> {
        traits.get(key).map(|found| (found.value.clone(), found.class))
    }

    #[test]
    fn traits_are_the_top_level_members_as_text() {
        let traits = traits_of(r#"{"n":9007199254740993.10,"o":{"b":1, "a":2},"gone":null,"":"x"}"#, "{}", STAMP);
        assert_eq!(value(&traits, "n"), Some((Some("9007199254740993.10".into()), Class::Plain)));
        assert_eq!(value(&traits, "o"), Some((Some(r#"{"b":1, "a":2}"#.into()), Class::Plain)));
        assert_eq!(value(&traits, "gone"), Some((None, Class::Plain)));
        assert_eq!(value(&traits, ""), Some((Some("\"x\"".into()), Class::Plain)));
        assert!(traits.values().all(|found| found.stamp == STAMP));
        let odd = traits_of(r#"{"$serde_json::private::Number":"x"}"#, "{}", STAMP);
        assert_eq!(value(&odd, "$serde_json::private::Number"), Some((Some("\"x\"".into()), Class::Plain)));
        assert!(traits_of("[1]", "{}", STAMP).is_empty());
    }

    #[test]
    fn a_personas_message_marks_its_key() {
        let class = |class: &str, key: &str| {
            let context = format!(r#"{{"personas":{{"computation_class":"{class}"{key}}}}}"#);
            let traits = traits_of(r#"{"vip":true,"email":"x"}"#, &context, STAMP);
            (traits["vip"].class, traits["email"].class)
        };
        let key = r#","computation_key":"vip""#;
        assert_eq!(class("audience", key), (Class::Audience, Class::Plain));
        assert_eq!(class("trait", key), (Class::Computed, Class::Plain));
        assert_eq!(class("computed_trait", ""), (Class::Computed, Class::Computed));
        assert_eq!(class("journey_step", key), (Class::JourneyStep, Class::Plain));
        assert_eq!(class("whatever", key), (Class::Plain, Class::Plain));
        let text = traits_of(r#"{"vip":true}"#, r#"{"page":{"personas":1}}"#, STAMP);
        assert_eq!(text["vip"].class, Class::Plain);
    }

    #[test]
    fn the_group_of_an_event_is_in_its_context() {
        for (context, group) in [
            (r#"{"groupId":"g1"}"#, Some("g1")),
            (r#"{"groupId":12345678901234567890123}"#, Some("12345678901234567890123")),
            (r#"{"groupId":-1}"#, Some("-1")),
            (r#"{"groupId":"a\"b"}"#, Some("a\"b")),
            (r#"{"groupId":1.5}"#, None),
            (r#"{"groupId":1e3}"#, None),
            (r#"{"groupId":""}"#, None),
            (r#"{"groupId":null}"#, None),
            (r#"{"groupId":["g1"]}"#, None),
            (r#"{"traits":{"groupId":"g1"}}"#, None),
            ("{}", None),
        ] {
            assert_eq!(group_of_context(context).as_deref(), group, "{context}");
        }
        assert_eq!(group_of_context(&format!(r#"{{"groupId":"{}"}}"#, "g".repeat(1_025))), None, "too long for an id");
    }

    #[test]
    fn only_active_false_is_inactive() {
        for (context, inactive) in [
            (r#"{"active":false}"#, true),
            (r#"{"active":true}"#, false),
            (r#"{"active":"false"}"#, false),
            (r#"{"app":{"active":false}}"#, false),
            (r#"{"locale":"x"}"#, false),
        ] {
            assert_eq!(is_inactive(context), inactive, "{context}");
        }
    }

    #[test]
    fn pages_are_called_by_category_and_name() {
        let name = |kind, name, category| name_of(kind, name, category).map(Cow::into_owned);
        assert_eq!(name(EntryKind::Track, Some("A"), Some("c")).as_deref(), Some("A"));
        assert_eq!(name(EntryKind::Page, Some("Home"), Some("Docs")).as_deref(), Some("Docs Home"));
        assert_eq!(name(EntryKind::Page, Some("Home"), Some("")).as_deref(), Some("Home"));
        assert_eq!(name(EntryKind::Page, None, Some("Docs")).as_deref(), Some("Loaded a Page"));
        assert_eq!(name(EntryKind::Screen, Some(""), None).as_deref(), Some("Loaded a Screen"));
        assert_eq!(name(EntryKind::Identify, Some("x"), None), None);
    }

    #[test]
    fn names_and_addresses_are_read_from_either_spelling() {
        let contact = |payload: &str| Contact::of(&traits_of(payload, "{}", STAMP));
        assert_eq!(contact(r#"{"name":"Ann Lee","firstName":"A"}"#).name.as_deref(), Some("Ann Lee"));
        assert_eq!(contact(r#"{"firstName":"Ann","lastName":"Lee"}"#).name.as_deref(), Some("Ann Lee"));
        assert_eq!(contact(r#"{"first_name":"Ann","last_name":"Lee"}"#).name.as_deref(), Some("Ann Lee"));
        assert_eq!(contact(r#"{"name":" ","last_name":"Lee"}"#).name.as_deref(), Some("Lee"));
        assert_eq!(contact(r#"{"name":5}"#).name, None);
        assert_eq!(contact(r#"{"email":["x"],"phone":491701234567,"avatar":true}"#), {
            Contact { phone: Some("491701234567".into()), ..Contact::default() }
        });
        assert_eq!(contact(r#"{"phone":"+49 170"}"#).phone.as_deref(), Some("+49 170"));
    }
}
