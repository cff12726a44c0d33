//! How calls are written for a receiver: pure, from records to the bytes of a request.
//!
//! Nothing is parsed that does not have to be: free JSON is text that was checked on its way in, and goes out as it is,
//! numbers digit by digit. The write key that a sender may have put among its members never goes out.

mod others;
mod partner;
mod segment;
mod sign;
#[cfg(test)]
pub(super) mod tests;
mod windsor;

use std::fmt;

use super::settings::{Destination, Format};
use crate::call::CallType;
use crate::call::secret::Secret;
use crate::call::time::Time;
use crate::journal::Record;

/// A request, ready to be sent. Its debug output shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The whole URL; the windsor format has its key in the path.
    pub url: String,
    /// Names and values, in the order to be sent; the length and the host are the client's.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin: String = self.url.split_inclusive('/').take(3).collect();
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        let bytes = self.body.len();
        out.debug_struct("Request").field("to", &origin).field("headers", &names).field("bytes", &bytes).finish()
    }
}

/// Whether this format has a form for this type of call.
///
/// Windsor's hook knows users and events only: an identify or group is a user, a track, page or screen is an event. That
/// two ids are one person can be said in neither, and a wrong guess could not be taken back there.
pub const fn carries(format: Format, kind: CallType) -> bool {
    !matches!((format, kind), (Format::Windsor, CallType::Alias))
}

/// Collects calls into one request.
pub struct Writer {
    format: Format,
    url: String,
    headers: Vec<(&'static str, String)>,
    signing_secret: Option<Secret>,
    body: Vec<u8>,
    calls: usize,
}

impl Writer {
    /// An empty request for this destination.
    pub fn new(to: &Destination) -> Self {
        let (url, headers, start) = match to.format {
            Format::Windsor => (windsor::url(to), windsor::headers(), windsor::START),
            Format::Partner => (to.url.clone(), partner::headers(to), ""),
            Format::Segment => (segment::url(to), segment::headers(to), segment::START),
        };
        let signing_secret = to.signing_secret.clone();
        Self { format: to.format, url, headers, signing_secret, body: start.as_bytes().to_vec(), calls: 0 }
    }

    /// Adds a call of a type that the format [`carries`].
    ///
    /// # Panics
    /// When a second call is put into a request of the partner format, which has room for one.
    pub fn push(&mut self, record: &Record<'_>) {
        if self.calls > 0 {
            assert!(self.format != Format::Partner, "the partner format carries one call in a request");
            self.body.push(b',');
        }
        match self.format {
            Format::Windsor => windsor::item(&record.call, &mut self.body),
            Format::Partner => partner::event(record, &mut self.body),
            Format::Segment => segment::item(&record.call, &mut self.body),
        }
        self.calls += 1;
    }

    /// Bytes of the body, were it finished now.
    pub fn bytes(&self) -> usize {
        self.body.len()
            + match self.format {
                Format::Windsor => windsor::END_BYTES,
                Format::Partner => 0,
                Format::Segment => segment::END.len(),
            }
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// The request. `now` is written as the time of sending where the format has one.
    pub fn finish(mut self, now: Time) -> Request {
        match self.format {
            Format::Windsor => windsor::end(now, &mut self.body),
            Format::Partner => {}
            Format::Segment => self.body.extend_from_slice(segment::END.as_bytes()),
        }
        if let Some(secret) = &self.signing_secret {
            self.headers.push(("X-Signature", sign::signature(secret, &self.body)));
        }
        Request { url: self.url, headers: self.headers, body: self.body }
    }
}
