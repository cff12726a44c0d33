//! The pages in headless Chromium, before the real program: what is pressed, what is then seen, and that no page ever does what it
//! may not. Each file in `tests/dashboard` is one test; pictures of all pages are left in the target folder.
//!
//! `tests/install` puts the browser and its tools where these tests look for them; `tests/run` calls it.

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use support::program;

/// The folder of the scripts.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dashboard");
/// Beside the stage itself, every script has to be named here.
const STAGE: &str = "stage.mjs";

macro_rules! pages {
    ($($page:ident),+ $(,)?) => {
        /// The scripts that are run.
        const PAGES: &[&str] = &[$(stringify!($page)),+];
        $(
            #[test]
            fn $page() {
                play(stringify!($page));
            }
        )+
    };
}

pages!(audiences, feed, groups, overview, people, person, relay, sources, whole);

/// The folder that `tests/install` fills for these tests.
fn installed() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let folder = target.join("dashboard");
    let modules = folder.join("node_modules");
    assert!(modules.exists(), "{} is not there: run tests/install first (tests/run does)", modules.display());
    folder
}

/// A demo: the program with a week of made-up customers, of which more and more is heard.
struct Demo {
    child: Child,
    /// A closed pipe must not disturb it.
    out: BufReader<ChildStdout>,
    url: String,
    admin: String,
    folder: tempfile::TempDir,
}

impl Demo {
    /// Starts it and waits until it invites to log in.
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log file");
        let mut command = program();
        command.current_dir(folder.path()).env("TMPDIR", folder.path());
        command.args(["demo", "--listen", "127.0.0.1:0", "--seed", "7"]).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut demo = Self { child, out, url: String::new(), admin: String::new(), folder };
        while demo.admin.is_empty() {
            let mut line = String::new();
            let read = demo.out.read_line(&mut line).expect("text");
            assert!(read > 0, "the demo ended early:\n{}", demo.log());
            if let Some((url, token)) = line.trim().split_once("/login#") {
                (demo.url, demo.admin) = (url.to_owned(), token.to_owned());
            }
        }
        demo
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one script before a demo of its own.
fn play(page: &str) {
    let tools = installed();
    let demo = Demo::start();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    let mut node = Command::new("node");
    node.arg(Path::new(SCRIPTS).join(STAGE)).args([&demo.url, &demo.admin, page]).arg(&pictures);
    node.env("ROUNDTOWER_TEST_DASHBOARD", tools);
    let output = node.output().expect("node runs");
    let (told, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{page}.mjs failed:\n{told}\n{complaints}\nlog of the server:\n{}", demo.log());
}

#[test]
fn every_script_is_run() {
    let entries = std::fs::read_dir(SCRIPTS).expect("the folder of the scripts");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let scripts = names.filter(|name| name != STAGE).filter_map(|name| name.strip_suffix(".mjs").map(str::to_owned));
    let forgotten: Vec<String> = scripts.filter(|name| !PAGES.contains(&name.as_str())).collect();
    assert!(forgotten.is_empty(), "add them to pages! in tests/dashboard.rs: {forgotten:?}");
}
