//! How the page gets into the program: the build script itself, with a Node and an npm that do as they are told.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What stands for npm: it writes down how it was called, and does what the variables say.
const NPM: &str = r#"#!/bin/sh
echo "$1 ${PWD##*/}" >> "$CALLS"
case "$1$PWD" in
  ci*analytics-js) exit 1 ;;
  ci*) [ -z "$CI_SAYS" ] || { echo "$CI_SAYS" >&2; exit 1; }; mkdir -p node_modules ;;
  run*) [ -z "$RUN_SAYS" ] || { echo "$RUN_SAYS" >&2; exit 1; }
    mkdir -p "$ROUNDTOWER_DASHBOARD_OUT/assets"
    cp index.html "$ROUNDTOWER_DASHBOARD_OUT/index.html"
    echo "made()" > "$ROUNDTOWER_DASHBOARD_OUT/assets/page-1.js"
    echo "{}" > "$ROUNDTOWER_DASHBOARD_OUT/assets/page-1.js.map" ;;
esac
"#;

struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    /// Compiles the build script of this repository, and lays out sources for it.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut compiler = Command::new(compiler);
        compiler.args(["--edition", "2024", "build.rs", "-o"]).arg(folder.path().join("script")).current_dir(root);
        assert!(compiler.status().expect("the compiler runs").success());
        let this = Self { folder };
        for (file, text) in [
            ("web/analytics-js/package.json", "{}"),
            ("web/analytics-js/package-lock.json", "{}"),
            ("dashboard/package.json", "{}"),
            ("dashboard/package-lock.json", "1"),
            ("dashboard/index.html", "<!doctype html>"),
            ("dashboard/src/main.ts", "main()"),
            ("dashboard/node_modules/left/over.js", ""),
        ] {
            this.write(file, text);
        }
        this.tool("node", "#!/bin/sh\necho v22.12.0\n");
        this.tool("npm", NPM);
        std::fs::create_dir(this.path("out")).expect("made");
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.path(name).parent().expect("a folder")).expect("made");
        std::fs::write(self.path(name), text).expect("written");
    }

    fn tool(&self, name: &str, text: &str) {
        let name = format!("tools/{name}");
        self.write(&name, text);
        std::fs::set_permissions(self.path(&name), std::fs::Permissions::from_mode(0o755)).expect("made a program");
    }

    /// What the script tells cargo, and the table it leaves.
    fn run(&self, environment: &[(&str, &str)]) -> (String, String) {
        let tools = format!("{}:/usr/bin:/bin", self.path("tools").display());
        let mut script = Command::new(self.path("script"));
        script.env_clear().env("PATH", tools).env("OUT_DIR", self.path("out")).env("CALLS", self.path("calls"));
        let ran = script.envs(environment.iter().copied()).current_dir(self.folder.path()).output().expect("it runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let table = std::fs::read_to_string(self.path("out/dashboard_files.rs")).expect("there is always a table");
        (String::from_utf8(ran.stdout).expect("text"), table)
    }

    /// How often npm was called so: for what, and where.
    fn calls(&self, how: &str) -> usize {
        std::fs::read_to_string(self.path("calls")).unwrap_or_default().lines().filter(|line| *line == how).count()
    }
}

