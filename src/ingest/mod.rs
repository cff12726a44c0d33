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
pub mod debugger;
mod extra;
mod fix;
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
pub mod suppress;
#[cfg(test)]
mod tests;
mod times;
mod value;
mod webhook;
pub mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub use admit::{Admission, Refused};
pub use code::{Code, Rejected};
use debugger::Debugger;
pub use receipt::Receipt;
pub use refusal::Refusal;
use rejections::Rejections;
pub use request::{Authorization, Credentials, Request, Route, Sender};
use settings::Settings;
use source::Sources;
use suppress::Suppressed;

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
    suppressed: Arc<Suppressed>,
    warned: Throttle,
    debugger: Debugger,
    filtered: AtomicU64,
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
        let (suppressed, warned, filtered) = (Arc::default(), Throttle::default(), AtomicU64::new(0));
        let debugger = Debugger::new(clock.now());
        Self { appender, sources, rejections, settings, clock, suppressed, warned, debugger, filtered }
    }

    /// The same, dropping calls of these.
    #[must_use]
    pub fn suppressing(self, suppressed: Arc<Suppressed>) -> Self {
        Self { suppressed, ..self }
    }

    /// The calls of the last minutes, for somebody who watches.
    pub const fn debugger(&self) -> &Debugger {
        &self.debugger
    }

    /// Calls since the start that were stored and, as their senders asked, kept out of everything else.
    pub fn filtered(&self) -> u64 {
        self.filtered.load(Ordering::Relaxed)
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
