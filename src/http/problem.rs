//! Errors of everything but ingest: problem+json (RFC 9457) with a code and a request id.
//!
//! Of what was sent they repeat nothing but the name of a parameter that nobody knows.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use serde::Serialize;

use crate::access::AccessError;
use crate::journal::ReadError;
use crate::query::QueryError;
use crate::relay::{RelayError, WantedError};
use crate::views::identity::OrderError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// No such route, or nothing there.
    #[error("there is nothing here")]
    NotFound,
    /// The route exists, the method does not.
    #[error("this route takes {allow}")]
    MethodNotAllowed {
        /// The methods.
        allow: String,
    },
    /// The host is none of ours.
    #[error("this host name is not served here; add it to `allowed_hosts` or use the address listened on")]
    Misdirected,
    /// No token, or one that nobody knows.
    #[error("a valid token is needed: Authorization: Bearer TOKEN")]
    Unauthorized,
    /// A token that may not do this.
    #[error("this needs a token with scope admin")]
    Forbidden,
    /// A change by cookie that a page of a stranger may have made.
    #[error(
        "a change by cookie has to come from a page of this server; behind a proxy, set `public_url` to its address"
    )]
    CrossOrigin,
    /// Too many wrong tokens.
    #[error("too many wrong tokens; come back later")]
    TooManyFailures {
        /// When, in seconds.
        retry_after_s: u32,
    },
    /// A parameter or body is wrong.
    #[error("{0}")]
    BadRequest(String),
    /// The body is larger than the route takes.
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// The path with its query is too long.
    #[error("the path with its query is larger than {bytes_max} bytes")]
    LongUrl {
        /// The limit.
        bytes_max: usize,
    },
    /// The headers are too large.
    #[error("the headers are larger than {bytes_max} bytes")]
    LargeHead {
        /// The limit.
        bytes_max: usize,
    },
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    Timeout,
    /// A source or token could not be made or changed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The journal could not be read.
    #[error("the journal cannot be read; see the log")]
    Read(#[from] ReadError),
    /// The journal takes nothing now.
    #[error("calls cannot be stored now; come back later")]
    Unavailable {
        /// When, in seconds.
        retry_after_s: u32,
    },
    /// The views have not folded the record that the caller waits for.
    #[error("the views are true through {through} only; ask again later")]
    NotYet {
        /// What they have folded.
        through: u64,
    },
    /// Too many questions at once.
    #[error("the answer took too long; ask for less, or come back later")]
    TooSlow,
    /// As many streams are open as may.
    #[error("{streams_max} streams are open already; come back later")]
    Crowded {
        /// The limit.
        streams_max: usize,
    },
    /// The views have no answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// What the operator wants cannot be done.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The relay cannot do it.
    #[error(transparent)]
    Relay(RelayError),
    /// No source sent a call of this name.
    #[error("there is no call with this `message_id`")]
    NoCall,
    /// A bug: the work behind the request ended without an answer.
    #[error("the request failed here; see the log")]
    Failed,
}

impl From<RelayError> for Problem {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Journal(error) => Self::Read(error),
            other => Self::Relay(other),
        }
    }
}

