//! Which route takes which parameters.

use super::{Form, Parameter};
use crate::http::routes::Action;

/// Items of a page at most.
const LIMIT_MAX: usize = 500;
/// Items of a page of the Profile API at most.
const PROFILE_LIMIT_MAX: usize = 200;

macro_rules! parameters {
    ($($id:ident = $name:literal, $form:expr, $about:literal;)*) => {
        $(const $id: &Parameter = &Parameter { name: $name, form: $form, about: $about };)*
    };
}

parameters! {
    SUPPRESS = "suppress", Form::Flag, "Also drop what the person sends later.";
    WAIT_FOR = "wait_for", Form::Sequence, "Wait, at most 10 seconds, until the views have folded this record; else 503 `not_yet`.";
    AS_OF = "as_of", Form::Time, "Answer as at this time: as if nothing had been received after it.";
    LIMIT = "limit", Form::Limit(LIMIT_MAX), "Items of a page.";
    CURSOR = "cursor", Form::Text, "`next` of the page before; only for the same route and filters.";
    SEARCH = "search", Form::Words, "Name, email, phone or an id: whole words, their beginnings, and parts of them.";
    GROUP = "group", Form::Text, "Only of this group.";
    AUDIENCE = "audience", Form::Text, "Only who is in this audience.";
    TRAIT = "trait.KEY", Form::Trait, "Only whose trait KEY equals the value; also `trait.KEY.gt`, `trait.KEY.lt` and `trait.KEY.exists`.";
    DID = "event", Form::Text, "Only who ever did this.";
    EVENT = "event", Form::Text, "Only calls with this event, page or screen name.";
    SEEN_AFTER = "seen_after", Form::Time, "Only who was seen last at this time or later.";
    SEEN_BEFORE = "seen_before", Form::Time, "Only who was seen last before this time.";
    ANONYMOUS = "anonymous", Form::Choice(&["true", "false", "only"]), "Whether to include people without a userId.";
    INCOMPLETE = "incomplete", Form::Flag, "Only people without a userId or an email.";
    PEOPLE_SORT = "sort", Form::Choice(&["last_seen", "first_seen", "events", "name", "email"]), "By what; `last_seen` if not given.";
    GROUPS_SORT = "sort", Form::Choice(&["last_seen", "first_seen", "members", "name"]), "By what; `last_seen` if not given.";
    ORDER = "order", Form::Choice(&["asc", "desc"]), "Smallest or greatest first; times and counts are `desc` if not given, texts `asc`.";
    TYPE = "type", Form::Choice(&["identify", "track", "page", "screen", "group", "alias", "merge", "undo"]), "Only calls of this type.";
    EVENT_TYPE = "type", Form::Choice(&["track", "page", "screen"]), "Only calls of this type.";
    SOURCE = "source", Form::Text, "Only from this source.";
    PERSON = "person", Form::Text, "Only of this person: an id, or `user_id:X`, `anonymous_id:X`, `email:X`.";
    SINCE = "since", Form::Time, "Only from this time on.";
    UNTIL = "until", Form::Time, "Only before this time.";
    HIDDEN = "hidden", Form::Flag, "Also what is hidden.";
    INTERVAL = "interval", Form::Choice(&["minute", "hour", "day"]), "Length of a bucket; `hour` if not given.";
    EVENTS_SORT = "sort", Form::Choice(&["count", "last_seen", "name"]), "By what; `count` if not given.";
    ACTIVITY_INTERVAL = "interval", Form::Choice(&["hour", "day", "week"]), "Length of an interval, in UTC; `day` if not given. Weeks begin on Monday.";
    HISTORY_INTERVAL = "interval", Form::Choice(&["day", "hour"]), "Length of an interval, in UTC; `day` if not given.";
    FORMAT = "format", Form::Choice(&["ndjson", "csv"]), "The form of the file; `ndjson` if not given.";
    CODE = "code", Form::Text, "Only with this code.";
    VERDICT = "verdict", Form::Choice(&["accepted", "rejected"]), "Only calls that were taken, or that were not.";
    MESSAGE_ID = "message_id", Form::Text, "The id, where a path cannot carry it: with an empty `id`, as in `/api/calls/?message_id=live`.";
    STATE = "state", Form::Choice(&["pending", "delivered", "filtered", "dead"]), "Only in this state.";
    FROM = "from", Form::Sequence, "The first record.";
    IMPORT_SOURCE = "source", Form::Text, "The source that the calls count as.";
    FIRST_LINE = "first_line", Form::Sequence, "The number of the first line.";
    DRY_RUN = "dry_run", Form::Choice(&["0", "1"]), "1: only tell what would change.";
    PROFILE_LIMIT = "limit", Form::Limit(PROFILE_LIMIT_MAX), "Items of a page; 10 if not given.";
    INCLUDE = "include", Form::Text, "Only these, separated by commas.";
    CLASS = "class", Form::Choice(&["audience", "computed_trait"]), "Only traits of this class.";
}

