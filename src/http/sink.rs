//! A small receiver of its own: takes calls in the formats of the relay on any path, shows them, and can fail on purpose.
//!
//! It keeps nothing. It is for watching a relay at work, and for measuring it; it trusts nobody and asks nobody for a key.

mod arrived;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use tokio::signal::unix::{SignalKind, signal};

use super::body::{self, BodyError};
use super::server;
pub use arrived::Arrived;
use arrived::Body;

/// Largest body, also unpacked, in bytes.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(60);
/// Longer than clients keep a connection, so that none meets a closed one.
const IDLE: Duration = Duration::from_secs(75);
const DRAIN_S: u64 = 1;

/// How it behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The share of requests that fail, from 0 to 1; they are spread evenly.
    pub fail: f64,
    /// The status of those.
    pub status: u16,
    /// The share of requests that are refused for good (400), likewise.
    pub refuse: f64,
    /// How long each answer takes, in milliseconds.
    pub delay_ms: u64,
}

/// What came so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests answered 200.
    pub requests: u64,
    /// Calls in them.
    pub calls: u64,
    /// Requests that failed on purpose; their calls were not taken.
    pub failed: u64,
    /// Requests that were none of ours: answered 400 and the like.
    pub unreadable: u64,
}

/// Is told the calls of each request and the status it is answered with.
pub type Show = dyn Fn(&[Arrived<'_>], u16) + Send + Sync;

struct Sink {
    settings: Settings,
    show: Option<Box<Show>>,
    turns: AtomicU64,
    requests: AtomicU64,
    calls: AtomicU64,
    failed: AtomicU64,
    unreadable: AtomicU64,
}

/// Receives until a signal to stop. Without `show` calls are counted only, which costs much less.
///
/// # Errors
/// When the address cannot be listened on.
pub fn run(
    listen: &str,
    settings: Settings,
    show: Option<Box<Show>>,
    ready: impl FnOnce(SocketAddr),
) -> io::Result<Counts> {
    let (listener, address) = server::bind(listen)?;
    let sink = Arc::new(Sink {
        settings,
        show,
        turns: AtomicU64::new(0),
        requests: AtomicU64::new(0),
        calls: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        unreadable: AtomicU64::new(0),
    });
    let inside = Arc::clone(&sink);
    server::block_on(async move {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let app = move || {
            let sink = Arc::clone(&inside);
            let take = move |request: HttpRequest, payload: web::Payload| take(Arc::clone(&sink), request, payload);
            App::new().default_service(web::to(take))
        };
        let listening = HttpServer::new(app).keep_alive(IDLE).shutdown_timeout(DRAIN_S).disable_signals();
        let running = listening.listen(listener)?.run();
        let handle = running.handle();
        let running = server::spawn(running);
        ready(address);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = running => return Err(io::Error::other("the receiver ended by itself")),
        }
        handle.stop(true).await;
        Ok(())
    })?;
    Ok(sink.counts())
}

async fn take(sink: Arc<Sink>, request: HttpRequest, mut payload: web::Payload) -> HttpResponse {
    if request.method() != Method::POST {
        return sink.odd(StatusCode::METHOD_NOT_ALLOWED, "this is `roundtower sink`: POST calls to any path");
    }
    let bytes = match body::read(&request, &mut payload, BODY_BYTES_MAX, BODY_DEADLINE).await {
        Ok(bytes) => bytes,
        Err(BodyError::TooLarge) => return sink.odd(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
        Err(BodyError::Late | BodyError::Broken) => return sink.odd(StatusCode::BAD_REQUEST, "the body did not come"),
    };
    let Some(body) = Body::unpack(&bytes, BODY_BYTES_MAX) else {
        return sink.odd(StatusCode::BAD_REQUEST, "the body cannot be unpacked");
    };
    let Some(calls) = body.calls() else {
        return sink.odd(StatusCode::BAD_REQUEST, "the body is no call and no batch of calls");
    };
    let status = sink.status();
    if status == 200 {
        sink.requests.fetch_add(1, Ordering::Relaxed);
        sink.calls.fetch_add(calls.len() as u64, Ordering::Relaxed);
    } else {
        sink.failed.fetch_add(1, Ordering::Relaxed);
    }
    if let Some(show) = &sink.show {
        show(&calls.arrived(request.path()), status);
    }
    if sink.settings.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(sink.settings.delay_ms)).await;
    }
    if status == 200 {
        return HttpResponse::Ok().content_type("application/json").body(r#"{"success":true}"#);
    }
    said(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "failed on purpose")
}

impl Sink {
    /// What this request is answered.
    fn status(&self) -> u16 {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        match &self.settings {
            Settings { refuse, .. } if is_due(turn, *refuse) => 400,
            Settings { fail, status, .. } if is_due(turn, *fail) => *status,
            _ => 200,
        }
    }

    fn odd(&self, status: StatusCode, why: &str) -> HttpResponse {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
        said(status, why)
    }

    fn counts(&self) -> Counts {
        Counts {
            requests: self.requests.load(Ordering::Relaxed),
            calls: self.calls.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            unreadable: self.unreadable.load(Ordering::Relaxed),
        }
    }
}

fn said(status: StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(serde_json::json!({"success": false, "message": message}))
}

/// Whether the `turn`th of an even spread is reached: of any so many turns in a row, that share is due.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 requests")]
fn is_due(turn: u64, share: f64) -> bool {
    ((turn + 1) as f64 * share).floor() > (turn as f64 * share).floor()
}

#[cfg(test)]
mod tests {
    use super::is_due;

    #[test]
    fn failures_are_spread_evenly() {
        for (share, expected) in [(0.0, 0), (0.25, 250), (0.5, 500), (1.0, 1_000)] {
            assert_eq!((0..1_000).filter(|turn| is_due(*turn, share)).count(), expected, "{share}");
        }
        assert!((0..100).all(|turn| (turn * 4..turn * 4 + 4).filter(|turn| is_due(*turn, 0.25)).count() == 1));
    }
}
