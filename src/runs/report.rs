//! Events of runs as events of a reporter.

use serde::Serialize;

use super::model::RunMetadata;
use crate::event::Severity;
use crate::event::names::RUN_PREFIX;
use crate::privacy::user_bucket;
use crate::reporter::Reporter;

#[derive(Serialize)]
struct Reported<'a, T: ?Sized> {
    run_id: &'a str,
    #[serde(flatten)]
    data: &'a T,
}

/// Reports an event whose data is an object, if there is anybody to report it to.
pub(super) fn event<T: Serialize + ?Sized>(reporter: &Reporter, run_id: &str, kind: &str, data: &T) {
    if reporter.is_enabled() {
        report(reporter, kind, &Reported { run_id, data });
    }
}

/// The same for data that is none.
pub(super) fn value<T: Serialize + ?Sized>(reporter: &Reporter, run_id: &str, kind: &str, value: &T) {
    event(reporter, run_id, kind, &Within { value });
}

#[derive(Serialize)]
struct Within<'a, T: ?Sized> {
    value: &'a T,
}

fn report<T: Serialize>(reporter: &Reporter, kind: &str, data: &T) {
    let severity = if kind == "error" { Severity::Error } else { Severity::Info };
    // What becomes of it is in the reporter's books.
    let _ = reporter.log_with(severity, &format!("{RUN_PREFIX}{kind}"), data);
}

#[derive(Serialize)]
struct Start<'a> {
    objective: &'a str,
    metadata: &'a RunMetadata,
    /// In the place of the user's id, which is reported by the reporter alone, and only with that user's consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_bucket: Option<u32>,
}

/// Reports that a run begins.
pub(super) fn start(reporter: &Reporter, run_id: &str, objective: &str, metadata: &RunMetadata) {
    if !reporter.is_enabled() {
        return;
    }
    let user_bucket = metadata.user_id.as_deref().map(user_bucket);
    let metadata = &RunMetadata { user_id: None, ..metadata.clone() };
    event(reporter, run_id, "run_start", &Start { objective, metadata, user_bucket });
}
