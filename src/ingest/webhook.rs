//! Signatures of webhooks.

use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::call::secret::Secret;

/// Whether `signature` is the hex HMAC-SHA1 of the body as received. Compares in constant time.
pub(super) fn is_signed(secret: &Secret, body: &[u8], signature: Option<&str>) -> bool {
    let Some(signature) = signature.and_then(bytes_of_hex) else { return false };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&signature).is_ok()
}

fn bytes_of_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hex.trim().chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::is_signed;
    use crate::call::secret::Secret;

    #[test]
    fn a_signature_fits_one_body_and_one_secret() {
        let secret = Secret::new("key".to_owned());
        let body = b"The quick brown fox jumps over the lazy dog";
        let good = "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9";
        assert!(is_signed(&secret, body, Some(good)));
        assert!(is_signed(&secret, body, Some(&good.to_uppercase())));
        assert!(!is_signed(&secret, b"another", Some(good)));
        assert!(!is_signed(&Secret::new("other".to_owned()), body, Some(good)));
        for bad in [None, Some(""), Some("de7c"), Some("xyz"), Some(&good[1..])] {
            assert!(!is_signed(&secret, body, bad), "{bad:?}");
        }
    }
}
