//! The library's layers: a file imports from its own module and from layers above (lower numbers), never beside or below.
//!
//! Test code is free: a unit test may use the fakes of the last layer.

use std::collections::BTreeMap;

use crate::finding::{Finding, line_of};
use crate::source::{matching, word_at, words};
use crate::tree::Tree;

/// The modules of the library and their layers, as docs/ARCHITECTURE.md tells them.
const LAYERS: [(&str, u8); 27] = [
    ("limits", 0),
    ("error", 0),
    ("clock", 0),
    ("sync", 0),
    ("sys", 0),
    ("edits", 1),
    ("event", 1),
    ("wire", 2),
    ("privacy", 2),
    ("retry", 2),
    ("queue", 3),
    ("sink", 4),
    ("spool", 5),
    ("reporter", 5),
    ("capture", 6),
    ("provider", 6),
    ("trace", 6),
    ("metrics", 6),
    ("observe", 6),
    ("lifecycle", 6),
    ("runs", 6),
    ("views", 6),
    ("init", 7),
    ("macros", 7),
    ("testing", 7),
    // What the expansion of a macro has to reach from a user's crate.
    ("__private", 7),
    ("lib", 8),
];

/// Modules that see less than their layer allows: the queue holds opaque bytes and knows no event.
const NARROWER: [(&str, u8); 1] = [("queue", 0)];

/// Imports within one layer that are wanted, as (from, to, why). No two of them may form a circle.
const SIDEWAYS: [(&str, &str, &str); 7] = [
    ("capture", "provider", "what is captured is reported by whoever has a reporter, and that is all a provider says"),
    ("capture", "trace", "what is run within a span is watched as what is timed is"),
    ("clock", "sys", "a fork must not draw the numbers of its parent again, and `sys` tells that it is one"),
    ("observe", "trace", "a span of `tracing` is a span, and a request tells the other side which one it is of"),
    ("sys", "sync", "the words of a block are the atomics that `sync` chooses"),
    ("runs", "trace", "a run writes down the spans that begin and end in its context; a trace knows no run"),
    ("reporter", "spool", "a reporter keeps its queue in a spool, which knows no reporter"),
];

/// Findings for every import that runs against the layers.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let roots = names_at_the_root(tree.source("src/lib.rs").map_or("", |source| &source.shipped));
    let library = tree.sources().filter_map(|(path, source)| Some((path, module_path(path)?, source)));
    library
        .flat_map(|(path, module, source)| {
            let own = module.first().copied().unwrap_or("lib");
            match layer_of(own) {
                Some(_) => check_file(path, &module, &source.shipped, &roots),
                None => vec![Finding::new(path, 1, format!("module `{own}` has no layer: add it to LAYERS"))],
            }
        })
        .collect()
}

fn check_file(path: &str, module: &[&str], code: &str, roots: &BTreeMap<String, String>) -> Vec<Finding> {
    let own = module.first().copied().unwrap_or("lib");
    imports(module, code)
        .into_iter()
        .filter_map(|(at, name)| {
            let found = |what: String| Some(Finding::new(path, line_of(code, at), what));
            let target = roots.get(&name).map_or(name.as_str(), String::as_str);
            let Some(layer) = layer_of(target) else {
                return found(format!(
                    "`crate::{name}` is no module of LAYERS: import it from the module that owns it"
                ));
            };
            let highest = NARROWER.iter().find(|(narrow, _)| *narrow == own).map(|(_, layer)| *layer);
            let sees = highest.map_or_else(|| layer < layer_of(own).unwrap_or(0), |highest| layer <= highest);
            let listed = SIDEWAYS.iter().any(|(from, to, _)| *from == own && *to == target);
            if own == target || sees || listed {
                return None;
            }
            found(format!("`{own}` must not import `{target}`: only its own module and layers above it"))
        })
        .collect()
}

fn layer_of(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// `["queue", "ring"]` for `src/queue/ring.rs`; empty for `src/lib.rs`; `None` outside of the library.
fn module_path(path: &str) -> Option<Vec<&str>> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    Some(inside.split('/').filter(|part| !matches!(*part, "mod" | "lib")).collect())
}

/// What `lib.rs` re-exports, with the module it comes from: `Severity` -> `event`.
fn names_at_the_root(lib: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for at in words(lib, "use") {
        let end = at + lib[at..].find(';').unwrap_or(0);
        let tree = lib[at + 3..end].trim().trim_start_matches("crate::").trim_start_matches("self::");
        let Some((module, leaves)) = tree.split_once("::") else { continue };
        for leaf in leaves.split(['{', '}', ',']) {
            let name = leaf.rsplit([':', ' ']).next().unwrap_or("").trim();
            // A re-export never hides a module: `event` the macro and `event` the module share a name.
            if !name.is_empty() && layer_of(name).is_none() {
                names.insert(name.to_owned(), module.trim().to_owned());
            }
        }
    }
    names
}

