//! The threads and the runtime of a relay that sends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::error::RelayError;
use super::handle::Connect;
use super::seat::Seat;
use super::worker::lanes::Lanes;
use super::worker::{Message, Surroundings, Worker};
use crate::clock::Clock;
use crate::journal::{Reader, lower_priority};

/// Nice value of the relay's threads: ingest goes first.
const PRIORITY: i32 = 5;
/// How long workers may take to end; a little longer than they wait for requests under way.
const WORKERS_DEADLINE: Duration = Duration::from_secs(6);
/// How long the runtime may take to end, after the workers have.
const RUNTIME_DEADLINE: Duration = Duration::from_millis(500);

/// Workers under way.
pub(super) struct Running {
    runtime: Runtime,
    workers: Vec<JoinHandle<()>>,
    /// Ends when the last worker has.
    ended: mpsc::Receiver<()>,
}

impl Running {
    /// Starts a worker for every destination that is enabled.
    pub(super) fn start(
        seats: &[Arc<Seat>],
        reader: &Arc<dyn Reader>,
        clock: &Clock,
        connect: Connect<'_>,
    ) -> Result<Self, RelayError> {
        let failed = |error: std::io::Error| RelayError::Start(error.to_string());
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("relay-requests")
            .on_thread_start(|| lower_priority(PRIORITY))
            .enable_all()
            .build()
            .map_err(failed)?;
        let enabled: Vec<_> = seats.iter().filter(|seat| seat.to.enabled).collect();
        let around = Surroundings {
            reader: Arc::clone(reader),
            clock: clock.clone(),
            lanes: Arc::new(Lanes::default()),
            runtime: runtime.handle().clone(),
            workers: enabled.len(),
        };
        let mut transports = Vec::with_capacity(enabled.len());
        for seat in &enabled {
            let name = &seat.to.name;
            transports
                .push(connect(&seat.to).map_err(|error| RelayError::Start(format!("destination `{name}`: {error}")))?);
        }
        let (working, ended) = mpsc::channel();
        let mut running = Self { runtime, workers: Vec::with_capacity(enabled.len()), ended };
        for (seat, transport) in enabled.into_iter().zip(transports) {
            let (own, inbox) = mpsc::channel();
            seat.listen(own.clone());
            let mut worker = Worker::new(seat, &around, transport, (own, inbox));
            let (held, alive) = (Arc::clone(seat), working.clone());
            let thread = std::thread::Builder::new().name("relay".to_owned());
            let thread = thread.spawn(move || {
                let _alive = alive;
                lower_priority(PRIORITY);
                if let Err(reason) = work(&mut worker) {
                    let destination = &held.to.name;
                    tracing::error!(destination, reason, "the relay does not send to this destination any more");
                    let mut live = held.live();
                    live.numbers = None;
                    live.failed = Some(reason);
                }
            });
            match thread {
                Ok(thread) => running.workers.push(thread),
                Err(error) => {
                    drop(working);
                    running.close(seats, || {});
                    return Err(failed(error));
                }
            }
        }
        Ok(running)
    }

    /// Ends the workers, then the ledger, then the runtime. Requests that are still under way are cut off; what they
    /// carried is pending. A worker that waits for room on a full disk goes on only when the ledger is closed.
    pub(super) fn close(self, seats: &[Arc<Seat>], close_ledger: impl FnOnce()) {
        for seat in seats {
            seat.tell(Message::Close);
        }
        if self.ended.recv_timeout(WORKERS_DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("some workers of the relay did not end in time; what they had under way stays pending");
        }
        close_ledger();
        self.join();
    }

    #[cfg(test)]
    pub(super) fn crash(self, seats: &[Arc<Seat>]) {
        for seat in seats {
            seat.tell(Message::Crash);
        }
        self.join();
    }

    fn join(self) {
        for worker in self.workers {
            let _ = worker.join();
        }
        self.runtime.shutdown_timeout(RUNTIME_DEADLINE);
    }
}

/// Works until told to close, or says why it cannot go on. A bug in what concerns one destination ends that one only.
fn work(worker: &mut Worker) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(|| worker.run())) {
        Ok(ended) => ended.map_err(|stop| stop.to_string()),
        Err(_) => Err("its worker ended by a bug; see the log, then start again".to_owned()),
    }
}
