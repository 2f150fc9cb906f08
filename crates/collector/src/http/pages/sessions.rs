//! `GET /sessions` and `GET /sessions/{id}`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use lastword::Severity;

use super::super::Shared;
use super::super::api::{ID_NOT_TEXT, Pairs};
use super::{distinct, show_list, show_one, wrong};
use crate::limits::{
    LIST_BYTES, PAGE_BYTES_MAX, SESSION_EXCEPTIONS, SESSION_LINKS, SESSION_USER_EVENTS, TIMELINE_BEFORE, TIMELINE_ROWS,
};
use crate::page::session::Users;
use crate::page::{self, Address};
use crate::query::{
    self, Event, EventQuery, Order, Page, ParamError, QueryError, Reader, Session, SessionDetail, SessionQuery,
};
use crate::store::Said;

/// `GET /sessions`, with the parameters of `GET /api/sessions`.
pub(in super::super) async fn sessions(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    show_list(&shared, "/sessions", &pairs, SessionQuery::from_pairs, |reader, query, address| {
        Ok(page::sessions::list(&reader.sessions(query)?, address))
    })
    .await
}

/// Which part of a session is asked for.
struct Asked {
    /// Its events, the oldest first, from behind a cursor on.
    query: EventQuery,
    /// From a little before this row on.
    from: Option<i64>,
    /// Those before this row.
    before: Option<i64>,
}

impl Asked {
    fn of(id: &str, pairs: &[(String, String)]) -> Result<Self, ParamError> {
        let row = |name: &str| {
            query::row(
                pairs.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| &**value),
            )
        };
        let of_events = pairs.iter().filter(|(name, _)| matches!(name.as_str(), "after" | "cursor" | "severity"));
        let query = EventQuery::from_pairs(of_events.map(|(name, value)| (name, value)))?;
        let query =
            EventQuery { limit: TIMELINE_ROWS, order: Order::OldestFirst, session: Some(id.to_owned()), ..query };
        Ok(Self { query, from: row("from")?, before: row("before")? })
    }

    /// Reads the events, the oldest first.
    fn events(&self, reader: &Reader) -> Result<Page<Event>, QueryError> {
        let newest_first = |before: i64, limit| EventQuery {
            after: Some(before.to_string()),
            order: Order::NewestFirst,
            limit,
            ..self.query.clone()
        };
        if let Some(before) = self.before {
            let mut page = reader.events_shown(&newest_first(before, TIMELINE_ROWS), PAGE_BYTES_MAX)?;
            page.items.reverse();
            page.next = page.items.last().map(|event| event.row.to_string());
            return Ok(page);
        }
        let Some(from) = self.from else { return reader.events_shown(&self.query, PAGE_BYTES_MAX) };
        let first = reader.heads(&newest_first(from, TIMELINE_BEFORE))?.items.last().map_or(from, |event| event.row);
        let query = EventQuery { after: Some((first - 1).max(0).to_string()), ..self.query.clone() };
        reader.events_shown(&query, PAGE_BYTES_MAX)
    }
}

/// `GET /sessions/{id}`
pub(in super::super) async fn session(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path(id)) = id else { return wrong(ID_NOT_TEXT) };
    let address = Address::new(page::path(&["sessions", &id]), &pairs);
    show_one(&shared, Asked::of(&id, &pairs), "session", move |reader, asked| {
        let Some(detail) = reader.session(&id)? else { return Ok(None) };
        let shown = reader.together(|asks| {
            let listed = asks.ask(|| {
                let events = asked.events(reader)?;
                Ok((links(reader, &events.items)?, events))
            });
            let exceptions = asks.ask(|| reader.session_exceptions(&id, SESSION_EXCEPTIONS));
            let band = asks.ask(|| reader.band(&detail));
            let first_error = asks.ask(|| first_error(reader, &detail.session));
            let last = asks.ask(|| end(reader, &detail));
            let users = asks.ask(|| users(reader, &id));
            let ((traces, runs), events) = listed.answer()?;
            let (exceptions_in_all, exceptions) = exceptions.answer()?;
            Ok::<_, QueryError>(page::session::Shown {
                band: band.answer()?,
                exceptions,
                exceptions_in_all,
                first_error: first_error.answer()?,
                last: last.answer()?,
                users: users.answer()?,
                traces,
                runs,
                detail: detail.clone(),
                events,
                address,
            })
        })?;
        Ok(Some(page::session::session(&shown)))
    })
    .await
}

fn first_error(reader: &Reader, session: &Session) -> Result<Option<Event>, QueryError> {
    if session.by_severity.error + session.by_severity.critical == 0 {
        return Ok(None);
    }
    let query = EventQuery {
        severity: Some(Severity::Error),
        session: Some(session.session_id.clone()),
        order: Order::OldestFirst,
        limit: 1,
        ..EventQuery::default()
    };
    Ok(reader.heads(&query)?.items.into_iter().next())
}

/// Returns the last event of a session.
fn end(reader: &Reader, detail: &SessionDetail) -> Result<Option<Event>, QueryError> {
    let query = EventQuery { session: Some(detail.session.session_id.clone()), limit: 1, ..EventQuery::default() };
    Ok(reader.heads(&query)?.items.into_iter().next())
}

/// Returns who a session's events say that it was used by: those who opted in by their ids, others by the bucket that they are in, if either is known.
fn users(reader: &Reader, id: &str) -> Result<Users, QueryError> {
    let first = |key: &str, limit| {
        let query = EventQuery {
            session: Some(id.to_owned()),
            text: Some(format!("\"{key}\"")),
            order: Order::OldestFirst,
            limit,
            ..EventQuery::default()
        };
        let events = reader.events_within(&query, LIST_BYTES)?.items;
        Ok::<_, QueryError>(events.into_iter().filter_map(|event| Said::of(&event.json, event.name.as_deref(), None)))
    };
    let named = first("user_id", SESSION_USER_EVENTS)?.filter_map(|said| said.user);
    let mut users = Users { ids: distinct(named, SESSION_USER_EVENTS), bucket: None };
    if users.ids.is_empty() {
        for key in ["user_bucket", "userBucket"] {
            users.bucket = users.bucket.or(first(key, 1)?.find_map(|said| said.bucket));
        }
    }
    Ok(users)
}

/// Returns the traces and runs that these events are of, the traces that failed first.
fn links(reader: &Reader, events: &[Event]) -> Result<(Vec<query::Trace>, Vec<query::Run>), QueryError> {
    let (traces, runs): (Vec<_>, Vec<_>) = events.iter().map(page::session::belongs_to).unzip();
    let traces = distinct(traces.into_iter().flatten(), SESSION_LINKS);
    let runs = distinct(runs.into_iter().flatten(), SESSION_LINKS);
    let traces: Vec<_> = traces.iter().map(String::as_str).collect();
    let runs: Vec<_> = runs.iter().map(String::as_str).collect();
    reader.together(|asks| {
        let traces = asks.ask(|| reader.traces_named(&traces));
        let runs = asks.ask(|| reader.runs_named(&runs));
        let mut traces = traces.answer()?;
        traces.sort_by_key(|trace| trace.figures.errors == 0);
        Ok((traces, runs.answer()?))
    })
}
