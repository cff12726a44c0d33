//! What a receiver said, for people: short, printable, without our keys. What is packed stays packed.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use serde::Deserialize;

use super::TEXT_BYTES_MAX;
use crate::relay::settings::Destination;

/// Stands where a secret stood.
const MASK: &str = "***";
/// Parts of a URL from this length on may be keys.
const PART_BYTES_MIN: usize = 16;
/// Where the title of a page is looked for, and how much of it is kept.
const TITLE_WITHIN: usize = 4 * 1024;
const TITLE_CHARS_MAX: usize = 120;
/// The ways in which keys are written in paths: all but letters and digits escaped, as our own requests have it, and as
/// little as URLs need.
const PATHS: [&AsciiSet; 3] = [
    NON_ALPHANUMERIC,
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~'),
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'/').add(b'%'),
];

/// Texts that must not be shown, longest first.
pub(super) struct Masks(Vec<String>);

impl Masks {
    /// The keys of a destination in all forms in which they are sent, and what in its URL may be one.
    pub(super) fn new(to: &Destination) -> Self {
        let mut all = Vec::new();
        for secret in std::iter::once(&to.api_key).chain(&to.signing_secret) {
            let secret = secret.expose();
            all.push(secret.to_owned());
            all.extend(PATHS.iter().map(|set| utf8_percent_encode(secret, set).to_string()));
            all.push(STANDARD.encode(format!("{secret}:")));
        }
        if let Ok(url) = Url::parse(&to.url) {
            let query = url.query().unwrap_or_default();
            let parts = url.path().split('/').chain(query.split(['&', '=']));
            all.extend(parts.filter(|part| part.len() >= PART_BYTES_MIN).map(str::to_owned));
            all.extend(url.password().map(str::to_owned));
        }
        all.retain(|text| !text.is_empty());
        all.sort_by_key(|text| std::cmp::Reverse(text.len()));
        all.dedup();
        Self(all)
    }

    /// The text without them.
    pub(super) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), MASK));
            }
        }
        text
    }
}

/// What the head of an answer says about its body.
pub(super) struct Said {
    packed: Option<String>,
    kind: String,
}

/// The member of a JSON answer that is meant for people.
#[derive(Deserialize)]
struct Message {
    message: String,
}

impl Said {
    /// From the head.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let packed = text(CONTENT_ENCODING).trim();
        let is_plain = packed.is_empty() || packed.eq_ignore_ascii_case("identity");
        Self { packed: (!is_plain).then(|| packed.to_owned()), kind: text(CONTENT_TYPE).trim().to_ascii_lowercase() }
    }

    /// What is shown of the body.
    pub(super) fn text(&self, body: &[u8], masks: &Masks) -> String {
        if let Some(packed) = &self.packed {
            return short(&masks.apply(&format!("an answer packed as {packed}, which is not unpacked")));
        }
        let body = String::from_utf8_lossy(body);
        let body = body.trim();
        if body.is_empty() {
            return String::new();
        }
        if self.kind.contains("html") || is_page(body) {
            let page = title(body).map_or_else(|| "an HTML page".to_owned(), |title| format!("an HTML page: {title}"));
            return short(&masks.apply(&page));
        }
        // Unescaped before the keys are looked for: in JSON each of their letters could be written otherwise.
        if let Ok(Message { message }) = serde_json::from_str(body) {
            return short(&masks.apply(message.trim()));
        }
        short(&masks.apply(body))
    }
}

fn is_page(body: &str) -> bool {
    let starts = |tag: &str| body.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    starts("<!doctype html") || starts("<html")
}

fn title(page: &str) -> Option<String> {
    let end = (0..=page.len().min(TITLE_WITHIN)).rev().find(|end| page.is_char_boundary(*end))?;
    let page = page.get(..end)?;
    // Only ASCII changes: places stay the same.
    let small = page.to_ascii_lowercase();
    let tag = small.find("<title")?;
    let start = tag + small.get(tag..)?.find('>')? + 1;
    let end = start + small.get(start..)?.find("</title")?;
    let words: Vec<&str> = page.get(start..end)?.split_whitespace().collect();
    let title: String = words.join(" ").chars().take(TITLE_CHARS_MAX).collect();
    (!title.is_empty()).then_some(title)
}

fn short(text: &str) -> String {
    printable(text, TEXT_BYTES_MAX)
}

/// Cut to so many bytes, with everything escaped that a terminal or a page would act on.
pub fn printable(text: &str, bytes_max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(bytes_max));
    for letter in text.chars() {
        let before = shown.len();
        match letter {
            '\t' | '\n' | '\r' => shown.extend(letter.escape_default()),
            letter if is_unsafe(letter) => shown.extend(letter.escape_unicode()),
            letter => shown.push(letter),
        }
        if shown.len() > bytes_max {
            shown.truncate(before);
            break;
        }
    }
    shown
}

/// Control characters, and those that turn the direction of text or cannot be seen.
pub fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
