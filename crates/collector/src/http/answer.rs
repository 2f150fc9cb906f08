//! Answers that every part of the HTTP layer gives.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::limits::{RETRY_AFTER, RETRY_AFTER_MAX};
use crate::query::QueryError;

/// Says what was wrong.
pub(super) fn error(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({ "error": message.into() }))).into_response()
}

/// Says that it may work a little later.
pub(super) fn later(message: impl Into<String>) -> Response {
    later_as(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Returns what those are told who asked something that got no answer, and with which status.
pub(super) fn unanswered(error: &QueryError) -> (StatusCode, String) {
    let status = match error {
        QueryError::Param(_) => StatusCode::BAD_REQUEST,
        QueryError::TooLong | QueryError::Unread { .. } | QueryError::Away(_) | QueryError::LargeAway(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        QueryError::NoStore { .. }
        | QueryError::TooNew { .. }
        | QueryError::TooOld { .. }
        | QueryError::Store(_)
        | QueryError::Refused(_)
        | QueryError::Lost => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, error.told())
}

/// What was logged last of what keeps questions from being answered: it is logged when it changes, not once a question.
#[derive(Debug, Default)]
pub(super) struct Unanswered(Mutex<Option<String>>);

impl Unanswered {
    /// Notes how the store has answered a question.
    pub(super) fn note<T>(&self, answer: &Result<T, QueryError>) {
        let error = match answer {
            Ok(_) => None,
            // Whoever asked can do something about these, and is told all of them.
            Err(QueryError::Param(_) | QueryError::TooLong | QueryError::Unread { .. }) => return,
            Err(error) => Some(error.to_string()),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != error {
            if let Some(error) = &error {
                tracing::error!(%error, "a query failed; it is told again when something else is wrong");
            }
            *known = error;
        }
    }
}

/// Says that it may work when the client itself has ended something.
pub(super) fn too_many(message: impl Into<String>) -> Response {
    later_as(StatusCode::TOO_MANY_REQUESTS, message)
}

fn later_as(status: StatusCode, message: impl Into<String>) -> Response {
    let retry = [(header::RETRY_AFTER, RETRY_AFTER.as_secs().to_string())];
    (retry, error(status, message)).into_response()
}

/// Returns when a request may be stored, where others wait for the disk: what has held them up so far is the best guess of how
/// long it goes on.
pub(super) fn retry_after(queue_age_us: u64) -> Duration {
    Duration::from_micros(queue_age_us).clamp(RETRY_AFTER, RETRY_AFTER_MAX)
}

/// Writes a wait in whole seconds, as headers have it: rather too long than too short.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Says which method there is.
pub(super) fn wrong_method(right: &'static str) -> Response {
    let answer = error(StatusCode::METHOD_NOT_ALLOWED, format!("this path takes {right} only"));
    ([(header::ALLOW, right)], answer).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_come_back_after_what_the_queue_has_waited_within_bounds() {
        let waits = [0, 900_000, 7_200_000, u64::MAX].map(|age_us| seconds(retry_after(age_us)));
        assert_eq!(waits, [1, 1, 8, 30]);
    }

    #[test]
    fn who_asks_is_told_what_kind_of_trouble_it_is_and_no_address_path_or_table() {
        let said = || "clickhouse://10.0.0.7:8123/lw: no such table: events".to_owned();
        let dir = || std::path::PathBuf::from("/var/lib/10.0.0.7/events");
        let errors = [
            (QueryError::Away(said()), 503),
            (QueryError::LargeAway(said()), 503),
            (QueryError::Refused(said()), 500),
            (QueryError::Store(rusqlite::Error::InvalidColumnName(said())), 500),
            (QueryError::NoStore { dir: dir() }, 500),
            (QueryError::TooNew { dir: dir(), found: 2, known: 1 }, 500),
            (QueryError::TooOld { dir: dir(), found: 1, known: 2 }, 500),
            (QueryError::Lost, 500),
        ];
        for (error, wanted) in errors {
            let (status, told) = unanswered(&error);
            assert_eq!(status.as_u16(), wanted, "{error}");
            assert!(!told.contains("10.0.0.7") && !told.contains("events"), "{told}");
        }
    }

    #[test]
    fn what_keeps_questions_from_being_answered_is_known_until_one_is_answered_or_something_else_is_wrong() {
        let unanswered = Unanswered::default();
        let known = || unanswered.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let away = QueryError::Away("10.0.0.7".to_owned());
        let told = away.to_string();
        unanswered.note::<()>(&Err(away));
        assert_eq!(known(), Some(told.clone()));
        unanswered.note::<()>(&Err(QueryError::TooLong));
        assert_eq!(known(), Some(told), "a question that takes too long says nothing of the store");
        unanswered.note(&Ok(()));
        assert_eq!(known(), None);
    }
}
