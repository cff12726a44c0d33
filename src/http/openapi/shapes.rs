//! The shapes of bodies and answers, as the OpenAPI document tells them.
//!
//! They are never made: the wire shapes live where they are written. `tests/behaviour/openapi.rs` checks what the server
//! answers against them.

#![expect(dead_code, clippy::struct_field_names, reason = "shapes are only described, with the names on the wire")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Free JSON as it was sent: an object.
#[derive(Deserialize)]
struct Free;

impl PartialSchema for Free {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().description(Some("Free JSON, as sent.")).into()
    }
}

impl ToSchema for Free {}

type Named = Vec<(String, RefOr<Schema>)>;

macro_rules! shapes {
    ($($(#[$about:meta])* $name:ident { $($(#[$hint:meta])* $field:ident: $kind:ty,)* })*) => {
        $(
            #[derive(Deserialize, ToSchema)]
            #[serde(deny_unknown_fields)]
            $(#[$about])*
            struct $name { $($(#[$hint])* $field: $kind,)* }
        )*

        /// The shapes of this file by name.
        pub(super) fn named() -> Named {
            let mut all = Vec::new();
            $(
                <$name as ToSchema>::schemas(&mut all);
                all.push((<$name as ToSchema>::name().into_owned(), <$name as PartialSchema>::schema()));
            )*
            all
        }
    };
}

mod charts;
mod erasures;
mod profile;
mod relay;
mod watching;

/// All shapes by name.
pub(super) fn all() -> Named {
    let free = ("Free".to_owned(), Free::schema());
    let parts = [named(), charts::named(), erasures::named(), profile::named(), relay::named(), watching::named()];
    [free].into_iter().chain(parts.into_iter().flatten()).collect()
}

shapes! {
    /// An error (RFC 9457).
    Problem { r#type: String, title: String, status: u16, detail: String, code: String, request_id: String, }
    /// An error as senders get it.
    SenderError { success: bool, code: String, message: String, error: String, }
    /// What became of the messages of a request; `receipts` and `notes` when they were asked for.
    Taken { success: bool, receipts: Option<Vec<Receipt>>, notes: Option<Vec<String>>, }
    /// What became of one message.
    #[serde(rename_all = "camelCase")]
    Receipt {
        #[schema(required = true)] message_id: Option<String>,
        status: String,
        #[schema(required = true)] sequence: Option<u64>,
        #[schema(required = true)] code: Option<String>,
        #[schema(required = true)] message: Option<String>,
    }
    /// Who somebody is, in one line.
    Face {
        id: String,
        #[schema(required = true)] name: Option<String>,
        #[schema(required = true)] email: Option<String>,
        #[schema(required = true)] avatar: Option<String>,
    }
    /// Which group, in one line.
    GroupFace { id: String, #[schema(required = true)] name: Option<String>, }
    /// A person.
    Person {
        id: String,
        #[schema(required = true)] user_id: Option<String>,
        former_user_ids: Vec<String>,
        anonymous_ids: Vec<String>,
        reserved_ids: Vec<String>,
        #[schema(required = true)] name: Option<String>,
        #[schema(required = true)] email: Option<String>,
        #[schema(required = true)] phone: Option<String>,
        #[schema(required = true)] avatar: Option<String>,
        traits: Free,
        audiences: BTreeMap<String, bool>,
        computed: Free,
        #[schema(required = true)] group: Option<GroupFace>,
        #[schema(required = true, format = DateTime)] first_seen: Option<String>,
        #[schema(required = true, format = DateTime)] last_seen: Option<String>,
        events: u64,
        anonymous: bool,
        incomplete: bool,
    }
    /// A page of people.
    People { items: Vec<Person>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// A call, as timelines and the feed show it.
    Item {
        sequence: u64,
        message_id: String,
        r#type: String,
        #[schema(required = true)] event: Option<String>,
        title: String,
        #[schema(required = true)] category: Option<String>,
        #[schema(format = DateTime)] timestamp: String,
        #[schema(format = DateTime)] received_at: String,
        #[schema(required = true)] person: Option<Face>,
        #[schema(required = true)] group: Option<GroupFace>,
        source: String,
        hidden: bool,
        properties: Free,
        context: Free,
        /// How many heartbeats of one session this line stands for.
        collapsed: Option<u32>,
        merge: Option<Ends>,
    }
    /// A page of calls, newest first.
    Items { items: Vec<Item>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// An id and its kind: `user_id` or `anonymous_id`.
    Id { kind: String, id: String, }
    /// The two sides of a link.
    Ends { from: Id, to: Id, }
    /// One id of a person.
    IdRow {
        kind: String,
        id: String,
        #[schema(required = true, format = DateTime)] first_seen: Option<String>,
        #[schema(required = true, format = DateTime)] last_seen: Option<String>,
        calls: u64,
    }
    /// A link and the call that made it.
    LinkRow {
        from: Id,
        to: Id,
        rule: String,
        #[schema(required = true)] message_id: Option<String>,
        sequence: u64,
        #[schema(required = true, format = DateTime)] at: Option<String>,
        text: String,
        undone_by: Option<u64>,
    }
    /// Something that was not linked, and why.
    RefusalRow {
        #[schema(required = true)] from: Option<Id>,
        to: Id,
        code: String,
        #[schema(required = true)] message_id: Option<String>,
        sequence: u64,
        #[schema(required = true, format = DateTime)] at: Option<String>,
        text: String,
    }
    /// Who may be the same person.
    DuplicateFace { id: String, #[schema(required = true)] name: Option<String>, #[schema(required = true)] email: Option<String>, }
    /// Somebody with the same email or phone.
    Duplicate { person: DuplicateFace, by: String, }
    /// Why a person is who it is.
    Identity {
        id: String,
        ids: Vec<IdRow>,
        links: Vec<LinkRow>,
        undone: Vec<LinkRow>,
        refused: Vec<RefusalRow>,
        possible_duplicates: Vec<Duplicate>,
        cut: bool,
        through: u64,
    }
    /// A value of a trait, and the call that set it.
    Setting {
        value: Value,
        #[schema(format = DateTime)] time: String,
        #[schema(required = true)] message_id: Option<String>,
        sequence: u64,
    }
    /// A trait with the values it had before.
    TraitRow {
        key: String,
        #[schema(required = true)] class: Option<String>,
        value: Value,
        #[schema(format = DateTime)] time: String,
        #[schema(required = true)] message_id: Option<String>,
        sequence: u64,
        former: Vec<Setting>,
    }
    /// The traits of a person.
    TraitList { items: Vec<TraitRow>, #[schema(required = true)] next: Option<String>, through: u64, cut: bool, }
    /// Whom to merge into whom: ids, or `user_id:X`, `anonymous_id:X`, `email:X`.
    MergeWanted { from: String, into: String, }
    /// What one side says about a trait.
    Side { value: Value, #[schema(format = DateTime)] time: String, }
    /// A trait that both have, with different values.
    Conflict { key: String, from: Side, into: Side, winner: String, }
    /// How many calls the timelines have.
    Sizes { from: u64, into: u64, after: u64, at_least: bool, }
    /// Which group each is in, and both afterwards.
    GroupChange {
        #[schema(required = true)] from: Option<GroupFace>,
        #[schema(required = true)] into: Option<GroupFace>,
        #[schema(required = true)] after: Option<GroupFace>,
    }
    /// What a merge would make.
    Preview {
        from: Face,
        into: Face,
        person: Person,
        conflicts: Vec<Conflict>,
        timeline: Sizes,
        group: GroupChange,
        through: u64,
    }
    /// The receipt of one call; what is known of a call that was taken, or why it was refused.
    Call {
        message_id: String,
        status: String,
        accepted: bool,
        #[schema(required = true)] source: Option<String>,
        #[schema(required = true)] sequence: Option<u64>,
        r#type: Option<String>,
        #[schema(format = DateTime)] timestamp: Option<String>,
        #[schema(format = DateTime)] received_at: Option<String>,
        /// `visible`, `pending`, `filtered` or `parked`.
        view: Option<String>,
        reason: Option<String>,
        person: Option<Face>,
        /// The call itself, as an export writes it.
        call: Option<Value>,
        code: Option<String>,
        message: Option<String>,
        /// What to change, as one sentence.
        fix: Option<String>,
        relay: Vec<CallAt>,
    }
    /// What became of a call at one destination.
    CallAt { destination: String, state: String, attempts: Vec<Attempt>, }
    /// One attempt: a `status`, or a `failure` in a word.
    Attempt {
        #[schema(format = DateTime)] at: String,
        #[schema(required = true)] status: Option<u16>,
        #[schema(required = true)] failure: Option<String>,
        latency_ms: u64,
        answer: String,
    }
    /// A merge that was made.
    Merged { sequence: u64, person: Person, }
    /// A merge or alias that was taken back.
    Undone { sequence: u64, undone: u64, people: Vec<Person>, note: String, }
    /// A group.
    Group {
        id: String,
        #[schema(required = true)] name: Option<String>,
        traits: Free,
        members: u64,
        #[schema(required = true, format = DateTime)] first_seen: Option<String>,
        #[schema(required = true, format = DateTime)] last_seen: Option<String>,
    }
    /// A page of groups.
    Groups { items: Vec<Group>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// An audience or computed trait.
    Audience { key: String, name: String, class: String, members: u64, }
    /// Audiences and computed traits.
    Audiences { items: Vec<Audience>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// An event, page or screen name.
    EventName {
        name: String,
        r#type: String,
        #[schema(required = true)] category: Option<String>,
        count: u64,
        #[schema(required = true, format = DateTime)] first_seen: Option<String>,
        #[schema(required = true, format = DateTime)] last_seen: Option<String>,
        hidden: bool,
    }
    /// The catalogue of events.
    EventNames { items: Vec<EventName>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// Whether the feed leaves the event out.
    HiddenWanted { hidden: bool, }
    /// The event, hidden or shown by this record.
    HiddenSet { sequence: u64, items: Vec<EventName>, }
    /// What became of calls.
    Verdicts { appended: u64, duplicate: u64, rejected: u64, filtered: u64, }
    /// Counts of one interval.
    Bucket {
        #[schema(format = DateTime)] at: String,
        types: BTreeMap<String, u64>,
        sources: BTreeMap<String, u64>,
        verdicts: Verdicts,
        active_people: u64,
    }
    /// Counts by interval.
    Stats { interval: String, buckets: Vec<Bucket>, through: u64, }
    /// A source.
    Source {
        name: String,
        kind: String,
        enabled: bool,
        merges: String,
        deletes: bool,
        signed: bool,
        configured: bool,
        #[schema(required = true, format = DateTime)] created_at: Option<String>,
        #[schema(required = true, format = DateTime)] last_call_at: Option<String>,
        #[schema(required = true)] calls: Option<u64>,
        /// Only in the answer that made it.
        write_key: Option<String>,
    }
    /// All sources.
    Sources { items: Vec<Source>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// A new source.
    SourceWanted { name: String, kind: Option<Kind>, merges: Option<Merges>, }
    /// What to change about a source.
    SourceChange { enabled: Option<bool>, kind: Option<Kind>, merges: Option<Merges>, deletes: Option<bool>, }
    /// A token to log in with.
    SessionWanted { token: String, }
    /// Who is logged in; `expires_at` is null without a cookie.
    Session {
        name: String,
        scope: Scope,
        #[schema(required = true, format = DateTime)] expires_at: Option<String>,
        /// Whether pictures of people may be loaded from elsewhere.
        avatars: bool,
    }
    /// A token.
    Token {
        name: String,
        scope: Scope,
        configured: bool,
        #[schema(required = true, format = DateTime)] created_at: Option<String>,
        /// Only in the answer that made it.
        token: Option<String>,
    }
    /// All tokens.
    Tokens { items: Vec<Token>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// A new token.
    TokenWanted { name: String, scope: Scope, }
    /// What to change about a token.
    TokenChange { scope: Scope, }
    /// What was refused.
    Rejection {
        number: u64,
        #[schema(format = DateTime)] at: String,
        #[schema(required = true)] source: Option<String>,
        r#type: String,
        code: String,
        message: String,
        #[schema(required = true)] message_id: Option<String>,
        messages: u64,
        body: String,
        /// What to change, as one sentence.
        fix: String,
    }
    /// A page of what was refused.
    Rejections { items: Vec<Rejection>, #[schema(required = true)] next: Option<String>, through: u64, }
    /// A line that was not taken.
    BadLine { line: u64, code: String, message: String, }
    /// What became of the lines of an import.
    Tally { lines: u64, appended: u64, duplicate: u64, rejected: u64, bad_lines: Vec<BadLine>, }
}

/// Where a source's calls come from.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Server,
    Browser,
}

/// Whom a source's aliases may merge.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Merges {
    All,
    Anonymous,
}

/// What a token may do.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Read,
    Admin,
}
