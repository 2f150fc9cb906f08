//! `GET /api/stream`: events as they are stored, as Server-Sent Events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! An event's id is its row, so that who was cut off goes on behind the last that it saw (`Last-Event-ID`, or `after`): nothing is
//! missed, nothing comes twice. A stream is a cursor into the store: the writer only tells that there is more, and does not
//! know who reads. A reader that is slow has one step in memory and reads the rest later from the disk.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::api::{Pairs, refuse, run_small};
use super::places::Place;
use super::unread::counted;
use super::{Shared, answer};
use crate::limits::{STREAM_HEARTBEAT, STREAM_PAUSE, STREAM_STEP_BYTES, STREAM_STEP_ROWS};
use crate::query::{Event, EventQuery, Order, Page, QueryError};
use crate::rate::Client;

const LAST_EVENT_ID: &str = "last-event-id";

/// `GET /api/stream`, with the filters of `GET /api/events`.
pub(super) async fn stream(
    State(shared): State<Shared>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Query(mut pairs): Pairs,
) -> Response {
    // A client that comes back says what it saw last, whatever it asked for at first.
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        let Ok(last) = last.to_str() else {
            return answer::error(StatusCode::BAD_REQUEST, "`Last-Event-ID` is no id of an event");
        };
        pairs.retain(|(name, _)| name != "after" && name != "cursor");
        pairs.push(("after".to_owned(), last.to_owned()));
    }
    let mut query = match EventQuery::from_pairs(pairs) {
        Ok(query) => EventQuery { order: Order::OldestFirst, limit: STREAM_STEP_ROWS, ..query },
        Err(error) => return refuse(&error.into()),
    };
    let place = match shared.0.stream_places.take(client) {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let newest = shared.0.queue.newest();
    if query.after.is_none() && query.since.is_none() {
        query.after = Some(newest.borrow().to_string());
    }
    let (sender, steps) = mpsc::channel(1);
    tokio::spawn(follow(shared, query, newest, sender));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // A proxy that collects answers would hold the events back.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::new(Steps::new(steps, place))).into_response()
}

/// Sends what comes until nobody reads, or the collector stops.
async fn follow(
    shared: Shared,
    mut query: EventQuery,
    mut newest: watch::Receiver<i64>,
    steps: mpsc::Sender<Result<Bytes, Infallible>>,
) {
    let _open = shared.0.stats.streams.enter();
    let mut stopping = shared.0.stopping.subscribe();
    // The answer begins at once, so that its reader knows that it listens.
    if steps.send(Ok(Bytes::from_static(b": listening\n\n"))).await.is_err() {
        return;
    }
    let ended = async {
        loop {
            newest.borrow_and_update();
            let asked = query.clone();
            match run_small(&shared, move |reader| reader.events_within(&asked, STREAM_STEP_BYTES)).await {
                Ok(page) => {
                    query.after = page.resume.clone().or(query.after.take());
                    if !page.items.is_empty() && steps.send(Ok(counted(written(&page), &shared))).await.is_err() {
                        return;
                    }
                    if page.next.is_some() {
                        continue;
                    }
                }
                // The machine is busy. What is asked again is the same.
                Err(QueryError::TooLong) => {}
                Err(error) => {
                    tracing::error!(%error, "a live stream ends");
                    return;
                }
            }
            // Commits that follow each other closely are read together.
            sleep(STREAM_PAUSE).await;
            match timeout(STREAM_HEARTBEAT, newest.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => {
                    // Also tells how far the reader has come, where the filter leaves all out.
                    let row = query.after.as_deref().unwrap_or("0");
                    if steps.send(Ok(format!(": still here\nid: {row}\n\n").into())).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = ended => {}
        () = steps.closed() => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}

/// Writes events. What is in an event as a line break stands between its parts, and may stand in several `data` lines.
fn written(page: &Page<Event>) -> String {
    let mut text = String::new();
    for event in &page.items {
        let json = event.to_json();
        text.push_str(&format!("id: {}\n", event.row));
        for line in json.split(['\n', '\r']).filter(|line| !line.is_empty()) {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

/// The body of an answer that is made in steps. It has its place until all of it is read, or nobody reads it any more.
pub(super) struct Steps<E> {
    steps: mpsc::Receiver<Result<Bytes, E>>,
    _place: Place,
}

impl<E> Steps<E> {
    pub(super) fn new(steps: mpsc::Receiver<Result<Bytes, E>>, place: Place) -> Self {
        Self { steps, _place: place }
    }
}

impl<E> HttpBody for Steps<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.steps.poll_recv(context).map(|step| step.map(|step| step.map(Frame::data)))
    }
}
