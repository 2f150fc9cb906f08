//! `GET /events.jsonl` and `GET /events.csv`: what a list of events shows, as a file.
//!
//! It is read in steps, so that a large one takes no more memory than a small one and lets others ask in between. A file that could not
//! be read to its end is cut off as a transfer that failed, not as one that is whole; one that has more events than a file may have says
//! so in its last line.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;

use super::api::{Pairs, refuse, run};
use super::pages::asked;
use super::stream::Steps;
use super::{Shared, answer};
use crate::limits::{EXPORT_ROWS_MAX, PAGE_ROWS_MAX, STREAM_STEP_BYTES, STREAMS_MAX};
use crate::page::columns::Columns;
use crate::query::{Event, EventQuery};

/// How events are written.
#[derive(Debug, Clone)]
enum Form {
    Lines,
    Csv(Columns),
}

/// `GET /events.jsonl`, with the filters of `GET /api/events`: each event as it came.
pub(super) async fn lines(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    match asked(&pairs) {
        Ok((query, _)) => export(shared, &pairs, query, Form::Lines),
        Err(error) => refuse(&error.into()),
    }
}

/// `GET /events.csv`, with the filters of `GET /api/events`, and `columns`.
pub(super) async fn csv(State(shared): State<Shared>, Query(pairs): Pairs) -> Response {
    match asked(&pairs) {
        Ok((query, columns)) => export(shared, &pairs, query, Form::Csv(columns)),
        Err(error) => refuse(&error.into()),
    }
}

fn export(shared: Shared, pairs: &[(String, String)], mut query: EventQuery, form: Form) -> Response {
    let Ok(place) = Arc::clone(&shared.0.stream_places).try_acquire_owned() else {
        return answer::later(format!("there are {STREAMS_MAX} live streams and exports already"));
    };
    let is_limited = pairs.iter().any(|(name, value)| name == "limit" && !value.is_empty());
    let rows = if is_limited { query.limit } else { EXPORT_ROWS_MAX };
    let (kind, name) = match form {
        Form::Lines => ("application/x-ndjson", "attachment; filename=\"events.jsonl\""),
        Form::Csv(_) => ("text/csv; charset=utf-8", "attachment; filename=\"events.csv\""),
    };
    let (sender, steps) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut left = rows;
        if let Form::Csv(columns) = &form
            && sender.send(Ok(head(columns).into())).await.is_err()
        {
            return;
        }
        loop {
            query.limit = left.min(PAGE_ROWS_MAX);
            let asked = query.clone();
            let written = form.clone();
            let step = run(&shared, move |reader| {
                let page = reader.events_within(&asked, STREAM_STEP_BYTES)?;
                let text: String = page.items.iter().map(|event| written.line(event)).collect();
                Ok((page.items.len(), page.next, text))
            });
            let (count, next, mut text) = match step.await {
                Ok(step) => step,
                Err(error) => {
                    tracing::warn!(%error, "an export ends early");
                    _ = sender.send(Err(error)).await;
                    break;
                }
            };
            left -= count.min(left);
            let is_over = next.is_none() || left == 0;
            if let Some(next) = next.as_deref().filter(|_| left == 0 && !is_limited) {
                text.push_str(&form.cut(next));
            }
            query.after = next;
            if sender.send(Ok(text.into())).await.is_err() || is_over {
                break;
            }
        }
        drop(place);
    });
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], Body::new(Steps(steps))).into_response()
}

impl Form {
    fn line(&self, event: &Event) -> String {
        match self {
            // What stands on several lines as JSON is one line all the same: there are no breaks within its texts.
            Self::Lines => event.to_json().replace(['\n', '\r'], " ") + "\n",
            Self::Csv(columns) => {
                let json = columns.parse(event);
                row(columns.iter().map(|column| column.text(event, &json)))
            }
        }
    }

    /// Says that there is more, and where it goes on.
    fn cut(&self, next: &str) -> String {
        let text =
            format!("there are more than {EXPORT_ROWS_MAX} events: those that follow are asked for with after={next}");
        match self {
            Self::Lines => serde_json::json!({ "cut": text, "after": next }).to_string() + "\n",
            Self::Csv(_) => row([format!("cut: {text}")]),
        }
    }
}

fn head(columns: &Columns) -> String {
    row(columns.iter().map(|column| column.name().to_owned()))
}

/// Writes a row as RFC 4180 has it.
fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

/// Writes a cell. A spreadsheet takes what begins like a formula for one and runs it: such a text gets a mark before it.
fn cell(text: String) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if is_formula { format!("'{text}") } else { text };
    if text.contains([',', ';', '\t', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_is_read_back_as_it_is() {
        let cells = ["a", "a,b", "say \"x\"", "two\nlines", "=1+1", "-1.5", "-x", "@a,", "+1"];
        let told = row(cells.map(str::to_owned));
        assert_eq!(told, "a,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",'=1+1,-1.5,'-x,\"'@a,\",+1\r\n");
    }
}
