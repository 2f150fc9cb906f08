//! docs/conformance.md: a table `| row | what ours does | test |` in which every named test exists.
//!
//! A test is named as `path/file.rs::test_name` or as `scripts/suite-x`, several of them with commas between.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::source::{word_at, words};
use crate::tree::Tree;

/// Where the table stands.
const TABLE: &str = "docs/conformance.md";

/// Where guarantees stand, each with its tests.
const GUARANTEES: [&str; 2] = ["README.md", "docs/guide-durability.md"];

/// Findings for every row that is told twice, and for every test that doesn't exist.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut seen = BTreeMap::new();
    let table = rows(tree.text(TABLE).unwrap_or(""));
    table.flat_map(|(line, cells)| check_row(tree, line, &cells, &mut seen)).chain(check_guarantees(tree)).collect()
}

/// Findings for every test that is named anywhere among the guarantees and doesn't exist.
fn check_guarantees(tree: &Tree) -> impl Iterator<Item = Finding> {
    let lines = GUARANTEES.into_iter().flat_map(|page| {
        tree.text(page).unwrap_or("").lines().enumerate().map(move |(index, line)| (page, index + 1, line))
    });
    let names = lines.flat_map(|(page, line, text)| text.split('`').map(move |part| (page, line, part)));
    names
        .filter(|(_, _, part)| part.contains(".rs::"))
        .filter_map(|(page, line, name)| Some(Finding::new(page, line, lost_test(tree, name)?)))
}

/// The cells of each row of a table, without headings, with the line counted from 1.
fn rows(text: &str) -> impl Iterator<Item = (usize, Vec<String>)> {
    let lines = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with('|'));
    lines.filter_map(|(index, line)| {
        let inside = line.trim().trim_matches('|').replace("\\|", "\u{1}");
        let cells: Vec<String> = inside.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect();
        let heading = cells[0] == "row" || cells[0].trim_matches([':', '-']).is_empty();
        (!heading).then_some((index + 1, cells))
    })
}

fn check_row(tree: &Tree, line: usize, cells: &[String], seen: &mut BTreeMap<String, usize>) -> Vec<Finding> {
    let found = |what: String| Finding::new(TABLE, line, what);
    let [row, _, tests] = cells else {
        return vec![found(format!("{} cells: a line is `| row | what ours does | test |`", cells.len()))];
    };
    let before = seen.insert(row.clone(), line);
    let twice =
        before.map(|before| found(format!("row {row} stands in line {before} too: one line a row, tests with commas")));
    let names = tests.split(',').map(|name| name.trim().trim_matches('`'));
    let lost = names.filter_map(|name| lost_test(tree, name)).map(|what| found(format!("row {row}: {what}")));
    twice.into_iter().chain(lost).collect()
}

/// Says what is wrong with the name of a test, if anything is.
fn lost_test(tree: &Tree, name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("names no test: write `path/file.rs::test_name` or `scripts/suite-x`".to_owned());
    }
    if name.starts_with("scripts/suite-") {
        return tree.text(name).is_none().then(|| format!("there is no `{name}`"));
    }
    let Some((stem, test)) = name.split_once(".rs::") else {
        return Some(format!("`{name}` is no test: write `path/file.rs::test_name` or `scripts/suite-x`"));
    };
    let file = format!("{stem}.rs");
    let Some(source) = tree.source(&file) else {
        return Some(format!("there is no file `{file}`"));
    };
    let exists = words(&source.code, "fn").any(|at| word_at(&source.code, at + 3) == test);
    (!exists).then(|| format!("`{file}` has no `fn {test}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "| row | what ours does | test |\n|---|---|---|\n";

    fn found_in(table: &str) -> Vec<String> {
        let tests = "// fn commented() {}\n#[test]\nfn it_works() {}\n";
        let tree = Tree::of(&[(TABLE, &format!("{HEAD}{table}")), ("tests/a.rs", tests), ("scripts/suite-x", "")]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_row_whose_tests_exist_passes() {
        assert_eq!(found_in("| E1 | a \\| b | `tests/a.rs::it_works`, `scripts/suite-x` |\n"), Vec::<String>::new());
    }

    #[test]
    fn a_test_that_is_not_there_is_found_at_its_line() {
        for test in
            ["tests/a.rs::it_wor", "tests/a.rs::commented", "tests/b.rs::it_works", "scripts/suite-y", "a test", ""]
        {
            let found = found_in(&format!("| E1 | a | `tests/a.rs::it_works` |\n| E2 | b | {test} |\n"));
            assert_eq!(found.len(), 1, "{test}: {found:?}");
            assert!(found[0].starts_with("docs/conformance.md:4: row E2: "), "{found:?}");
        }
    }

    #[test]
    fn a_guarantee_of_the_readme_without_its_test_is_found() {
        let readme = "| kept | `tests/a.rs::it_works` |\n| broken | `tests/a.rs::it_does_not` |\n";
        let tree = Tree::of(&[("README.md", readme), ("tests/a.rs", "#[test]\nfn it_works() {}\n")]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("README.md:2: "), "{found:?}");
    }

    #[test]
    fn a_row_that_is_told_twice_or_is_no_row_is_found() {
        let row = "| E1 | a | scripts/suite-x |\n";
        assert_eq!(found_in(&format!("{row}{row}")).len(), 1);
        assert_eq!(found_in("| E1 | scripts/suite-x |\n").len(), 1);
    }
}
