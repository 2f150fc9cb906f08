//! The pages for people: a handler each, which reads what stands in the address, asks, and has it written ([`crate::page`]).

mod alerts;
mod calls;
mod events;
mod exceptions;
mod find;
mod live;
mod overview;
mod runs;
mod sessions;
mod settings;
mod traces;

pub(super) use alerts::alerts;
pub(super) use calls::{call, calls};
pub(super) use events::{asked, event, events};
pub(super) use exceptions::{exception, exceptions, grid, mark};
pub(super) use find::find;
pub(super) use live::live;
pub(super) use overview::{begin, overview};
pub(super) use runs::{artifact, run as run_page, run_diff, run_diff_form, runs};
pub(super) use sessions::{session, sessions};
pub(super) use settings::settings;
pub(super) use traces::{compare, span, trace, traces};

use std::collections::BTreeSet;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::Markup;

use super::Shared;
use super::api::run;
use super::{answer as answers, api};
use crate::limits::{LIST_ROWS, RETRY_AFTER};
use crate::page::fate::Fates;
use crate::page::{self, Address};
use crate::query::{ParamError, QueryError, Reader};

/// `GET /style.css`
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE).into_response()
}

/// `GET /app.js`
pub(super) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], page::SCRIPT).into_response()
}

/// `GET /live.js`
pub(super) async fn live_script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], page::LIVE_SCRIPT).into_response()
}

/// `GET /keys`
pub(super) async fn keys() -> Response {
    Html(page::keys::page().into_string()).into_response()
}

/// Answers with a page that is there whatever was asked for.
async fn show<Q: Send + 'static>(
    shared: &Shared,
    query: Result<Q, ParamError>,
    write: impl FnOnce(&Reader, &Q) -> Result<Markup, QueryError> + Send + 'static,
) -> Response {
    show_one(shared, query, "page", |reader, query| write(reader, query).map(Some)).await
}

/// Answers with the page of one thing, or says that there is no such `what`.
async fn show_one<Q: Send + 'static>(
    shared: &Shared,
    query: Result<Q, ParamError>,
    what: &'static str,
    write: impl FnOnce(&Reader, &Q) -> Result<Option<Markup>, QueryError> + Send + 'static,
) -> Response {
    answer(shared, query, move |reader, query| {
        Ok(write(reader, query)?.map_or_else(
            || {
                let (title, text) = (format!("No such {what}"), "Nothing was received with this id.");
                (StatusCode::NOT_FOUND, Html(page::message(&title, text).into_string())).into_response()
            },
            written,
        ))
    })
    .await
}

/// Answers what was asked for, or says in a page why it can't.
async fn answer<Q: Send + 'static>(
    shared: &Shared,
    query: Result<Q, ParamError>,
    ask: impl FnOnce(&Reader, &Q) -> Result<Response, QueryError> + Send + 'static,
) -> Response {
    let query = match query {
        Ok(query) => query,
        Err(error) => return wrong(&error.to_string()),
    };
    match run(shared, move |reader| ask(reader, &query)).await {
        Ok(answer) => answer,
        Err(QueryError::Param(error)) => wrong(&error.to_string()),
        Err(error) => unanswered(&error),
    }
}

/// Answers with the page of what a path names, or says that there is no such `what`.
async fn show_named<I: Send + 'static>(
    shared: &Shared,
    named: Result<Path<I>, PathRejection>,
    what: &'static str,
    write: impl FnOnce(&Reader, &I) -> Result<Option<Markup>, QueryError> + Send + 'static,
) -> Response {
    match named {
        Ok(Path(named)) => show_one(shared, Ok(named), what, write).await,
        Err(_) => wrong(api::ID_NOT_TEXT),
    }
}

/// Answers with the list at a path, of what its parameters ask for.
async fn show_list<Q: Send + 'static>(
    shared: &Shared,
    path: &str,
    pairs: &[(String, String)],
    read: impl FnOnce(Vec<(String, String)>) -> Result<Q, ParamError>,
    write: impl FnOnce(&Reader, &Q, &Address) -> Result<Markup, QueryError> + Send + 'static,
) -> Response {
    let address = Address::new(path, pairs);
    show(shared, read(of_list(pairs)), move |reader, query| write(reader, query, &address)).await
}

/// Reads the number that an address says of a place in a page.
fn place(address: &Address, name: &'static str) -> Result<Option<usize>, ParamError> {
    match address.value(name) {
        "" => Ok(None),
        value => value.parse().map(Some).map_err(|_| ParamError::value(name, value, "a whole number from 0 on")),
    }
}

/// Returns each of these once, in their order, at most so many.
fn distinct<T: PartialEq>(all: impl IntoIterator<Item = T>, most: usize) -> Vec<T> {
    let mut distinct = Vec::new();
    for one in all {
        if distinct.len() == most {
            break;
        }
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

/// Returns how these sessions stand.
fn fates<'s>(reader: &Reader, sessions: impl IntoIterator<Item = &'s str>) -> Result<Fates, QueryError> {
    let ids: BTreeSet<&str> = sessions.into_iter().collect();
    Ok(Fates::new(reader.sessions_named(&ids.into_iter().collect::<Vec<_>>())?))
}

/// Answers with a page.
fn written(page: Markup) -> Response {
    Html(page.into_string()).into_response()
}

/// Says in a page why a question got no answer, and has it asked again.
fn unanswered(error: &QueryError) -> Response {
    let (status, told) = answers::unanswered(error);
    let page = (status, Html(page::unanswered(&told).into_string())).into_response();
    if status != StatusCode::SERVICE_UNAVAILABLE {
        return page;
    }
    ([(header::RETRY_AFTER, RETRY_AFTER.as_secs().to_string())], page).into_response()
}

/// Says what is wrong with what was asked for.
fn wrong(error: &str) -> Response {
    let page = page::message("This can't be shown", error);
    (StatusCode::BAD_REQUEST, Html(page.into_string())).into_response()
}

/// Returns the parameters with these where they are not given.
fn or_default(pairs: &[(String, String)], defaults: &[(&str, &str)]) -> Vec<(String, String)> {
    let is_missing = |name: &str| !pairs.iter().any(|(known, value)| known == name && !value.is_empty());
    let missing = defaults.iter().filter(|(name, _)| is_missing(name));
    let missing = missing.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pairs.iter().cloned().chain(missing).collect()
}

/// Returns the parameters of a list, with how many rows a page of it has.
fn of_list(pairs: &[(String, String)]) -> Vec<(String, String)> {
    or_default(pairs, &[("limit", &LIST_ROWS.to_string())])
}
