//! Puts the standalone bundle of Analytics.js into the program, so that one snippet is all a web page needs.
//!
//! The bundle comes from the npm package named in `web/analytics-js`, installed into the build folder; nothing of it
//! lies in the repository. `ROUNDTOWER_ANALYTICS_JS=FILE` takes that file instead. Without npm the program is built all
//! the same, without the bundle, and says so where it would serve it.

use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "web/analytics-js";
const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
const BUNDLES: &str = "node_modules/@segment/analytics-next/dist/umd";
const MAIN: &str = "standalone.js";
const VARIABLE: &str = "ROUNDTOWER_ANALYTICS_JS";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    for file in FILES {
        println!("cargo:rerun-if-changed={FOLDER}/{file}");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names the build folder"));
    let target = out.join("analytics.min.js");
    let parts = out.join("analytics_parts.rs");
    std::fs::write(&parts, "&[]").expect("the build folder can be written");
    if let Some(file) = std::env::var_os(VARIABLE).filter(|file| !file.is_empty()) {
        println!("cargo:rerun-if-changed={}", Path::new(&file).display());
        let copied = std::fs::copy(&file, &target);
        copied.unwrap_or_else(|error| panic!("{VARIABLE}={}: {error}", Path::new(&file).display()));
        return;
    }
    if let Err(why) = install(&out).and_then(|()| embed(&out.join(BUNDLES), &target, &parts)) {
        println!("cargo:warning=analytics.min.js is not built in: {why}");
        println!(
            "cargo:warning=install npm, `touch build.rs` and build again, or set {VARIABLE} to a bundle; all else works"
        );
        std::fs::write(&target, []).expect("the build folder can be written");
    }
}

/// Takes the bundle, and the parts that it loads when a page asks for more (link tracking, query strings).
fn embed(bundles: &Path, target: &Path, parts: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", bundles.display());
    std::fs::copy(bundles.join(MAIN), target).map_err(failed)?;
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(bundles).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        // Not the packed copies and the source maps beside them.
        if name.contains(".bundle.") && Path::new(&name).extension().is_some_and(|kind| kind == "js") {
            names.push(name);
        }
    }
    names.sort();
    let line =
        |name: &String| format!("    ({name:?}, include_bytes!({:?})),\n", bundles.join(name).display().to_string());
    let table = format!("&[\n{}]", names.iter().map(line).collect::<String>());
    std::fs::write(parts, table).map_err(failed)
}

/// Installs the package into the build folder, from the lock file only and without running its scripts.
fn install(out: &Path) -> Result<(), String> {
    for file in FILES {
        std::fs::copy(Path::new(FOLDER).join(file), out.join(file)).map_err(|error| format!("{file}: {error}"))?;
    }
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"];
    let npm = Command::new("npm").args(arguments).current_dir(out).output();
    let npm = npm.map_err(|error| format!("npm cannot be run: {error}"))?;
    if npm.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&npm.stderr);
    let line = told.lines().find(|line| line.contains("error") || line.contains("ERR")).unwrap_or("no reason given");
    Err(format!("npm ci failed: {line}"))
}
