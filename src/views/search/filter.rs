//! What is put into the index about a person, and what can be asked.

use crate::views::identity::NodeNo;
use crate::views::state::Class;

/// What can be asked about one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// The person's root.
    pub root: NodeNo,
    /// Its name.
    pub name: Option<String>,
    /// Its email.
    pub email: Option<String>,
    /// Its phone number.
    pub phone: Option<String>,
    /// All its userIds and anonymousIds.
    pub ids: Vec<String>,
    /// Keys and JSON texts of its traits, without those that were cleared. The first 1,000 values are indexed, nested
    /// ones counted; of a value over 8 KiB only that it exists.
    pub traits: Vec<(String, String)>,
    /// Its audiences, steps of journeys and computed traits, also those that it was in or had once. The first 1,000 are
    /// indexed.
    pub computed: Vec<Computed>,
    /// Whether it has a userId.
    pub known: bool,
    /// Whether it has a userId and an email.
    pub complete: bool,
}

/// What an audience, step of a journey or computed trait says about one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// Its key.
    pub key: String,
    /// What it is.
    pub class: Class,
    /// Whether the person is in it now, or has a value.
    pub is_member: bool,
}

/// An audience, step of a journey or computed trait, and how many people are in it or have a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// Its key.
    pub key: String,
    /// What it is.
    pub class: Class,
    /// How many people; 0 when only former ones are known.
    pub members: u64,
}

/// What a filter asks of one trait. Texts are as the caller wrote them: `5` is the number and the text, `true` the
/// boolean and the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It, or a member of it, equals: text exactly, numbers as numbers.
    Equals(String),
    /// It is greater: numbers than the number, text (times among it) than the text in the order of bytes.
    Greater(String),
    /// It is less.
    Less(String),
    /// Whether it is there.
    Exists(bool),
}

/// What to do with people who have no userId.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Leave them out.
    #[default]
    Hide,
    /// Take them in.
    Include,
    /// Leave out all others.
    Only,
}

/// Who is asked for: people to whom all of it applies. The default asks for everybody with a userId.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that are all part of the name, email, phone or an id. Case does not count.
    pub text: Option<String>,
    /// Paths of traits (keys joined by dots) and what is asked of them.
    pub traits: Vec<(String, Test)>,
    /// The key of an audience or of a step of a journey.
    pub audience: Option<String>,
    /// What to do with people who have no userId.
    pub anonymous: Anonymous,
    /// Only people who lack a userId or an email.
    pub incomplete: bool,
}

/// What people are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// The name without case.
    Name,
    /// The email without case.
    Email,
}

impl SortBy {
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
        }
    }
}

/// A person's place in an order: what it is ordered by (folded, at most 256 bytes of it) and its root.
pub type Position = (Option<String>, NodeNo);
