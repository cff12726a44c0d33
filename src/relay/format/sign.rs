//! What proves a request: the key as Basic user name, and a signature over the body.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::call::secret::Secret;

/// The value of `Authorization`: the key as user name and no password. The colon is always there.
pub(super) fn basic(key: &Secret) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:", key.expose())))
}

/// Hexadecimal HMAC-SHA1 of the whole body, as Segment signs its webhooks.
pub(super) fn signature(secret: &Secret, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::with_capacity(40), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert_eq!(basic(&secret("abc")), "Basic YWJjOg==");
        let body = b"The quick brown fox jumps over the lazy dog";
        assert_eq!(signature(&secret("key"), body), "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9");
    }
}
