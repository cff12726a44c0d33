//! Every URL, once. What may be asked of it, by which method, and with which right, is decided here and nowhere else.
//!
//! A path that is not in the table is 404, a method that is not is 405, and a route without a right is not expressible.

mod action;

pub use action::Action;

use crate::access::token::Scope;
use crate::call::CallType;
use crate::ingest::Route as Target;

/// The part of the server a route belongs to: it decides the shape of errors and who may call from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// For senders anywhere: cross-origin calls are welcome, errors are Segment-shaped.
    Ingest,
    /// For probes and operators: no cross-origin calls, the host is checked, errors are problem+json.
    Control,
}

/// Which spellings of a path are the same route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forms {
    /// Only this one.
    Exact,
    /// With and without the leading `/v1`, with and without a trailing slash.
    Lenient,
}

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing, or a write key that ingest itself checks.
    Open,
    /// A token with this scope.
    Token(Scope),
    /// A token with scope read, unless the setting `metrics_public` is on.
    Metrics,
    /// A token with scope read, also as the user name of Basic: what clients of Segment's Profile API send.
    Profile,
}

/// A method, as far as any route has it. HEAD goes where GET goes, OPTIONS is answered by the surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the methods say it")]
pub enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One method of a route.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// The method.
    pub verb: Verb,
    /// What the caller needs.
    pub right: Right,
    /// What it does.
    pub action: Action,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The path; `{name}` stands for one segment, `{name:.*}` for the rest.
    pub path: &'static str,
    /// Its part of the server.
    pub surface: Surface,
    /// Its spellings.
    pub forms: Forms,
    /// Its methods.
    pub offers: &'static [Offer],
}

macro_rules! offer {
    ($verb:ident, $right:expr, $action:expr) => {
        Offer { verb: Verb::$verb, right: $right, action: $action }
    };
}

macro_rules! ingest {
    ($path:literal, $verb:ident, $action:expr) => {
        Route {
            path: $path,
            surface: Surface::Ingest,
            forms: Forms::Lenient,
            offers: &[offer!($verb, Right::Open, $action)],
        }
    };
}

macro_rules! control {
    ($path:literal, $($verb:ident $right:ident $action:ident),+) => {
        Route {
            path: $path,
            surface: Surface::Control,
            forms: Forms::Exact,
            offers: &[$(offer!($verb, $right, Action::$action)),+],
        }
    };
}

const fn single(kind: CallType) -> Action {
    Action::Take(Target::Single { kind, short: false })
}

const fn short(kind: CallType) -> Action {
    Action::Take(Target::Single { kind, short: true })
}

const OPEN: Right = Right::Open;
const METRICS: Right = Right::Metrics;
const PROFILE: Right = Right::Profile;
const READ: Right = Right::Token(Scope::Read);
const ADMIN: Right = Right::Token(Scope::Admin);

