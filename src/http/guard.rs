//! Deadlines of connections that the framework does not keep: a second request that never gets complete, a reader that
//! takes nothing of its answer, a connection that is only there.
//!
//! Each connection notes what it waits for and since when; one task a worker looks over all of them now and then and
//! ends those that waited too long. So a request on time costs two notes and no timer. When the worker is nearly full,
//! connections that wait for a request are ended early, so that others get their turn.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::settings::Settings;

/// Longest and shortest pause between two looks.
const LOOK_MAX: Duration = Duration::from_secs(1);
const LOOK_MIN: Duration = Duration::from_millis(20);
/// The framework answers a late first head with 408 a little after its deadline; only then it is cut here.
const GRACE: Duration = Duration::from_secs(1);
/// How long a connection may wait for a request when the worker is nearly full.
const CROWDED_DEADLINE: Duration = Duration::from_secs(2);

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The first byte of a request.
    Idle,
    /// The rest of its head.
    Head,
    /// This server: a request is being answered. The deadline of its body is kept where it is read.
    Busy,
}

/// What is known about one connection.
#[derive(Debug)]
pub(super) struct Connection {
    phase: Cell<Phase>,
    since: Cell<Instant>,
    /// Since when the other side takes nothing of what is written.
    blocked: Cell<Option<Instant>>,
    ended: Cell<bool>,
    /// An answer without an end is being sent: what is quiet then is not idle.
    held: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    watch: Rc<Watch>,
}

impl Connection {
    /// A request with a complete head is there.
    pub(super) fn begin(&self) {
        self.phase.set(Phase::Busy);
    }

    /// Its answer will be on the way until the hold is dropped.
    pub(super) fn hold(self: &Rc<Self>) -> Hold {
        self.held.set(true);
        Hold(Rc::clone(self))
    }

    /// Its answer is on the way.
    pub(super) fn finish(&self) {
        if self.held.get() {
            return;
        }
        self.phase.set(Phase::Idle);
        self.since.set(self.watch.now.get());
    }

    fn received(&self) {
        if self.phase.get() == Phase::Idle {
            self.phase.set(Phase::Head);
            self.since.set(self.watch.now.get());
        }
    }

    fn sent(&self) {
        self.blocked.set(None);
        // An answer may take long to send; as long as it is taken, nobody waits.
        self.since.set(self.watch.now.get());
    }

    fn stuck(&self) {
        if self.blocked.get().is_none() {
            self.blocked.set(Some(self.watch.now.get()));
        }
    }

    fn wake_later(&self, context: &Context<'_>) {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *kept = Some(context.waker().clone());
        }
    }

    fn end(&self) {
        self.ended.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// A request whose answer goes on.
#[derive(Debug)]
pub(super) struct Hold(Rc<Connection>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.held.set(false);
        self.0.finish();
    }
}

/// All connections of one worker.
#[derive(Debug)]
pub(super) struct Watch {
    now: Cell<Instant>,
    connections: RefCell<Vec<Weak<Connection>>>,
    header: Duration,
    idle: Duration,
    write: Duration,
    crowded_at: usize,
}

impl Watch {
    /// For a worker with at most this many connections.
    pub(super) fn new(settings: &Settings, connections_max: usize) -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(Instant::now()),
            connections: RefCell::default(),
            header: Duration::from_millis(settings.header_timeout_ms) + GRACE,
            idle: Duration::from_millis(settings.idle_timeout_ms),
            write: Duration::from_millis(settings.write_timeout_ms),
            crowded_at: (connections_max - connections_max / 5).max(1),
        })
    }

    /// Looks over the connections until nobody needs it any more.
    pub(super) async fn look(watch: Weak<Self>, stopping: impl Fn() -> bool) {
        loop {
            let Some(pause) = watch.upgrade().map(|watch| watch.pause()) else { return };
            tokio::time::sleep(pause).await;
            let Some(watch) = watch.upgrade() else { return };
            watch.now.set(Instant::now());
            watch.end_late(stopping());
        }
    }

    fn pause(&self) -> Duration {
        (self.header.min(self.idle).min(self.write) / 8).clamp(LOOK_MIN, LOOK_MAX)
    }

    fn end_late(&self, stopping: bool) {
        let now = self.now.get();
        let mut all = self.connections.borrow_mut();
        all.retain(|one| one.strong_count() > 0);
        let crowded = all.len() >= self.crowded_at;
        let patience = |phase| match phase {
            Phase::Busy => Duration::MAX,
            Phase::Idle if stopping => Duration::ZERO,
            Phase::Idle if crowded => self.idle.min(CROWDED_DEADLINE),
            Phase::Head if crowded => self.header.min(CROWDED_DEADLINE),
            Phase::Idle => self.idle,
            Phase::Head => self.header,
        };
        for one in all.iter().filter_map(Weak::upgrade) {
            let waits = now.saturating_duration_since(one.since.get()) > patience(one.phase.get());
            let stuck = one.blocked.get().is_some_and(|since| now.saturating_duration_since(since) > self.write);
            if waits || stuck {
                one.end();
            }
        }
    }
}

/// A socket that ends when its deadline is over.
#[derive(Debug)]
pub(super) struct Guarded {
    stream: TcpStream,
    connection: Rc<Connection>,
}

impl Guarded {
    /// Watches a new connection.
    pub(super) fn new(stream: TcpStream, watch: &Rc<Watch>) -> Self {
        let connection = Rc::new(Connection {
            phase: Cell::new(Phase::Idle),
            since: Cell::new(watch.now.get()),
            blocked: Cell::new(None),
            ended: Cell::new(false),
            held: Cell::new(false),
            waker: RefCell::new(None),
            watch: Rc::clone(watch),
        });
        watch.connections.borrow_mut().push(Rc::downgrade(&connection));
        Self { stream, connection }
    }

    /// What requests tell about their progress.
    pub(super) fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }

    fn check(&self) -> io::Result<()> {
        if self.connection.ended.get() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &polled {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => self.connection.received(),
            Poll::Ready(_) => {}
            Poll::Pending => self.connection.wake_later(context),
        }
        polled
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        match &polled {
            Poll::Ready(_) => self.connection.sent(),
            Poll::Pending => {
                self.connection.stuck();
                self.connection.wake_later(context);
            }
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
