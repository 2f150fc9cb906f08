//! Length of files and of functions: what is longer is two ideas.

use crate::finding::{Finding, line_of};
use crate::source::{matching, word_at, words};
use crate::tree::Tree;

/// The wall: no file is longer.
const FILE_LINES_MAX: usize = 500;
/// A file longer than this must be listed in [`LONG_FILES`].
const FILE_LINES_USUAL: usize = 400;
/// A function's body is shorter than this.
const BODY_LINES_WALL: usize = 70;
/// Files between the two bounds that are one idea all the same.
const LONG_FILES: [&str; 0] = [];

/// Findings for every file that is too long, and for every entry of the list that is no longer needed.
pub(crate) fn check_files(tree: &Tree) -> Vec<Finding> {
    check_files_but(tree, &LONG_FILES)
}

fn check_files_but(tree: &Tree, listed: &[&str]) -> Vec<Finding> {
    let found = tree.sources().filter_map(|(path, source)| {
        let lines = source.code.lines().count();
        let what = match (lines > FILE_LINES_USUAL, listed.contains(&path)) {
            _ if lines > FILE_LINES_MAX => {
                format!("{lines} lines: no file has more than {FILE_LINES_MAX}; split it by ideas")
            }
            (true, false) => format!("{lines} lines: a file has at most {FILE_LINES_USUAL}; split it by ideas"),
            (false, true) => format!("{lines} lines: it is not long any more, take it off LONG_FILES"),
            _ => return None,
        };
        Some(Finding::new(path, lines, what))
    });
    let gone = listed.iter().filter(|path| tree.source(path).is_none());
    found.chain(gone.map(|path| Finding::new(path, 1, "there is no such file, take it off LONG_FILES"))).collect()
}

/// Findings for every function whose body is too long, tests included.
pub(crate) fn check_functions(tree: &Tree) -> Vec<Finding> {
    tree.sources().flat_map(|(path, source)| check_functions_of(path, &source.code)).collect()
}

fn check_functions_of(path: &str, code: &str) -> Vec<Finding> {
    words(code, "fn")
        .filter_map(|at| {
            // The type of a function has no name: `fn(u16) -> bool`.
            let name = if code[at..].starts_with("fn(") { "" } else { word_at(code, at + 3) };
            let (open, close) = if name.is_empty() { None } else { body(code, at) }?;
            let lines = code[open..close].matches('\n').count().saturating_sub(1);
            let what =
                format!("`{name}` has {lines} lines: a function has fewer than {BODY_LINES_WALL}; split it by steps");
            (lines >= BODY_LINES_WALL).then(|| Finding::new(path, line_of(code, at), what))
        })
        .collect()
}

/// The braces of the body of the function whose `fn` stands at the offset; `None` for a declaration without one.
fn body(code: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = code.as_bytes();
    let mut at = at;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => at = matching(code, at)?,
            b'{' if !is_const_argument(bytes, at) => return Some((at, matching(code, at)?)),
            b'{' => at = matching(code, at)?,
            b';' => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// `Foo<{ N }>` in a signature opens no body.
fn is_const_argument(bytes: &[u8], brace: usize) -> bool {
    bytes[..brace].iter().rev().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!(
            "fn long<'a>(x: [u8; 4]) -> Result<(), E> where T: Into<[u8; 2]> {{\n{}}}\n",
            "    f(\"{\");\n".repeat(lines)
        )
    }

    #[test]
    fn a_file_over_the_usual_length_is_found_unless_it_is_listed() {
        let (usual, long, wall) = ("//\n".repeat(400), "//\n".repeat(401), "//\n".repeat(501));
        let tree = Tree::of(&[("src/a.rs", &usual), ("src/b.rs", &long), ("tests/c.rs", &wall)]);
        assert_eq!(check_files_but(&tree, &[]).len(), 2);
        assert_eq!(check_files_but(&tree, &["src/b.rs"]).len(), 1);
        assert_eq!(check_files_but(&tree, &["src/b.rs", "tests/c.rs"]).len(), 1, "the wall has no exceptions");
        assert_eq!(check_files_but(&tree, &["src/a.rs", "src/b.rs", "src/gone.rs"]).len(), 3);
    }

    #[test]
    fn a_long_function_is_found_and_a_shorter_one_is_not() {
        assert_eq!(check_functions_of("a.rs", &Tree::of(&[("a.rs", &function(69))]).code("a.rs")), []);
        let found = check_functions_of("a.rs", &Tree::of(&[("a.rs", &format!("\n{}", function(70)))]).code("a.rs"));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("a.rs:2: `long` has 70 lines"), "{}", found[0]);
    }

    #[test]
    fn a_declaration_a_function_type_and_a_neighbour_are_not_counted() {
        let text = format!(
            "trait T {{ fn f(&self) -> [u8; 2]; }}\ntype F = fn(u8);\nfn c() -> A<{{ N }}> {{}}\nstruct S {{ f: fn(u8), }}\nmod m {{\n{}}}",
            "//\n".repeat(80)
        );
        assert_eq!(check_functions_of("a.rs", &text), []);
    }

    impl Tree {
        fn code(&self, path: &str) -> String {
            self.source(path).map(|source| source.code.clone()).unwrap_or_default()
        }
    }
}
