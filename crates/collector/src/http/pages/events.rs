//! `GET /events` and `GET /events/{id}`: events by what they are, and one of them.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use tokio::time::Instant;

use super::super::Shared;
use super::super::api::{ID_NOT_TEXT, Pairs};
use super::{of_list, show, show_one, wrong};
use crate::limits::{
    EXPLORE_COUNT_ROWS, EXPLORE_COUNT_STEP, EXPLORE_COUNT_TIME, LIST_BYTES, LIST_ROWS, NAMES_OFFERED, NEIGHBOURS,
    PARAM_BYTES_MAX,
};
use crate::page::columns::Columns;
use crate::page::event::Shown;
use crate::page::events::{Counted, Explored};
use crate::page::{self, Address};
use crate::query::{
    Event, EventQuery, Grid, HistogramQuery, Moment, Order, Page, ParamError, QueryError, Reader, bins_of, of_id,
};

/// `GET /events`, with the parameters of `GET /api/events`, and `columns`.
pub(in super::super) async fn events(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/events", &pairs);
    show(&shared, asked(&of_list(&pairs)), move |reader, (query, columns)| {
        let (page, counted, names) = reader.together(|asks| {
            let names = asks.ask(|| reader.names(NAMES_OFFERED));
            let page = reader.events_shown(query, LIST_BYTES)?;
            let counted = counted(reader, query, &page)?;
            Ok::<_, QueryError>((page, counted, names.answer()?))
        })?;
        let explored = Explored { page: &page, query, columns, counted: &counted, names: &names, address: &address };
        Ok(page::events::list(&explored))
    })
    .await
}

/// Reads what events are asked for, in which columns.
pub(in super::super) fn asked(pairs: &[(String, String)]) -> Result<(EventQuery, Columns), ParamError> {
    let (columns, others): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(name, _)| name == "columns");
    let columns = columns.first().map_or("", |(_, columns)| columns);
    Ok((EventQuery::from_pairs(others)?, Columns::read(columns)?))
}

/// Counts events over time: all of them, where that is counted as they come, else those that are found first.
fn counted(reader: &Reader, query: &EventQuery, page: &Page<Event>) -> Result<Counted, QueryError> {
    let EventQuery { session, trace, run, user, version, text, .. } = query;
    if [session, trace, run, user, version, text].into_iter().all(Option::is_none) {
        let now = Moment::now();
        let Some((first, last)) = reader.hours()? else { return Ok(Counted { bins: Vec::new(), only_newest: None }) };
        // The hour that has not ended ends now.
        let last = if last > now && last.as_micros() - now.as_micros() < 3_600_000_000 { now } else { last };
        let since = query.since.unwrap_or(first);
        let grid = query.until.map_or_else(|| Grid::new(since, last).open(), |until| Grid::new(since, until));
        let histogram = HistogramQuery { grid, name: query.name.clone(), kind: query.kind, severity: query.severity };
        return Ok(Counted { bins: reader.histogram(&histogram)?, only_newest: None });
    }
    let is_all = query.after.is_none() && page.next.is_none();
    let (found, more) = if is_all { (heads(&page.items), false) } else { newest(reader, query)? };
    let (first, last) = (found.iter().map(|head| head.0).min(), found.iter().map(|head| head.0).max());
    let (Some(first), Some(last)) = (first, last) else { return Ok(Counted { bins: Vec::new(), only_newest: None }) };
    let end = Moment::from_micros(last.as_micros().saturating_add(1));
    let grid = Grid::new(query.since.filter(|_| !more).unwrap_or(first), query.until.unwrap_or(end));
    Ok(Counted { bins: bins_of(&found, &grid), only_newest: more.then_some(found.len()) })
}

type Heads = Vec<(Moment, lastword::Severity)>;

fn heads(events: &[Event]) -> Heads {
    events.iter().map(|event| (event.time, event.severity)).collect()
}

/// Looks at the newest that match, for as long as a page may take; tells whether there are more.
fn newest(reader: &Reader, query: &EventQuery) -> Result<(Heads, bool), QueryError> {
    let end = Instant::now() + EXPLORE_COUNT_TIME;
    let mut query = EventQuery { order: Order::NewestFirst, after: None, limit: EXPLORE_COUNT_STEP, ..query.clone() };
    let mut found = Heads::new();
    loop {
        let page = reader.heads(&query)?;
        found.extend(heads(&page.items));
        query.after = page.next;
        if query.after.is_none() || found.len() >= EXPLORE_COUNT_ROWS || Instant::now() >= end {
            return Ok((found, query.after.is_some()));
        }
    }
}

/// `GET /events/{id}`, of a row or an id that its client gave it.
pub(in super::super) async fn event(State(shared): State<Shared>, id: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(id)) = id else { return wrong(ID_NOT_TEXT) };
    show_one(&shared, Ok(id), "event", |reader, id| {
        let Some(event) = found(reader, id)? else { return Ok(None) };
        let around = &|order| {
            let query = EventQuery {
                session: Some(event.session_id.clone()),
                after: Some(event.row.to_string()),
                limit: NEIGHBOURS,
                order,
                ..EventQuery::default()
            };
            Ok::<_, QueryError>(reader.events_shown(&query, LIST_BYTES)?.items)
        };
        let (before, after, fingerprint) = reader.together(|asks| {
            let [before, after] = [Order::NewestFirst, Order::OldestFirst].map(|order| asks.ask(move || around(order)));
            let fingerprint = asks.ask(|| reader.group_of(event.row));
            Ok::<_, QueryError>((before.answer()?, after.answer()?, fingerprint.answer()?))
        })?;
        Ok(Some(page::event::page(&Shown { event, before, after, fingerprint })))
    })
    .await
}

/// Returns the event of a row, or with the id that its client gave it.
pub(super) fn found(reader: &Reader, id: &str) -> Result<Option<Event>, QueryError> {
    let row = id.bytes().all(|byte| byte.is_ascii_digit()).then(|| id.parse().ok()).flatten();
    if let Some(event) = row.map(|row| reader.event(row)).transpose()?.flatten() {
        return Ok(Some(event));
    }
    if id.is_empty() || id.len() > PARAM_BYTES_MAX {
        return Ok(None);
    }
    // Ids are not in an index of their own; the filters of texts find the few batches that may have one.
    let query = EventQuery { text: Some(id.to_owned()), limit: LIST_ROWS, ..EventQuery::default() };
    Ok(of_id(reader.events_within(&query, LIST_BYTES)?.items, id))
}
