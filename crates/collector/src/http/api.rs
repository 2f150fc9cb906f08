//! `GET /api/...`: questions, answered in JSON.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Shared, answer, pages};
use crate::query::{self, EventQuery, ExceptionQuery, ParamError, QueryError, Reader, SessionQuery};

/// Said of a path whose id can't be decoded.
pub(super) const ID_NOT_TEXT: &str = "the id in the path is no UTF-8 when it is decoded";

/// Parameters as they stand in the URL.
pub(super) type Pairs = Query<Vec<(String, String)>>;

/// `GET /api/events`
pub(super) async fn events(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, EventQuery::from_pairs(pairs), |reader, query| {
        let page = reader.events(query)?;
        Ok(json(&Events { events: page.items, next: page.next, resume: page.resume }))
    })
    .await
}

/// `GET /api/sessions`
pub(super) async fn sessions(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, SessionQuery::from_pairs(pairs), |reader, query| {
        let page = reader.sessions(query)?;
        Ok(json(&json!({ "sessions": page.items, "next": page.next })))
    })
    .await
}

/// `GET /api/sessions/{id}`
pub(super) async fn session(State(shared): State<Shared>, id: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(id)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    reply(&shared, Ok(id), |reader, id| {
        Ok(match reader.session(id)? {
            Some(detail) => json(&detail),
            None => {
                let id: String = id.chars().take(64).collect();
                answer::error(StatusCode::NOT_FOUND, format!("nothing was received of a session `{id}`"))
            }
        })
    })
    .await
}

/// `GET /api/exceptions`
pub(super) async fn exceptions(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    reply(&shared, ExceptionQuery::from_pairs(pairs), |reader, query| {
        let page = reader.exceptions(query)?;
        Ok(json(&Exceptions { exceptions: page.items, next: page.next }))
    })
    .await
}

/// `GET /api/exceptions/{fingerprint}`, of `since` to `until`
pub(super) async fn exception(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path(fingerprint)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    reply(&shared, query::range(pairs), move |reader, (since, until)| {
        let Some(group) = reader.exception(&fingerprint)? else {
            let fingerprint: String = fingerprint.chars().take(64).collect();
            let message = format!("there are no exceptions with the fingerprint `{fingerprint}`");
            return Ok(answer::error(StatusCode::NOT_FOUND, message));
        };
        let over_time = reader.exception_over_time(&fingerprint, &pages::grid(&group, *since, *until))?;
        Ok(json(&Exception { group, over_time }))
    })
    .await
}

#[derive(serde::Serialize)]
struct Exception {
    #[serde(flatten)]
    group: query::ExceptionGroup,
    over_time: Vec<query::OverTime>,
}

#[derive(serde::Serialize)]
struct Events {
    events: Vec<crate::query::Event>,
    next: Option<String>,
    resume: Option<String>,
}

#[derive(serde::Serialize)]
struct Exceptions {
    exceptions: Vec<crate::query::ExceptionGroup>,
    next: Option<String>,
}

/// Writes an answer, on the thread that read it.
pub(super) fn json(body: &impl serde::Serialize) -> Response {
    Json(body).into_response()
}

/// Answers a query whose parameters were read.
pub(super) async fn reply<Q: Send + 'static>(
    shared: &Shared,
    query: Result<Q, ParamError>,
    ask: impl FnOnce(&Reader, &Q) -> Result<Response, QueryError> + Send + 'static,
) -> Response {
    let answer = match query {
        Ok(query) => run(shared, move |reader| ask(reader, &query)).await,
        Err(error) => Err(error.into()),
    };
    answer.unwrap_or_else(|error| refuse(&error))
}

/// Says why a question got no answer.
pub(super) fn refuse(error: &QueryError) -> Response {
    match answer::unanswered(error) {
        (StatusCode::SERVICE_UNAVAILABLE, told) => answer::later(told),
        (status, told) => answer::error(status, told),
    }
}

/// Runs a question on a blocking thread, when it is its turn, and interrupts it when its time is over. While those who asked before don't
/// read their answers, none is made.
pub(super) async fn run<T: Send + 'static>(
    shared: &Shared,
    ask: impl FnOnce(&Reader) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    let answer = run_within(shared, shared.0.answers_bytes_max, ask).await;
    shared.0.unanswered.note(&answer);
    answer
}

/// Likewise, but for an answer that is small: it is made whatever others do.
pub(super) async fn run_small<T: Send + 'static>(
    shared: &Shared,
    ask: impl FnOnce(&Reader) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    let answer = run_within(shared, u64::MAX, ask).await;
    // A small answer may be one without the store: that one was made does not say that the store answers.
    if answer.is_err() {
        shared.0.unanswered.note(&answer);
    }
    answer
}

async fn run_within<T: Send + 'static>(
    shared: &Shared,
    unread_max: u64,
    ask: impl FnOnce(&Reader) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    let deadline = tokio::time::Instant::now() + shared.0.query_timeout;
    let turn = tokio::time::timeout_at(deadline, std::sync::Arc::clone(&shared.0.turns).acquire_owned())
        .await
        .map_err(|_| QueryError::TooLong)?
        .map_err(|_| QueryError::Lost)?;
    let bytes = shared.0.stats.unread_bytes.get();
    if bytes > unread_max {
        return Err(QueryError::Unread { bytes });
    }
    let (announce, announced) = tokio::sync::oneshot::channel();
    let shared = shared.clone();
    let mut asking = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        // An error of `send`: nobody waits for the answer any more.
        shared.0.reader.with_interrupt(|handle| drop(announce.send(handle)), ask)
    });
    if let Ok(answer) = tokio::time::timeout_at(deadline, &mut asking).await {
        return answer.unwrap_or(Err(QueryError::Lost));
    }
    if let Ok(handle) = announced.await {
        handle.cancel();
    }
    asking.await.unwrap_or(Err(QueryError::Lost))
}
