//! What each route is for, what it takes and what it answers, in the words of the OpenAPI document.

use Content::{AnyJson, Empty, Files, Json, Other};

use crate::http::routes::{Action, Offer, Right, Route, Surface, Verb};

/// What stands in a body or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// JSON of this shape.
    Json(&'static str),
    /// JSON of a shape that is told in words only.
    AnyJson,
    /// Something else, by its media type.
    Other(&'static str),
    /// NDJSON or CSV, as asked.
    Files,
}

/// What one method of a route does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) summary: &'static str,
    /// What it takes.
    pub(super) body: Content,
    /// What it answers when all is well.
    pub(super) answer: Content,
    /// The status of that.
    pub(super) status: u16,
    /// Further statuses that only this route has.
    pub(super) more: &'static [u16],
}

/// Statuses of any request that is not as it should be: a head that is too large.
const OF_HEADS: &[u16] = &[414, 431];
/// Statuses of every control route: a host that is not ours, a wrong token, too many of them.
const OF_CONTROL: &[u16] = &[401, 421, 429];

/// What this method of a route does.
pub(super) const fn operation(action: Action) -> Operation {
    match action {
        Action::Take(_) => {
            Operation { body: AnyJson, more: &[400, 401, 408, 429, 500, 503], ..other("Take calls", Json("Taken")) }
        }
        Action::Pixel(_) => Operation {
            more: &[400, 401, 429, 500, 503],
            ..other("Take a call from the query; answers an image", Other("image/gif"))
        },
        Action::Discard => Operation {
            body: AnyJson,
            more: &[400, 408],
            ..other("Client metrics: read and thrown away", Json("Taken"))
        },
        Action::Settings => Operation { more: &[400, 404], ..other("Settings that SDKs load", AnyJson) },
        Action::Script => Operation { more: &[404], ..other("Analytics.js", Other("application/javascript")) },
        Action::ScriptPart => {
            Operation { more: &[404], ..other("A part of Analytics.js", Other("application/javascript")) }
        }
        Action::Absent => Operation { status: 404, ..other("Known to SDKs, not offered", Json("SenderError")) },
        Action::Alive => Operation { more: &[503], ..other("Whether the process is worth keeping", AnyJson) },
        Action::Ready => Operation { more: &[500, 503], ..other("Whether calls are taken", AnyJson) },
        Action::Status => Operation { more: &[500], ..other("The state; in full with a token", AnyJson) },
        Action::Metrics => Operation { more: &[500], ..other("Numbers for Prometheus", Other("text/plain")) },
        Action::Description => other("This document", AnyJson),
        Action::Docs => other("This document as pages", Other("text/html")),
        Action::DocsPart => {
            Operation { more: &[404], ..other("A part of these pages", Other("application/octet-stream")) }
        }
        Action::Page => other("The dashboard", Other("text/html")),
        Action::PagePart => {
            Operation { more: &[404], ..other("A part of the dashboard", Other("application/octet-stream")) }
        }
        other => of_views(other),
    }
}

/// Questions about people, groups and events, and orders.
const fn of_views(action: Action) -> Operation {
    match action {
        Action::People => get("People, with filters", "People"),
        Action::CountPeople => get("How many people, with the same filters", "PeopleCount"),
        Action::Person => one("One person", "Person"),
        Action::Activity => one("The calls of one person by interval", "Activity"),
        Action::AudienceHistory => one("Who came into an audience and who left it, by interval", "AudienceHistory"),
        Action::Timeline => one("The calls of one person, newest first", "Items"),
        Action::Identity => one("Which ids are one person, and why", "Identity"),
        Action::Traits => one("The traits of one person, and what they were before", "TraitList"),
        Action::Erase => Operation {
            status: 202,
            ..one("Erase one person everywhere, for good; what is left is done by and by", "Erasing")
        },
        Action::Erasures => get("Erasures, the newest first; nothing in them says whose", "Erasures"),
        Action::PreviewMerge => order("What a merge would give", "MergeWanted", "Preview"),
        Action::Merge => order("Merge two people, by a record in the journal", "MergeWanted", "Merged"),
        Action::UndoMerge => order("Split what a merge or alias joined, by a record in the journal", "", "Undone"),
        Action::Groups => get("Groups", "Groups"),
        Action::Group => one("One group", "Group"),
        Action::GroupPeople => one("The people of one group", "People"),
        Action::GroupTimeline => one("The calls of one group, newest first", "Items"),
        Action::Audiences => get("Audiences and computed traits", "Audiences"),
        Action::Feed => one("What happened, newest first", "Items"),
        Action::Live => Operation {
            answer: Other("text/event-stream"),
            ..one("What happens, as it becomes visible; `Last-Event-ID` resumes", "Item")
        },
        Action::Events => get("The catalogue of events", "EventNames"),
        Action::PutEvent => {
            order("Hide an event from the feed, or show it, by a record in the journal", "HiddenWanted", "HiddenSet")
        }
        Action::Stats => get("Counts by interval", "Stats"),
        other => of_records(other),
    }
}