#[test]
fn the_page_is_built_from_a_copy_and_installed_once_for_each_lock() {
    let script = Script::new();
    let (said, table) = script.run(&[]);
    assert!(!said.contains("error=") && said.contains("rerun-if-changed=dashboard/src"), "{said}");
    assert!(!said.contains("rerun-if-changed=dashboard/node_modules"), "{said}");
    assert!(table.contains("(\"index.html\", include_bytes!(") && table.contains("\"assets/page-1.js\""), "{table}");
    assert!(!table.contains(".map"), "{table}");
    assert_eq!((script.calls("ci dashboard"), script.calls("run dashboard")), (1, 1));

    script.write("dashboard/src/other.ts", "");
    std::fs::remove_file(script.path("dashboard/src/main.ts")).expect("removed");
    script.run(&[]);
    assert_eq!((script.calls("ci dashboard"), script.calls("run dashboard")), (1, 2));
    assert_eq!(script.calls("ci analytics-js"), 2, "what failed is tried again");
    assert!(script.path("out/dashboard/src/other.ts").exists() && !script.path("out/dashboard/src/main.ts").exists());
    assert!(!script.path("out/dashboard/node_modules/left").exists(), "what a developer installed is not taken");

    script.write("dashboard/package-lock.json", "2");
    script.run(&[]);
    assert_eq!((script.calls("ci dashboard"), script.calls("run dashboard")), (2, 3), "another lock");
    let mut kept: Vec<_> = std::fs::read_dir(script.path("dashboard")).expect("there").flatten().collect();
    kept.sort_by_key(std::fs::DirEntry::file_name);
    let kept: Vec<_> = kept.iter().map(std::fs::DirEntry::file_name).collect();
    assert_eq!(
        kept,
        ["index.html", "node_modules", "package-lock.json", "package.json", "src"],
        "nothing is written there"
    );
}

#[test]
fn a_page_that_cannot_be_built_stops_the_build_with_the_words_of_npm() {
    let script = Script::new();
    let (said, _) = script.run(&[("RUN_SAYS", "src/main.ts: Unexpected token\nand more")]);
    for words in ["cargo::error=npm run build failed: src/main.ts: Unexpected token\n", "cargo::error=and more\n"] {
        assert!(said.contains(words), "{said}");
    }
    let (said, _) = script.run(&[]);
    assert!(!said.contains("error="), "mended: {said}");
    script.write("dashboard/package-lock.json", "other");
    let (said, _) = script.run(&[("CI_SAYS", "npm error Missing: x@1 from lock file")]);
    assert!(said.contains("cargo::error=npm ci failed: npm error Missing: x@1 from lock file\n"), "{said}");
    let (said, _) = script.run(&[]);
    assert!(!said.contains("error=") && script.calls("ci dashboard") == 3, "a failed install is not remembered");
}

#[test]
fn without_node_or_npm_or_a_way_to_packages_the_program_is_built_without_the_page() {
    let script = Script::new();
    let lacks = |environment: &[(&str, &str)], why: &str| {
        let (said, table) = script.run(environment);
        let warning = format!("cargo:warning=the dashboard is not built in: {why}");
        assert!(said.contains(&warning) && said.contains("touch build.rs") && !said.contains("error="), "{said}");
        assert_eq!(table, "&[]");
    };
    lacks(&[("CI_SAYS", "npm error code EAI_AGAIN")], "npm ci failed: npm error code EAI_AGAIN");
    script.tool("node", "#!/bin/sh\necho v18.19.0\n");
    lacks(&[], "Node 18.19 is too old");
    script.tool("node", "#!/bin/sh\necho v20.19.0\n");
    let nowhere = script.path("nowhere").display().to_string();
    lacks(&[("PATH", &nowhere)], "node cannot be run");
    std::fs::remove_dir_all(script.path("dashboard")).expect("removed");
    lacks(&[], "the folder dashboard is not among the sources");
}

#[test]
fn a_page_that_was_built_before_is_taken_as_it_is_and_npm_left_alone() {
    let script = Script::new();
    script.write("dist/index.html", "<!doctype html>");
    let prebuilt = script.path("dist").display().to_string();
    let (said, table) = script.run(&[("ROUNDTOWER_DASHBOARD", "dist")]);
    assert!(said.contains(&format!("rerun-if-changed={prebuilt}\n")) && !said.contains("error="), "{said}");
    assert!(table.contains(&format!("{prebuilt}/index.html")), "{table}");
    assert_eq!(script.calls("ci dashboard") + script.calls("run dashboard"), 0);
    script.write("dist/robots.txt", "");
    let (said, _) = script.run(&[("ROUNDTOWER_DASHBOARD", "dist")]);
    assert!(said.contains("error=") && said.contains("robots.txt is served nowhere"), "{said}");
    let (said, _) = script.run(&[("ROUNDTOWER_DASHBOARD", "none")]);
    assert!(said.contains("error=") && said.contains("No such file"), "{said}");
}
