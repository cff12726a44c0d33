//! A Windsor for tests that does as it is told: takes calls in all three formats, or fails in any way a receiver can.
//!
//! What to do is decided for each request: first by the acts of [`Windsor::then`], in order, after that by the rule of
//! [`Windsor::rule`] (at first: take everything). Calls that [`Windsor::refuse`] names make the whole request fail, as
//! one bad item does with real receivers. All requests and all calls that were taken are kept, in order.

#![allow(unused_imports, reason = "every test binary uses its own part of it")]

mod act;
mod seen;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use act::{Act, Reply};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
pub use seen::{Call, Format, Request};

use super::PATIENCE;

type Rule = Box<dyn FnMut(&Request) -> Act + Send>;
type Refusal = Box<dyn Fn(&Call) -> Option<u16> + Send>;

/// A running receiver. Dropping it cuts all connections.
pub struct Windsor {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    scheme: &'static str,
}

struct Shared {
    state: Mutex<State>,
    /// Told whenever the state changes.
    changed: Condvar,
    tls: Option<Arc<ServerConfig>>,
}

/// Everything that is known.
pub struct State {
    /// All requests, in the order in which they were whole.
    pub requests: Vec<Request>,
    /// All calls that were taken, in order.
    pub taken: Vec<Call>,
    /// Connections that were accepted.
    pub connections: u64,
    /// Requests that are being answered now, and the most there ever were.
    pub busy: usize,
    /// See `busy`.
    pub busy_max: usize,
    /// Bytes of answers that went out.
    pub bytes_sent: u64,
    acts: VecDeque<Act>,
    rule: Rule,
    refusal: Refusal,
    open: HashMap<u64, TcpStream>,
    is_lean: bool,
    is_down: bool,
    is_closing: bool,
    cuts: u64,
}

impl Windsor {
    /// Listens on a free port.
    pub fn start() -> Self {
        Self::listen(None)
    }

    /// Listens with TLS and a certificate of its own for `localhost`; returns that as PEM, too.
    pub fn start_tls() -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("usual versions").with_no_client_auth();
        let config = builder.with_single_cert(vec![made.cert.der().clone()], key).expect("a key that fits");
        (Self::listen(Some(Arc::new(config))), made.cert.pem())
    }

    fn listen(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared { state: Mutex::new(State::new()), changed: Condvar::new(), tls });
        let inside = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &inside));
        Self { port, shared, acceptor: Some(acceptor), scheme }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address followed by `path`; `localhost` where a certificate has to fit.
    pub fn url(&self, path: &str) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}{path}", self.scheme, self.port)
    }

    /// Does these next, one for each request, before the rule counts again.
    pub fn then(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.lock().acts.extend(acts);
    }

    /// Does this from now on.
    pub fn always(&self, act: Act) {
        self.rule(move |_| act.clone());
    }

    /// Decides by the request from now on.
    pub fn rule(&self, rule: impl FnMut(&Request) -> Act + Send + 'static) {
        self.shared.lock().rule = Box::new(rule);
    }

    /// A request with a call for which this gives a status is answered with it, and nothing of it is taken.
    pub fn refuse(&self, refusal: impl Fn(&Call) -> Option<u16> + Send + 'static) {
        self.shared.lock().refusal = Box::new(refusal);
    }

    /// Keeps only ids, types and persons from now on: for tests with very many calls.
    pub fn lean(&self) {
        self.shared.lock().is_lean = true;
    }

    /// Cuts all connections, and resets new ones, until [`Windsor::up`].
    pub fn down(&self) {
        let mut state = self.shared.lock();
        state.is_down = true;
        state.cut();
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Takes connections again.
    pub fn up(&self) {
        self.shared.lock().is_down = false;
    }

    /// Looks at everything that is known.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.shared.lock())
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.look(|state| state.requests.clone())
    }

    /// All calls taken so far.
    pub fn taken(&self) -> Vec<Call> {
        self.look(|state| state.taken.clone())
    }

    /// The message ids of the calls taken so far, in order; a duplicate stands there twice.
    pub fn ids(&self) -> Vec<String> {
        self.look(|state| state.taken.iter().map(|call| call.message_id.clone()).collect())
    }

    /// Waits until it is so.
    pub fn wait(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while !is_so(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            let counts = (state.requests.len(), state.taken.len());
            assert!(!left.is_zero(), "waited in vain for {what}; requests, calls taken: {counts:?}");
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Windsor {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.is_closing = true;
            state.cut();
        }
        self.shared.changed.notify_all();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl State {
    fn new() -> Self {
        Self {
            requests: Vec::new(),
            taken: Vec::new(),
            connections: 0,
            busy: 0,
            busy_max: 0,
            bytes_sent: 0,
            acts: VecDeque::new(),
            rule: Box::new(|_| Act::Take),
            refusal: Box::new(|_| None),
            open: HashMap::new(),
            is_lean: false,
            is_down: false,
            is_closing: false,
            cuts: 0,
        }
    }

    /// Enters a request and says what is to be done with it.
    fn enter(&mut self, mut request: Request) -> Act {
        let refused = request.calls.iter().find_map(|call| (self.refusal)(call));
        let act = match (self.acts.pop_front(), refused) {
            (Some(act), _) => act,
            (None, Some(status)) => Act::status(status),
            (None, None) => (self.rule)(&request),
        };
        let share = act.share(request.calls.len());
        if self.is_lean {
            request.strip();
        }
        self.taken.extend(request.calls.iter().take(share).cloned());
        request.taken = share;
        self.requests.push(request);
        self.busy += 1;
        self.busy_max = self.busy_max.max(self.busy);
        act
    }

    fn cut(&mut self) {
        self.cuts += 1;
        for (_, stream) in self.open.drain() {
            wire::reset(&stream);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but no longer than until connections are cut.
    fn rest(&self, time: Duration) {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        let cuts = state.cuts;
        while state.cuts == cuts {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let id = {
            let mut state = shared.lock();
            if state.is_closing {
                return;
            }
            if state.is_down {
                wire::reset(&stream);
                continue;
            }
            state.connections += 1;
            let id = state.connections;
            state.open.insert(id, stream.try_clone().expect("the socket is shared"));
            id
        };
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            serve(stream, &shared);
            shared.lock().open.remove(&id);
        });
    }
}

/// Answers the requests of one connection until it is over.
fn serve(stream: TcpStream, shared: &Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let socket = stream.try_clone().expect("the socket is shared");
    match &shared.tls {
        None => converse(stream, &socket, shared),
        Some(config) => {
            let connection = ServerConnection::new(Arc::clone(config)).expect("the configuration is whole");
            converse(StreamOwned::new(connection, stream), &socket, shared);
        }
    }
}

fn converse(mut stream: impl std::io::Read + std::io::Write, socket: &TcpStream, shared: &Shared) {
    let mut came = Vec::new();
    while let Some(request) = wire::read_request(&mut stream, &mut came) {
        let act = shared.lock().enter(request);
        shared.changed.notify_all();
        let count = |sent: u64| shared.lock().bytes_sent += sent;
        let goes_on = act.play(&mut stream, socket, &|time| shared.rest(time), &count);
        shared.lock().busy -= 1;
        shared.changed.notify_all();
        if !goes_on {
            return;
        }
    }
}
