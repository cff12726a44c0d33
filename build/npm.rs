//! Runs npm: installs from a lock file, once for each lock, and runs a script of a package.

use std::path::Path;
use std::process::{Command, Output};

/// What decides what is installed.
pub(crate) const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
/// The files of the last install that went well, in one.
const STAMP: &str = ".installed";
/// What npm says when it cannot reach the place where packages come from.
const UNREACHABLE: [&str; 9] = [
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ERR_SOCKET_TIMEOUT",
    "ENETUNREACH",
    "EHOSTUNREACH",
    "ENOTCACHED",
];

/// Why there is nothing.
pub(crate) enum Failure {
    /// This machine lacks something: npm, or the way to where packages come from.
    Absent(String),
    /// npm was there and refused.
    Broken(String),
}

impl Failure {
    /// The words alone.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Absent(text) | Self::Broken(text) => text,
        }
    }
}

/// Installs the packages of `from` into `folder`, from the lock file only and without running their scripts. Does
/// nothing when the last install there was from the same files.
pub(crate) fn install(from: &Path, folder: &Path) -> Result<(), Failure> {
    let failed = |what: &Path, error: std::io::Error| Failure::Broken(format!("{}: {error}", what.display()));
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let mut wanted = Vec::new();
    for file in FILES {
        let bytes = match std::fs::read(from.join(file)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && file == ".npmrc" => continue,
            other => other.map_err(|error| failed(&from.join(file), error))?,
        };
        std::fs::write(folder.join(file), &bytes).map_err(|error| failed(folder, error))?;
        wanted.extend_from_slice(&bytes);
    }
    let stamp = folder.join(STAMP);
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) && folder.join("node_modules").is_dir() {
        return Ok(());
    }
    let _ = std::fs::remove_file(&stamp);
    let npm = npm(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]).output();
    let npm = npm.map_err(|error| Failure::Absent(format!("npm cannot be run: {error}")))?;
    if npm.status.success() {
        return std::fs::write(&stamp, wanted).map_err(|error| failed(&stamp, error));
    }
    let told = said(&npm);
    if UNREACHABLE.iter().any(|code| told.contains(code)) {
        let line = told.lines().find(|line| UNREACHABLE.iter().any(|code| line.contains(code)));
        return Err(Failure::Absent(format!("npm ci failed: {}", line.unwrap_or_default())));
    }
    Err(Failure::Broken(format!("npm ci failed: {told}")))
}

/// Runs a script of the package in `folder`, with one variable set.
pub(crate) fn run(folder: &Path, script: &str, variable: &str, value: &Path) -> Result<(), Failure> {
    let npm = npm(folder).args(["run", script]).env(variable, value).output();
    let npm = npm.map_err(|error| Failure::Absent(format!("npm cannot be run: {error}")))?;
    if npm.status.success() { Ok(()) } else { Err(Failure::Broken(format!("npm run {script} failed: {}", said(&npm)))) }
}

/// Whether this file only says what was installed.
pub(crate) fn is_stamp(file: &Path) -> bool {
    file.ends_with(STAMP)
}

/// The version of Node, as major and minor number.
pub(crate) fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().trim_start_matches('v').split('.').map_while(|part| part.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    // Cargo sets DEBUG for the compiler; packages would take it for a wish to print more.
    command.current_dir(folder).env_remove("DEBUG").env("NO_COLOR", "1");
    command
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    format!("{}\n{}", text(&output.stdout), text(&output.stderr)).trim().to_owned()
}
