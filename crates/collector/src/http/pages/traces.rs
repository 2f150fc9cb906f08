//! `GET /traces`, `GET /traces/{id}`, and what is shown of its spans and of two traces.

use std::collections::BTreeMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use lastword::event::SpanId;
use lastword::views::{self, Row, Traces, View};
use serde_json::{Map, Value};

use super::super::Shared;
use super::super::api::Pairs;
use super::{distinct, fates, place, show_list, show_named};
use crate::limits::{
    LIKE_TRACES, PAGE_ROWS_MAX, RUN_TRACES, SPAN_PAGE_EVENTS, TRACE_PAGE_BYTES, TRACE_PAGE_EVENTS, TRACE_TALK_BYTES,
};
use crate::page::fate::Fates;
use crate::page::{self, Address, Conversation};
use crate::query::{Event, EventQuery, Order, QueryError, Reader, Run, Trace, TraceQuery, TraceTold};

/// `GET /traces`, with the parameters of `GET /api/traces`.
pub(in super::super) async fn traces(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    show_list(&shared, "/traces", &pairs, TraceQuery::from_pairs, |reader, query, address| {
        let page = reader.traces(query)?;
        let (told, fates) = reader.together(|asks| {
            let told = asks.ask(|| reader.told_of(&page.items));
            let fates = asks.ask(|| fates(reader, page.items.iter().filter_map(|trace| trace.session_id.as_deref())));
            Ok::<_, QueryError>((told.answer()?, fates.answer()?))
        })?;
        Ok(page::traces::list(&page::traces::List { page: &page, told: &told, fates: &fates, address }))
    })
    .await
}

/// `GET /traces/{id}`, from the span with the place `from` on. The beginning of an id leads to the trace whose id alone begins so.
pub(in super::super) async fn trace(
    State(shared): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    show_named(&shared, id, "trace", move |reader, id| {
        let Some(known) = reader.trace_of(id)? else { return Ok(None) };
        let address = Address::new(page::path(&["traces", &known.trace_id]), &pairs);
        let from = place(&address, "from")?.unwrap_or(0);
        let told = fold(reader, &known.trace_id)?;
        let trace = told.trace();
        let rows = trace.waterfall();
        reader.together(|asks| {
            let counted = asks.ask(|| told.counted(reader, &known));
            let fates = asks.ask(|| of_rows(reader, &known, &rows));
            let runs = asks.ask(|| runs(reader, &rows));
            let like = asks.ask(|| like(reader, &known));
            let shown = page::trace::Shown {
                known: &known,
                trace,
                talks: &told.talks,
                counted: &counted.answer()?,
                fates: &fates.answer()?,
                runs: &runs.answer()?,
                is_cut: told.is_cut,
                like: &like.answer()?,
                from,
                address: &address,
            };
            Ok(Some(page::trace::one(&shown)))
        })
    })
    .await
}

/// `GET /traces/{id}/spans/{span}`
pub(in super::super) async fn span(
    State(shared): State<Shared>,
    ids: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    show_named(&shared, ids, "span", |reader, (trace, span)| {
        let (Some(known), Ok(id)) = (reader.trace_of(trace)?, span.parse::<SpanId>()) else { return Ok(None) };
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
        let (none, fates) = (Conversation::default(), of_rows(reader, &known, &rows)?);
        let talk = told.talks.get(&id).unwrap_or(&none);
        // Its parent was not asked for, so that every span would be an orphan.
        let mut row = *row;
        row.orphan = false;
        let shown = page::span::Whole { known: &known, row: &row, data: &data, talk, events: &within, fates: &fates };
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
    let other = Address::new("", &pairs).value("other").trim().to_owned();
    show_named(&shared, id, "trace", move |reader, one| {
        let (Some(one), Some(other)) = (reader.trace_of(one)?, reader.trace_of(&other)?) else { return Ok(None) };
        let (first, second) = (fold(reader, &one.trace_id)?, fold(reader, &other.trace_id)?);
        let (of_one, of_other) =
            (of_rows(reader, &one, &first.trace().waterfall())?, of_rows(reader, &other, &second.trace().waterfall())?);
        let one = side(&one, &first, &of_one, &first.counted(reader, &one)?);
        let other = side(&other, &second, &of_other, &second.counted(reader, &other)?);
        Ok(Some(page::compare::traces(&one, &other)))
    })
    .await
}

fn side<'t>(known: &'t Trace, told: &'t Told, fates: &'t Fates, counted: &TraceTold) -> page::compare::Side<'t> {
    let (spans, open) = (counted.spans, counted.open);
    page::compare::Side { known, trace: told.trace(), fates, spans, open, is_cut: told.is_cut }
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

    /// Returns how many spans it has, how many of them have not ended and how many failed, as the list of traces counts them.
    fn counted(&self, reader: &Reader, known: &Trace) -> Result<TraceTold, QueryError> {
        let trace = self.trace();
        if !self.is_cut && trace.left_out() == 0 {
            let failed = usize::try_from(trace.failed()).ok();
            return Ok(TraceTold { spans: trace.len(), open: trace.running(), failed, talk: None });
        }
        Ok(reader.told_of(std::slice::from_ref(known))?.pop().unwrap_or_default())
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
        let page = reader.events_shown(&query, TRACE_PAGE_BYTES - bytes)?;
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

/// Returns how the sessions of a trace stand.
fn of_rows(reader: &Reader, known: &Trace, rows: &[Row<'_>]) -> Result<Fates, QueryError> {
    fates(reader, rows.iter().map(|row| &*row.span.session_id).chain(known.session_id.as_deref()))
}

/// Returns the runs that the spans of a trace are of, the first of them.
fn runs(reader: &Reader, rows: &[Row<'_>]) -> Result<Vec<Run>, QueryError> {
    let ids = distinct(rows.iter().filter_map(|row| row.span.run_id.as_deref()), RUN_TRACES);
    reader.runs_named(&ids)
}

/// Returns the latest other traces of the same name.
fn like(reader: &Reader, known: &Trace) -> Result<Vec<Trace>, QueryError> {
    let Some(name) = known.name.clone() else { return Ok(Vec::new()) };
    let query = TraceQuery { name: Some(name), limit: LIKE_TRACES, ..TraceQuery::default() };
    let found = reader.traces(&query)?.items;
    Ok(found.into_iter().filter(|trace| trace.trace_id != known.trace_id).collect())
}
