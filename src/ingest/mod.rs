//! From body to receipt.
//!
//! Promise: after [`Ingest::take`] answered `Ok`, every message that its receipt counts as appended or duplicate is
//! durable, and every other one is in [`rejections::Rejections`] with a code. A refusal means that nothing was taken.
//!
//! Life of a request: [`Ingest::authenticate`] inflates the body, passes once over every byte of it and finds the
//! source; [`Ingest::accept`] turns each message into a call, or a rejection that names the field, and appends all calls
//! of the request as one batch, in order. A crash in between leaves nothing that was acked undone.
//!
//! It sees no HTTP: routes and headers arrive as a [`Request`], a [`Receipt`] or a [`Refusal`] goes back.

mod admit;
mod append;
mod body;
pub mod code;
mod context;
mod extra;
pub mod import;
mod key;
pub mod lines;
mod merge;
mod normalize;
mod pixel;
pub mod receipt;
pub mod refusal;
pub mod rejections;
pub mod request;
pub mod settings;
pub mod source;
#[cfg(test)]
mod tests;
mod times;
mod value;
mod webhook;
pub mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use admit::Admission;
pub use code::{Code, Rejected};
pub use receipt::Receipt;
pub use refusal::Refusal;
use rejections::Rejections;
pub use request::{Authorization, Credentials, Request, Route, Sender};
use settings::Settings;
use source::Sources;

use crate::call::time::Time;
use crate::clock::Clock;
use crate::journal::Appender;

/// Takes requests. One per server, shared by all its workers.
pub struct Ingest {
    appender: Arc<dyn Appender>,
    sources: Arc<Sources>,
    rejections: Arc<Rejections>,
    settings: Settings,
    clock: Clock,
    warned: Throttle,
}

impl Ingest {
    /// Ingest into `appender` from `sources`.
    pub fn new(
        appender: Arc<dyn Appender>,
        sources: Arc<Sources>,
        rejections: Arc<Rejections>,
        settings: Settings,
        clock: Clock,
    ) -> Self {
        Self { appender, sources, rejections, settings, clock, warned: Throttle::default() }
    }

    /// Reads a request and finds its source, stores it, and tells what became of it.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing was taken then.
    pub async fn take(&self, request: Request) -> Result<Receipt, Refusal> {
        let admission = self.authenticate(request)?;
        self.accept(admission).await
    }
}

impl fmt::Debug for Ingest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Ingest").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Lets something happen once a minute.
#[derive(Debug, Default)]
struct Throttle(AtomicI64);

impl Throttle {
    const PAUSE_MS: i64 = 60_000;

    fn is_due(&self, now: Time) -> bool {
        let (now, last) = (now.as_millis(), self.0.load(Ordering::Relaxed));
        let due = now.saturating_sub(last).abs() >= Self::PAUSE_MS;
        due && self.0.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
