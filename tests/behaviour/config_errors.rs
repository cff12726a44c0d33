//! A wrong configuration is told by its place, its key and what would be right; nothing starts and nothing is made.

use crate::support::run;

fn fails(config: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("config.toml"), config).expect("written");
    let (status, out, text) = run(folder.path(), arguments, b"");
    assert_eq!((status, out.as_str()), (2, ""), "{text}");
    assert!(!folder.path().join("data").exists(), "nothing is made");
    text
}

#[test]
fn each_mistake_is_told_by_file_line_key_and_remedy() {
    for (config, words) in [
        ("lisen = \"127.0.0.1:0\"", &["config.toml", "line 1", "`lisen`", "`listen`"][..]),
        ("\n[journal]\ndurability = \"sometimes\"", &["line 3", "`journal.durability`", "`synced`", "`written`"]),
        ("[http]\nworkers = \"two\"", &["line 2", "`http.workers`"]),
        ("[http]\nbody_timeout_ms = 0", &["line 2", "`http.body_timeout_ms`", "1 to"]),
        ("listen = \"8080\"", &["`listen`", "ADDRESS:PORT"]),
        ("public_url = \"events.example\"", &["`public_url`", "https://"]),
        ("trusted_proxies = [\"proxy\"]", &["`trusted_proxies`"]),
        ("listen = ", &["line 1"]),
        ("[[sources]]\nname = \"a\"", &["write_key"]),
        ("[[sources]]\nname = \"a b\"\nwrite_key = \"k\"", &["line 2", "`sources.name`", "letters"]),
        ("[[sources]]\nname = \"a\"\nwrite_key = \"\"", &["`sources.write_key`"]),
        (
            "[[sources]]\nname = \"a\"\nwrite_key = \"k\"\n[[sources]]\nname = \"a\"\nwrite_key = \"l\"",
            &["line 5", "`sources.name`", "differ"],
        ),
        (
            "[[destinations]]\nname = \"a\"\nformat = \"windsor\"\nurl = \"http://a\"\napi_key_env = \"NO_SUCH_VARIABLE\"",
            &["line 5", "`destinations.api_key_env`", "NO_SUCH_VARIABLE", "not set"],
        ),
        ("[[tokens]]\nname = \"a\"\ntoken = \"t\"\nscope = \"root\"", &["`tokens.scope`", "`read`", "`admin`"]),
        ("log = \"a=b=c\"", &["`log`"]),
    ] {
        let text = fails(config, &["serve"]);
        for word in words {
            assert!(text.contains(word), "{word} is missing in: {text}");
        }
        assert_eq!(text.lines().count(), 1, "one line: {text}");
    }
}

#[test]
fn flags_and_commands_are_checked_too() {
    assert!(fails("", &["--listen", "nowhere"]).contains("--listen"));
    assert!(fails("", &["--config", "none.toml"]).contains("none.toml"));
    assert!(fails("", &["export", "people", "--format", "parquet"]).contains("parquet"));
    assert!(fails("", &["export", "calls", "--format", "csv"]).contains("ndjson"));
    assert!(fails("", &["frobnicate"]).contains("frobnicate"));
}

#[test]
fn a_command_without_a_folder_says_how_to_get_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [&["export", "calls"][..], &["verify"], &["source", "list"], &["import", "-", "--source", "a"]] {
        let (status, _, text) = run(folder.path(), arguments, b"");
        assert!(status == 1 && text.contains("--data"), "{arguments:?}: {status} {text}");
    }
    let (status, _, text) = run(folder.path(), &["verify", "--json"], b"");
    let error: serde_json::Value = serde_json::from_str(&text).expect("with --json errors are JSON too");
    assert_eq!((status, &error["status"]), (1, &1.into()));
}

#[test]
fn a_folder_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data/instance.toml");
    std::fs::create_dir(folder.path().join("data")).expect("made");
    std::fs::write(&file, "format = 99\n").expect("written");
    for arguments in [&["serve"][..], &["export", "calls"], &["verify"]] {
        let (status, _, text) = run(folder.path(), arguments, b"");
        assert!(status == 3 && text.contains("format 99"), "{arguments:?}: {status} {text}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "format = 99\n");
    assert!(!folder.path().join("data/access.toml").exists());
}
