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
    self, Event, EventQuery, ExceptionGroup, ExceptionOrder, ExceptionQuery, Grid, Moment, Order, ParamError,
    QueryError, Reader,
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
        let trends = page.items.iter().map(|group| reader.exception_over_time(&group.fingerprint, &grid));
        let trends = trends.collect::<Result<_, _>>()?;
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
        let marks = if refusal.is_none() { reader.exception_marks(&fingerprint)? } else { Vec::new() };
        let occurrence = reader.exception_at(&fingerprint, asked.row)?;
        let before = occurrence.as_ref().map_or(Ok(Vec::new()), |occurrence| before(reader, &occurrence.event))?;
        Ok(Some(page::exception::exception(&page::exception::Detail {
            over_time: reader.exception_over_time(&fingerprint, &grid(&group, asked.since, asked.until))?,
            platforms: reader.exception_platforms(&fingerprint)?,
            events: reader.exception_events(&fingerprint, asked.after.as_deref(), EXCEPTION_EVENTS)?,
            marks,
            occurrence,
            before,
            group,
            address,
            refusal,
        })))
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
            let page = page::message("It was not stored", &format!("{error}: send the form again."));
            (StatusCode::SERVICE_UNAVAILABLE, Html(page.into_string())).into_response()
        }
    }
}
