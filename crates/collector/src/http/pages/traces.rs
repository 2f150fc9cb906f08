//! `GET /traces`, `GET /traces/{id}`, and what is shown of its spans and of two traces.

use std::collections::BTreeMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use lastword::event::SpanId;
use lastword::views::{self, Traces, View};
use serde_json::{Map, Value};

use super::super::Shared;
use super::super::api::{ID_NOT_TEXT, Pairs};
use super::{of_list, show, show_one, wrong};
use crate::limits::{
    LIKE_TRACES, PAGE_ROWS_MAX, SPAN_PAGE_EVENTS, TRACE_PAGE_BYTES, TRACE_PAGE_EVENTS, TRACE_TALK_BYTES,
};
use crate::page::{self, Address, Conversation};
use crate::query::{Event, EventQuery, Order, QueryError, Reader, Trace, TraceQuery};

/// `GET /traces`, with the parameters of `GET /api/traces`.
pub(in super::super) async fn traces(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/traces", &pairs);
    show(&shared, TraceQuery::from_pairs(of_list(&pairs)), move |reader, query| {
        Ok(page::traces::list(&reader.traces(query)?, &address))
    })
    .await
}

/// `GET /traces/{id}`, from the span with the place `from` on.
pub(in super::super) async fn trace(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path(id)) = id else { return wrong(ID_NOT_TEXT) };
    let address = Address::new(page::path(&["traces", &id.to_ascii_lowercase()]), &pairs);
    let from = match address.value("from") {
        "" => Some(0),
        from => from.parse().ok(),
    };
    let Some(from) = from else { return wrong("`from` is no number of a span") };
    show_one(&shared, Ok(id), "trace", move |reader, id| {
        let Some(known) = reader.trace(id)? else { return Ok(None) };
        let told = fold(reader, &known.trace_id)?;
        let like = like(reader, &known)?;
        let trace = told.trace();
        let ended = ended(reader, trace)?;
        let shown = page::trace::Shown {
            known: &known,
            trace,
            talks: &told.talks,
            ended: &ended,
            is_cut: told.is_cut,
            like: &like,
            from,
            address: &address,
        };
        Ok(Some(page::trace::one(&shown)))
    })
    .await
}

/// `GET /traces/{id}/spans/{span}`
pub(in super::super) async fn span(
    State(shared): State<Shared>,
    ids: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path(ids)) = ids else { return wrong(ID_NOT_TEXT) };
    show_one(&shared, Ok(ids), "span", |reader, (trace, span)| {
        let (Some(known), Ok(id)) = (reader.trace(trace)?, span.parse::<SpanId>()) else { return Ok(None) };
        let query = EventQuery {
            trace: Some(known.trace_id.clone()),
            text: Some(id.to_string()),
            order: Order::OldestFirst,
            limit: SPAN_PAGE_EVENTS,
            ..EventQuery::default()
        };
        let mut told = Told::default();
        let mut data = Map::new();
        let mut within = Vec::new();
        for event in reader.events(&query)?.items {
            told.take(&event);
            let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(&event.json) else { continue };
            let Some(Value::Object(of_event)) = fields.remove("event_data") else { continue };
            if of_event.get("span_id").and_then(Value::as_str).and_then(|id| id.parse().ok()) != Some(id) {
                continue;
            }
            match event.name.as_deref() {
                // An end says all that its start said.
                Some("span.start") if !data.is_empty() => {}
                Some("span.start" | "span.end") => data = of_event,
                _ => within.push(event),
            }
        }
        let rows = told.trace().waterfall();
        let Some(row) = rows.iter().find(|row| row.id == id) else { return Ok(None) };
        let (none, ended) = (Conversation::default(), ended(reader, told.trace())?);
        let talk = told.talks.get(&id).unwrap_or(&none);
        // Its parent was not asked for, so that every span would be an orphan.
        let mut row = *row;
        row.orphan = false;
        let shown = page::span::Whole { known: &known, row: &row, data: &data, talk, events: &within, ended: &ended };
        Ok(Some(page::span::whole(&shown)))
    })
    .await
}

