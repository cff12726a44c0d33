//! Puts what npm gives into the program: Analytics.js for web pages, and the dashboard.
//!
//! Everything is installed and built inside cargo's build folder; nothing is written into the sources. Without npm the
//! program is built all the same, and says so where it would serve them.

use std::path::PathBuf;

#[path = "build/analytics_js.rs"]
mod analytics_js;
#[path = "build/dashboard.rs"]
mod dashboard;
#[path = "build/npm.rs"]
mod npm;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names the build folder"));
    analytics_js::build(&out);
    dashboard::build(&out);
}
