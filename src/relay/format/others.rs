//! The members of a message that have no place of their own in a call.

use crate::call::integrations::each_member;
use crate::call::render::json;

/// What a receiver must not see, whoever sent it.
const SECRET: &str = "writeKey";

/// Appends those that are `wanted` by name to an object that was begun. The caller wants none that it wrote itself.
pub(super) fn others(extra: &str, mut wanted: impl FnMut(&str) -> bool, out: &mut Vec<u8>) {
    if extra != "{}" {
        each_member(extra, |key, value| {
            if key != SECRET && wanted(&key) {
                member(&key, value, out);
            }
        });
    }
}

/// Appends one member with a key that may need escapes.
pub(super) fn member(key: &str, value: &str, out: &mut Vec<u8>) {
    if key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
        return json(out, key, value);
    }
    out.push(b',');
    serde_json::to_writer(&mut *out, key).expect("writing text to memory cannot fail");
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}