/// The table. The routes that SDKs use most come first, because paths are compared in this order.
pub const ROUTES: &[Route] = &[
    ingest!("/v1/batch", Post, Action::Take(Target::Batch { short: false })),
    ingest!("/v1/track", Post, single(CallType::Track)),
    ingest!("/v1/t", Post, short(CallType::Track)),
    ingest!("/v1/p", Post, short(CallType::Page)),
    ingest!("/v1/i", Post, short(CallType::Identify)),
    ingest!("/v1/b", Post, Action::Take(Target::Batch { short: true })),
    ingest!("/v1/import", Post, Action::Take(Target::Import)),
    ingest!("/v1/identify", Post, single(CallType::Identify)),
    ingest!("/v1/page", Post, single(CallType::Page)),
    ingest!("/v1/screen", Post, single(CallType::Screen)),
    ingest!("/v1/group", Post, single(CallType::Group)),
    ingest!("/v1/alias", Post, single(CallType::Alias)),
    ingest!("/v1/s", Post, short(CallType::Screen)),
    ingest!("/v1/g", Post, short(CallType::Group)),
    ingest!("/v1/a", Post, short(CallType::Alias)),
    ingest!("/v1/m", Post, Action::Discard),
    ingest!("/v1/pixel/identify", Get, Action::Pixel(CallType::Identify)),
    ingest!("/v1/pixel/track", Get, Action::Pixel(CallType::Track)),
    ingest!("/v1/pixel/page", Get, Action::Pixel(CallType::Page)),
    ingest!("/v1/pixel/screen", Get, Action::Pixel(CallType::Screen)),
    ingest!("/v1/pixel/group", Get, Action::Pixel(CallType::Group)),
    ingest!("/v1/pixel/alias", Get, Action::Pixel(CallType::Alias)),
    ingest!("/pixel/v1/identify", Get, Action::Pixel(CallType::Identify)),
    ingest!("/pixel/v1/track", Get, Action::Pixel(CallType::Track)),
    ingest!("/pixel/v1/page", Get, Action::Pixel(CallType::Page)),
    ingest!("/pixel/v1/screen", Get, Action::Pixel(CallType::Screen)),
    ingest!("/pixel/v1/group", Get, Action::Pixel(CallType::Group)),
    ingest!("/pixel/v1/alias", Get, Action::Pixel(CallType::Alias)),
    ingest!("/v1/webhook", Post, Action::Take(Target::Webhook)),
    ingest!("/v1/webhook/{key}", Post, Action::Take(Target::Webhook)),
    ingest!("/hook/{key}", Post, Action::Take(Target::Hook)),
    ingest!("/v1/attribution", Post, Action::Absent),
    ingest!("/v1/projects/{key}/settings", Get, Action::Settings),
    ingest!("/analytics.js/v1/{key}/analytics.min.js", Get, Action::Script),
    ingest!("/analytics-next/bundles/{file}", Get, Action::ScriptPart),
    control!("/healthz", Get OPEN Alive),
    control!("/readyz", Get OPEN Ready),
    control!("/status", Get OPEN Status),
    control!("/metrics", Get METRICS Metrics),
    control!("/openapi.json", Get OPEN Description),
    control!("/docs", Get OPEN Docs),
    control!("/docs/{file}", Get OPEN DocsPart),
    control!("/api/people", Get READ People),
    control!("/api/people/count", Get READ CountPeople),
    control!("/api/people/{person}", Get READ Person, Delete ADMIN Erase),
    control!("/api/people/{person}/timeline", Get READ Timeline),
    control!("/api/people/{person}/activity", Get READ Activity),
    control!("/api/people/{person}/identity", Get READ Identity),
    control!("/api/people/{person}/traits", Get READ Traits),
    control!("/api/erasures", Get ADMIN Erasures),
    control!("/api/merges/preview", Post READ PreviewMerge),
    control!("/api/merges", Post ADMIN Merge),
    control!("/api/merges/{sequence}/undo", Post ADMIN UndoMerge),
    control!("/api/groups", Get READ Groups),
    control!("/api/groups/{group}", Get READ Group),
    control!("/api/groups/{group}/people", Get READ GroupPeople),
    control!("/api/groups/{group}/timeline", Get READ GroupTimeline),
    control!("/api/audiences", Get READ Audiences),
    control!("/api/audiences/{key}/history", Get READ AudienceHistory),
    control!("/api/feed", Get READ Feed),
    control!("/api/feed/live", Get READ Live),
    control!("/api/events", Get READ Events),
    control!("/api/events/{name}", Put ADMIN PutEvent),
    control!("/api/stats", Get READ Stats),
    control!("/v1/spaces/{space}/collections/users/profiles/{profile}/traits", Get PROFILE ProfileTraits),
    control!("/v1/spaces/{space}/collections/users/profiles/{profile}/events", Get PROFILE ProfileEvents),
    control!("/v1/spaces/{space}/collections/users/profiles/{profile}/external_ids", Get PROFILE ProfileIds),
    control!("/v1/spaces/{space}/collections/users/profiles/{profile}/metadata", Get PROFILE ProfileMetadata),
    control!("/v1/spaces/{space}/collections/users/profiles/{profile}/links", Get PROFILE ProfileLinks),
    control!("/v1/spaces/{space}/collections/accounts/profiles/{profile}/traits", Get PROFILE AccountTraits),
    control!("/v1/spaces/{space}/collections/accounts/profiles/{profile}/links", Get PROFILE AccountLinks),
    control!("/api/rejections", Get READ Rejections),
    control!("/api/calls/live", Get READ LiveCalls),
    control!("/api/calls/{id:.*}", Get READ Find),
    control!("/api/history", Get READ History),
    control!("/api/relay", Get READ Destinations),
    control!("/api/relay/{destination}", Get READ Destination),
    control!("/api/relay/{destination}/deliveries", Get READ Deliveries),
    control!("/api/relay/{destination}/pause", Post ADMIN PauseRelay),
    control!("/api/relay/{destination}/resume", Post ADMIN ResumeRelay),
    control!("/api/relay/{destination}/redeliver", Post ADMIN Redeliver),
    control!("/api/export/calls", Get ADMIN Export),
    control!("/api/export/people", Get READ ExportPeople),
    control!("/api/export/groups", Get READ ExportGroups),
    control!("/api/export/feed", Get READ ExportFeed),
    control!("/api/import", Post ADMIN Import),
    control!("/api/verify", Post ADMIN Verify),
    control!("/api/sources", Get ADMIN ListSources, Post ADMIN AddSource),
    control!("/api/sources/{name}", Patch ADMIN PatchSource),
    control!("/api/sources/{name}/rotate", Post ADMIN RotateSource),
    control!("/api/sources/{name}/test", Post ADMIN TestSource),
    control!("/api/tokens", Get ADMIN ListTokens, Post ADMIN AddToken),
    control!("/api/tokens/{name}", Patch ADMIN PatchToken, Delete ADMIN RevokeToken),
    control!("/api/tokens/{name}/rotate", Post ADMIN RotateToken),
    control!("/api/session", Get READ GetSession, Post OPEN BeginSession, Delete OPEN EndSession),
    control!("/", Get OPEN Page),
    control!("/login", Get OPEN Page),
    control!("/people", Get OPEN Page),
    control!("/people/{rest:.*}", Get OPEN Page),
    control!("/groups", Get OPEN Page),
    control!("/groups/{rest:.*}", Get OPEN Page),
    control!("/audiences", Get OPEN Page),
    control!("/audiences/{rest:.*}", Get OPEN Page),
    control!("/feed", Get OPEN Page),
    control!("/sources", Get OPEN Page),
    control!("/relay", Get OPEN Page),
    control!("/relay/{rest:.*}", Get OPEN Page),
    control!("/assets/{file}", Get OPEN PagePart),
];