/// The first segment after the crate's root of every `crate::` and `super::` path, with its offset.
fn imports(module: &[&str], code: &str) -> Vec<(usize, String)> {
    let from_root = words(code, "crate").filter_map(|at| after_colons(code, at + 5));
    let from_super = words(code, "super")
        .filter(|at| !code[..*at].trim_end().ends_with("super::"))
        .filter_map(|at| leaves_the_module(module, code, at));
    from_root.chain(from_super).flat_map(|at| first_segments(code, at)).collect()
}

/// Where the path goes on after `::`, if it does.
fn after_colons(code: &str, at: usize) -> Option<usize> {
    code[at..].starts_with("::").then_some(at + 2)
}

/// Where the path goes on if its `super`s lead to the crate's root.
fn leaves_the_module(module: &[&str], code: &str, start: usize) -> Option<usize> {
    let mut depth = module.len() + inline_modules_around(code, start);
    let mut at = start;
    while word_at(code, at) == "super" {
        at = after_colons(code, at + 5)?;
        depth = depth.saturating_sub(1);
    }
    (depth == 0).then_some(at)
}

fn inline_modules_around(code: &str, at: usize) -> usize {
    words(&code[..at], "mod")
        .filter(|start| {
            let brace = code[*start..].find(['{', ';']).map_or(at, |offset| start + offset);
            brace < at && code[brace..].starts_with('{') && matching(code, brace).is_some_and(|end| end > at)
        })
        .count()
}

/// The names that a path or a `{...}` tree begins with. An exported macro (`crate::event!`) belongs to `macros`.
fn first_segments(code: &str, at: usize) -> Vec<(usize, String)> {
    if code.as_bytes().get(at) == Some(&b'{') {
        let end = matching(code, at).unwrap_or(at);
        return split_outside_braces(code, at + 1, end).into_iter().flat_map(|at| first_segments(code, at)).collect();
    }
    let word = word_at(code, at);
    let name = if code[at + word.len()..].starts_with('!') { "macros" } else { word };
    if matches!(name, "" | "self") { Vec::new() } else { vec![(at, name.to_owned())] }
}

/// Offsets at which the elements of a comma separated list begin.
fn split_outside_braces(code: &str, start: usize, end: usize) -> Vec<usize> {
    let (mut depth, mut fresh, mut starts) = (0_usize, true, Vec::new());
    for at in start..end {
        match code.as_bytes()[at] {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => fresh = true,
            byte if fresh && !byte.is_ascii_whitespace() => {
                starts.push(at);
                fresh = false;
            }
            _ => {}
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: (&str, &str) =
        ("src/lib.rs", "mod queue;\npub use event::{EventKind, Severity};\npub use reporter::Reporter;\n");

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[LIB, (path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_import_from_a_layer_above_passes() {
        let text = "use crate::{event::{Event, EventKind}, limits::*};\nuse crate::Severity;\nuse super::Sink;\nuse super::super::wire;\n";
        assert_eq!(findings("src/sink/http.rs", text), Vec::<String>::new());
    }

    #[test]
    fn an_import_from_below_or_beside_is_found_at_its_line() {
        for (path, import) in [
            ("src/wire.rs", "use crate::sink::Sink;"),
            ("src/wire/event.rs", "use crate::{limits::X, reporter};"),
            ("src/privacy/consent.rs", "use super::super::wire::Batch;"),
            ("src/privacy.rs", "fn f() { super::retry::delay() }"),
            ("src/sink.rs", "use crate::Reporter;"),
            ("src/reporter/worker.rs", "fn f() { crate::event!(r) }"),
            ("src/event.rs", "mod inner { use super::super::reporter::Reporter; }"),
        ] {
            let found = findings(path, &format!("//! Doc.\n{import}\n"));
            assert_eq!(found.len(), 1, "{import}: {found:?}");
            assert!(found[0].starts_with(&format!("{path}:2: ")), "{found:?}");
        }
    }

    #[test]
    fn the_queue_knows_no_event() {
        assert_eq!(findings("src/queue/ring.rs", "use crate::event::Event;").len(), 1);
        assert_eq!(findings("src/queue/ring.rs", "use crate::wire::Event;").len(), 1);
        assert_eq!(findings("src/queue/ring.rs", "use crate::{limits, sync};").len(), 0);
    }

    #[test]
    fn a_module_without_a_layer_is_found() {
        assert_eq!(findings("src/misc.rs", "").len(), 1);
        assert_eq!(findings("src/sink.rs", "use crate::misc::Thing;").len(), 1);
    }

    #[test]
    fn tests_and_comments_are_free_and_so_are_other_crates() {
        let text = "//! See [`crate::reporter`].\n#[cfg(test)]\nmod tests { use crate::testing::ManualClock; }\n";
        assert_eq!(findings("src/limits.rs", text), Vec::<String>::new());
        assert_eq!(findings("crates/cli/src/main.rs", "use crate::anything;"), Vec::<String>::new());
    }
}
