//! `GET /find`: from an id to the page of what has it.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::super::Shared;
use super::super::api::Pairs;
use super::events::found;
use super::{answer, written};
use crate::limits::PARAM_BYTES_MAX;
use crate::page::{self, Address};
use crate::query::{ParamError, QueryError, Reader};

/// `GET /find`, of the id `q`.
pub(in super::super) async fn find(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    answer(&shared, asked(&pairs), |reader, asked| {
        if let Some(address) = exact(reader, asked)? {
            return Ok(Redirect::to(&address).into_response());
        }
        let found = reader.starting(asked)?;
        let only = match (&*found.traces, &*found.sessions, &*found.runs) {
            ([trace], [], []) => Some(page::path(&["traces", trace])),
            ([], [session], []) => Some(page::path(&["sessions", session])),
            ([], [], [run]) => Some(page::path(&["runs", run])),
            // An id that clients give events is looked for in the texts of all, so this comes last.
            ([], [], []) => event(reader, asked)?,
            _ => None,
        };
        Ok(match only {
            Some(address) => Redirect::to(&address).into_response(),
            None => written(page::find::page(asked, &found)),
        })
    })
    .await
}

fn asked(pairs: &[(String, String)]) -> Result<String, ParamError> {
    if let Some((other, _)) = pairs.iter().find(|(name, _)| name != "q") {
        return Err(ParamError::Unknown { name: other.chars().take(64).collect(), known: "q".to_owned() });
    }
    let asked = Address::new("", pairs).value("q").trim().to_owned();
    if asked.len() > PARAM_BYTES_MAX {
        return Err(ParamError::value("q", &asked, format!("at most {PARAM_BYTES_MAX} bytes")));
    }
    Ok(asked)
}

/// Returns the page of what has exactly this id and is found by it at once.
fn exact(reader: &Reader, id: &str) -> Result<Option<String>, QueryError> {
    if id.is_empty() {
        return Ok(None);
    }
    let of = |what: &str| Ok(Some(page::path(&[what, id])));
    if !reader.sessions_named(&[id])?.is_empty() {
        return of("sessions");
    }
    if reader.run(id)?.is_some() {
        return of("runs");
    }
    if let Some(trace) = reader.trace(id)? {
        return Ok(Some(page::path(&["traces", &trace.trace_id])));
    }
    if reader.exception(id)?.is_some() {
        return of("exceptions");
    }
    Ok(None)
}

/// Returns the page of the event with this id, or of this row.
fn event(reader: &Reader, id: &str) -> Result<Option<String>, QueryError> {
    Ok(found(reader, id)?.map(|event| format!("/events/{}", event.row)))
}
