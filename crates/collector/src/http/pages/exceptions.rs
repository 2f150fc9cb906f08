//! `GET /exceptions`, and `GET` and `POST /exceptions/{fingerprint}`: exceptions, like ones together, and whether they are dealt with.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::super::api::{ID_NOT_TEXT, Pairs};
use super::super::{Shared, edit};
use super::{of_list, or_default, show, show_one, wrong};
use crate::auth::{Caller, Scope};
use crate::limits::{EXCEPTION_CONTEXT, EXCEPTION_EVENTS, PAGE_BYTES_MAX};
use crate::page::{self, Address};
use crate::query::{
    self, Event, EventQuery, ExceptionGroup, ExceptionOrder, ExceptionQuery, Grid, Moment, Occurrence, Order,
    ParamError, QueryError, Reader,
};
use crate::store::trail::Who;

/// `GET /exceptions`, with the parameters of `GET /api/exceptions`.
pub(in super::super) async fn exceptions(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    let address = Address::new("/exceptions", &pairs);
    let pairs = or_default(&of_list(&pairs), &[("order", ExceptionOrder::Worst.as_str())]);
    show(&shared, ExceptionQuery::from_pairs(pairs), move |reader, query| {
        let page = reader.exceptions(query)?;
        let trend = Moment::parse(page::exceptions::TREND_SINCE);
        let grid = match query.since {
            Some(since) => between(since, query.until),
            None => Grid::new(trend.unwrap_or_else(Moment::now), query.until.unwrap_or_else(Moment::now)).rounded(),
        };
        let fingerprints: Vec<_> = page.items.iter().map(|group| &*group.fingerprint).collect();
        let trends = reader.exceptions_over_time(&fingerprints, &grid)?;
        Ok(page::exceptions::list(&page::exceptions::List { page, trends, since: query.since, address }))
    })
    .await
}

/// What a group's page is asked for.
struct Asked {
    since: Option<Moment>,
    until: Option<Moment>,
    /// The exception that is to be shown.
    row: i64,
    after: Option<String>,
}

impl Asked {
    fn of(pairs: &[(String, String)]) -> Result<Self, ParamError> {
        let of = |name: &str| pairs.iter().find(|(known, value)| known == name && !value.is_empty());
        let range = pairs.iter().filter(|(name, _)| !matches!(name.as_str(), "event" | "after" | "cursor"));
        let (since, until) = query::range(range.map(|(name, value)| (name, value)))?;
        let row = query::row(of("event").map(|(_, value)| value.as_str()))?.unwrap_or(i64::MAX);
        Ok(Self { since, until, row, after: of("after").or_else(|| of("cursor")).map(|(_, value)| value.clone()) })
    }
}

/// `GET /exceptions/{fingerprint}`
pub(in super::super) async fn exception(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    fingerprint: Result<Path<String>, PathRejection>,
    Query(pairs): Pairs,
) -> Response {
    let Ok(Path(fingerprint)) = fingerprint else { return wrong(ID_NOT_TEXT) };
    let address = Address::new(page::path(&["exceptions", &fingerprint]), &pairs);
    show_one(&shared, Asked::of(&pairs), "exception", move |reader, asked| {
        let Some(group) = reader.exception(&fingerprint)? else { return Ok(None) };
        // Who said what is in the audit trail, which not all may read.
        let refusal = refusal(&caller);
        let may_know = refusal.is_none();
        let grid = grid(&group, asked.since, asked.until);
        reader.together(|asks| {
            let marks = asks.ask(|| if may_know { reader.exception_marks(&fingerprint) } else { Ok(Vec::new()) });
            let occurrence = asks.ask(|| occurrence(reader, &fingerprint, asked.row));
            let over_time = asks.ask(|| reader.exception_over_time(&fingerprint, &grid));
            let platforms = asks.ask(|| reader.exception_platforms(&fingerprint));
            let events = asks.ask(|| reader.exception_events(&fingerprint, asked.after.as_deref(), EXCEPTION_EVENTS));
            let marks = marks.answer()?;
            let (occurrence, before) = occurrence.answer()?.unzip();
            Ok(Some(page::exception::exception(&page::exception::Detail {
                over_time: over_time.answer()?,
                platforms: platforms.answer()?,
                events: events.answer()?,
                marks,
                occurrence,
                before: before.unwrap_or_default(),
                group,
                address,
                refusal,
            })))
        })
    })
    .await
}

/// Returns the time to draw: what is asked for, else all of a group's.
pub(in super::super) fn grid(group: &ExceptionGroup, since: Option<Moment>, until: Option<Moment>) -> Grid {
    between(since.unwrap_or(group.first_seen), until)
}

/// Returns the time from a moment to another, or to now.
fn between(since: Moment, until: Option<Moment>) -> Grid {
    until.map_or_else(|| Grid::new(since, Moment::now()).open(), |until| Grid::new(since, until))
}

/// Returns the exception of a group at a row, and what its session said before it.
fn occurrence(reader: &Reader, fingerprint: &str, row: i64) -> Result<Option<(Occurrence, Vec<Event>)>, QueryError> {
    let Some(occurrence) = reader.exception_at(fingerprint, row)? else { return Ok(None) };
    let before = before(reader, &occurrence.event)?;
    Ok(Some((occurrence, before)))
}

/// Returns what the session of an exception said before it, the oldest first.
fn before(reader: &Reader, event: &Event) -> Result<Vec<Event>, QueryError> {
    let query = EventQuery {
        session: Some(event.session_id.clone()),
        after: Some(event.row.to_string()),
        order: Order::NewestFirst,
        limit: EXCEPTION_CONTEXT,
        ..EventQuery::default()
    };
    let mut before = reader.events_shown(&query, PAGE_BYTES_MAX)?.items;
    before.reverse();
    Ok(before)
}

/// Says why whoever asks can't say that something is dealt with, if so.
fn refusal(caller: &Caller) -> Option<String> {
    let Caller::Holder(key) = caller else { return None };
    let needed = Scope::Admin;
    (!key.scopes().allow(needed)).then(|| {
        format!("This needs a key with the scope {}. Yours, {}, is for {}.", needed.as_str(), key.name(), key.scopes())
    })
}

/// `POST /exceptions/{fingerprint}`: the form of that page.
pub(in super::super) async fn mark(
    State(shared): State<Shared>,
    who: Who,
    fingerprint: Result<Path<String>, PathRejection>,
    form: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(Path(fingerprint)) = fingerprint else { return wrong(ID_NOT_TEXT) };
    let resolved = match form.as_deref() {
        Ok(b"resolved=true") => true,
        Ok(b"resolved=false") => false,
        _ => return wrong("the form must say `resolved=true` or `resolved=false`"),
    };
    match edit::mark(&shared, who, &fingerprint, resolved).await {
        // Whoever loads the page again does not send the form again.
        Ok(Some(())) => Redirect::to(&page::path(&["exceptions", &fingerprint])).into_response(),
        Ok(None) => {
            let text = "There are no exceptions with this fingerprint any more.";
            (StatusCode::NOT_FOUND, Html(page::message("No such exception", text).into_string())).into_response()
        }
        Err(error) => {
            let page = page::message("It was not stored", &format!("{}: send the form again.", edit::unmade(&error)));
            (StatusCode::SERVICE_UNAVAILABLE, Html(page.into_string())).into_response()
        }
    }
}
