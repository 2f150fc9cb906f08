//! `GET /traces` and `GET /traces/{id}`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use lastword::views::{self, Traces, View};

use super::super::Shared;
use super::super::api::{ID_NOT_TEXT, Pairs};
use super::{of_list, show, show_one, wrong};
use crate::limits::{PAGE_ROWS_MAX, TRACE_PAGE_BYTES, TRACE_PAGE_EVENTS};
use crate::page::{self, Address};
use crate::query::{EventQuery, Order, QueryError, Reader, SessionState, TraceQuery};

/// `GET /traces`, with the parameters of `GET /api/traces`.
pub(in super::super) async fn traces(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/traces", &pairs);
    show(&shared, TraceQuery::from_pairs(of_list(&pairs)), move |reader, query| {
        Ok(page::traces::list(&reader.traces(query)?, &address))
    })
    .await
}

/// `GET /traces/{id}`
pub(in super::super) async fn trace(State(shared): State<Shared>, id: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(id)) = id else { return wrong(ID_NOT_TEXT) };
    show_one(&shared, Ok(id), "trace", |reader, id| {
        let Some(known) = reader.trace(id)? else { return Ok(None) };
        let (views, is_cut) = fold(reader, &known.trace_id)?;
        // One of which there are only events without a place in it has no spans.
        let none = views::Trace::default();
        let trace = views.iter().next().map_or(&none, |(_, trace)| trace);
        let mut ended = Vec::new();
        let mut sessions: Vec<&str> = trace.waterfall().iter().map(|row| &*row.span.session_id).collect();
        sessions.sort_unstable();
        sessions.dedup();
        for id in sessions {
            let session = reader.session(id)?.map(|detail| detail.session.state);
            if matches!(session, Some(SessionState::Ended | SessionState::Crashed)) {
                ended.push(id.to_owned());
            }
        }
        Ok(Some(page::traces::one(&page::traces::Shown { known: &known, trace, ended: &ended, is_cut })))
    })
    .await
}

/// Folds the events of a trace; tells whether there are more of them.
fn fold(reader: &Reader, id: &str) -> Result<(Traces, bool), QueryError> {
    let mut traces = Traces::default();
    let mut query = EventQuery {
        trace: Some(id.to_owned()),
        order: Order::OldestFirst,
        limit: PAGE_ROWS_MAX,
        ..EventQuery::default()
    };
    let (mut events, mut bytes, mut is_cut) = (0, 0, false);
    loop {
        let page = reader.events_within(&query, TRACE_PAGE_BYTES - bytes)?;
        events += page.items.len();
        for event in &page.items {
            bytes += event.json.len();
            match views::Event::from_line(event.to_json().as_bytes()) {
                Ok(event) => traces.apply(&event),
                // A text that no `str` can hold, such as half of an emoji.
                Err(_) => is_cut = true,
            }
        }
        query.after = page.next;
        if query.after.is_none() || events >= TRACE_PAGE_EVENTS || bytes >= TRACE_PAGE_BYTES {
            return Ok((traces, is_cut || query.after.is_some()));
        }
    }
}
