//! Merging objects as text, so that every number and every escape comes out as it went in.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};

use super::wire::{members, unescape};

/// How deep two objects are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Member by member; a member of both is taken whole from the upper one.
    Shallow,
    /// Objects under the same key are merged as well; everything else is taken whole from the upper one.
    Deep,
}

/// The members of a checked object by their keys; of those with the same key the last value counts.
///
/// What a batch shares is laid under every message of it, so it is taken apart once.
#[derive(Debug, Default)]
pub(super) struct Laid<'a> {
    entries: Vec<Entry<'a>>,
    place: HashMap<Cow<'a, str>, usize>,
}

#[derive(Debug)]
struct Entry<'a> {
    raw_key: &'a str,
    value: &'a str,
    /// The value taken apart, once something was laid over it.
    inner: OnceCell<Box<Laid<'a>>>,
}

impl<'a> Laid<'a> {
    pub(super) fn out(object: &'a str) -> Self {
        let mut laid = Self::default();
        for (raw_key, value) in members(object) {
            let Some(key) = unescape(raw_key) else { continue };
            match laid.place.entry(key) {
                Occupied(known) => {
                    if let Some(entry) = laid.entries.get_mut(*known.get()) {
                        entry.value = value;
                    }
                }
                Vacant(new) => {
                    new.insert(laid.entries.len());
                    laid.entries.push(Entry { raw_key, value, inner: OnceCell::new() });
                }
            }
        }
        laid
    }

    /// This object with the members of `over` laid over it.
    pub(super) fn under(&self, over: &str, depth: Depth) -> String {
        let bytes: usize = self.entries.iter().map(|entry| entry.raw_key.len() + entry.value.len() + 2).sum();
        let mut out = String::with_capacity(bytes + over.len());
        self.write(&mut out, &Laid::out(over), depth);
        out
    }

    /// As deep as JSON may be, since both objects are checked.
    fn write(&self, out: &mut String, over: &Laid<'_>, depth: Depth) {
        let (mut replaced, mut added) = (vec![None; self.entries.len()], vec![true; over.entries.len()]);
        for (key, upper) in &over.place {
            if let Some(slot) = self.place.get(key).and_then(|lower| replaced.get_mut(*lower)) {
                *slot = over.entries.get(*upper).map(|entry| entry.value);
                if let Some(added) = added.get_mut(*upper) {
                    *added = false;
                }
            }
        }
        let mut separator = '{';
        let mut put_key = |out: &mut String, raw_key: &str| {
            out.push(std::mem::replace(&mut separator, ','));
            out.push_str(raw_key);
            out.push(':');
        };
        for (entry, replaced) in self.entries.iter().zip(replaced) {
            put_key(out, entry.raw_key);
            match replaced {
                Some(value) if depth == Depth::Deep && entry.value.starts_with('{') && value.starts_with('{') => {
                    let inner = entry.inner.get_or_init(|| Box::new(Laid::out(entry.value)));
                    inner.write(out, &Laid::out(value), depth);
                }
                replaced => out.push_str(replaced.unwrap_or(entry.value)),
            }
        }
        for entry in over.entries.iter().zip(added).filter_map(|(entry, added)| added.then_some(entry)) {
            put_key(out, entry.raw_key);
            out.push_str(entry.value);
        }
        if separator == '{' {
            out.push('{');
        }
        out.push('}');
    }
}

/// `base` with the members of `over` laid over it. Both are checked objects.
pub(super) fn merged(base: &str, over: &str, depth: Depth) -> String {
    Laid::out(base).under(over, depth)
}

#[cfg(test)]
mod tests {
    use super::{Depth, merged};

    #[test]
    fn the_upper_object_wins_at_every_leaf() {
        let base = r#"{"library":{"name":"a","version":"1"},"tags":[1,2],"ip":"1.1.1.1","n":1e400}"#;
        let over = r#"{"library":{"name":"b"},"tags":[3],"x":{},"\u0069p":null}"#;
        let expected = r#"{"library":{"name":"b","version":"1"},"tags":[3],"ip":null,"n":1e400,"x":{}}"#;
        assert_eq!(merged(base, over, Depth::Deep), expected);
        assert_eq!(
            merged(r#"{"A":{"x":1}}"#, r#"{"A":{"y":2},"B":true}"#, Depth::Shallow),
            r#"{"A":{"y":2},"B":true}"#
        );
        assert_eq!(merged("{ }", r#"{ "a" : 1 , "a" : 2 }"#, Depth::Deep), r#"{"a":2}"#);
        assert_eq!(merged("{}", "{}", Depth::Deep), "{}");
    }

    #[test]
    fn an_object_replaces_a_leaf_and_a_leaf_an_object() {
        assert_eq!(merged(r#"{"a":{"b":1},"c":1}"#, r#"{"a":1,"c":{"d":1}}"#, Depth::Deep), r#"{"a":1,"c":{"d":1}}"#);
    }
}
