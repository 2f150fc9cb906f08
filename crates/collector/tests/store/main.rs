//! The store: what is found, counted, kept, removed, copied and brought up to date.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails in a test fails the test")]

#[path = "../common/mod.rs"]
mod common;

mod blobs;
mod calls;
mod crash;
mod forgotten;
mod format;
mod keep;
mod look_after;
mod marked;
mod meaning;
#[cfg(feature = "s3")]
mod outside;
mod remove;

use common::{Dir, Server};
use lastword_collector::admin;

/// Checks that a store is whole and agrees with itself.
#[track_caller]
fn is_whole(dir: &Dir) {
    let report = admin::verify(dir.path(), |_| {}).unwrap();
    assert!(report.ok, "{:#?}", report.problems);
}

/// Notes that a user has agreed to be told of; the id of any other is taken out before it is stored.
fn opt_in(server: &Server, user: &str) {
    let json = [("content-type", "application/json")];
    server.client().send("PATCH", &format!("/api/users/{user}"), &json, br#"{"telemetry_opt_in":true}"#).is(200);
}

/// Makes of a store of today one of format 7.
const TO_FORMAT_7: &str = "
    ALTER TABLE blobs DROP COLUMN outside;
    DROP TABLE outside;
    DROP TABLE unnamed;
    PRAGMA user_version = 7;";

/// Makes of a store of format 7 one of format 6.
const TO_FORMAT_6: &str = "
    ALTER TABLE batches DROP COLUMN version;
    ALTER TABLE sessions DROP COLUMN bucket;
    ALTER TABLE exception_sessions DROP COLUMN count;
    ALTER TABLE exception_sessions DROP COLUMN bucket;
    DROP TABLE exception_tallies;
    PRAGMA user_version = 6;";

/// Makes of a store of today one of format 5.
fn to_format_5(connection: &rusqlite::Connection) {
    connection.execute_batch(TO_FORMAT_7).unwrap();
    connection.execute_batch(TO_FORMAT_6).unwrap();
    connection.execute_batch("DROP TABLE calls; DROP TABLE exception_counts; PRAGMA user_version = 5;").unwrap();
}
