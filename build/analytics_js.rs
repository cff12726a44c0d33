//! The standalone bundle of Analytics.js, so that one snippet is all a web page needs.
//!
//! The bundle comes from the npm package named in `web/analytics-js`; nothing of it lies in the repository.
//! `ROUNDTOWER_ANALYTICS_JS=FILE` takes that file instead.

use std::path::Path;

use super::npm;

const FOLDER: &str = "web/analytics-js";
const BUNDLES: &str = "node_modules/@segment/analytics-next/dist/umd";
const MAIN: &str = "standalone.js";
const VARIABLE: &str = "ROUNDTOWER_ANALYTICS_JS";

/// Leaves `analytics.min.js` and the table of its parts in `out`; the bundle is empty when there is none.
pub(crate) fn build(out: &Path) {
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    for file in npm::FILES {
        println!("cargo:rerun-if-changed={FOLDER}/{file}");
    }
    let target = out.join("analytics.min.js");
    let parts = out.join("analytics_parts.rs");
    std::fs::write(&parts, "&[]").expect("the build folder can be written");
    if let Some(file) = std::env::var_os(VARIABLE).filter(|file| !file.is_empty()) {
        println!("cargo:rerun-if-changed={}", Path::new(&file).display());
        let copied = std::fs::copy(&file, &target);
        copied.unwrap_or_else(|error| panic!("{VARIABLE}={}: {error}", Path::new(&file).display()));
        return;
    }
    let folder = out.join("analytics-js");
    let installed = npm::install(Path::new(FOLDER), &folder).map_err(|failure| failure.text().to_owned());
    if let Err(why) = installed.and_then(|()| embed(&folder.join(BUNDLES), &target, &parts)) {
        println!("cargo:warning=analytics.min.js is not built in: {}", why.lines().last().unwrap_or_default());
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