/// The Profile API, records, sources and tokens. A route that nobody describes has no summary, which a test notices.
const fn of_records(action: Action) -> Operation {
    match action {
        Action::ProfileTraits | Action::AccountTraits => one("Segment's Profile API: traits", "ProfileTraits"),
        Action::ProfileEvents => one("Segment's Profile API: events", "ProfileEvents"),
        Action::ProfileIds => one("Segment's Profile API: ids", "ProfileIds"),
        Action::ProfileMetadata => one("Segment's Profile API: metadata", "ProfileMetadata"),
        Action::ProfileLinks | Action::AccountLinks => one("Segment's Profile API: links", "ProfileLinks"),
        Action::Rejections => Operation { more: &[500], ..get("What was refused, newest first", "Rejections") },
        Action::Find => one("The receipt of one call", "Call"),
        Action::LiveCalls => Operation {
            answer: Other("text/event-stream"),
            ..get("Calls as they come, taken or refused, with what to change; `Last-Event-ID` resumes", "Glance")
        },
        Action::History => {
            get("The numbers of the last hour, one every ten seconds, and of the last day, one a minute", "History")
        }
        Action::TestSource => change("Send a test call as this source", "", "Tested", 200),
        Action::Destinations
        | Action::Destination
        | Action::Deliveries
        | Action::PauseRelay
        | Action::ResumeRelay
        | Action::Redeliver => of_relay(action),
        Action::Export => Operation { more: &[500], ..other("All records as NDJSON", Other("application/x-ndjson")) },
        Action::ExportPeople | Action::ExportGroups | Action::ExportFeed => of_files(action),
        Action::Import => Operation {
            body: Other("application/x-ndjson"),
            more: &[500, 503],
            ..other("Records in, as NDJSON", Json("Tally"))
        },
        Action::Verify => {
            Operation { more: &[500, 503], ..other("Read and check the whole journal and the views", AnyJson) }
        }
        Action::ListSources => Operation { more: &[500], ..get("Sources", "Sources") },
        Action::AddSource => Operation {
            more: &[409, 500],
            ..change("Make a source; its write key is only in this answer", "SourceWanted", "Source", 201)
        },
        Action::PatchSource => change("Change a source", "SourceChange", "Source", 200),
        Action::RotateSource => change("A new write key; the old one is unknown at once", "", "Source", 200),
        Action::ListTokens => Operation { more: &[500], ..get("Tokens", "Tokens") },
        Action::AddToken => Operation {
            more: &[409, 500],
            ..change("Make a token; it is only in this answer", "TokenWanted", "Token", 201)
        },
        Action::PatchToken => change("Change what a token may do", "TokenChange", "Token", 200),
        Action::RotateToken => change("A new secret; the old one is unknown at once", "", "Token", 200),
        Action::BeginSession => Operation {
            body: Json("SessionWanted"),
            more: &[400, 403, 500],
            ..other("Log in: trade a token for a cookie", Json("Session"))
        },
        Action::GetSession => other("Who is logged in", Json("Session")),
        Action::EndSession => Operation { status: 204, more: &[500], ..other("Log out", Empty) },
        Action::RevokeToken => Operation { answer: Empty, ..change("Make a token unknown", "", "", 204) },
        _ => other("", Empty),
    }
}

/// Destinations and what became of calls there.
const fn of_relay(action: Action) -> Operation {
    match action {
        Action::Destinations => get("Where calls are relayed to", "Destinations"),
        Action::Destination => one("One destination: state, lag, rate, errors", "Destination"),
        Action::Deliveries => one("What became of calls at one destination, newest first", "Deliveries"),
        Action::PauseRelay => order("Stop sending until it is resumed; what comes stays pending", "", "Destination"),
        Action::ResumeRelay => order("Go on sending, after a pause or an alarm", "", "Destination"),
        Action::Redeliver => Operation {
            status: 202,
            ..order("Deliver again: dead letters, one call, or a range", "RedeliveryWanted", "Redelivery")
        },
        _ => other("", Empty),
    }
}

/// Views as files.
const fn of_files(action: Action) -> Operation {
    let summary = match action {
        Action::ExportPeople => "All people of a filter as NDJSON or CSV",
        Action::ExportGroups => "All groups as NDJSON or CSV",
        _ => "The feed as NDJSON or CSV",
    };
    Operation { answer: Files, ..one(summary, "") }
}

/// Statuses of a question about one thing that may not be there.
const OF_ONE: &[u16] = &[404, 500, 503];

const fn get(summary: &'static str, shape: &'static str) -> Operation {
    Operation { summary, body: Empty, answer: Json(shape), status: 200, more: &[500, 503] }
}

const fn one(summary: &'static str, shape: &'static str) -> Operation {
    Operation { more: OF_ONE, ..get(summary, shape) }
}

const fn order(summary: &'static str, body: &'static str, shape: &'static str) -> Operation {
    let body = if body.is_empty() { Empty } else { Json(body) };
    Operation { summary, body, answer: Json(shape), status: 200, more: &[404, 409, 500, 503] }
}

const fn other(summary: &'static str, answer: Content) -> Operation {
    Operation { summary, body: Empty, answer, status: 200, more: &[] }
}

const fn change(summary: &'static str, body: &'static str, shape: &'static str, status: u16) -> Operation {
    let body = if body.is_empty() { Empty } else { Json(body) };
    Operation { summary, body, answer: Json(shape), status, more: &[404, 409, 500] }
}

/// All statuses of an operation besides the one of success, in order.
pub(super) fn refusals(route: &Route, offer: Offer) -> Vec<u16> {
    let operation = operation(offer.action);
    let mut all: Vec<u16> = OF_HEADS.iter().chain(operation.more).copied().collect();
    if route.surface == Surface::Control {
        all.extend(OF_CONTROL);
        let asks = route.path.starts_with("/api/") || route.path.starts_with("/v1/");
        if asks {
            all.push(400);
        }
        if operation.body != Content::Empty {
            all.extend([408, 413]);
        }
        let is_change = offer.verb != Verb::Get;
        if is_change || matches!(offer.right, Right::Token(crate::access::token::Scope::Admin)) {
            all.push(403);
        }
    }
    debug_assert!(offer.verb == Verb::Get || !offer.action.is_stream(), "streams are read");
    all.retain(|status| *status != operation.status);
    all.sort_unstable();
    all.dedup();
    all
}
