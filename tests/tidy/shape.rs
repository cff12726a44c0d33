//! Door signs and sizes.

use super::files::{Text, all, check, prove, rust};
use super::lexer::lex;

const SIGN_LINES_MAX: usize = 60;
const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 60;
const HOUSE: [&str; 5] = ["src/", "tests/", "benches/", "build.rs", "fuzz/"];

/// Every Rust file opens with what lives there.
fn door_sign(_: &str, text: &str) -> Vec<String> {
    let sign: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
    match sign.first() {
        None => vec!["it does not open with a door sign (`//!`)".to_owned()],
        Some(first) if first.len() < 12 => vec![format!("its door sign says nothing: {first}")],
        Some(_) if sign.len() > SIGN_LINES_MAX => {
            vec![format!("its door sign has {} lines, not more than {SIGN_LINES_MAX}", sign.len())]
        }
        Some(_) => Vec::new(),
    }
}

/// Every script and every C file says what it is for, too.
fn script_sign(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().take(2).collect();
    let is_said = match lines.as_slice() {
        [first, second] if first.starts_with("#!") => second.starts_with("# ") && second.len() > 10,
        [first, ..] if path.ends_with(".c") => first.starts_with("/* ") && first.len() > 10,
        _ => true,
    };
    if is_said { Vec::new() } else { vec!["it does not say on top what it is for".to_owned()] }
}

/// Lines before the unit tests.
fn file_size(_: &str, text: &str) -> Vec<String> {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    if lines > FILE_LINES_MAX {
        vec![format!("{lines} lines without its unit tests, not more than {FILE_LINES_MAX}")]
    } else {
        Vec::new()
    }
}

/// Lines of each function, from its name to its closing brace.
fn function_size(_: &str, text: &str) -> Vec<String> {
    let code = lex(text).code;
    let lines: Vec<&str> = code.lines().collect();
    let mut breaches = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(name) = words.iter().position(|word| *word == "fn").and_then(|place| words.get(place + 1)) else {
            continue;
        };
        let length = function_lines(lines.get(start..).unwrap_or_default());
        if length > FUNCTION_LINES_MAX {
            breaches.push(format!(
                "fn {name} on line {} has {length} lines, not more than {FUNCTION_LINES_MAX}",
                start + 1
            ));
        }
    }
    breaches
}

fn function_lines(lines: &[&str]) -> usize {
    let mut depth = 0_i32;
    for (count, line) in lines.iter().enumerate() {
        for letter in line.chars() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ';' if depth == 0 => return 0,
                _ => continue,
            }
            if depth == 0 {
                return count + 1;
            }
        }
    }
    0
}

#[test]
fn every_rust_file_has_a_door_sign() {
    prove(
        door_sign,
        "x.rs",
        "//! What lives here.\nfn x() {}",
        &["fn x() {}", "//!\nfn x() {}", "// What lives here.", &"//! Long sign.\n".repeat(61)],
    );
    check(&rust(&HOUSE), door_sign);
}

#[test]
fn every_script_says_what_it_is_for() {
    prove(script_sign, "x", "#!/bin/sh\n# Cuts the power.\n", &["#!/bin/sh\ncut\n", "#!/bin/sh\n#\n"]);
    prove(script_sign, "x.c", "/* Fails the sync. */\n", &["#include <x.h>\n"]);
    let scripts: Vec<Text> =
        all().into_iter().filter(|file| file.text.starts_with("#!/") || file.path.ends_with(".c")).collect();
    assert!(!scripts.is_empty());
    check(&scripts, script_sign);
}

#[test]
fn no_file_is_too_long() {
    let (full, over) = ("line\n".repeat(400), "line\n".repeat(401));
    prove(file_size, "x.rs", &format!("{full}#[cfg(test)]\n{full}"), &[&over]);
    check(&rust(&HOUSE), file_size);
}

#[test]
fn no_function_is_too_long() {
    let function = |lines: usize| format!("fn x()\n{{\n{}}}\n", "    \"{\";\n".repeat(lines - 3));
    prove(function_size, "x.rs", &function(60), &[&function(61)]);
    check(&rust(&["src/", "tests/", "benches/"]), function_size);
}
