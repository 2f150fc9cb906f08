//! What every store holds to: cases, each of which is sent to a collector and asked of it over HTTP.
//!
//! A case is run against two stores, and all that either answered is compared: row numbers, cursors and moments of arrival
//! count by their rank alone. So that both being wrong is seen too, a case says by itself what must be so.
#![allow(unreachable_pub, reason = "what a module of a test has is for the test")]
#![allow(clippy::needless_pass_by_value, reason = "what is made to be sent is written where it is sent")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what fails in a test fails the test")]

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod dice;
#[cfg(feature = "clickhouse")]
mod engine;
mod fixture;
mod known;
mod like;
mod outside;
mod questions;
mod send;
#[cfg(feature = "clickhouse")]
mod statements;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use cases::{Case, cases};
use fixture::{Fixture, Place, Said};

/// Runs a case on a store of its own, and returns all that it was answered, or what it found wrong by itself.
fn run((name, case): Case, place: Place) -> Result<Vec<Said>, String> {
    let begun = Instant::now();
    let mut fixture = Fixture::new(place);
    let told = format!("{name}, in {}", fixture.place());
    let asked = AssertUnwindSafe(|| {
        case(&mut fixture);
        questions::brief(&mut fixture);
        fixture.end()
    });
    let said = catch_unwind(asked).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        format!("-- {told}: {}", text.unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap_or(&"").to_string()))
    });
    common::aloud(&format!("{told}: {:?}", begun.elapsed()));
    said
}

/// Runs all cases on SQLite and on another store, and compares what they were answered. `LASTWORD_CASE` names some by a part of what
/// they say; of a brief run it is a sixth of them, with that which asks with every parameter.
fn hold(mut other: impl FnMut() -> Place) {
    let wanted = std::env::var("LASTWORD_CASE").unwrap_or_default();
    let mut wrong = Vec::new();
    let (first, step) = if questions::is_brief() { (4, 6) } else { (0, 1) };
    for case in cases().into_iter().skip(first).step_by(step).filter(|(name, _)| name.contains(&wanted)) {
        let differs = match (run(case, Place::Directory), run(case, other())) {
            (Ok(one), Ok(other)) => fixture::difference(&one, &other),
            (one, other) => Some([one.err(), other.err()].into_iter().flatten().collect::<Vec<_>>().join("\n")),
        };
        if let Some(differs) = differs {
            common::aloud(&format!("== {}\n{differs}", case.0));
            wrong.push(case.0);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Runs what is held of large values outside of a store.
fn hold_outside(cases: &[outside::Case], mut place: impl FnMut() -> Place) {
    let wanted = std::env::var("LASTWORD_CASE").unwrap_or_default();
    for (name, case) in cases.iter().filter(|(name, _)| name.contains(&wanted)) {
        common::aloud(&format!("large values outside: {name}"));
        case(&outside::Kept::new(place()));
    }
}

#[test]
fn large_values_outside_of_sqlite_are_told_as_they_came() {
    hold_outside(&outside::CASES, || Place::Directory);
}

#[cfg(feature = "clickhouse")]
#[test]
fn large_values_outside_of_clickhouse_are_told_as_they_came() {
    let Some(engine) = engine::Engine::start() else { return };
    hold_outside(&outside::CASES, || engine.place());
}

#[cfg(feature = "clickhouse")]
#[test]
fn large_values_outside_of_clickhouse_go_when_no_event_names_them() {
    let Some(engine) = engine::Engine::start() else { return };
    let cases: [outside::Case; 2] = [
        ("removed", outside::what_is_removed_is_gone_from_the_object_store),
        ("orphans", outside::objects_that_nothing_names_are_deleted_when_they_are_a_day_old),
    ];
    hold_outside(&cases, || engine.place());
}

#[test]
fn every_case_holds_in_sqlite() {
    hold(|| Place::Directory);
}

#[cfg(feature = "clickhouse")]
#[test]
fn every_case_holds_in_clickhouse() {
    let Some(engine) = engine::Engine::start() else { return };
    hold(|| engine.place());
}

#[cfg(feature = "clickhouse")]
#[test]
fn no_page_asks_clickhouse_again_for_each_row_that_it_shows() {
    let Some(engine) = engine::Engine::start() else { return };
    let wrong = statements::hold(&engine);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