impl From<WantedError> for Problem {
    fn from(error: WantedError) -> Self {
        match error {
            WantedError::Unclear(text) => Self::BadRequest(text),
            WantedError::Nowhere => Self::NoCall,
            WantedError::Read(error) => Self::Read(error),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    request_id: &'a str,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound
            | Self::Access(AccessError::Unknown { .. })
            | Self::Query(QueryError::NotFound(_))
            | Self::Order(OrderError::Unknown)
            | Self::Relay(RelayError::Unknown { .. } | RelayError::NoRecord { .. })
            | Self::NoCall => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::TooManyFailures { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::BadRequest(_)
            | Self::Access(AccessError::Name(_))
            | Self::Query(QueryError::BadCursor | QueryError::BadParameter { .. })
            | Self::Relay(RelayError::EmptyRange) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::LongUrl { .. } => StatusCode::URI_TOO_LONG,
            Self::LargeHead { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Access(AccessError::Taken { .. } | AccessError::Configured { .. })
            | Self::Order(OrderError::Same | OrderError::NothingToUndo | OrderError::TooManyIds(_))
            | Self::Relay(RelayError::Pending { .. } | RelayError::Filtered { .. }) => StatusCode::CONFLICT,
            Self::Unavailable { .. }
            | Self::NotYet { .. }
            | Self::TooSlow
            | Self::Query(QueryError::TooSlow)
            | Self::Relay(RelayError::Busy)
            | Self::Crowded { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Relay(error) if error.is_full() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Access(AccessError::File(_))
            | Self::Read(_)
            | Self::Query(QueryError::View(_))
            | Self::Relay(_)
            | Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Every status that a problem can have.
    #[cfg(test)]
    pub(super) fn statuses() -> std::collections::BTreeSet<u16> {
        [400, 401, 403, 404, 405, 408, 409, 413, 414, 421, 429, 431, 500, 503].into()
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound
            | Self::Query(QueryError::NotFound(_))
            | Self::Order(OrderError::Unknown)
            | Self::Relay(RelayError::NoRecord { .. })
            | Self::NoCall => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::Misdirected => "misdirected_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::CrossOrigin => "cross_origin",
            Self::TooManyFailures { .. } => "rate_limited",
            Self::BadRequest(_) => "bad_request",
            Self::TooLarge { .. } => "payload_too_large",
            Self::LongUrl { .. } => "url_too_long",
            Self::LargeHead { .. } => "headers_too_large",
            Self::Timeout => "timeout",
            Self::Access(AccessError::Name(_)) => "invalid_name",
            Self::Access(AccessError::Taken { .. }) => "name_taken",
            Self::Access(AccessError::Unknown { .. }) => "unknown_name",
            Self::Access(AccessError::Configured { .. }) => "set_in_configuration",
            Self::Access(AccessError::File(_)) => "access_file",
            Self::Read(_) => "journal_unreadable",
            Self::Unavailable { .. } => "unavailable",
            Self::NotYet { .. } => "not_yet",
            Self::TooSlow | Self::Query(QueryError::TooSlow) => "too_slow",
            Self::Crowded { .. } => "too_many_streams",
            Self::Query(QueryError::BadCursor) => "bad_cursor",
            Self::Query(QueryError::BadParameter { .. }) => "bad_parameter",
            Self::Query(QueryError::View(_)) => "views_unreadable",
            Self::Order(OrderError::Same) => "same_person",
            Self::Order(OrderError::NothingToUndo) => "nothing_to_undo",
            Self::Order(OrderError::TooManyIds(_)) => "too_many_ids",
            Self::Relay(RelayError::Unknown { .. }) => "unknown_destination",
            Self::Relay(RelayError::Pending { .. }) => "still_pending",
            Self::Relay(RelayError::Filtered { .. }) => "not_owed",
            Self::Relay(RelayError::EmptyRange) => "empty_range",
            Self::Relay(RelayError::Busy) => "too_many_orders",
            Self::Relay(error) if error.is_full() => "disk_full",
            Self::Relay(_) => "relay_unreadable",
            Self::Failed => "internal_error",
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::TooManyFailures { retry_after_s } | Self::Unavailable { retry_after_s } => Some(*retry_after_s),
            Self::NotYet { .. } | Self::TooSlow | Self::Query(QueryError::TooSlow) => Some(1),
            Self::Crowded { .. } | Self::Relay(RelayError::Busy) => Some(10),
            Self::Relay(error) if error.is_full() => Some(30),
            _ => None,
        }
    }

    /// The answer; what an operator has to look at is logged with the same request id.
    pub(super) fn answer(&self, request_id: &str) -> HttpResponse {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            let cause = match self {
                Self::Read(error) => error.to_string(),
                other => other.to_string(),
            };
            tracing::error!(request_id, code = self.code(), cause, "a request failed");
        }
        let body = Body {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: &self.to_string(),
            code: self.code(),
            request_id,
        };
        let text = serde_json::to_string(&body).expect("this shape always becomes JSON");
        let mut answer = HttpResponse::build(status);
        answer.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if let Self::MethodNotAllowed { allow } = self {
            answer.insert_header((header::ALLOW, allow.as_str()));
        }
        if status == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let mut answer = answer.body(text);
        if let Some(seconds) = self.retry_after_s() {
            super::answer::come_back(&mut answer, seconds, status == StatusCode::TOO_MANY_REQUESTS);
        }
        if let Ok(id) = HeaderValue::from_str(request_id) {
            answer.headers_mut().insert(super::REQUEST_ID, id);
        }
        answer
    }
}

/// Makes request ids: rising within a run, and different from run to run.
#[derive(Debug)]
pub(super) struct RequestIds {
    run: u32,
    next: std::sync::atomic::AtomicU64,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self { run: getrandom::u32().unwrap_or_default(), next: std::sync::atomic::AtomicU64::new(1) }
    }
}

impl RequestIds {
    /// The next one.
    pub(super) fn next(&self) -> String {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{:08x}-{number}", self.run)
    }
}
