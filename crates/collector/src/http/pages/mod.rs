//! The pages for people: a handler each, which reads what stands in the address, asks, and has it written ([`crate::page`]).

mod alerts;
mod calls;
mod events;
mod exceptions;
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
pub(super) use live::live;
pub(super) use overview::overview;
pub(super) use runs::{artifact, run as run_page, run_diff, run_diff_form, runs};
pub(super) use sessions::{session, sessions};
pub(super) use settings::settings;
pub(super) use traces::{compare, span, trace, traces};

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::Markup;

use super::Shared;
use super::api;
use super::api::run;
use crate::limits::LIST_ROWS;
use crate::page;
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
    what: &str,
    write: impl FnOnce(&Reader, &Q) -> Result<Option<Markup>, QueryError> + Send + 'static,
) -> Response {
    let query = match query {
        Ok(query) => query,
        Err(error) => return wrong(&error.to_string()),
    };
    match run(shared, move |reader| write(reader, &query)).await {
        Ok(Some(page)) => written(page),
        Ok(None) => {
            let (title, text) = (format!("No such {what}"), "Nothing was received with this id.");
            (StatusCode::NOT_FOUND, Html(page::message(&title, text).into_string())).into_response()
        }
        Err(QueryError::Param(error)) => wrong(&error.to_string()),
        Err(error) => api::refuse(&error),
    }
}

/// Answers with a page. HTML can't have the character NUL, which clients can send: its picture stands there.
fn written(page: Markup) -> Response {
    let page = page.into_string();
    Html(if page.contains('\0') { page.replace('\0', "\u{2400}") } else { page }).into_response()
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
