//! Facts: everything about a person that a filter can ask for, as terms of one field.
//!
//! A trait's terms are its path, then what kind of value, then the value. The path of a nested value is the keys joined
//! by dots, so `address.city` finds `{"address":{"city":...}}` and also a key that has the dot in it: what senders mean
//! by the two is the same. A list stands for each of its members. Paths end in a byte that no UTF-8 has, so that no key
//! can pass for another's value. One field for all traits, instead of one for each: keys come from senders, and a
//! sender can invent a million of them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Doc, number, steps};
use crate::call::limits::JSON_DEPTH_MAX;
use crate::views::state::Class;

/// Values of one person that are indexed; the rest is left out.
pub(super) const VALUES_MAX: usize = 1_000;
/// Bytes of a trait's value as JSON; of a longer one only its existence is indexed.
pub(super) const VALUE_BYTES_MAX: usize = 8 * 1_024;
/// Bytes of a trait's path or an audience's key; longer ones are left out.
pub(in crate::views) const KEY_BYTES_MAX: usize = 1_024;

const TRAIT: u8 = b't';
const COMPUTED: u8 = b'c';
const EMAIL: u8 = b'e';
const PHONE: u8 = b'p';
const FLAG: u8 = b'f';

const PATH_END: u8 = 0xff;
const EXISTS: u8 = b'e';
const BOOLEAN: u8 = b'b';
const NUMBER: u8 = b'n';
const TEXT: u8 = b's';

/// The term of people who have a userId.
pub(super) const KNOWN: &[u8] = &[FLAG, b'k'];
/// The term of people who lack a userId or an email.
pub(super) const INCOMPLETE: &[u8] = &[FLAG, b'i'];

/// Calls `add` with each term of a person. A term may come twice.
pub(super) fn each(doc: &Doc, add: &mut dyn FnMut(&[u8])) {
    if doc.known {
        add(KNOWN);
    }
    if !doc.complete {
        add(INCOMPLETE);
    }
    let reachable = [doc.email.as_deref().and_then(email), doc.phone.as_deref().and_then(phone)];
    reachable.iter().flatten().for_each(|term| add(term));
    for one in doc.computed.iter().take(VALUES_MAX) {
        if let Some(term) = computed(one.class, one.is_member, &one.key) {
            add(&term);
        }
    }
    let mut walk = Walk { add, left: VALUES_MAX };
    for (key, value) in &doc.traits {
        if value.len() > VALUE_BYTES_MAX {
            walk.exists(key);
        } else if let Ok(value) = serde_json::from_str(value) {
            walk.value(key, value, 0);
        }
    }
}

/// The term of an address, if it is one; spaces around it and the case of letters do not count.
pub(super) fn email(text: &str) -> Option<Vec<u8>> {
    let folded = super::texts::fold(text.trim());
    (!folded.is_empty() && folded.len() <= KEY_BYTES_MAX).then(|| joined(&[&[EMAIL], folded.as_bytes()]))
}

/// The term of a phone number: its digits and a leading plus.
pub(super) fn phone(text: &str) -> Option<Vec<u8>> {
    let plus = if text.trim_start().starts_with('+') { "+" } else { "" };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty() && digits.len() <= KEY_BYTES_MAX)
        .then(|| joined(&[&[PHONE], plus.as_bytes(), digits.as_bytes()]))
}

/// The term of the members, or former members, of an audience or the like.
fn computed(class: Class, is_member: bool, key: &str) -> Option<Vec<u8>> {
    (key.len() <= KEY_BYTES_MAX).then(|| joined(&[&[COMPUTED, class as u8, is_member.into()], key.as_bytes()]))
}

/// The terms of the members of an audience or of a step of a journey.
pub(super) fn members(key: &str) -> Option<[Vec<u8>; 2]> {
    Some([computed(Class::Audience, true, key)?, computed(Class::JourneyStep, true, key)?])
}

/// What all terms of members and former members of audiences and the like begin with.
pub(super) const ALL_COMPUTED: &[u8] = &[COMPUTED];
/// What comes after them.
pub(super) const ALL_COMPUTED_END: &[u8] = &[COMPUTED + 1];

/// The class, whether it is of members, and the key of such a term.
pub(super) fn of_computed(term: &[u8]) -> Option<(Class, bool, &[u8])> {
    let [COMPUTED, class, is_member, key @ ..] = term else { return None };
    let class = [Class::Audience, Class::Computed, Class::JourneyStep].into_iter().find(|one| *one as u8 == *class)?;
    Some((class, *is_member == 1, key))
}

/// The term of people who have a value at this path.
pub(super) fn exists(path: &str) -> Vec<u8> {
    joined(&[&[TRAIT], path.as_bytes(), &[PATH_END, EXISTS]])
}

