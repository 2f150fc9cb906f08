//! `GET /` and `GET /sessions/{id}`: pages for people.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::api::{Pairs, run};
use super::{Shared, api};
use lastword::views::{self, Traces, View};

use crate::limits::{OVERVIEW_ROWS, PAGE_ROWS_MAX, TIMELINE_ROWS, TRACE_PAGE_BYTES, TRACE_PAGE_EVENTS};
use crate::page::{self, Bin};
use crate::query::{
    EventQuery, ExceptionQuery, Moment, Order, QueryError, Reader, SessionQuery, SessionState, StatsQuery, TraceQuery,
};

/// `GET /style.css`
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE).into_response()
}

/// `GET /`, with the parameters of `GET /api/events` for its list of events.
pub(super) async fn overview(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let query = match EventQuery::from_pairs(with_limit(&pairs, OVERVIEW_ROWS)) {
        Ok(query) => query,
        Err(error) => return wrong(&error.to_string()),
    };
    let page = run(&shared, move |reader| {
        let bins = last_hour(reader)?;
        let sessions = reader.sessions(&SessionQuery { limit: OVERVIEW_ROWS, ..SessionQuery::default() })?;
        let exceptions = reader.exceptions(&ExceptionQuery { limit: OVERVIEW_ROWS, ..ExceptionQuery::default() })?;
        let events = reader.events(&query)?;
        Ok(page::overview(&page::Overview { sessions, exceptions, events, bins, query }))
    });
    show(page.await.map(Some))
}

/// `GET /sessions/{id}`, with the cursor of `GET /api/events`.
pub(super) async fn session(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path(id)) = id else { return wrong(api::ID_NOT_TEXT) };
    let cursor = pairs.iter().filter(|(name, _)| name == "after");
    let query = match EventQuery::from_pairs(cursor.map(|(name, value)| (name, value))) {
        Ok(query) => EventQuery { limit: TIMELINE_ROWS, order: Order::OldestFirst, session: Some(id.clone()), ..query },
        Err(error) => return wrong(&error.to_string()),
    };
    let page = run(&shared, move |reader| {
        let Some(detail) = reader.session(&id)? else { return Ok(None) };
        let events = reader.events(&query)?;
        Ok(Some(page::session(&detail, &events)))
    });
    show(page.await)
}

/// Counts the events of the last hour by minute.
fn last_hour(reader: &Reader) -> Result<Vec<Bin>, QueryError> {
    const MINUTE_US: i64 = 60_000_000;
    let now = Moment::now().as_micros();
    let first = now - now.rem_euclid(MINUTE_US) - 59 * MINUTE_US;
    let since = Some(Moment::from_micros(first));
    let stats = reader.stats(&StatsQuery { since, ..StatsQuery::default() })?;
    let minute = |place: i64| Moment::from_micros(first + place * MINUTE_US);
    let mut bins: Vec<Bin> =
        (0..60).map(|place| Bin { begin: minute(place), end: minute(place + 1), counts: [0; 5] }).collect();
    for count in stats.counts {
        let place = usize::try_from((count.begin.as_micros() - first) / MINUTE_US).unwrap_or(usize::MAX);
        if let Some(bin) = bins.get_mut(place) {
            bin.counts[page::place_of(count.severity)] += count.count;
        }
    }
    Ok(bins)
}

/// `GET /traces`, with the parameters of `GET /api/traces`.
pub(super) async fn traces(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let query = match TraceQuery::from_pairs(with_limit(&pairs, OVERVIEW_ROWS)) {
        Ok(query) => query,
        Err(error) => return wrong(&error.to_string()),
    };
    let page = run(&shared, move |reader| Ok(page::traces::list(&reader.traces(&query)?, &query)));
    show(page.await.map(Some))
}

/// `GET /traces/{id}`
pub(super) async fn trace(State(shared): State<Shared>, id: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(id)) = id else { return wrong(api::ID_NOT_TEXT) };
    let page = run(&shared, move |reader| {
        let Some(known) = reader.trace(&id)? else { return Ok(None) };
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
    });
    match page.await {
        Ok(None) => missing("No such trace", "Nothing was received of a trace of this id."),
        page => show(page),
    }
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

/// Takes the parameters with another default for how many rows there are.
fn with_limit(pairs: &[(String, String)], limit: usize) -> Vec<(String, String)> {
    let mut pairs = pairs.to_vec();
    if !pairs.iter().any(|(name, _)| name == "limit") {
        pairs.push(("limit".to_owned(), limit.to_string()));
    }
    pairs
}

fn show(page: Result<Option<maud::Markup>, QueryError>) -> Response {
    match page {
        Ok(Some(page)) => Html(page.into_string()).into_response(),
        Ok(None) => missing("No such session", "Nothing was received of a session of this id."),
        Err(error) => api::refuse(&error),
    }
}

fn missing(title: &str, text: &str) -> Response {
    (StatusCode::NOT_FOUND, Html(page::message(title, text).into_string())).into_response()
}

fn wrong(error: &str) -> Response {
    let page = page::message("This can't be shown", error);
    (StatusCode::BAD_REQUEST, Html(page.into_string())).into_response()
}