/// `GET /traces/{id}/compare`, with the trace `other`.
pub(in super::super) async fn compare(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path(id)) = id else { return wrong(ID_NOT_TEXT) };
    let other = Address::new("", &pairs).value("other").trim().to_owned();
    show_one(&shared, Ok((id, other)), "trace", |reader, (one, other)| {
        let (Some(one), Some(other)) = (reader.trace(one)?, reader.trace(other)?) else { return Ok(None) };
        let (first, second) = (fold(reader, &one.trace_id)?, fold(reader, &other.trace_id)?);
        let one = page::compare::Side { known: &one, trace: first.trace(), is_cut: first.is_cut };
        let other = page::compare::Side { known: &other, trace: second.trace(), is_cut: second.is_cut };
        Ok(Some(page::compare::traces(&one, &other)))
    })
    .await
}

/// What the events of a trace tell.
#[derive(Default)]
struct Told {
    traces: Traces,
    talks: BTreeMap<SpanId, Conversation>,
    /// Bytes of events whose conversations were read.
    talked: usize,
    /// There are more of them, or some can't be read.
    is_cut: bool,
}

impl Told {
    /// Returns the trace. One of which there are only events without a place in it has no spans.
    fn trace(&self) -> &views::Trace {
        static NONE: std::sync::LazyLock<views::Trace> = std::sync::LazyLock::new(views::Trace::default);
        self.traces.iter().next().map_or(&NONE, |(_, trace)| trace)
    }

    fn take(&mut self, event: &Event) {
        match views::Event::from_line(event.to_json().as_bytes()) {
            Ok(event) => self.traces.apply(&event),
            // A text that no `str` can hold, such as half of an emoji.
            Err(_) => self.is_cut = true,
        }
        if self.talked < TRACE_TALK_BYTES && Conversation::is_in(&event.json) {
            self.talked += event.json.len();
            let fields: Value = serde_json::from_str(&event.json).unwrap_or_default();
            let data = &fields["event_data"];
            if let (Some(data), Some(Ok(id))) = (data.as_object(), data["span_id"].as_str().map(str::parse)) {
                let talk = self.talks.entry(id).or_default();
                talk.add(data);
            }
        }
    }
}

/// Folds the events of a trace.
fn fold(reader: &Reader, id: &str) -> Result<Told, QueryError> {
    let mut told = Told::default();
    let mut query = EventQuery {
        trace: Some(id.to_owned()),
        order: Order::OldestFirst,
        limit: PAGE_ROWS_MAX,
        ..EventQuery::default()
    };
    let (mut events, mut bytes) = (0, 0);
    loop {
        let page = reader.events_within(&query, TRACE_PAGE_BYTES - bytes)?;
        events += page.items.len();
        for event in &page.items {
            bytes += event.json.len();
            told.take(event);
        }
        query.after = page.next;
        if query.after.is_none() || events >= TRACE_PAGE_EVENTS || bytes >= TRACE_PAGE_BYTES {
            told.is_cut |= query.after.is_some();
            return Ok(told);
        }
    }
}

/// Returns the sessions of a trace that are over.
fn ended(reader: &Reader, trace: &views::Trace) -> Result<Vec<String>, QueryError> {
    let rows = trace.waterfall();
    let mut sessions: Vec<&str> = rows.iter().map(|row| &*row.span.session_id).collect();
    sessions.sort_unstable();
    sessions.dedup();
    reader.sessions_over(&sessions)
}

/// Returns the latest other traces of the same name.
fn like(reader: &Reader, known: &Trace) -> Result<Vec<Trace>, QueryError> {
    let Some(name) = known.name.clone() else { return Ok(Vec::new()) };
    let query = TraceQuery { name: Some(name), limit: LIKE_TRACES, ..TraceQuery::default() };
    let found = reader.traces(&query)?.items;
    Ok(found.into_iter().filter(|trace| trace.trace_id != known.trace_id).collect())
}
