//! The store: what is found, counted, kept, removed, copied and brought up to date.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails in a test fails the test")]

#[path = "../common/mod.rs"]
mod common;

mod crash;
mod format;
mod keep;
mod look_after;
mod meaning;
mod remove;

use common::Dir;
use lastword_collector::admin;

/// Checks that a store is whole and agrees with itself.
#[track_caller]
fn is_whole(dir: &Dir) {
    let report = admin::verify(dir.path(), |_| {}).unwrap();
    assert!(report.ok, "{:#?}", report.problems);
}
