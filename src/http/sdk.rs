//! What SDKs load before they send: their settings, and Analytics.js itself.

use std::io::Write as _;
use std::path::Path;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use serde_json::json;

use super::strays::{self, Stray};
use super::{Site, answer, capture};

/// The standalone bundle of `@segment/analytics-next`, put here by `build.rs`; empty when it was built without npm.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/analytics.min.js"));
/// What that bundle loads when a page asks for more, by file name.
const PARTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/analytics_parts.rs"));
/// How long browsers keep settings and script, in seconds.
const CACHE: &str = "public, max-age=300";
/// The names of parts hold a hash of what is in them.
const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Analytics.js as it is served.
#[derive(Debug)]
pub(super) struct Script {
    plain: Bytes,
    gzip: Bytes,
    etag: String,
}

impl Script {
    /// The operator's file, or the bundle built in; none when there is neither.
    ///
    /// # Errors
    /// When the operator's file cannot be read.
    pub(super) fn load(file: &Path) -> std::io::Result<Option<Self>> {
        let plain = match file.as_os_str().is_empty() {
            true if BUILT_IN.is_empty() => return Ok(None),
            true => Bytes::from_static(BUILT_IN),
            false => Bytes::from(std::fs::read(file)?),
        };
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(&plain)?;
        let gzip = Bytes::from(packer.finish()?);
        let etag = blake3::hash(&plain).to_hex().chars().take(32).collect();
        Ok(Some(Self { plain, gzip, etag }))
    }
}

/// The settings of a source, in the shape that makes Analytics.js and the mobile SDKs send everything here.
pub(super) fn settings(site: &Site, request: &HttpRequest) -> HttpResponse {
    let Some(key) = known_key(site, request) else { return unknown_key(site, request) };
    let Some(public) = site.hosts.public(request) else {
        let message = "The Host header is no host name";
        return strays::turn_away(site, request, StatusCode::BAD_REQUEST, Stray::InvalidHost, message);
    };
    let body = json!({
        "integrations": {"Segment.io": {
            "apiKey": key,
            "apiHost": format!("{}/v1", public.host),
            "protocol": public.protocol,
            "unbundledIntegrations": [site.destination],
            "addBundledMetadata": true,
            "retryQueue": true,
            "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]}
        }},
        "plan": {"track": {"__default": {"enabled": true, "integrations": {}}}},
        "edgeFunction": {},
        "metrics": {"sampleRate": 0},
        "middlewareSettings": {"routingRules": []},
        "enabledMiddleware": {},
        "remotePlugins": [],
        "legacyVideoPluginsEnabled": false,
        "analyticsNextEnabled": true,
        "consentSettings": {"hasUnmappedDestinations": false, "allCategories": []}
    });
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, CACHE))
        .body(body.to_string())
}

/// Analytics.js, for pages that know the write key.
pub(super) fn script(site: &Site, request: &HttpRequest) -> HttpResponse {
    if known_key(site, request).is_none() {
        return unknown_key(site, request);
    }
    let Some(script) = &site.script else {
        let message = "This server was built without npm and so without Analytics.js: build it where npm is, \
                       or name a bundle with `analytics_js` in the configuration";
        return strays::turn_away(site, request, StatusCode::NOT_FOUND, Stray::NoScript, message);
    };
    let etag = format!("\"{}\"", script.etag);
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.contains(&etag)) {
        let mut answer = HttpResponse::NotModified();
        return answer.insert_header((header::ETAG, etag)).insert_header((header::CACHE_CONTROL, CACHE)).finish();
    }
    let packed = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, JAVASCRIPT))
        .insert_header((header::CACHE_CONTROL, CACHE))
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header((header::ETAG, etag))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if packed.is_some_and(accepts_gzip) {
        return answer.insert_header((header::CONTENT_ENCODING, "gzip")).body(script.gzip.clone());
    }
    answer.body(script.plain.clone())
}

/// A part of Analytics.js, which the bundle asks for by name.
pub(super) fn part(request: &HttpRequest) -> HttpResponse {
    let name = request.match_info().get("file").unwrap_or_default();
    let Some((_, bytes)) = PARTS.iter().find(|(known, _)| *known == name) else {
        return answer::failure(StatusCode::NOT_FOUND, "not_found", "This part of Analytics.js is not here");
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, JAVASCRIPT))
        .insert_header((header::CACHE_CONTROL, CACHE_FOR_EVER))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(*bytes)
}

/// Whether this `Accept-Encoding` takes gzip.
pub(super) fn accepts_gzip(header: &str) -> bool {
    header.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn known_key(site: &Site, request: &HttpRequest) -> Option<String> {
    let key = request.match_info().get("key").map(capture::decode)?;
    site.sources.lookup(&key).map(|_| key)
}

fn unknown_key(site: &Site, request: &HttpRequest) -> HttpResponse {
    if let Err(seconds) = site.limits.failure(site.hosts.sender(request)) {
        return answer::refused(&crate::ingest::Refusal::RateLimited { retry_after_s: seconds });
    }
    let message = "Unknown write key: use one that `roundtower source list` shows as enabled";
    answer::failure(StatusCode::NOT_FOUND, "unknown_write_key", message)
}
