//! Listening: sockets, deadlines and caps of connections, and stopping in order. HTTP/1.1 only.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_http::HttpService;
use actix_server::Server;
pub use actix_server::ServerHandle;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;

use super::guard::{Guarded, Watch};
use super::settings::Settings;
use super::{Site, enter};

/// How long requests on their way may take to finish when the server stops, in seconds.
pub const DRAIN_S: u64 = 7;
/// How long a connection may linger after its last answer, so that a sender still writing gets to read it.
const LINGER: Duration = Duration::from_secs(3);
/// The framework reads its clock twice a second, so its deadlines come up to this much too early.
const CLOCK_STEP: Duration = Duration::from_millis(500);
/// Connections that may wait in the kernel to be accepted.
const BACKLOG: i32 = 4_096;
/// Files that are kept for everything but connections.
const FILES_KEPT: u64 = 512;

/// Opens the socket. Nothing is accepted before [`start`].
///
/// # Errors
/// When the address cannot be listened on.
pub fn bind(listen: &str) -> std::io::Result<(TcpListener, SocketAddr)> {
    let addresses: Vec<SocketAddr> = listen.to_socket_addrs()?.collect();
    let listener = TcpListener::bind(addresses.as_slice())?;
    // Asking again only makes the queue longer than the standard library does.
    rustix::net::listen(&listener, BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Starts to accept. The returned server has to be awaited; the handle stops it. `files_max` is how many files the
/// process may have open.
///
/// # Errors
/// When the socket cannot be used.
pub fn start(
    site: Arc<Site>,
    listener: TcpListener,
    settings: &Settings,
    files_max: u64,
) -> std::io::Result<(Server, ServerHandle)> {
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        workers => workers,
    };
    let files = usize::try_from(files_max.saturating_sub(FILES_KEPT)).unwrap_or(usize::MAX).max(64);
    let connections_max = settings.connections_max.min(files).div_ceil(workers);
    let settings = settings.clone();
    let factory = move || {
        let watch = Watch::new(&settings, connections_max);
        let stopping = Arc::clone(&site);
        let look = Watch::look(Rc::downgrade(&watch), move || stopping.stopping.load(Ordering::Relaxed));
        actix_web::rt::spawn(look);
        let site = Arc::clone(&site);
        let app = App::new().configure(move |config| enter::register(config, &site));
        let app = map_config(app.into_factory(), |()| AppConfig::default());
        let http = HttpService::<Guarded, _, _>::build()
            .keep_alive(Duration::from_millis(settings.idle_timeout_ms) + CLOCK_STEP)
            .client_request_timeout(Duration::from_millis(settings.header_timeout_ms) + CLOCK_STEP)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|socket: &Guarded, about| {
                about.insert(socket.connection());
            })
            .h1(app);
        let accepted = fn_service(move |stream: TcpStream| {
            // An answer is one small write; waiting for more would only delay it.
            let _ = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            std::future::ready(Ok((Guarded::new(stream, &watch), peer)))
        });
        accepted.and_then(http)
    };
    let server = Server::build()
        .workers(workers)
        .max_concurrent_connections(connections_max)
        .shutdown_timeout(DRAIN_S)
        .disable_signals()
        .listen("roundtower", listener, factory)?
        .run();
    let handle = server.handle();
    Ok((server, handle))
}

/// Runs `work` on this thread, and what it spawns, until `work` is done.
pub fn block_on<F: Future>(work: F) -> F::Output {
    actix_web::rt::System::new().block_on(work)
}

/// Runs `work` beside the caller; only inside [`block_on`].
pub fn spawn<F: Future + 'static>(work: F) -> tokio::task::JoinHandle<F::Output> {
    actix_web::rt::spawn(work)
}
