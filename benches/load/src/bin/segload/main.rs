//! `segload`: closed-loop HTTP/1.1 load. N keep-alive connections on one thread, bodies from a file, each sent once.
//! Prints requests and events a second, latency of the acknowledgement, CPU and memory of the server, growth of a folder.

mod connection;
mod machine;
mod report;

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Parser;
use hdrhistogram::Histogram;

/// Closed-loop HTTP/1.1 load on a loopback server.
#[derive(Parser)]
struct Options {
    /// Address of the server.
    #[arg(long)]
    addr: String,
    /// Path to POST to.
    #[arg(long, default_value = "/v1/track")]
    path: String,
    /// File of bodies, one a line (with --get: of paths).
    #[arg(long)]
    file: PathBuf,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 64)]
    conns: usize,
    /// Measured seconds.
    #[arg(long, default_value_t = 8.0)]
    secs: f64,
    /// Seconds before.
    #[arg(long, default_value_t = 1.0)]
    warm: f64,
    /// Events in one body.
    #[arg(long, default_value_t = 1)]
    per: u64,
    /// Requests a second of all connections together; 0 means as fast as they are answered. A request that falls behind its
    /// time counts from when it was due, so a stall is not hidden.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Processes whose CPU and memory count, with all their descendants.
    #[arg(long, value_delimiter = ',')]
    pids: Vec<i32>,
    /// Folder whose growth (allocated blocks) counts, over the whole run.
    #[arg(long)]
    du: Option<PathBuf>,
    /// One more request header, for example 'Authorization: Basic dGVzdDo='.
    #[arg(long)]
    header: Vec<String>,
    /// Each line of the file is a path to GET.
    #[arg(long)]
    get: bool,
    /// Begin again at the end of the file. Otherwise running out of bodies is a failure, because a repeated message id
    /// is a duplicate and measures something else.
    #[arg(long)]
    cycle: bool,
    /// Send the whole file once, whatever --secs says.
    #[arg(long)]
    all: bool,
    /// Append the figures to this file as one tab-separated line.
    #[arg(long)]
    tsv: Option<PathBuf>,
    /// Printed first.
    #[arg(long, default_value = "")]
    label: String,
}

/// What all connections share.
struct Run {
    bodies: Bodies,
    options: Options,
    position: Cell<usize>,
    ran_out: Cell<bool>,
    begun: Instant,
    /// Requests that were given a time.
    turns: Cell<u32>,
    measured_from: Instant,
    end: Instant,
    finished: Cell<Instant>,
    tally: RefCell<Tally>,
}

/// What was counted.
struct Tally {
    requests: u64,
    bytes: u64,
    acked_requests: u64,
    acked_body_bytes: u64,
    bad: u64,
    latency_us: Histogram<u64>,
}

/// The bodies of a file, one a line, kept as one piece: a run may need gigabytes of them.
struct Bodies {
    text: Vec<u8>,
    lines: Vec<Range<usize>>,
}

impl Bodies {
    fn read(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read(path)?;
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let end = start + line.len();
            let trimmed = end - usize::from(line.ends_with(b"\n"));
            if trimmed > start {
                lines.push(start..trimmed);
            }
            start = end;
        }
        Ok(Self { text, lines })
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        self.text.get(self.lines.get(index)?.clone())
    }
}

impl Options {
    /// The head of the request that carries `body`; for --get the body is the path.
    fn head(&self, body: &[u8]) -> String {
        let (addr, path) = (&self.addr, &self.path);
        let headers: String = self.header.iter().map(|header| format!("{header}\r\n")).collect();
        if self.get {
            let path = String::from_utf8_lossy(body);
            return format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{headers}\r\n");
        }
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n"
        )
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let bodies = Bodies::read(&options.file)?;
    anyhow::ensure!(!bodies.lines.is_empty(), "{} holds no body", options.file.display());
    let folder_before = options.du.as_deref().map(machine::folder_bytes);
    let start = Instant::now();
    let span = if options.all { 86_400.0 } else { options.secs };
    let measured_from = start + Duration::from_secs_f64(options.warm);
    let end = measured_from + Duration::from_secs_f64(span);
    let run = Rc::new(Run {
        bodies,
        options,
        position: Cell::new(0),
        ran_out: Cell::new(false),
        begun: start,
        turns: Cell::new(0),
        measured_from,
        end,
        finished: Cell::new(start),
        tally: RefCell::new(Tally {
            requests: 0,
            bytes: 0,
            acked_requests: 0,
            acked_body_bytes: 0,
            bad: 0,
            latency_us: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        }),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let usage = tokio::task::LocalSet::new().block_on(&runtime, drive(&run));
    let ran_out = run.ran_out.get() && !run.options.all;
    report::print(&run, usage, folder_before)?;
    anyhow::ensure!(!ran_out, "the file ran out of bodies before the time was up: make it larger");
    Ok(())
}

/// Runs the connections to the end, looking at the server's CPU when measuring begins and ends.
async fn drive(run: &Rc<Run>) -> machine::Usage {
    let options = &run.options;
    let connections: Vec<_> =
        (0..options.conns).map(|_| tokio::task::spawn_local(connection::keep_sending(Rc::clone(run)))).collect();
    let pids = options.pids.clone();
    let from = run.measured_from;
    let before = tokio::task::spawn_local(async move {
        tokio::time::sleep_until(from.into()).await;
        machine::usage(&pids)
    });
    for connection in connections {
        connection.await.ok();
    }
    let after = machine::usage(&options.pids);
    before.abort();
    let before = before.await.unwrap_or(after);
    machine::Usage { cpu_seconds: after.cpu_seconds - before.cpu_seconds, resident_bytes: after.resident_bytes }
}