/// The terms that a value can have that equals the text of a question: `5` is the number and the text.
pub(super) fn equals(path: &str, text: &str) -> Vec<Vec<u8>> {
    let mut terms = vec![term(path, TEXT, steps::WHOLE, text.as_bytes())];
    if let Some(bytes) = number::ordered(text) {
        terms.push(term(path, NUMBER, steps::WHOLE, &bytes));
    }
    if let "true" | "false" = text {
        terms.push(boolean(path, text == "true"));
    }
    terms
}

/// The rows of terms of the values that are greater (or less) than the text of a question: numbers than the number,
/// text than the text.
pub(super) fn compared(path: &str, text: &str, is_greater: bool) -> Vec<Span> {
    let rows = if is_greater { steps::greater } else { steps::less };
    let on = |kind, value: &[u8], ends| -> Vec<Span> {
        rows(value, ends).iter().map(|row| Span::of(row, |step, bytes| term(path, kind, step, bytes))).collect()
    };
    let mut spans = on(TEXT, text.as_bytes(), steps::TEXT);
    if let Some(bytes) = number::ordered(text) {
        spans.extend(on(NUMBER, &bytes, steps::NUMBER));
    }
    spans
}

/// Neighbouring terms of the field.
#[derive(Debug)]
pub(super) struct Span {
    /// The first one, or what comes before it.
    pub from: Vec<u8>,
    /// Whether `from` belongs to it.
    pub is_from_in: bool,
    /// What comes after the last one; only `from` itself when there is none.
    pub to: Option<Vec<u8>>,
}

impl Span {
    fn of(row: &steps::Row<'_>, term: impl Fn(u8, &[u8]) -> Vec<u8>) -> Self {
        match row {
            steps::Row::Only(value) => Self { from: term(steps::WHOLE, value), is_from_in: true, to: None },
            steps::Row::Above { step, over, begin } => {
                Self { from: term(*step, over), is_from_in: false, to: after(term(*step, begin)) }
            }
            steps::Row::Below { step, under, begin } => {
                Self { from: term(*step, begin), is_from_in: true, to: Some(term(*step, under)) }
            }
        }
    }
}

/// The first term that does not begin like this one and comes later.
fn after(mut beginning: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = beginning.pop() {
        if let Some(next) = last.checked_add(1) {
            beginning.push(next);
            return Some(beginning);
        }
    }
    None
}

/// One person's traits, walked to their leaves.
struct Walk<'a> {
    add: &'a mut dyn FnMut(&[u8]),
    left: usize,
}

impl Walk<'_> {
    /// A part that does not read is left out: it was checked on its way in, and a filter is no place to complain.
    fn value(&mut self, path: &str, value: &RawValue, depth: usize) {
        let text = value.get();
        match text.as_bytes().first() {
            None | Some(b'n') => {}
            Some(_) if depth > JSON_DEPTH_MAX => {}
            Some(b'{') => {
                self.exists(path);
                for (key, value) in serde_json::from_str::<BTreeMap<String, &RawValue>>(text).unwrap_or_default() {
                    self.value(&format!("{path}.{key}"), value, depth + 1);
                }
            }
            Some(b'[') => {
                self.exists(path);
                for value in serde_json::from_str::<Vec<&RawValue>>(text).unwrap_or_default() {
                    self.value(path, value, depth + 1);
                }
            }
            Some(b'"') => {
                if let Ok(text) = serde_json::from_str::<String>(text) {
                    self.leaf(path, TEXT, text.as_bytes(), steps::TEXT);
                }
            }
            Some(b't' | b'f') => {
                if self.exists(path) {
                    (self.add)(&boolean(path, text == "true"));
                }
            }
            Some(_) => match number::ordered(text) {
                Some(bytes) => self.leaf(path, NUMBER, &bytes, steps::NUMBER),
                None => _ = self.exists(path),
            },
        }
    }

    /// Whether there is room for this value and its path.
    fn exists(&mut self, path: &str) -> bool {
        if self.left == 0 || path.len() > KEY_BYTES_MAX {
            return false;
        }
        self.left -= 1;
        (self.add)(&exists(path));
        true
    }

    fn leaf(&mut self, path: &str, kind: u8, value: &[u8], ends: &[usize]) {
        if self.exists(path) {
            let mut term = term(path, kind, steps::WHOLE, &[]);
            let begin = term.len() - 1;
            for (step, bytes) in steps::of(value, ends) {
                term.truncate(begin);
                term.push(step);
                term.extend(bytes);
                (self.add)(&term);
            }
        }
    }
}

fn boolean(path: &str, is_true: bool) -> Vec<u8> {
    joined(&[&[TRAIT], path.as_bytes(), &[PATH_END, BOOLEAN, u8::from(is_true)]])
}

fn term(path: &str, kind: u8, step: u8, value: &[u8]) -> Vec<u8> {
    joined(&[&[TRAIT], path.as_bytes(), &[PATH_END, kind, step], value])
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}
