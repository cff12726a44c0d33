//! Just enough of Rust's lexer: code without comments and literals, and the comments by themselves.

/// A Rust text taken apart; both parts keep the line breaks, so that line numbers stay.
pub(super) struct Lexed {
    pub(super) code: String,
    pub(super) comments: String,
}

/// Takes a Rust text apart.
pub(super) fn lex(text: &str) -> Lexed {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (String::new(), String::new());
    let mut at = 0;
    while at < chars.len() {
        let end = match chars.get(at..at + 2) {
            Some(['/', '/']) => line_end(&chars, at),
            Some(['/', '*']) => block_comment_end(&chars, at),
            _ => literal_end(&chars, at),
        };
        let is_comment = matches!(chars.get(at..at + 2), Some(['/', '/' | '*']));
        let piece: String = chars.get(at..end.max(at + 1)).unwrap_or_default().iter().collect();
        let blank: String = piece.chars().filter(|letter| *letter == '\n').collect();
        if is_comment {
            comments.push_str(&piece);
            code.push_str(&blank);
        } else if end > at {
            code.push_str("\"\"");
            code.push_str(&blank);
            comments.push_str(&blank);
        } else {
            code.push_str(&piece);
            comments.push_str(&blank);
        }
        at = end.max(at + 1);
    }
    Lexed { code, comments }
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars.iter().skip(at).position(|letter| *letter == '\n').map_or(chars.len(), |length| at + length)
}

fn block_comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(pair) = chars.get(at..at + 2) {
        match pair {
            ['/', '*'] => (depth, at) = (depth + 1, at + 2),
            ['*', '/'] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

/// Where the string or character that begins at `at` ends; `at` itself when none begins there.
fn literal_end(chars: &[char], at: usize) -> usize {
    let letter = |place: usize| chars.get(place).copied().unwrap_or('\0');
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    if at > 0 && is_name(letter(at - 1)) && letter(at) != '"' {
        return at;
    }
    let raw = at + usize::from(letter(at) == 'b');
    if letter(raw) == 'r' && matches!(letter(raw + 1), '"' | '#') {
        let hashes = chars.iter().skip(raw + 1).take_while(|letter| **letter == '#').count();
        if letter(raw + 1 + hashes) == '"' {
            return raw_end(chars, raw + 2 + hashes, hashes);
        }
    }
    match letter(raw) {
        '"' => quoted_end(chars, raw + 1, '"'),
        '\'' if letter(raw + 1) == '\\' => quoted_end(chars, raw + 1, '\''),
        '\'' if letter(raw + 2) == '\'' => raw + 3,
        _ => at,
    }
}

fn raw_end(chars: &[char], mut at: usize, hashes: usize) -> usize {
    while at < chars.len() {
        let closing = chars.get(at + 1..at + 1 + hashes).is_some_and(|tail| tail.iter().all(|letter| *letter == '#'));
        at += 1;
        if chars.get(at - 1) == Some(&'"') && closing {
            return at + hashes;
        }
    }
    chars.len()
}

fn quoted_end(chars: &[char], mut at: usize, quote: char) -> usize {
    while let Some(letter) = chars.get(at) {
        match letter {
            '\\' => at += 2,
            letter if *letter == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

#[test]
fn literals_and_comments_are_no_code() {
    let text = "let a = \"x // y\"; // call\nlet b = r#\"q\" w\"#; /* in /* in */ out */ let c = 'd'; let e: &'static str = b\"\\\"f\"; '\\'';";
    let lexed = lex(text);
    assert_eq!(lexed.code, "let a = \"\"; \nlet b = \"\";  let c = \"\"; let e: &'static str = \"\"; \"\";");
    assert_eq!(lexed.comments, "// call\n/* in /* in */ out */");
}
