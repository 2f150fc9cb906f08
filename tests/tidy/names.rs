//! Names that only one place may speak: what is dangerous, unmaintained or hard to replace is behind one door.

use crate::finding::{Finding, line_of};
use crate::source::{Source, words};
use crate::tree::Tree;

/// A name, and the files of the library that may use it.
struct Rule {
    /// A word, or a path of words.
    name: &'static str,
    /// Files, or folders with their closing slash.
    home: &'static [&'static str],
    /// Whether test code may use it everywhere.
    free_in_tests: bool,
    /// What would be right.
    instead: &'static str,
}

const CLOCK: &[&str] = &["src/clock.rs", "src/clock/"];
const THROUGH_THE_CLOCK: &str = "time and ids come through `clock`, so that tests are exact";

const RULES: [Rule; 9] = [
    Rule {
        name: "ractor",
        home: &["src/reporter/supervisor.rs", "src/reporter/worker.rs"],
        free_in_tests: false,
        instead: "only the supervisor and the worker know the actor library",
    },
    Rule { name: "unsafe", home: &["src/sys/"], free_in_tests: false, instead: "unsafe code stands in src/sys/ alone" },
    Rule {
        name: "backoff::",
        home: &["src/retry.rs"],
        free_in_tests: false,
        instead: "the unmaintained crate is arithmetic behind `retry`",
    },
    Rule { name: "SystemTime::now", home: CLOCK, free_in_tests: true, instead: THROUGH_THE_CLOCK },
    Rule { name: "Instant::now", home: CLOCK, free_in_tests: true, instead: THROUGH_THE_CLOCK },
    Rule { name: "OffsetDateTime::now_utc", home: CLOCK, free_in_tests: true, instead: THROUGH_THE_CLOCK },
    Rule { name: "UtcDateTime::now", home: CLOCK, free_in_tests: true, instead: THROUGH_THE_CLOCK },
    Rule { name: "Uuid::new_v4", home: CLOCK, free_in_tests: true, instead: THROUGH_THE_CLOCK },
    Rule { name: "Uuid::now_v7", home: CLOCK, free_in_tests: true, instead: THROUGH_THE_CLOCK },
];

/// Findings for every name outside of its home.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources()
        .flat_map(|(path, source)| RULES.iter().flat_map(move |rule| check_rule(rule, path, source)))
        .collect()
}

fn check_rule(rule: &Rule, path: &str, source: &Source) -> Vec<Finding> {
    // The members have no clock of their own to go through; no part of what is shipped has a use for `unsafe`.
    let in_scope = path.starts_with("src/") || (rule.name == "unsafe" && path.starts_with("crates/"));
    let at_home = rule.home.iter().any(|home| path == *home || (home.ends_with('/') && path.starts_with(home)));
    if !in_scope || at_home {
        return Vec::new();
    }
    let code = if rule.free_in_tests { &source.shipped } else { &source.code };
    let word = rule.name.trim_end_matches(':');
    words(code, word)
        // `backoff` is also a fine name for a variable: the crate is meant only at the head of a path.
        .filter(|at| word == rule.name || is_head_of_path(code, *at, word))
        .filter(|at| rule.name != "Instant::now" || !is_the_runtimes_own(path, code, *at))
        .map(|at| Finding::new(path, line_of(code, at), format!("`{word}` is not used here: {}", rule.instead)))
        .collect()
}

fn is_head_of_path(code: &str, at: usize, word: &str) -> bool {
    let before = code[..at].trim_end();
    let imported = before.ends_with("use") || before.ends_with("extern crate");
    let inner = before.ends_with("::") && !before.trim_end_matches("::").ends_with([' ', '(', '<', '{', '\n', '&']);
    !inner && (imported || code[at + word.len()..].starts_with("::"))
}

/// The reporter's timers run on the clock of its tokio runtime, which a test can pause: a seam of its own.
fn is_the_runtimes_own(path: &str, code: &str, at: usize) -> bool {
    let before = &code[..at];
    let qualified = before.ends_with("::");
    let imported = code.split(';').filter_map(|item| item.split_once("use tokio::time::"));
    let named = imported.flat_map(|(_, names)| words(names, "Instant")).next().is_some();
    path.starts_with("src/reporter/") && if qualified { before.ends_with("tokio::time::") } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_at(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_outside_of_its_home_is_found_and_at_home_it_is_not() {
        for (text, home) in [
            ("use ractor::Actor;", "src/reporter/worker.rs"),
            ("fn f() { unsafe { g() } }", "src/sys/block.rs"),
            ("use backoff::ExponentialBackoff;", "src/retry.rs"),
            ("use backoff as b;", "src/retry.rs"),
            ("fn f() { std::time::SystemTime::now(); }", "src/clock.rs"),
            ("fn f() { tokio::time::Instant::now(); }", "src/clock/system.rs"),
            ("fn f() { uuid::Uuid::new_v4(); }", "src/clock.rs"),
        ] {
            let found = found_at("src/sink/http.rs", &format!("\n{text}\n"));
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with("src/sink/http.rs:2: "), "{found:?}");
            assert_eq!(found_at(home, text), Vec::<String>::new());
        }
    }

    #[test]
    fn a_comment_a_string_a_longer_word_and_a_variable_are_no_use_of_the_name() {
        let text =
            "// unsafe ractor Instant::now()\n#![allow(unsafe_code)]\nlet s = \"ractor\"; let backoff = retry.backoff;";
        assert_eq!(found_at("src/sink/http.rs", text), Vec::<String>::new());
    }

    #[test]
    fn tests_may_read_the_clock_but_not_name_the_actor_library() {
        let clock = "#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }";
        let actor = "#[cfg(test)]\nmod tests { use ractor::Actor; }";
        assert_eq!(found_at("src/sink/http.rs", clock).len(), 0);
        assert_eq!(found_at("src/sink/http.rs", actor).len(), 1);
    }

    #[test]
    fn only_the_reporter_may_read_the_pausable_clock_of_its_runtime() {
        let pausable = "use tokio::time::{Instant, timeout};\nfn f() { Instant::now(); tokio::time::Instant::now(); }";
        assert_eq!(found_at("src/reporter/worker.rs", pausable).len(), 0);
        assert_eq!(found_at("src/sink/http.rs", pausable).len(), 2);
        let real = "use std::time::Instant;\nfn f() { Instant::now(); std::time::Instant::now(); }";
        assert_eq!(found_at("src/reporter/worker.rs", real).len(), 2);
    }

    #[test]
    fn the_members_have_no_unsafe_either() {
        assert_eq!(found_at("crates/cli/src/main.rs", "unsafe fn f() {}").len(), 1);
        assert_eq!(found_at("benches/log.rs", "unsafe impl GlobalAlloc for Counting {}").len(), 0);
    }
}
