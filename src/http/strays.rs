//! Requests of senders that never got as far as ingest, and what to change about each.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::{Site, answer, capture};

/// Why a sender was turned away before anything of its request was read as a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stray {
    NotFound,
    MethodNotAllowed,
    Timeout,
    UrlTooLong,
    HeadersTooLarge,
    InternalError,
    InvalidHost,
    NoScript,
}

impl Stray {
    /// The code of the answer.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Timeout => "timeout",
            Self::UrlTooLong => "url_too_long",
            Self::HeadersTooLarge => "headers_too_large",
            Self::InternalError => "internal_error",
            Self::InvalidHost => "invalid_host",
            Self::NoScript => "no_script",
        }
    }

    /// What to change, as one sentence.
    pub(super) const fn fix(self) -> &'static str {
        match self {
            Self::NotFound => {
                "Set the host of the SDK to this server without a path of its own: it adds `/v1/batch` and the like."
            }
            Self::MethodNotAllowed => "Send calls with POST; only pixels are sent with GET.",
            Self::Timeout => "Send the whole body without pauses; the SDK tries again by itself.",
            Self::UrlTooLong => "Send large calls by POST instead of as a pixel: a URL may have 16 KiB.",
            Self::HeadersTooLarge => "Send fewer or smaller headers and cookies: together they may have 16 KiB.",
            Self::InternalError => "Nothing in the call: look into the log of this server, and report it.",
            Self::InvalidHost => "Send a Host header with the name or address of this server, through the proxy too.",
            Self::NoScript => "Build the server where npm is, or name a bundle of Analytics.js with `analytics_js`.",
        }
    }
}

/// The answer, which who watches the debugger sees too. Whose it is, is known by a key outside of the body only.
pub(super) fn turn_away(
    site: &Site,
    request: &HttpRequest,
    status: StatusCode,
    stray: Stray,
    message: &str,
) -> HttpResponse {
    let (debugger, now) = (site.ingest.debugger(), site.clock.now());
    if debugger.is_watched(now) {
        let source = site.ingest.source_outside(&capture::credentials(request)).map(|source| Arc::clone(&source.name));
        let words = format!("{} to a path of {} bytes: {message}", request.method(), request.path().len());
        debugger.refused(source, now, "request", |glance| glance.because_of(stray.code(), Some(words), stray.fix()));
    }
    answer::failure(status, stray.code(), message)
}

#[cfg(test)]
mod tests {
    use super::Stray;
    use crate::ingest::Code;

    const ALL: [Stray; 8] = [
        Stray::NotFound,
        Stray::MethodNotAllowed,
        Stray::Timeout,
        Stray::UrlTooLong,
        Stray::HeadersTooLarge,
        Stray::InternalError,
        Stray::InvalidHost,
        Stray::NoScript,
    ];

    #[test]
    fn every_code_that_senders_are_told_has_a_fix() {
        let (_, rest) = include_str!("../../docs/API.md").split_once("### Refused requests").unwrap();
        let (told, _) = rest.split_once("## Questions").unwrap();
        let cells = told.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        let in_tables = cells.flat_map(|cell| cell.split(['`', ',', ' ']).filter(|word| !word.is_empty()));
        let fix = |code: &str| {
            let of_ingest = Code::ALL.iter().find(|one| one.as_str() == code).map(|one| one.fix());
            of_ingest.or_else(|| ALL.iter().find(|one| one.code() == code).map(|one| one.fix()))
        };
        let mut count = 0;
        for code in in_tables {
            let fix = fix(code).unwrap_or_else(|| panic!("{code} has no fix"));
            assert!(fix.ends_with('.') && fix.len() > 15 && fix.len() < 160, "{code}: {fix}");
            count += 1;
        }
        assert!(count > 30, "{count} codes are in the tables");
    }
}
