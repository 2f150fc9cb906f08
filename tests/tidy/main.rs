//! House rules that the compiler doesn't know, held by `cargo test`.
//!
//! Each rule is one test, and each checker is itself shown bad samples, so that a checker that finds nothing because it
//! is broken fails too. A finding names the file, the line, and what would be right. Rules that clippy knows
//! (`unwrap`, missing docs, names) are left to clippy.
//!
//! Limits: the checkers read text, not syntax trees. Comments, strings and test-only items are blanked first
//! ([`source`]), which is exact for the Rust that rustfmt leaves behind; a macro that writes `use` lines would not be
//! seen through.

mod conformance;
mod finding;
mod layers;
mod lengths;
mod links;
mod names;
mod source;
mod tree;
mod words;

use finding::Finding;
use tree::Tree;

/// Fails with every finding at once, so that one run is enough to mend them all.
fn assert_none(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(findings.is_empty(), "{} finding(s):\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn the_library_imports_only_from_layers_above() {
    assert_none(&layers::check(Tree::of_this_repository()));
}

#[test]
fn each_risky_name_stays_in_its_one_file() {
    assert_none(&names::check(Tree::of_this_repository()));
}

#[test]
fn no_file_is_longer_than_one_idea() {
    assert_none(&lengths::check_files(Tree::of_this_repository()));
}

#[test]
fn no_function_is_longer_than_a_screen() {
    assert_none(&lengths::check_functions(Tree::of_this_repository()));
}

#[test]
fn no_file_holds_a_loose_end_or_a_path_of_a_machine() {
    assert_none(&words::check(Tree::of_this_repository()));
}

#[test]
fn every_relative_link_of_the_docs_leads_somewhere() {
    assert_none(&links::check(Tree::of_this_repository()));
}

#[test]
fn every_row_of_the_conformance_table_names_tests_that_exist() {
    assert_none(&conformance::check(Tree::of_this_repository()));
}
