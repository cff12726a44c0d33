//! The query string of a control route, read by the table of what the route takes: anything else is refused by name.
//!
//! The same table is in the OpenAPI document, so that neither can say what the other does not.

mod table;

use actix_web::HttpRequest;

use super::capture;
use super::problem::Problem;
use super::routes::Action;
use crate::call::time::Time;
use crate::journal::Sequence;

/// Items of a page without `limit`.
const LIMIT_USUAL: usize = 50;
/// Longest value, in bytes: as long as the longest id.
const VALUE_BYTES_MAX: usize = crate::call::limits::ID_BYTES_MAX;
/// Filters by trait in one request.
const TRAITS_MAX: usize = 16;
/// Of an unknown name this much is repeated, in characters.
const NAME_SHOWN_MAX: usize = 64;

/// What a value has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Any text but an empty one.
    Text,
    /// Any text; an empty one is as good as none.
    Words,
    /// `true` or `false`.
    Flag,
    /// RFC 3339.
    Time,
    /// How many items, up to this many.
    Limit(usize),
    /// A place in the journal.
    Sequence,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Any name that begins with `trait.`: a filter by trait.
    Trait,
}

/// One parameter that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// Its name in the query.
    pub(super) name: &'static str,
    /// What its value looks like.
    pub(super) form: Form,
    /// What it does, in a sentence.
    pub(super) about: &'static str,
}

/// How a filter compares a trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// The same text or number.
    Equals,
    /// Greater than the value.
    Greater,
    /// Less than the value.
    Less,
    /// There at all (`true`), or not (`false`).
    Exists,
}

/// `trait.KEY=VALUE` and its kin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TraitFilter {
    /// The trait.
    pub(super) key: String,
    /// How it is compared.
    pub(super) compare: Compare,
    /// With what.
    pub(super) value: String,
}

/// The parameters of one request, checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    values: Vec<(&'static str, String)>,
    traits: Vec<TraitFilter>,
}

impl Action {
    /// What its query string may hold.
    pub(super) const fn parameters(self) -> &'static [&'static Parameter] {
        table::of(self)
    }
}

impl Asked {
    /// Reads what `action` takes.
    ///
    /// # Errors
    /// When a parameter is unknown, given twice, or does not fit.
    pub(super) fn read(request: &HttpRequest, action: Action) -> Result<Self, Problem> {
        Self::parse(request.query_string(), action.parameters())
    }

    fn parse(query: &str, known: &[&'static Parameter]) -> Result<Self, Problem> {
        let mut asked = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (capture::decode(name), capture::decode(value));
            let fits = |one: &&&Parameter| match one.form {
                Form::Trait => name.starts_with("trait."),
                _ => one.name == name,
            };
            let parameter = known.iter().find(fits).ok_or_else(|| unknown(&name, known))?;
            check(parameter, &name, &value)?;
            if parameter.form == Form::Trait {
                asked.add_trait(&name, value)?;
            } else if asked.text(parameter.name).is_some() {
                return Err(Problem::BadRequest(format!("`{}` is given twice", parameter.name)));
            } else {
                asked.values.push((parameter.name, value));
            }
        }
        Ok(asked)
    }

    fn add_trait(&mut self, name: &str, value: String) -> Result<(), Problem> {
        let rest = name.strip_prefix("trait.").unwrap_or_default();
        let endings = [(".gt", Compare::Greater), (".lt", Compare::Less), (".exists", Compare::Exists)];
        let found = endings.iter().find_map(|(ending, compare)| Some((rest.strip_suffix(ending)?, *compare)));
        let (key, compare) = found.filter(|(key, _)| !key.is_empty()).unwrap_or((rest, Compare::Equals));
        if key.is_empty() {
            return Err(Problem::BadRequest("`trait.` needs the name of a trait: `trait.plan=pro`".to_owned()));
        }
        if compare == Compare::Exists && !matches!(value.as_str(), "true" | "false") {
            return Err(Problem::BadRequest("`trait.KEY.exists` has to be `true` or `false`".to_owned()));
        }
        if self.traits.len() == TRAITS_MAX {
            return Err(Problem::BadRequest(format!("at most {TRAITS_MAX} filters by trait fit into one request")));
        }
        self.traits.push(TraitFilter { key: key.to_owned(), compare, value });
        Ok(())
    }

    /// The value as it came, if it was given and is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The same as a text of its own.
    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// Whether the flag was given as `true`.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// The time, if it was given.
    pub(super) fn time(&self, name: &str) -> Option<Time> {
        self.text(name).and_then(time)
    }

    /// The place in the journal, if it was given.
    pub(super) fn sequence(&self, name: &str) -> Option<Sequence> {
        self.text(name).and_then(|text| text.parse().ok()).map(Sequence::new)
    }

    /// How many items were asked for.
    pub(super) fn limit(&self, usual: usize) -> usize {
        self.text("limit").and_then(|text| text.parse().ok()).unwrap_or(usual)
    }

    /// How many items of a list.
    pub(super) fn page(&self) -> usize {
        self.limit(LIMIT_USUAL)
    }

