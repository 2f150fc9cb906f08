//! Recorded commands: whether one is a test, and how it is run without a shell.

/// What is known of a recorded command that looks like a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recorded {
    /// A test runner with its arguments.
    Test(Vec<String>),
    /// It is not run, for this reason.
    NotRun(String),
}

/// Words that make a command look like a test.
const WORDS: [&str; 5] = ["test", "jest", "pytest", "mocha", "vitest"];

/// Returns whether a command looks like a test: one of the words stands in it, as a word of its own, in any case.
pub(super) fn looks_like_a_test(command: &str) -> bool {
    let lower = command.to_lowercase();
    lower.split(|sign: char| !sign.is_alphanumeric() && sign != '_').any(|word| WORDS.contains(&word))
}

/// Reads a command as a shell would, as far as that takes no shell.
pub(super) fn recorded(command: &str) -> Recorded {
    let words = match split(command) {
        Ok(words) => words,
        Err(reason) => return Recorded::NotRun(reason),
    };
    if is_runner(&words) {
        return Recorded::Test(words);
    }
    let first = words.first().map(String::as_str).unwrap_or_default();
    let is_assignment = first
        .split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|sign| sign.is_alphanumeric() || sign == '_'));
    Recorded::NotRun(if is_assignment {
        "it sets a variable, which takes a shell".to_owned()
    } else {
        format!("`{}` is no test runner that is known", crate::output::text::neutral(first))
    })
}

/// Returns whether the command itself is a known runner: what it is given does not make it one.
fn is_runner(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["pytest" | "jest" | "vitest" | "mocha", ..] => true,
        ["cargo", "test" | "t" | "nextest", ..] => true,
        ["go" | "dotnet" | "deno" | "bun" | "swift" | "mix" | "flutter" | "dart", "test", ..] => true,
        ["npm" | "pnpm" | "yarn", "test" | "t", ..] => true,
        ["npm" | "pnpm" | "yarn" | "bun", "run", script, ..] => script == "test" || script.starts_with("test:"),
        ["npx" | "bunx", "jest" | "vitest" | "mocha", ..] => true,
        ["yarn" | "pnpm", "jest" | "vitest" | "mocha", ..] => true,
        ["python" | "python3", "-m", "pytest" | "unittest", ..] => true,
        ["poetry" | "uv", "run", "pytest", ..] => true,
        _ => false,
    }
}

/// Splits a command into words. Quotes hold words together; whatever else means something to a shell is no command for us.
fn split(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut signs = command.trim().chars();
    while let Some(sign) = signs.next() {
        match sign {
            ' ' | '\t' => words.extend(word.take()),
            '\'' | '"' => {
                let quoted = word.get_or_insert_default();
                loop {
                    match signs.next() {
                        Some(end) if end == sign => break,
                        Some(inner) if sign == '"' && matches!(inner, '$' | '`' | '\\' | '!') => {
                            return Err(needs(inner));
                        }
                        Some(inner) if inner.is_control() => return Err(needs(inner)),
                        Some(inner) => quoted.push(inner),
                        None => return Err("a quote in it has no end".to_owned()),
                    }
                }
            }
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '\\' | '*' | '?' | '[' | ']' | '{' | '}' | '~'
            | '#' | '!' => {
                return Err(needs(sign));
            }
            control if control.is_control() => return Err(needs(control)),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if words.is_empty() { Err("it is empty".to_owned()) } else { Ok(words) }
}

fn needs(sign: char) -> String {
    format!("`{}` in it takes a shell", sign.escape_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_runner_is_a_test_whatever_else_has_the_word() {
        for command in [
            "cargo test",
            "cargo test --lib -- --exact 'a b'",
            "pytest -k x",
            "python3 -m pytest",
            "npm test",
            "npm run test",
            "npm run test:unit",
            "go test ./...",
            "jest",
            "npx jest --ci",
            "vitest run",
            "yarn test",
            "uv run pytest",
            "  mocha  ",
        ] {
            assert!(looks_like_a_test(command), "{command}");
            assert!(matches!(recorded(command), Recorded::Test(_)), "{command}: {:?}", recorded(command));
        }
        for command in [
            "rm -rf test",
            "echo test",
            "cat test",
            "./cargo test",
            "/tmp/evil/cargo test",
            "cargo run test",
            "npm install jest",
            "npx evil jest",
            "npx --yes jest",
            "sh -c 'cargo test'",
            "bash test",
            "CARGO=evil cargo test",
            "sudo cargo test",
            "npm run pretest",
            "python test",
            "env cargo test",
            "''",
            "\"\" test",
        ] {
            assert!(matches!(recorded(command), Recorded::NotRun(_)), "{command}: {:?}", recorded(command));
        }
        for command in ["ls", "cargo build", "latest", "contest", "testing"] {
            assert!(!looks_like_a_test(command), "{command}");
        }
        assert!(looks_like_a_test("NPM TEST") && looks_like_a_test("rm -rf test") && looks_like_a_test("a.test.js"));
    }

    #[test]
    fn what_takes_a_shell_is_not_run_and_says_why() {
        for (command, sign) in [
            ("cargo test && rm -rf x", "&"),
            ("cargo test; ls", ";"),
            ("cargo test | tee x", "|"),
            ("cargo test > x", ">"),
            ("cargo test $(id)", "$"),
            ("cargo test `id`", "`"),
            ("cargo test \"$HOME\"", "$"),
            ("cargo test\nrm x", "\\n"),
            ("cargo test ~", "~"),
            ("pytest *", "*"),
            ("cargo test a\\ b", "\\\\"),
            ("cargo test # x", "#"),
            ("cargo test \u{0}", "\\u{0}"),
        ] {
            assert_eq!(recorded(command), Recorded::NotRun(format!("`{sign}` in it takes a shell")), "{command}");
        }
        assert!(matches!(recorded("cargo test 'x"), Recorded::NotRun(reason) if reason.contains("no end")));
    }

    #[test]
    fn quotes_hold_words_together() {
        let words = |command| split(command).unwrap();
        assert_eq!(words("pytest -k 'a and not b' \"c d\" e'f'g"), ["pytest", "-k", "a and not b", "c d", "efg"]);
        assert_eq!(words("pytest '' '$x'"), ["pytest", "", "$x"]);
    }
}
