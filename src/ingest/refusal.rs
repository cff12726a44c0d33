//! Why a whole request is refused. What is wrong with single messages is in their receipts instead.

use super::code::Code;
use crate::journal::AppendError;

/// Why nothing of a request was taken. Each has one [`Code`]; its message may be shown to the sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is not what the route needs.
    #[error("Invalid JSON: {detail}")]
    InvalidJson {
        /// What is wrong and where.
        detail: String,
    },
    /// The body is larger than the route takes.
    #[error("Exceed payload limit")]
    PayloadTooLarge {
        /// The route's limit, in bytes after decompression.
        bytes_max: usize,
    },
    /// No write key anywhere.
    #[error("Missing write key: send it as the Basic user name or as \"writeKey\" in the body")]
    MissingWriteKey,
    /// A write key that belongs to no source.
    #[error("Unknown write key: use one that `roundtower source list` shows as enabled")]
    UnknownWriteKey,
    /// A `Content-Encoding` that is not understood.
    #[error("Unsupported Content-Encoding: use gzip, deflate or none")]
    UnsupportedEncoding,
    /// A webhook whose signature is missing or does not fit.
    #[error("Bad signature: X-Signature has to be the hex HMAC-SHA1 of the body with the source's signing secret")]
    BadSignature,
    /// The source sends faster than allowed.
    #[error("Too many requests; come back in {retry_after_s} s")]
    RateLimited {
        /// When to come back, in seconds.
        retry_after_s: u32,
    },
    /// The journal cannot take anything now.
    #[error("Cannot store now; come back in {retry_after_s} s")]
    Unavailable {
        /// When to come back, in seconds.
        retry_after_s: u32,
        /// Why, for the log.
        cause: AppendError,
    },
}

impl Refusal {
    /// The code on the wire and in the list of rejections.
    pub const fn code(&self) -> Code {
        match self {
            Self::InvalidJson { .. } => Code::InvalidJson,
            Self::PayloadTooLarge { .. } => Code::PayloadTooLarge,
            Self::MissingWriteKey => Code::MissingWriteKey,
            Self::UnknownWriteKey => Code::UnknownWriteKey,
            Self::UnsupportedEncoding => Code::UnsupportedEncoding,
            Self::BadSignature => Code::BadSignature,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Unavailable { .. } => Code::Unavailable,
        }
    }

    /// When the same request may be tried again, in seconds; none if it will never be taken.
    pub const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::RateLimited { retry_after_s } | Self::Unavailable { retry_after_s, .. } => Some(*retry_after_s),
            _ => None,
        }
    }
}

impl From<AppendError> for Refusal {
    fn from(cause: AppendError) -> Self {
        let retry_after_s = match cause {
            AppendError::QueueFull { .. } => 1,
            AppendError::Closed => 2,
            AppendError::DiskLow { .. } | AppendError::Poisoned => 30,
        };
        Self::Unavailable { retry_after_s, cause }
    }
}
