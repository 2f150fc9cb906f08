//! Text that no file may hold: loose ends, and paths of the machine that somebody worked on.

use crate::finding::{Finding, line_of};
use crate::tree::{Tree, has_extension};

/// Loose ends, each written in two halves so that this file holds none of them.
const LOOSE_ENDS: [(&str, &str); 6] = [
    (concat!("to", "do!"), "write it, or leave the whole thing out"),
    (concat!("unimpl", "emented!"), "write it, or leave the whole thing out"),
    (concat!("db", "g!("), "take it out, or report through `tracing`"),
    (concat!("#[ig", "nore"), "a test runs, or it isn't there"),
    (concat!("FIX", "ME"), "mend it, or say in the docs what is left open"),
    (concat!("XX", "X"), "mend it, or say in the docs what is left open"),
];

/// Top folders of a developer's machine; below `home` a name must follow.
const MACHINE_FOLDERS: [&str; 4] = ["work", "farm", "root", "home"];
/// Homes of people who don't exist, for samples and captured requests.
const INVENTED_HOMES: [&str; 1] = ["ada"];

/// Findings for every forbidden text.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts()
        .flat_map(|(path, text)| {
            let loose = if is_foreign_text(path) { Vec::new() } else { loose_ends(text) };
            loose
                .into_iter()
                .chain(machine_paths(text))
                .map(move |(at, what)| Finding::new(path, line_of(text, at), what))
        })
        .collect()
}

/// Text that others wrote: the lock file and captured requests.
fn is_foreign_text(path: &str) -> bool {
    path == "Cargo.lock" || (path.starts_with("tests/vectors/") && has_extension(path, "json"))
}

fn loose_ends(text: &str) -> Vec<(usize, String)> {
    LOOSE_ENDS
        .iter()
        .flat_map(|(pattern, instead)| {
            text.match_indices(pattern)
                .filter(|(at, _)| stands_alone(text, *at, pattern))
                .map(move |(at, _)| (at, format!("`{pattern}` is a loose end: {instead}")))
        })
        .collect()
}

/// Whether no letter goes on before or after: the six letters of a `mktemp` template are no mark.
fn stands_alone(text: &str, at: usize, pattern: &str) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let open = pattern.ends_with(|last: char| !last.is_alphanumeric());
    !word(before) && (open || !word(bytes.get(at + pattern.len())))
}

fn machine_paths(text: &str) -> Vec<(usize, String)> {
    text.match_indices('/')
        .filter_map(|(at, _)| {
            let rest = &text[at + 1..];
            let folder = MACHINE_FOLDERS.into_iter().find(|folder| rest.starts_with(folder))?;
            let after = &rest[folder.len()..];
            let whole = !after.starts_with(is_part_of_name);
            let named = folder != "home" || is_home_of_somebody(after);
            let what = format!("`/{folder}` is a path of one machine: write it relative to the repository");
            (begins_a_path(&text[..at]) && whole && named).then_some((at, what))
        })
        .collect()
}

fn is_home_of_somebody(after: &str) -> bool {
    let name = after.strip_prefix('/').and_then(|path| path.split(|end| !is_part_of_name(end)).next()).unwrap_or("");
    !name.is_empty() && !INVENTED_HOMES.contains(&name)
}

fn is_part_of_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.')
}

/// Whether a slash after this text is the root folder, and not a separator within a path or a URL.
fn begins_a_path(before: &str) -> bool {
    let escaped = ["\\n", "\\t", "\\r"].iter().any(|escape| before.ends_with(escape));
    let inside = before
        .ends_with(|last: char| is_part_of_name(last) || matches!(last, '/' | '<' | '}' | ')' | ']' | '*' | '~' | '>'));
    escaped || before.ends_with("file://") || !inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loose_end_is_found_at_its_line() {
        for (pattern, _) in LOOSE_ENDS {
            let found = check(&Tree::of(&[("docs/a.md", &format!("one\ntwo {pattern}\n"))]));
            assert_eq!(found.len(), 1, "{pattern}");
            assert!(found[0].to_string().starts_with("docs/a.md:2: "), "{}", found[0]);
        }
    }

    #[test]
    fn a_template_of_mktemp_and_a_captured_request_are_no_loose_ends() {
        let mark = concat!("XX", "X");
        assert_eq!(check(&Tree::of(&[("scripts/a", &format!("mktemp -d a.{mark}{mark}"))])), []);
        assert_eq!(check(&Tree::of(&[("tests/vectors/a.json", mark), ("Cargo.lock", mark)])), []);
    }

    #[test]
    fn a_path_of_a_machine_is_found_in_any_file() {
        for folder in ["work", "farm/x", "root/.cargo", "home/ann", "home/adam"] {
            for text in [
                format!("/{folder}"),
                format!("see `/{folder}`."),
                format!("\"\\n/{folder}/b\""),
                format!("file:///{folder}"),
            ] {
                assert_eq!(check(&Tree::of(&[("tests/vectors/a.json", &text)])).len(), 1, "{text}");
            }
        }
    }

    #[test]
    fn a_relative_path_and_a_url_are_no_paths_of_a_machine() {
        for text in [
            concat!("src/", "work", "/a"),
            "http://host/root",
            "/workspace",
            "/home",
            "/home/",
            "/home/ada/sdk",
            concat!("{base}/", "root", "/x"),
            "</root>",
            "../work",
        ] {
            assert_eq!(check(&Tree::of(&[("docs/a.md", text)])), [], "{text}");
        }
    }
}
