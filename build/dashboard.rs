//! The dashboard: built by Vite from `dashboard/`, and put into the program file by file.
//!
//! Vite works on a copy in the build folder. `ROUNDTOWER_DASHBOARD=DIR` takes a page that was built before instead.
//! Where npm is and the page cannot be built, the program is not built either; where npm is not, a page says how to add it.

use std::io;
use std::path::{Path, PathBuf};

use super::npm::{self, Failure};

const FOLDER: &str = "dashboard";
const VARIABLE: &str = "ROUNDTOWER_DASHBOARD";
/// Where Vite shall write to.
const OUT_VARIABLE: &str = "ROUNDTOWER_DASHBOARD_OUT";
/// What tools and developers leave in the folder; no part of the sources.
const LEFT_OVER: [&str; 4] = ["node_modules", "dist", "coverage", "test-results"];
/// Lines of an error that are shown.
const LINES_MAX: usize = 40;
/// The oldest Node that Vite runs on.
const NODE_MIN: (u32, u32) = (20, 19);

/// Leaves the table of files in `out`; it is empty when there is no page.
pub(crate) fn build(out: &Path) {
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    let table = out.join("dashboard_files.rs");
    let dist = match std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => {
            let folder = std::path::absolute(&folder).expect("the folder has a path");
            println!("cargo:rerun-if-changed={}", folder.display());
            Ok(folder)
        }
        None => made(out),
    };
    let written = match dist {
        Ok(dist) => listed(&dist).unwrap_or_else(|error| refuse(&format!("{}: {error}", dist.display()))),
        Err(Failure::Broken(why)) => refuse(&why),
        Err(Failure::Absent(why)) => {
            println!("cargo:warning=the dashboard is not built in: {why}");
            println!(
                "cargo:warning=install Node {}.{} or newer with npm, `touch build.rs` and build again, or set {VARIABLE} \
                 to a folder with the built page; all else works",
                NODE_MIN.0, NODE_MIN.1
            );
            "&[]".to_owned()
        }
    };
    std::fs::write(&table, written).expect("the build folder can be written");
}

/// Ends the build with these words, after this script has ended. What it returns is not used then.
fn refuse(why: &str) -> String {
    println!("cargo::error=the dashboard cannot be built");
    for line in why.lines().filter(|line| !line.trim().is_empty()).take(LINES_MAX) {
        println!("cargo::error={line}");
    }
    "&[]".to_owned()
}

/// Installs what the page is made of and builds it; returns the folder with the page.
fn made(out: &Path) -> Result<PathBuf, Failure> {
    let broken = |error: io::Error| Failure::Broken(format!("{FOLDER}: {error}"));
    let (source, copy, dist) = (Path::new(FOLDER), out.join("dashboard"), out.join("dashboard-dist"));
    if !source.is_dir() {
        return Err(Failure::Absent(format!("the folder {FOLDER} is not among the sources")));
    }
    for entry in parts(source).map_err(broken)? {
        println!("cargo:rerun-if-changed={}", entry.display());
    }
    match npm::node_version() {
        None => return Err(Failure::Absent("node cannot be run".to_owned())),
        Some(found) if found < NODE_MIN => {
            return Err(Failure::Absent(format!("Node {}.{} is too old", found.0, found.1)));
        }
        Some(_) => {}
    }
    npm::install(source, &copy)?;
    renew(source, &copy).map_err(broken)?;
    let _ = std::fs::remove_dir_all(&dist);
    npm::run(&copy, "build", OUT_VARIABLE, &dist)?;
    Ok(dist)
}

/// What belongs to the page in its folder.
fn parts(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !LEFT_OVER.iter().any(|name| entry.file_name() == *name) {
            all.push(entry.path());
        }
    }
    Ok(all)
}

/// Makes the copy equal to the sources, but for what npm installed there.
fn renew(source: &Path, copy: &Path) -> io::Result<()> {
    for old in parts(copy)? {
        if old.is_dir() {
            std::fs::remove_dir_all(&old)?;
        } else if !source.join(old.file_name().unwrap_or_default()).exists() && !npm::is_stamp(&old) {
            std::fs::remove_file(&old)?;
        }
    }
    for part in parts(source)? {
        let name = part.file_name().unwrap_or_default().to_owned();
        copy_all(&part, &copy.join(name))?;
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return std::fs::copy(from, to).map(drop);
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The files of the page as a table for the compiler. What no route would serve is an error, not a file that is missing later.
fn listed(dist: &Path) -> Result<String, String> {
    let mut names = vec!["index.html".to_owned()];
    for entry in std::fs::read_dir(dist).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned();
        if !["index.html", "assets"].contains(&name.as_str()) {
            return Err(format!("{name} is served nowhere; only index.html and what lies in assets/ are"));
        }
    }
    for entry in std::fs::read_dir(dist.join("assets")).into_iter().flatten() {
        let name = entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_none_or(|kind| kind != "map") {
            names.push(format!("assets/{name}"));
        }
    }
    names.sort();
    if let Some(name) = names.iter().find(|name| !dist.join(name).is_file()) {
        return Err(format!("{name} is no file there"));
    }
    let line = |name: &String| {
        let path = dist.join(name).display().to_string();
        format!("    ({name:?}, include_bytes!({path:?})),\n")
    };
    Ok(format!("&[\n{}]", names.iter().map(line).collect::<String>()))
}