/// What the query string of this route may hold.
pub(super) const fn of(action: Action) -> &'static [&'static Parameter] {
    match action {
        Action::People | Action::CountPeople | Action::ExportPeople => of_people(action),
        Action::Person => &[AS_OF, WAIT_FOR],
        Action::Erase => &[SUPPRESS, WAIT_FOR],
        Action::Activity => &[ACTIVITY_INTERVAL, SINCE, UNTIL, WAIT_FOR],
        Action::AudienceHistory => &[HISTORY_INTERVAL, SINCE, UNTIL, WAIT_FOR],
        Action::Timeline => &[TYPE, EVENT, SOURCE, LIMIT, CURSOR, AS_OF, WAIT_FOR],
        Action::Identity
        | Action::Traits
        | Action::PreviewMerge
        | Action::Group
        | Action::Merge
        | Action::UndoMerge
        | Action::PutEvent => &[WAIT_FOR],
        Action::Groups => &[SEARCH, GROUPS_SORT, ORDER, LIMIT, CURSOR, WAIT_FOR],
        Action::GroupPeople | Action::Audiences => &[LIMIT, CURSOR, WAIT_FOR],
        Action::GroupTimeline => &[EVENT_TYPE, EVENT, SOURCE, LIMIT, CURSOR, WAIT_FOR],
        Action::Feed => &[EVENT_TYPE, EVENT, PERSON, GROUP, SOURCE, SINCE, UNTIL, HIDDEN, LIMIT, CURSOR, WAIT_FOR],
        Action::ExportGroups => &[FORMAT, SEARCH, WAIT_FOR],
        Action::ExportFeed => &[FORMAT, EVENT_TYPE, EVENT, PERSON, GROUP, SOURCE, SINCE, UNTIL, HIDDEN, WAIT_FOR],
        Action::Live => &[EVENT_TYPE, EVENT, PERSON, GROUP, SOURCE, HIDDEN],
        Action::Events => &[SEARCH, EVENTS_SORT, ORDER, LIMIT, CURSOR, WAIT_FOR],
        Action::Find => &[MESSAGE_ID, SOURCE, WAIT_FOR],
        Action::LiveCalls => &[SOURCE, VERDICT],
        Action::History => &[SINCE],
        Action::Stats => &[INTERVAL, SINCE, UNTIL, WAIT_FOR],
        Action::ProfileTraits | Action::AccountTraits => &[PROFILE_LIMIT, CURSOR, INCLUDE, CLASS],
        Action::ProfileEvents | Action::ProfileIds => &[PROFILE_LIMIT, CURSOR, INCLUDE],
        Action::ProfileLinks | Action::AccountLinks => &[PROFILE_LIMIT, CURSOR],
        Action::Rejections => &[SOURCE, CODE, LIMIT, CURSOR],
        Action::Deliveries => &[STATE, LIMIT, CURSOR],
        Action::Export => &[FROM],
        Action::Import => &[IMPORT_SOURCE, FIRST_LINE, DRY_RUN],
        _ => &[],
    }
}

/// Lists of people, their length, and the same as a file: who is wanted, then in which order and how many.
const fn of_people(action: Action) -> &'static [&'static Parameter] {
    match action {
        Action::CountPeople => {
            &[SEARCH, GROUP, AUDIENCE, TRAIT, DID, SEEN_AFTER, SEEN_BEFORE, ANONYMOUS, INCOMPLETE, WAIT_FOR]
        }
        Action::ExportPeople => &[
            FORMAT,
            SEARCH,
            GROUP,
            AUDIENCE,
            TRAIT,
            DID,
            SEEN_AFTER,
            SEEN_BEFORE,
            ANONYMOUS,
            INCOMPLETE,
            PEOPLE_SORT,
            ORDER,
            WAIT_FOR,
        ],
        _ => &[
            SEARCH,
            GROUP,
            AUDIENCE,
            TRAIT,
            DID,
            SEEN_AFTER,
            SEEN_BEFORE,
            ANONYMOUS,
            INCOMPLETE,
            PEOPLE_SORT,
            ORDER,
            LIMIT,
            CURSOR,
            WAIT_FOR,
        ],
    }
}
