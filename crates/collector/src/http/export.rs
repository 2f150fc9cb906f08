//! `GET /events.jsonl` and `GET /events.csv`: what a list of events shows, as a file.
//!
//! It is read in steps, so that a large one takes no more memory than a small one and lets others ask in between. A file that could not
//! be read to its end is cut off as a transfer that failed, not as one that is whole; one that has more events than a file may have says
//! so in its last line.

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::Shared;
use super::api::{Pairs, refuse, run};
use super::pages::asked;
use super::stream::Steps;
use super::unread::counted;
use crate::limits::{EXPORT_PAUSE, EXPORT_ROWS_MAX, EXPORT_WAIT_MAX, PAGE_ROWS_MAX, STREAM_STEP_BYTES};
use crate::page::columns::Columns;
use crate::query::{Event, EventQuery, QueryError};
use crate::rate::Client;

/// How events are written.
#[derive(Debug, Clone)]
enum Form {
    Lines,
    Csv(Columns),
}

/// `GET /events.jsonl`, with the filters of `GET /api/events`: each event as it came.
pub(super) async fn lines(
    State(shared): State<Shared>,
    Extension(client): Extension<Client>,
    Query(pairs): Pairs,
) -> Response {
    match asked(&pairs) {
        Ok((query, _)) => export(shared, client, &pairs, query, Form::Lines),
        Err(error) => refuse(&error.into()),
    }
}

/// `GET /events.csv`, with the filters of `GET /api/events`, and `columns`.
pub(super) async fn csv(
    State(shared): State<Shared>,
    Extension(client): Extension<Client>,
    Query(pairs): Pairs,
) -> Response {
    match asked(&pairs) {
        Ok((query, columns)) => export(shared, client, &pairs, query, Form::Csv(columns)),
        Err(error) => refuse(&error.into()),
    }
}

fn export(shared: Shared, client: Client, pairs: &[(String, String)], query: EventQuery, form: Form) -> Response {
    let bytes = shared.0.stats.unread_bytes.get();
    if bytes > shared.0.answers_bytes_max {
        return refuse(&QueryError::Unread { bytes });
    }
    let place = match shared.0.export_places.take(client) {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let is_limited = pairs.iter().any(|(name, value)| name == "limit" && !value.is_empty());
    let left = if is_limited { query.limit } else { EXPORT_ROWS_MAX };
    let (kind, name) = match form {
        Form::Lines => ("application/x-ndjson", "attachment; filename=\"events.jsonl\""),
        Form::Csv(_) => ("text/csv; charset=utf-8", "attachment; filename=\"events.csv\""),
    };
    let (sender, steps) = mpsc::channel(1);
    tokio::spawn(Export { shared, query, form, is_limited, left }.write(sender));
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    (headers, Body::new(Steps::new(steps, place))).into_response()
}

/// A file that is being written.
struct Export {
    shared: Shared,
    /// What comes next.
    query: EventQuery,
    form: Form,
    /// Whether who asked said how many events are wanted.
    is_limited: bool,
    /// How many may still be written.
    left: usize,
}

impl Export {
    async fn write(mut self, to: mpsc::Sender<Result<Bytes, QueryError>>) {
        if let Form::Csv(columns) = &self.form
            && to.send(Ok(head(columns).into())).await.is_err()
        {
            return;
        }
        loop {
            let (count, next, mut text) = match self.step().await {
                Ok(step) => step,
                Err(error) => {
                    tracing::warn!(%error, "an export ends early");
                    _ = to.send(Err(error)).await;
                    return;
                }
            };
            self.left -= count.min(self.left);
            let is_over = next.is_none() || self.left == 0;
            if let Some(next) = next.as_deref().filter(|_| self.left == 0 && !self.is_limited) {
                text.push_str(&self.form.cut(next));
            }
            self.query.after = next;
            let piece = counted(text, &self.shared);
            if to.send(Ok(piece)).await.is_err() || is_over {
                return;
            }
        }
    }

    /// Reads what comes next: how many events, behind which it goes on, and their text. While answers that nobody reads take all the memory
    /// that they may, it waits: who reads nothing for too long is cut off, and then there is room.
    async fn step(&self) -> Result<(usize, Option<String>, String), QueryError> {
        let begun = Instant::now();
        loop {
            let asked = EventQuery { limit: self.left.min(PAGE_ROWS_MAX), ..self.query.clone() };
            let form = self.form.clone();
            let step = run(&self.shared, move |reader| {
                let page = reader.events_within(&asked, STREAM_STEP_BYTES)?;
                let text: String = page.items.iter().map(|event| form.line(event)).collect();
                Ok((page.items.len(), page.next, text))
            });
            match step.await {
                Err(QueryError::Unread { .. }) if begun.elapsed() < EXPORT_WAIT_MAX => sleep(EXPORT_PAUSE).await,
                step => return step,
            }
        }
    }
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
    let text = if is_formula(&text) { format!("'{text}") } else { text };
    if text.contains([',', ';', '\t', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Whether some spreadsheet may take a text for a formula: many pass over what can't be seen before it, and those of East Asia take wide
/// signs for the others. What begins with a break or a tab may be torn apart, so that the rest of it begins a cell. Numbers are none.
fn is_formula(text: &str) -> bool {
    const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let is_unseen = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}' | '\u{feff}');
    let is_number = || text.parse::<f64>().is_ok_and(f64::is_finite);
    text.starts_with(['\t', '\r', '\n']) || text.trim_start_matches(is_unseen).starts_with(SIGNS) && !is_number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_is_read_back_as_it_is() {
        let cells = ["a", "a,b", "say \"x\"", "two\nlines", "=1+1", "-1.5", "-x", "@a,", "+1"];
        let told = row(cells.map(str::to_owned));
        assert_eq!(told, "a,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",'=1+1,-1.5,'-x,\"'@a,\",+1\r\n");
        let unseen = ["＝1+1", "＋1", "－x", "＠a", " =1+1", "\u{a0}\u{feff}@a", "\u{0}+x", "-inf", " a", "−1", "1e5"];
        let told = row(unseen.map(str::to_owned));
        assert_eq!(told, "'＝1+1,'＋1,'－x,'＠a,' =1+1,'\u{a0}\u{feff}@a,'\u{0}+x,'-inf, a,−1,1e5\r\n");
        assert_eq!(row(["\ta", "\ra", "\na"].map(str::to_owned)), "\"'\ta\",\"'\ra\",\"'\na\"\r\n");
    }
}
