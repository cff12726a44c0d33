//! Groups: accounts, companies or teams, their people and what those did.

use serde::Serialize;

use super::cursor::{Page, Row, TextRow};
use super::error::QueryError;
use super::face::group_name;
use super::item::{Item, Lines};
use super::json::{Listing, Object, time_or_null};
use super::order::First;
use super::person::Shown;
use super::scan::Watch;
use super::timeline::{Filter, Wanted, turn};
use crate::call::time::Time;
use crate::views::entry::ListId;
use crate::views::names::GroupNo;
use crate::views::snapshot::Snapshot;
use crate::views::state::GroupState;

/// Groups that one request looks at: the first ones, when there are more.
const GROUPS_MAX: u32 = 200_000;
/// Bytes of a name that its order looks at, so that a cursor stays small.
const NAME_BYTES_MAX: usize = 128;

/// A group, as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// As sent.
    pub id: String,
    /// Its name, if known.
    pub name: Option<String>,
    /// What group calls set.
    pub traits: Object,
    /// People who are in it now.
    pub members: u64,
    /// When the first call that named it happened.
    #[serde(serialize_with = "time_or_null")]
    pub first_seen: Option<Time>,
    /// When the last one happened.
    #[serde(serialize_with = "time_or_null")]
    pub last_seen: Option<Time>,
}

impl Group {
    fn of(snapshot: &dyn Snapshot, number: GroupNo, state: GroupState) -> Self {
        Self {
            name: group_name(&state.traits),
            traits: Shown::of(&state.traits).traits,
            id: state.id,
            members: snapshot.member_count(number),
            first_seen: state.first_seen,
            last_seen: state.last_seen,
        }
    }
}

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names in the API")]
pub enum GroupSort {
    #[default]
    LastSeen,
    FirstSeen,
    Members,
    Name,
}

/// The group with this id.
///
/// # Errors
/// When there is none, or the views cannot be read.
pub fn group(snapshot: &dyn Snapshot, id: &str) -> Result<Group, QueryError> {
    let number = snapshot.group_no(id).ok_or(QueryError::NotFound("group"))?;
    Ok(Group::of(snapshot, number, snapshot.group(number)?))
}

/// The group with this number, if its id or name contains `search`, which is in lower case.
pub(super) fn numbered(
    snapshot: &dyn Snapshot,
    number: GroupNo,
    search: Option<&str>,
) -> Result<Option<Group>, QueryError> {
    let state = snapshot.group(number)?;
    let is_wanted = search.is_none_or(|search| matches(&state, search));
    Ok(is_wanted.then(|| Group::of(snapshot, number, state)))
}

/// One page of the groups whose id or name contains `search`, letter case aside.
///
/// # Errors
/// When the cursor is not of this list, or the views cannot be read.
pub fn groups(
    snapshot: &dyn Snapshot,
    search: Option<&str>,
    sort: GroupSort,
    is_descending: bool,
    page: &Page<'_>,
) -> Result<Listing<Group>, QueryError> {
    let search = search.map(str::to_lowercase);
    let all = (0..snapshot.groups().min(GROUPS_MAX)).map(GroupNo);
    let watch = Watch::new(snapshot);
    let found = all.map(|number| watch.in_time().and_then(|()| Ok((number, snapshot.group(number)?)))).filter(|row| {
        match (row, &search) {
            (Ok((_, state)), Some(search)) => matches(state, search),
            _ => true,
        }
    });
    if sort == GroupSort::Name {
        return by_name(snapshot, found, is_descending, page);
    }
    let mut first = First::new(page.limit, is_descending, page.row()?);
    for row in found {
        let (number, state) = row?;
        let rank = match sort {
            GroupSort::FirstSeen => state.first_seen.map(Time::as_millis),
            GroupSort::Members => i64::try_from(snapshot.member_count(number)).ok(),
            GroupSort::LastSeen | GroupSort::Name => state.last_seen.map(Time::as_millis),
        };
        if first.may_take(rank) {
            first.offer(rank, tie(number), (number, state));
        }
    }
    let (rows, last): (Vec<_>, Option<Row>) = first.into_rows();
    let items = rows.into_iter().map(|(number, state)| Group::of(snapshot, number, state)).collect();
    Ok(Listing::new(items, last.map(|row| page.after_row(&row)), snapshot.through()))
}

fn matches(state: &GroupState, search: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(search);
    holds(&state.id) || group_name(&state.traits).is_some_and(|name| holds(&name))
}

fn tie(number: GroupNo) -> [u8; 16] {
    u128::from(number.0).to_be_bytes()
}

/// Groups by name without case; those without a name come last.
fn by_name(
    snapshot: &dyn Snapshot,
    found: impl Iterator<Item = Result<(GroupNo, GroupState), QueryError>>,
    is_descending: bool,
    page: &Page<'_>,
) -> Result<Listing<Group>, QueryError> {
    let after = page.text_row()?;
    let mut rows = Vec::new();
    for row in found {
        let (number, state) = row?;
        let name = group_name(&state.traits).map(|name| folded(&name));
        rows.push((TextRow { text: name, tie: tie(number) }, number));
    }
    let order = |one: &TextRow, other: &TextRow| {
        let by_text = match (&one.text, &other.text) {
            (Some(one), Some(other)) if is_descending => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        by_text.then(one.tie.cmp(&other.tie))
    };
    rows.retain(|(row, _)| after.as_ref().is_none_or(|after| order(row, after).is_gt()));
    rows.sort_by(|(one, _), (other, _)| order(one, other));
    let has_more = rows.len() > page.limit;
    rows.truncate(page.limit);
    let next = rows.last().filter(|_| has_more).map(|(row, _)| page.after_text(row));
    let items = rows.into_iter().map(|(_, number)| Ok(Group::of(snapshot, number, snapshot.group(number)?)));
    Ok(Listing::new(items.collect::<Result<_, QueryError>>()?, next, snapshot.through()))
}

fn folded(name: &str) -> String {
    let mut name = name.to_lowercase();
    let end = (0..=NAME_BYTES_MAX.min(name.len())).rev().find(|at| name.is_char_boundary(*at));
    name.truncate(end.unwrap_or_default());
    name
}

/// What was filed under a group, and its own group calls, newest first.
///
/// # Errors
/// When there is no such group, the cursor is not of this list, or the views cannot be read.
pub fn group_timeline(
    snapshot: &dyn Snapshot,
    id: &str,
    filter: &Filter,
    page: &Page<'_>,
) -> Result<Listing<Item>, QueryError> {
    let number = snapshot.group_no(id).ok_or(QueryError::NotFound("group"))?;
    let wanted = Wanted::new(snapshot, filter, None);
    turn(snapshot, vec![ListId::Group(number)], None, wanted.as_ref(), Lines::new(snapshot), page)
}
