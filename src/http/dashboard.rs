//! The dashboard: a page and its parts, built into the program, asking this server only.
//!
//! The page is the same under all its addresses and is asked for each time; its parts carry a hash in their names and
//! are kept by browsers for good.

use std::io::Write as _;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use super::problem::Problem;
use super::sdk::accepts_gzip;

/// The files that `build.rs` has put in, by name; none when it was built without npm.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/dashboard_files.rs"));
/// What is shown then.
const MISSING: &[u8] = include_bytes!("dashboard/missing.html");
/// The name of the page itself.
const PAGE: &str = "index.html";
/// What the page may load and do.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
/// The names of parts hold a hash of what is in them.
const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The page with its parts.
#[derive(Debug)]
pub(super) struct Pages {
    files: Vec<File>,
    policy: HeaderValue,
    avatars: bool,
}

#[derive(Debug)]
struct File {
    name: &'static str,
    plain: &'static [u8],
    /// Where that is smaller.
    gzip: Option<Bytes>,
    etag: HeaderValue,
    kind: &'static str,
}

impl Pages {
    /// The page that is built in, or the one that says how to build it in.
    pub(super) fn new(avatars: bool) -> Self {
        Self::of(FILES, avatars)
    }

    fn of(files: &[(&'static str, &'static [u8])], avatars: bool) -> Self {
        let files = if files.is_empty() { &[(PAGE, MISSING)] } else { files };
        let pictures = if avatars { "img-src 'self' data: https:" } else { "img-src 'self' data:" };
        let policy = CONTENT_POLICY.replace("img-src 'self' data:", pictures);
        Self {
            files: files.iter().map(|(name, plain)| File::new(name, plain)).collect(),
            policy: HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(CONTENT_POLICY)),
            avatars,
        }
    }

    /// Whether pictures of people may be loaded from elsewhere.
    pub(super) fn shows_avatars(&self) -> bool {
        self.avatars
    }

    /// The page.
    ///
    /// # Errors
    /// Never: there is always one.
    pub(super) fn page(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        self.answer(request, PAGE, "no-cache")
    }

    /// A part of the page.
    ///
    /// # Errors
    /// When there is none of this name.
    pub(super) fn part(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let name = request.match_info().get("file").unwrap_or_default();
        self.answer(request, &format!("assets/{name}"), CACHE_FOR_EVER)
    }

    fn answer(&self, request: &HttpRequest, name: &str, cache: &'static str) -> Result<HttpResponse, Problem> {
        let file = self.files.iter().find(|file| file.name == name).ok_or(Problem::NotFound)?;
        let asked = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let etag = file.etag.to_str().unwrap_or_default();
        let is_known = asked(header::IF_NONE_MATCH).is_some_and(|known| known.contains(etag));
        let packed = file.gzip.as_ref().filter(|_| asked(header::ACCEPT_ENCODING).is_some_and(accepts_gzip));
        let mut answer = match packed {
            _ if is_known => HttpResponse::NotModified().finish(),
            Some(gzip) => HttpResponse::Ok().insert_header((header::CONTENT_ENCODING, "gzip")).body(gzip.clone()),
            None => HttpResponse::Ok().body(file.plain),
        };
        self.describe(answer.headers_mut(), file, cache);
        Ok(answer)
    }

    fn describe(&self, headers: &mut HeaderMap, file: &File, cache: &'static str) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::ETAG, file.etag.clone());
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(header::CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
    }
}

impl File {
    fn new(name: &'static str, plain: &'static [u8]) -> Self {
        let hash = blake3::hash(plain).to_hex();
        let etag = HeaderValue::from_str(&format!("\"{}\"", hash.get(..32).unwrap_or_default()));
        let gzip = pack(plain).ok().filter(|packed| packed.len() < plain.len());
        Self { name, plain, gzip, etag: etag.unwrap_or(HeaderValue::from_static("")), kind: kind(name) }
    }
}

fn pack(plain: &[u8]) -> std::io::Result<Bytes> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(plain)?;
    packer.finish().map(Bytes::from)
}

/// The media type by the end of the name. Nothing is guessed from the content.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_built_in_and_every_part_of_it_has_a_type() {
        let pages = Pages::new(false);
        assert!(pages.files.iter().any(|file| file.name == PAGE));
        for file in &pages.files {
            assert_ne!(file.kind, "application/octet-stream", "{}", file.name);
            assert!(!file.plain.is_empty() && file.etag.len() == 34, "{}", file.name);
        }
    }

    #[test]
    fn without_the_page_another_one_says_how_to_get_it() {
        let pages = Pages::of(&[], false);
        let [file] = pages.files.as_slice() else { panic!("one page: {pages:?}") };
        let text = std::str::from_utf8(file.plain).unwrap();
        for words in ["Node 20.19", "touch build.rs", "cargo build --release", "ROUNDTOWER_DASHBOARD"] {
            assert!(text.contains(words), "{words}");
        }
        assert!(!text.contains("<script") && !text.contains("<style") && !text.contains(" style="));
        assert_eq!((file.name, file.kind), (PAGE, "text/html; charset=utf-8"));
    }

    #[test]
    fn pictures_from_elsewhere_are_a_setting() {
        let policy = |avatars| Pages::new(avatars).policy.to_str().unwrap().to_owned();
        assert_eq!(policy(false), CONTENT_POLICY);
        assert!(policy(true).contains("; img-src 'self' data: https:; "));
    }
}
