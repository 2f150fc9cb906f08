//! `PATCH` and `DELETE /api/...`: what people say of what is stored, and what they want to be gone.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::api::ID_NOT_TEXT;
use super::{Shared, answer};
use crate::limits::NAME_BYTES_MAX;
use crate::store::trail::Who;
use crate::store::{self, Target, WriteError};

type Id = Result<Path<String>, PathRejection>;

/// What is said of a group of exceptions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExceptionEdit {
    resolved: bool,
}

/// What a user says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEdit {
    telemetry_opt_in: bool,
}

/// `PATCH /api/exceptions/{fingerprint}`
pub(super) async fn exception(
    State(shared): State<Shared>,
    who: Who,
    id: Id,
    edit: Result<Json<ExceptionEdit>, JsonRejection>,
) -> Response {
    let Ok(Path(fingerprint)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    let Ok(Json(ExceptionEdit { resolved })) = edit else {
        return answer::error(
            StatusCode::BAD_REQUEST,
            "the body must be {\"resolved\": true} or {\"resolved\": false}",
        );
    };
    match mark(&shared, who, &fingerprint, resolved).await {
        Ok(Some(())) => Json(json!({ "fingerprint": fingerprint, "resolved": resolved })).into_response(),
        Ok(None) => {
            let fingerprint: String = fingerprint.chars().take(64).collect();
            answer::error(
                StatusCode::NOT_FOUND,
                format!("there are no exceptions with the fingerprint `{fingerprint}`"),
            )
        }
        Err(error) => failed(&error),
    }
}

/// Says that a group of exceptions is dealt with, or is not, and notes who said so; `None` where there is no such group.
pub(super) async fn mark(
    shared: &Shared,
    who: Who,
    fingerprint: &str,
    resolved: bool,
) -> Result<Option<()>, WriteError> {
    let wanted = fingerprint.to_owned();
    let is_there = shared.0.queue.edit(move |engine| engine.resolve(&who, &wanted, resolved)).await?;
    Ok(is_there.then_some(()))
}

/// `PATCH /api/users/{id}`: opts a user in, or takes that back, which takes the id out of the events that are stored.
pub(super) async fn user(
    State(shared): State<Shared>,
    who: Who,
    id: Id,
    edit: Result<Json<UserEdit>, JsonRejection>,
) -> Response {
    let Ok(Path(user)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    if user.is_empty() || user.len() > NAME_BYTES_MAX {
        let message = format!("the id of a user must have 1 to {NAME_BYTES_MAX} bytes");
        return answer::error(StatusCode::BAD_REQUEST, message);
    }
    let Ok(Json(UserEdit { telemetry_opt_in })) = edit else {
        let message = "the body must be {\"telemetry_opt_in\": true} or {\"telemetry_opt_in\": false}";
        return answer::error(StatusCode::BAD_REQUEST, message);
    };
    if !telemetry_opt_in {
        shared.0.consents.set(&user, false);
        return erase(&shared, who, Target::UserId(user)).await;
    }
    let wanted = user.clone();
    match shared.0.queue.edit(move |engine| engine.opt_in(&who, &wanted)).await {
        Ok(()) => {
            shared.0.consents.set(&user, true);
            Json(json!({ "user_id": user, "telemetry_opt_in": true })).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// `DELETE /api/users/{id}`: all events that name the user.
pub(super) async fn delete_user(State(shared): State<Shared>, who: Who, id: Id) -> Response {
    let Ok(Path(user)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    shared.0.consents.set(&user, false);
    erase(&shared, who, Target::User(user)).await
}

/// `DELETE /api/sessions/{id}`
pub(super) async fn delete_session(State(shared): State<Shared>, who: Who, id: Id) -> Response {
    let Ok(Path(session)) = id else { return answer::error(StatusCode::BAD_REQUEST, ID_NOT_TEXT) };
    erase(&shared, who, Target::Session(session)).await
}

/// Removes, in a task of its own: what is begun comes to its end, also where nobody waits for the answer any more.
async fn erase(shared: &Shared, who: Who, target: Target) -> Response {
    match tokio::spawn(removed(shared.clone(), who, target)).await {
        Ok(Ok(events)) => Json(json!({ "events": events })).into_response(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&WriteError::Failed(error.to_string())),
    }
}

/// Removes, and returns how many events that were. The trail says so before it is begun: nothing is ever gone that it does not speak of.
async fn removed(shared: Shared, who: Who, target: Target) -> Result<usize, WriteError> {
    let about = target.clone();
    shared.0.queue.edit(move |engine| engine.note_removal(&who, &about)).await?;
    let removed = store::remove_in_steps(&shared.0.queue, &target).await;
    let watcher = Arc::clone(&shared.0.watcher);
    // An error: it died, and takes nothing along but what it was to forget, which is forgotten then.
    let _ = tokio::task::spawn_blocking(move || watcher.forget_texts()).await;
    removed
}

fn failed(error: &WriteError) -> Response {
    answer::later(format!("{}: send the request again", unmade(error)))
}

/// Logs that a change is not made, and returns what is told of that.
pub(super) fn unmade(error: &WriteError) -> String {
    tracing::error!(%error, "a change of what is stored is not made");
    error.told()
}
