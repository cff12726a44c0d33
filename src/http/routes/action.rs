//! What routes do.

use crate::call::CallType;
use crate::ingest::Route as Target;

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Takes calls.
    Take(Target),
    /// Takes calls from a query string and answers with an image.
    Pixel(CallType),
    /// Client metrics: read and thrown away.
    Discard,
    /// The settings that SDKs load.
    Settings,
    /// Analytics.js itself.
    Script,
    /// A part of Analytics.js that it loads by itself.
    ScriptPart,
    /// Known to SDKs, not offered: 404.
    Absent,
    /// The process is alive.
    Alive,
    /// Calls are taken.
    Ready,
    /// The state in short, or in full with a token.
    Status,
    /// Prometheus text.
    Metrics,
    /// People: a list with filters.
    People,
    /// How many people.
    CountPeople,
    /// One person.
    Person,
    /// The calls of one person.
    Timeline,
    /// The calls of one person by interval.
    Activity,
    /// Which ids are one person, and why.
    Identity,
    /// The traits of one person with what they were before.
    Traits,
    /// Erases one person.
    Erase,
    /// What was erased when.
    Erasures,
    /// What a merge would give.
    PreviewMerge,
    /// Merges two people.
    Merge,
    /// Takes a merge or alias back.
    UndoMerge,
    /// Groups: a list.
    Groups,
    /// One group.
    Group,
    /// The people of one group.
    GroupPeople,
    /// The calls of one group.
    GroupTimeline,
    /// Audiences and computed traits.
    Audiences,
    /// Who came into an audience and who left it, by interval.
    AudienceHistory,
    /// What happened, newest first.
    Feed,
    /// What happens, as it becomes visible.
    Live,
    /// The catalogue of events.
    Events,
    /// Hides an event from the feed, or shows it.
    PutEvent,
    /// Counts by interval.
    Stats,
    /// Segment's Profile API: traits of a user.
    ProfileTraits,
    /// The same: events.
    ProfileEvents,
    /// The same: ids.
    ProfileIds,
    /// The same: what is known about the profile itself.
    ProfileMetadata,
    /// The same: the accounts of a user.
    ProfileLinks,
    /// The same for an account: traits.
    AccountTraits,
    /// The same for an account: its users.
    AccountLinks,
    /// The routes as OpenAPI.
    Description,
    /// The routes as pages.
    Docs,
    /// A part of these pages.
    DocsPart,
    /// The dashboard.
    Page,
    /// A part of it.
    PagePart,
    /// Trades a token for the cookie of a session.
    BeginSession,
    /// Who is logged in.
    GetSession,
    /// Logs out.
    EndSession,
    /// What was refused.
    Rejections,
    /// Calls as they come, taken or refused.
    LiveCalls,
    /// The numbers of the last hour and day.
    History,
    /// Where one call is.
    Find,
    /// Where calls are relayed to.
    Destinations,
    /// One destination.
    Destination,
    /// What became of calls at one destination.
    Deliveries,
    /// Stops sending to a destination.
    PauseRelay,
    /// Goes on sending to a destination.
    ResumeRelay,
    /// Delivers calls to a destination again.
    Redeliver,
    /// All records as NDJSON.
    Export,
    /// All people of a filter, as a file.
    ExportPeople,
    /// All groups, as a file.
    ExportGroups,
    /// The feed, as a file.
    ExportFeed,
    /// NDJSON in.
    Import,
    /// Reads and checks the journal.
    Verify,
    /// Sources: see, make, change, new key.
    ListSources,
    /// Makes a source.
    AddSource,
    /// Changes a source.
    PatchSource,
    /// Sends a call as this source.
    TestSource,
    /// Gives a source a new key.
    RotateSource,
    /// Tokens: see, make, change, new secret, revoke.
    ListTokens,
    /// Makes a token.
    AddToken,
    /// Changes a token.
    PatchToken,
    /// Gives a token a new secret.
    RotateToken,
    /// Makes a token unknown.
    RevokeToken,
}

impl Action {
    /// Whether its answer goes on without an end.
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Live | Self::LiveCalls)
    }
}
