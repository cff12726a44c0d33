//! Whose certificates are believed: rustls with `ring`, named outright so that no second library can slip in.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Certificates of authorities. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
}

/// A file of certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No PEM, or a broken certificate.
    #[error("it holds no certificates that can be read (PEM, `-----BEGIN CERTIFICATE-----`)")]
    Unreadable,
}

impl Trust {
    /// What this machine trusts: the operating system's certificates, or those that the environment variables
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Those that cannot be read are left out; it may end up empty. Blocks.
    pub fn system() -> Self {
        let loaded = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(loaded.certs);
        Self { roots: Arc::new(roots) }
    }

    /// Only the certificates in this PEM text.
    ///
    /// # Errors
    /// When there is none, or one of them is broken.
    pub fn only(pem: &[u8]) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| TrustError::Unreadable)?;
            roots.add(certificate).map_err(|_| TrustError::Unreadable)?;
        }
        if roots.is_empty() { Err(TrustError::Unreadable) } else { Ok(Self { roots: Arc::new(roots) }) }
    }

    /// Nobody: for clients that never speak TLS.
    pub fn nobody() -> Self {
        Self { roots: Arc::new(RootCertStore::empty()) }
    }

    /// Whether nothing is trusted.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The settings of TLS for a client.
    ///
    /// # Errors
    /// When the library refuses its own defaults.
    pub fn config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_root_certificates(Arc::clone(&self.roots)).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        for bad in [&b""[..], b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Trust::only(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn one_provider_serves_all() {
        assert!(Trust::nobody().is_empty());
        assert!(Trust::nobody().config().is_ok());
    }
}