impl Route {
    /// All spellings of the path, the usual one first.
    pub fn spellings(&self) -> Vec<String> {
        let mut all = vec![self.path.to_owned()];
        if self.forms == Forms::Lenient {
            all.push(format!("{}/", self.path));
            if let Some(bare) = self.path.strip_prefix("/v1") {
                all.push(bare.to_owned());
                all.push(format!("{bare}/"));
            }
        }
        all
    }

    /// The methods, as the header `Allow` lists them.
    pub fn allow(&self) -> String {
        let mut names: Vec<_> = self.offers.iter().map(|offer| offer.verb.as_str()).collect();
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        if self.surface == Surface::Ingest {
            names.push("OPTIONS");
        }
        names.join(", ")
    }
}

/// Whether a path that is no route lies where senders look: its 404 is then readable for web pages.
pub fn is_for_senders(path: &str) -> bool {
    ["/v1/", "/analytics.js/", "/analytics-next/", "/next-integrations/", "/hook/", "/pixel/", "/projects/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_belongs_to_two_routes() {
        let mut seen = std::collections::BTreeSet::new();
        for spelling in ROUTES.iter().flat_map(Route::spellings) {
            assert!(seen.insert(spelling.clone()), "{spelling} is there twice");
        }
    }

    #[test]
    fn everything_under_api_needs_a_token() {
        for route in ROUTES.iter().filter(|route| route.path.starts_with("/api")) {
            assert_eq!(route.surface, Surface::Control, "{}", route.path);
            // Everybody may log in and out.
            let of_sessions = [Action::BeginSession, Action::EndSession];
            for offer in route.offers.iter().filter(|offer| !of_sessions.contains(&offer.action)) {
                assert!(matches!(offer.right, Right::Token(_)), "{}", route.path);
                // A preview is a question that does not fit into a URL.
                let asks = offer.verb == Verb::Get || offer.action == Action::PreviewMerge;
                assert!(asks || offer.right == ADMIN, "{} changes something", route.path);
            }
        }
    }
}
