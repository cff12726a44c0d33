//! Audiences, steps of journeys and computed traits, as the search index counts them.

use serde::Serialize;

use super::cursor::{Page, TextRow};
use super::error::QueryError;
use super::json::Listing;
use crate::journal::Sequence;
use crate::views::search;
use crate::views::state::Class;

/// Bytes of a key that order; longer ones that begin alike are in no order of theirs.
const KEY_BYTES_MAX: usize = 256;

/// An audience, step of a journey or computed trait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audience {
    /// The key of the trait.
    pub key: String,
    /// What to call it: no message tells another name than the key.
    pub name: String,
    /// `audience`, `journey_step` or `computed_trait`.
    pub class: &'static str,
    /// How many people are in it, or have a value.
    pub members: u64,
}

/// One page of them, in the order of keys. `all` is true below `through`.
///
/// # Errors
/// When the cursor is not of this list.
pub fn audiences(
    all: Vec<search::Audience>,
    through: Sequence,
    page: &Page<'_>,
) -> Result<Listing<Audience>, QueryError> {
    let after = page.text_row()?.map(|row| (row.text, row.tie));
    let mut rows: Vec<_> = all.into_iter().map(|one| (place(&one), one)).collect();
    rows.retain(|(place, _)| after.as_ref().is_none_or(|after| place > after));
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let has_more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let last = rows.last().filter(|_| has_more);
    let next = last.map(|((text, tie), _)| page.after_text(&TextRow { text: text.clone(), tie: *tie }));
    let items = rows.into_iter().map(|(_, search::Audience { key, class, members })| Audience {
        name: key.clone(),
        key,
        class: name_of(class),
        members,
    });
    Ok(Listing::new(items.collect(), next, through))
}

/// Where it stands in the list. Keys may be long, cursors may not.
fn place(one: &search::Audience) -> (Option<String>, [u8; 16]) {
    let end = (0..=KEY_BYTES_MAX.min(one.key.len())).rev().find(|at| one.key.is_char_boundary(*at));
    let beginning = one.key.get(..end.unwrap_or_default()).unwrap_or_default();
    let mut tie: [u8; 16] = blake3::hash(one.key.as_bytes()).as_bytes().first_chunk().copied().unwrap_or_default();
    let [first, ..] = &mut tie;
    *first = one.class as u8;
    (Some(beginning.to_owned()), tie)
}

const fn name_of(class: Class) -> &'static str {
    match class {
        Class::Plain => "trait",
        Class::Audience => "audience",
        Class::Computed => "computed_trait",
        Class::JourneyStep => "journey_step",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::CursorKey;

    #[test]
    fn pages_are_the_list_cut_into_pieces() {
        let of = |key: &str, class, members| search::Audience { key: key.to_owned(), class, members };
        let long = "ä".repeat(400);
        let all = vec![
            of("vip", Class::Computed, 0),
            of("vip", Class::Audience, 2),
            of("", Class::JourneyStep, 1),
            of(&format!("{long}x"), Class::Audience, 4),
            of(&format!("{long}y"), Class::Audience, 5),
            of(&long, Class::Audience, 3),
        ];
        let key = CursorKey::new(b"one");
        let ask = |limit, cursor: Option<&str>| {
            let page = Page { limit, cursor, key: &key, route: "r", filter: "" };
            audiences(all.clone(), Sequence::new(7), &page)
        };
        let whole = ask(6, None).unwrap();
        assert_eq!((whole.next, whole.through), (None, 7));
        let shown: Vec<_> = whole.items.iter().map(|one| (one.key.as_str(), one.class, one.members)).collect();
        assert_eq!(shown[..3], [("", "journey_step", 1), ("vip", "audience", 2), ("vip", "computed_trait", 0)]);
        let (mut pages, mut cursor) = (Vec::new(), None);
        for _ in 0..6 {
            let page = ask(1, cursor.as_deref()).unwrap();
            pages.extend(page.items);
            cursor = page.next;
        }
        assert_eq!((pages, cursor), (whole.items, None));
        assert!(matches!(ask(1, Some("vip")), Err(QueryError::BadCursor)));
    }
}