    /// What is in the list and in which order, in one spelling: what cursors are bound to.
    pub(super) fn filter(&self) -> String {
        let rest = self.values.iter().filter(|(name, _)| !matches!(*name, "limit" | "cursor" | "wait_for"));
        let traits = self.traits.iter().map(|one| format!("{:?}", (&one.key, one.compare, &one.value)));
        let mut all: Vec<String> = rest.map(|one| format!("{one:?}")).chain(traits).collect();
        all.sort();
        all.concat()
    }

    /// Whether the greatest come first: times and counts do if nothing is said, texts do not.
    pub(super) fn is_descending(&self, by_text: bool) -> bool {
        self.text("order").map_or(!by_text, |order| order == "desc")
    }

    /// The filters by trait, in the order given.
    pub(super) fn traits(&self) -> &[TraitFilter] {
        &self.traits
    }
}

/// RFC 3339 with an offset, or a bare date (UTC).
fn time(text: &str) -> Option<Time> {
    let is_date = text.get(4..5) == Some("-");
    Time::parse(text).filter(|_| is_date)
}

fn check(parameter: &Parameter, name: &str, value: &str) -> Result<(), Problem> {
    let wrong = |wanted: &str| Err(Problem::BadRequest(format!("`{}` has to be {wanted}", parameter.name)));
    if value.len() > VALUE_BYTES_MAX || name.len() > VALUE_BYTES_MAX {
        return wrong(&format!("at most {VALUE_BYTES_MAX} bytes long"));
    }
    match parameter.form {
        Form::Text if value.is_empty() => wrong("some text, or left out"),
        Form::Flag if !matches!(value, "true" | "false") => wrong("`true` or `false`"),
        Form::Time if time(value).is_none() => wrong("a time such as 2026-11-23T12:00:00Z"),
        Form::Limit(max) if !value.parse().is_ok_and(|limit: usize| (1..=max).contains(&limit)) => {
            wrong(&format!("1 to {max}"))
        }
        Form::Sequence if !value.parse::<u64>().is_ok_and(|number| number > 0) => wrong("a whole number from 1"),
        Form::Choice(all) if !all.contains(&value) => wrong(&format!("one of {}", all.join(", "))),
        _ => Ok(()),
    }
}

fn unknown(name: &str, known: &[&'static Parameter]) -> Problem {
    let shown: String = name.chars().filter(|letter| !letter.is_control()).take(NAME_SHOWN_MAX).collect();
    let takes = match known {
        [] => "no parameters".to_owned(),
        known => known.iter().map(|one| one.name).collect::<Vec<_>>().join(", "),
    };
    Problem::BadRequest(format!("`{shown}` is no parameter of this route; it takes {takes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(query: &str) -> Result<Asked, String> {
        Asked::parse(query, Action::People.parameters()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn what_is_unknown_twice_or_misshaped_is_refused_by_name() {
        for (query, words) in [
            ("limti=5", "`limti` is no parameter of this route; it takes search, "),
            ("limit=5&limit=6", "`limit` is given twice"),
            ("limit=0", "`limit` has to be 1 to 500"),
            ("limit=501", "`limit` has to be 1 to 500"),
            ("limit=", "`limit` has to be 1 to 500"),
            ("limit=-1", "`limit` has to be 1 to 500"),
            ("group=", "`group` has to be some text"),
            ("seen_after=yesterday", "`seen_after` has to be a time"),
            ("seen_after=5", "`seen_after` has to be a time"),
            ("sort=age", "`sort` has to be one of last_seen, "),
            ("incomplete=yes", "`incomplete` has to be `true` or `false`"),
            ("wait_for=0", "`wait_for` has to be a whole number from 1"),
            ("trait.=x", "`trait.` needs the name of a trait"),
            ("trait.plan.exists=1", "`trait.KEY.exists` has to be"),
            ("%00%1b=1", "`` is no parameter"),
        ] {
            let text = people(query).unwrap_err();
            assert!(text.starts_with(words), "{query}: {text}");
        }
        let long = people(&format!("group={}", "x".repeat(VALUE_BYTES_MAX + 1))).unwrap_err();
        assert!(long.contains("at most 1024 bytes"), "{long}");
        assert!(people(&format!("group={}", "x".repeat(VALUE_BYTES_MAX))).is_ok());
        assert!(people(&"&trait.a=1".repeat(TRAITS_MAX)).is_ok());
        assert!(people(&"&trait.a=1".repeat(TRAITS_MAX + 1)).is_err());
    }

    #[test]
    fn values_are_decoded_and_traits_may_have_dots() {
        let asked = people("search=a+b%26c&limit=500&trait.a.b.gt=5&trait.plan=pro&trait..gt=x&seen_after=2026-01-01");
        let asked = asked.unwrap();
        assert_eq!((asked.text("search"), asked.page()), (Some("a b&c"), 500));
        assert_eq!(asked.time("seen_after"), Time::parse("2026-01-01T00:00:00Z"));
        let of = |filter: &TraitFilter| (filter.key.clone(), filter.compare, filter.value.clone());
        let traits: Vec<_> = asked.traits().iter().map(of).collect();
        let expected = [
            ("a.b".to_owned(), Compare::Greater, "5".to_owned()),
            ("plan".to_owned(), Compare::Equals, "pro".to_owned()),
            (".gt".to_owned(), Compare::Equals, "x".to_owned()),
        ];
        assert_eq!(traits, expected);
        assert_eq!(people("search=").unwrap().text("search"), None);
    }
}
