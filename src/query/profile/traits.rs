//! Traits in the shape of the Profile API.

use serde::Serialize;

use super::Cursor;
use crate::query::cursor::{Page, Row};
use crate::query::error::QueryError;
use crate::query::json::{Object, raw};
use crate::query::person::parts;
use crate::views::identity::NodeNo;
use crate::views::snapshot::Snapshot;
use crate::views::state::{Class, Traits};

/// Which traits are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraitQuery {
    /// Only these, if any are named.
    pub include: Vec<String>,
    /// Only of this class: [`Class::Audience`] takes the steps of journeys in.
    pub class: Option<Class>,
}

impl TraitQuery {
    /// Reads the parameters `include` and `class`.
    ///
    /// # Errors
    /// When the class is neither `audience` nor `computed_trait`.
    pub fn parse(include: Option<&str>, class: Option<&str>) -> Result<Self, QueryError> {
        let class = match class {
            None => None,
            Some("audience") => Some(Class::Audience),
            Some("computed_trait") => Some(Class::Computed),
            Some(_) => return Err(QueryError::parameter("class", "is one of audience, computed_trait")),
        };
        let keys = include.into_iter().flat_map(|keys| keys.split(',')).map(str::trim);
        Ok(Self { include: keys.filter(|key| !key.is_empty()).map(str::to_owned).collect(), class })
    }

    fn takes(&self, key: &str, class: Class) -> bool {
        let class = if class == Class::JourneyStep { Class::Audience } else { class };
        (self.include.is_empty() || self.include.iter().any(|wanted| wanted == key))
            && self.class.is_none_or(|wanted| wanted == class)
    }
}

/// One page of traits.
#[derive(Clone, Debug, Serialize)]
pub struct TraitAnswer {
    /// By key.
    pub traits: Object,
    /// Where it goes on.
    pub cursor: Cursor,
}

/// One page of the traits of the person with this root, in the order of keys.
///
/// # Errors
/// When the cursor is not of this list, or the views cannot be read.
pub fn user_traits(
    snapshot: &dyn Snapshot,
    root: NodeNo,
    query: &TraitQuery,
    page: &Page<'_>,
) -> Result<TraitAnswer, QueryError> {
    answer(&parts(snapshot, root)?.traits, query, page)
}

/// One page of the traits of a group, in the order of keys.
///
/// # Errors
/// When there is no such group, the cursor is not of this list, or the views cannot be read.
pub fn account_traits(
    snapshot: &dyn Snapshot,
    group: &str,
    query: &TraitQuery,
    page: &Page<'_>,
) -> Result<TraitAnswer, QueryError> {
    let number = snapshot.group_no(group).ok_or(QueryError::NotFound("group"))?;
    answer(&snapshot.group(number)?.traits, query, page)
}

fn answer(traits: &Traits, query: &TraitQuery, page: &Page<'_>) -> Result<TraitAnswer, QueryError> {
    let wanted = traits.iter().filter(|(key, found)| query.takes(key, found.class));
    let rows: Vec<_> = wanted.filter_map(|(key, found)| Some((key, found.value.as_deref().and_then(raw)?))).collect();
    let start = page.row()?.map_or(0, |last| {
        // The key that the page before ended with may have been cleared since: then its place counts.
        let place = usize::try_from(last.rank.unwrap_or_default()).unwrap_or_default();
        rows.iter().position(|(key, _)| tie(key) == last.tie).map_or(place, |at| at + 1)
    });
    let end = start.saturating_add(page.limit).min(rows.len());
    let shown = rows.get(start..end).unwrap_or_default();
    let last = shown.last().filter(|_| end < rows.len());
    let next = last.map(|(key, _)| page.after_row(&Row { rank: i64::try_from(end).ok(), tie: tie(key) }));
    let traits = shown.iter().map(|(key, value)| ((*key).clone(), value.clone())).collect();
    Ok(TraitAnswer { traits, cursor: Cursor::of(page, next) })
}

/// Keys may be long, cursors may not.
fn tie(key: &str) -> [u8; 16] {
    blake3::hash(key.as_bytes()).as_bytes().first_chunk().copied().unwrap_or_default()
}
