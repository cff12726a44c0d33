//! Making secrets: 32 random characters that need no escaping in a URL, a header or a shell.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::call::secret::Secret;

/// Random bytes of a secret; 24 bytes are exactly 32 characters.
const RANDOM_BYTES: usize = 24;

/// A new write key or token.
///
/// # Panics
/// When the operating system gives no randomness: nothing safe can be made then.
pub fn generate() -> Secret {
    let mut bytes = [0; RANDOM_BYTES];
    loop {
        getrandom::fill(&mut bytes).expect("the operating system gives randomness");
        let text = URL_SAFE_NO_PAD.encode(bytes);
        // A key that begins with a dash would be taken for an option when it is pasted into a command.
        if !text.starts_with('-') {
            return Secret::new(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_plain_and_different() {
        let (one, other) = (generate(), generate());
        assert_eq!(one.expose().len(), 32);
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_ne!(one, other);
    }
}
