//! A real server for tests: its own process, its own data folder, a free port.
//!
//! The configuration knows two sources, `web` (key `test-key`, browser) and `api` (key `server-key`, server), and two
//! tokens, `admin-token` and `read-token`. Dropping a [`TestServer`] ends the process by its id and removes the folder.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part of it")]
#![allow(clippy::indexing_slicing, clippy::must_use_candidate, reason = "a test that cuts wrong has to fail")]

pub mod http;
pub mod stream;
pub mod windsor;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use http::Answer;
use serde_json::Value;

/// How long a server may take to start or stop before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_roundtower");

/// What a test may change about the configuration before the first start.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    top: String,
    tables: String,
    environment: Vec<(String, String)>,
    bare: bool,
}

impl Setup {
    /// Adds top-level lines, such as `public_url = "https://example.com"`.
    pub fn top(mut self, lines: &str) -> Self {
        self.top.push_str(lines);
        self.top.push('\n');
        self
    }

    /// Adds sections, such as `[http]\nbody_timeout_ms = 500`.
    pub fn tables(mut self, lines: &str) -> Self {
        self.tables.push_str(lines);
        self.tables.push('\n');
        self
    }

    /// Sets an environment variable of the server.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves the sources and tokens out: an empty folder then makes its own.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Starts the server and waits until it is ready.
    pub fn start(self) -> TestServer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        self.start_in(folder)
    }

    /// The same, in a folder that the test made (for example on a small filesystem).
    pub fn start_in(self, folder: tempfile::TempDir) -> TestServer {
        let config = folder.path().join("config.toml");
        std::fs::write(&config, self.config_text(&folder.path().join("data"))).expect("the configuration is written");
        let mut server = TestServer {
            data: folder.path().join("data"),
            config,
            folder,
            environment: self.environment,
            child: None,
            port: 0,
            first_start: String::new(),
        };
        server.spawn();
        server
    }

    fn config_text(&self, data: &Path) -> String {
        let senders = if self.bare { "" } else { SENDERS };
        let data = data.display();
        format!("listen = \"127.0.0.1:0\"\ndata = \"{data}\"\n{}\n{senders}\n{}", self.top, self.tables)
    }
}

const SENDERS: &str = r#"
[[sources]]
name = "web"
write_key = "test-key"
kind = "browser"
[[sources]]
name = "api"
write_key = "server-key"
kind = "server"
[[tokens]]
name = "test-admin"
token = "admin-token"
scope = "admin"
[[tokens]]
name = "test-read"
token = "read-token"
scope = "read"
"#;

/// A running server.
#[derive(Debug)]
pub struct TestServer {
    folder: tempfile::TempDir,
    data: PathBuf,
    config: PathBuf,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    port: u16,
    first_start: String,
}

impl TestServer {
    /// Starts a server with the two sources and the two tokens.
    pub fn start() -> Self {
        Setup::default().start()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT` followed by `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// What stood on standard output before the ready line of the last start.
    pub fn first_start(&self) -> &str {
        &self.first_start
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// GET without any header of our own.
    pub fn get(&self, path: &str) -> Answer {
        http::request(self.port, "GET", path, &[], b"")
    }

    /// GET with a bearer token.
    pub fn get_as(&self, token: &str, path: &str) -> Answer {
        http::request(self.port, "GET", path, &[("Authorization", &format!("Bearer {token}"))], b"")
    }

    /// POST with the write key of source `api` as Basic user name.
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.post_as("server-key", path, body)
    }

    /// POST with this write key as Basic user name.
    pub fn post_as(&self, key: &str, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let headers = [("Authorization", &*http::basic(key)), ("Content-Type", "application/json")];
        http::request(self.port, "POST", path, &headers, body.as_ref())
    }

    /// Any request; `Host`, `Connection: close` and `Content-Length` are added unless given.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        http::request(self.port, method, path, headers, body.as_ref())
    }

    /// Sends these bytes as they are and returns what comes back until the server closes or `patience` is over.
    pub fn raw(&self, bytes: &[u8], patience: Duration) -> Vec<u8> {
        http::raw(self.port, bytes, patience)
    }

    /// All records, by the `export calls` command while the server runs (or on the folder when it does not).
    pub fn export(&self) -> Vec<Value> {
        let output = self.command(&["export", "calls"]).output().expect("the export runs");
        assert!(output.status.success(), "export failed: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("the export is UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// The program with this server's configuration and these arguments; environment variables that change the
    /// configuration are removed.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.arg("--config").arg(&self.config).args(arguments).current_dir(self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Ends the process at once (SIGKILL) and waits for it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends SIGTERM without waiting.
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(self.pid().try_into().expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the signal is sent");
    }

    /// Waits until the process ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server runs");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().expect("the process can be waited for") {
                return status;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                panic!("the server did not stop in {PATIENCE:?}; log:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it as an operator does (SIGTERM) and returns its exit status.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Stops it if it runs, and starts it again on the same folder (with a new port).
    pub fn restart(&mut self) {
        if self.child.is_some() {
            self.stop();
        }
        self.spawn();
    }

    /// Starts the process on the folder, after [`TestServer::kill`] or [`TestServer::stop`].
    pub fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).expect("a log file");
        let mut child = self.command(&["serve"]).stdout(Stdio::piped()).stderr(log).spawn().expect("the server starts");
        let lines = read_lines(child.stdout.take().expect("standard output is piped"));
        self.child = Some(child);
        self.first_start.clear();
        loop {
            let Ok(line) = lines.recv_timeout(PATIENCE) else {
                self.kill();
                panic!("the server did not get ready; log:\n{}", self.log());
            };
            if let Some(url) = line.strip_prefix("roundtower is ready on ") {
                self.port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
                return;
            }
            self.first_start.push_str(&line);
            self.first_start.push('\n');
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program without any configuration from the environment.
pub fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROUNDTOWER_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program in `folder` with these arguments and this standard input; (status, stdout, stderr).
pub fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut command = program();
    command.current_dir(folder).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the program ends");
    let _ = writer.join();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// Reads lines on a thread that goes on until the pipe closes, so that the writer never blocks.
fn read_lines(pipe: impl Read + Send + 'static) -> std::sync::mpsc::Receiver<String> {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
}
