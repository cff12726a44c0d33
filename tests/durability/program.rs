//! The program on a folder that may be damaged or whose disk may fail: it may refuse to start, and never hangs.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::TestServer;

/// No command may take longer on the small folders of these tests.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// How a command ended, and what it said.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ended {
    /// A person can read what it said: no panic text, no debug dump of one.
    pub(super) fn is_readable(&self) -> bool {
        !["panicked at", "RUST_BACKTRACE", "stack backtrace"]
            .iter()
            .any(|raw| self.stderr.contains(raw) || self.stdout.contains(raw))
    }
}

/// A started program with its output in files.
pub(super) struct Program {
    child: Child,
    folder: tempfile::TempDir,
}

impl Program {
    pub(super) fn spawn(mut command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        command.stdin(Stdio::null()).stdout(file("stdout")).stderr(file("stderr"));
        Self { child: command.spawn().expect("the program starts"), folder }
    }

    /// Starts the server of a stopped `TestServer` with its own configuration; the port once it is ready.
    ///
    /// # Errors
    /// When it ends before it is ready.
    pub(super) fn serve(server: &TestServer) -> Result<(Self, u16), Ended> {
        Self::serve_by(server.command(&["serve"]))
    }

    /// The same by any command that serves.
    ///
    /// # Errors
    /// When it ends before it is ready.
    pub(super) fn serve_by(command: Command) -> Result<(Self, u16), Ended> {
        let mut program = Self::spawn(command);
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(port) = program.port() {
                return Ok((program, port));
            }
            if program.child.try_wait().unwrap().is_some() {
                return Err(program.wait(LIMIT));
            }
            assert!(Instant::now() < deadline, "neither ready nor ended within {LIMIT:?}: {}", program.text("stderr"));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn port(&self) -> Option<u16> {
        let stdout = self.text("stdout");
        let (_, url) = stdout.split_once("roundtower is ready on ")?;
        url.split_once('\n')?.0.rsplit(':').next()?.parse().ok()
    }

    fn text(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
    }

    pub(super) fn stderr(&self) -> String {
        self.text("stderr")
    }

    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end, at most `limit`.
    pub(super) fn wait(mut self, limit: Duration) -> Ended {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Ended { status, stdout: self.text("stdout"), stderr: self.text("stderr") };
            }
            assert!(Instant::now() < deadline, "it hangs: no end within {limit:?}; {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGTERM, then waits for the end.
    pub(super) fn stop(self, limit: Duration) -> Ended {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.wait(limit)
    }

    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end, at most [`LIMIT`].
pub(super) fn run(command: Command) -> Ended {
    Program::spawn(command).wait(LIMIT)
}

/// `roundtower verify` on the folder of a stopped server: no damage, no finding.
pub(super) fn assert_verifies(server: &TestServer) {
    let verified = run(server.command(&["verify"]));
    assert!(verified.status.success(), "verify: {:?}\n{}{}", verified.status, verified.stdout, verified.stderr);
}
