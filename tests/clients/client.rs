//! Client programs: where `tests/install` put them, how they are called, what they print.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a client may take. The SDKs have deadlines of their own; this one only keeps a hanging test from going on.
const PATIENCE: Duration = Duration::from_secs(240);

/// The calls that server SDKs make.
pub(super) const CALLS: &str = include_str!("calls.json");
/// The calls that a web page makes.
pub(super) const BROWSER_CALLS: &str = include_str!("browser-calls.json");

/// Parses a list of calls.
pub(super) fn calls(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("the calls are a JSON array")
}

/// `count` plain track calls, each with its number.
pub(super) fn numbered_calls(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| {
            serde_json::json!({ "type": "track", "userId": format!("user-{}", n % 7), "event": "Counted", "properties": { "n": n } })
        })
        .collect()
}

/// A path below the folder that `tests/install` fills.
pub(super) fn installed(path: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let path = target.join("clients").join(path);
    assert!(path.exists(), "{} is not there: run tests/install first (tests/run does)", path.display());
    path
}

/// A script for Node.js, by its file name in `tests/clients/node`.
pub(super) fn node(script: &str) -> Command {
    let modules = installed("node/node_modules");
    let mut command = Command::new("node");
    command.arg(format!("{}/tests/clients/node/{script}", env!("CARGO_MANIFEST_DIR")));
    command.env("ROUNDTOWER_TEST_CLIENTS", modules.ancestors().nth(2).expect("the clients' folder"));
    command
}

/// The Python client with the SDK of this name and version.
pub(super) fn python(sdk: &str) -> Command {
    let mut command = Command::new(installed(&format!("python/{sdk}/bin/python")));
    command.arg(format!("{}/tests/clients/python/client.py", env!("CARGO_MANIFEST_DIR")));
    command
}

/// The client made of the crate `analytics`.
pub(super) fn rust() -> Command {
    Command::new(installed("rust/debug/roundtower-test-client"))
}

/// A client that was started.
pub(super) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    complaints: Receiver<String>,
    deadline: Instant,
    _calls: tempfile::NamedTempFile,
}

impl Client {
    /// Starts it with the server's address, a write key, calls to make, and options of its own.
    pub(super) fn start(mut command: Command, url: &str, write_key: &str, calls: &[Value], options: &[&str]) -> Self {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&serde_json::to_vec(calls).expect("calls are JSON")).expect("the calls are written");
        command.arg(url).arg(write_key).arg(file.path()).args(options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self {
            stdin: child.stdin.take(),
            lines: read_lines(child.stdout.take().expect("standard output is piped")),
            complaints: read_lines(child.stderr.take().expect("standard error is piped")),
            child,
            deadline: Instant::now() + PATIENCE,
            _calls: file,
        }
    }

    /// The next `count` messages it prints.
    pub(super) fn messages(&mut self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.message().unwrap_or_else(|| self.fail("it printed too few messages"))).collect()
    }

    /// Lets a client that holds go, waits for its end, and returns the messages it printed that were not read yet.
    pub(super) fn finish(mut self) -> Vec<Value> {
        drop(self.stdin.take());
        let messages = std::iter::from_fn(|| self.message()).collect();
        let status = self.child.wait().expect("the client can be waited for");
        if !status.success() {
            self.fail(&format!("it ended with {status}"));
        }
        messages
    }

    /// The next message; none when it has closed its output.
    fn message(&mut self) -> Option<Value> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => self.fail(&format!("it was not done in {PATIENCE:?}")),
        }
    }

    fn fail(&mut self, why: &str) -> ! {
        let _ = self.child.kill();
        let complaints: Vec<String> = self.complaints.iter().collect();
        panic!("the client failed: {why}\n{}", complaints.join("\n"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines on a thread that goes on until the pipe closes, so that the writer never blocks.
fn read_lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
}
