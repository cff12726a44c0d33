//! Values that many senders use by mistake: they may own events but never connect two identities.

/// What a program sends that has lost an id. Letters of either case are the same.
const VALUES: [&str; 8] = ["-1", "null", "anonymous", "undefined", "none", "nan", "guest", "[object Object]"];

/// Whether a value of a userId or anonymousId stands for nobody: one of the known ones, or nothing but zeros and dashes.
pub fn is_blocked(id: &str) -> bool {
    VALUES.iter().any(|value| value.eq_ignore_ascii_case(id)) || id.bytes().all(|byte| matches!(byte, b'0' | b'-'))
}
