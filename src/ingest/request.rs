//! A request as the HTTP room hands it over: nothing parsed but the route and a few headers.

use std::net::IpAddr;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::call::CallType;
use crate::call::limits::{BATCH_BYTES_MAX, MESSAGE_BYTES_MAX};

/// Which kind of endpoint was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// One message; the route says its type.
    Single {
        /// The type that the route names.
        kind: CallType,
        /// A single-letter path, as browsers use: marks the message as sent by a client.
        short: bool,
    },
    /// `/v1/batch`, or `/v1/b` when `short`.
    Batch {
        /// A single-letter path.
        short: bool,
    },
    /// `/v1/import`, the older name of batch.
    Import,
    /// A pixel: the body is the query string as it came, without `?`.
    Pixel(CallType),
    /// `/v1/webhook`: a Segment workspace delivers to us; one call or an array.
    Webhook,
    /// `/hook/{token}`: what Windsor's own Node client sends.
    Hook,
}

impl Route {
    /// The largest body this route takes, in bytes after decompression (and before).
    pub const fn body_bytes_max(self) -> usize {
        match self {
            Self::Single { .. } | Self::Pixel(_) => MESSAGE_BYTES_MAX,
            Self::Batch { .. } | Self::Import | Self::Webhook | Self::Hook => BATCH_BYTES_MAX,
        }
    }

    /// A name for logs and the list of rejections: the call type of a single route, else `batch` and so on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single { kind, .. } => kind.as_str(),
            Self::Batch { .. } => "batch",
            Self::Import => "import",
            Self::Pixel(_) => "pixel",
            Self::Webhook => "webhook",
            Self::Hook => "hook",
        }
    }

    /// Whether the route alone says that the sender is a browser or an app.
    pub const fn client_side(self) -> bool {
        matches!(self, Self::Single { short: true, .. } | Self::Batch { short: true } | Self::Pixel(_))
    }
}

/// What the `Authorization` header held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// No header.
    #[default]
    None,
    /// Basic: the user name, possibly empty. The password is not looked at.
    Basic(String),
    /// Bearer: an access token, which is not looked at; the key has to be elsewhere.
    Bearer,
    /// Anything else.
    Unreadable,
}

/// `=` at the end may be there or not; leftover bits are not looked at.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl Authorization {
    /// Reads the header's value. Never fails: what makes no sense is [`Authorization::Unreadable`].
    pub fn read(header: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(header) else { return Self::Unreadable };
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            return Self::Bearer;
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Self::Unreadable;
        }
        let decoded = LENIENT.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded {
            Some(mut user) => {
                user.truncate(user.find(':').unwrap_or(user.len()));
                Self::Basic(user)
            }
            None => Self::Unreadable,
        }
    }
}

/// Where a write key may be, outside the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The `Authorization` header.
    pub authorization: Authorization,
    /// The key in the path (`/v1/webhook/{key}`, `/hook/{token}`).
    pub path: Option<String>,
    /// The header `X-Write-Key`.
    pub header: Option<String>,
    /// The query parameter `writeKey`, decoded.
    pub query: Option<String>,
}

/// Who is at the other end of the connection, for what client-side messages lack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// The header `User-Agent`.
    pub user_agent: Option<String>,
    /// The header `Referer`.
    pub referrer: Option<String>,
    /// Whether the body came as `text/plain`, as browsers and mobile clients send it.
    pub text_plain: bool,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which endpoint.
    pub route: Route,
    /// Keys outside the body.
    pub credentials: Credentials,
    /// The header `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// The body as received; for a pixel the query string. At most [`Route::body_bytes_max`] bytes make sense: the
    /// HTTP room may stop reading one byte later.
    pub body: Bytes,
    /// Who sent it.
    pub sender: Sender,
    /// The header `X-Signature`.
    pub signature: Option<String>,
    /// Whether somebody will look at the single receipts. Without, [`super::Receipt::items`] stays empty.
    pub receipts: bool,
}
