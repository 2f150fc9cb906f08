//! What is answered under which path: one table, of which the router, the list in an answer of 404 and the document of OpenAPI are
//! made.

use axum::routing::{MethodRouter, get};

use super::{Shared, alerts, api, health, metrics, openapi, pages, stream};
use crate::query::{EventQuery, ExceptionQuery, SessionQuery};

/// Something that is answered.
pub(super) struct Endpoint {
    /// Its path. Where events come in, whatever the client puts before it.
    pub(super) path: &'static str,
    pub(super) method: Method,
    /// What it is for, in a line.
    pub(super) about: &'static str,
    /// The parameters that its query may have.
    pub(super) parameters: &'static [&'static str],
    /// What a good answer is.
    pub(super) answer: Shape,
    /// Statuses with the shape of a good answer, beside 200.
    pub(super) also: &'static [u16],
}

/// How it is asked.
pub(super) enum Method {
    /// By GET, answered by this.
    Get(fn() -> MethodRouter<Shared>),
    /// By POST under any prefix, with a body of this shape.
    Post(Shape),
}

/// What a body is, by the name of its schema ([`openapi`]) or its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// JSON of this schema.
    Json(&'static str),
    /// A text of this media type.
    Text(&'static str),
}

use Method::{Get, Post};
use Shape::{Json, Text};

const HTML: Shape = Text("text/html");
const PROMETHEUS: Shape = Text("text/plain");

impl Endpoint {
    const fn new(path: &'static str, method: Method, about: &'static str, answer: Shape) -> Self {
        Self { path, method, about, parameters: &[], answer, also: &[] }
    }

    const fn with(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = parameters;
        self
    }

    const fn also(mut self, also: &'static [u16]) -> Self {
        self.also = also;
        self
    }
}

/// All that is answered, but for what clients of other products send.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::new(
        "/api/v1/telemetry",
        Post(Json("Telemetry")),
        "Store events, as our reporter and `tinker` send them",
        Json("Accepted"),
    ),
    Endpoint::new("/api/v1/logs", Post(Text("application/x-ndjson")), "Store lines of logs", Json("Accepted")),
    Endpoint::new("/api/events", Get(|| get(api::events)), "Events, a page at a time", Json("Events"))
        .with(EventQuery::PARAMS),
    Endpoint::new(
        "/api/stream",
        Get(|| get(stream::stream)),
        "Events as they are stored, as Server-Sent Events",
        Text("text/event-stream"),
    )
    .with(EventQuery::PARAMS),
    Endpoint::new("/api/sessions", Get(|| get(api::sessions)), "Sessions, the latest to begin first", Json("Sessions"))
        .with(SessionQuery::PARAMS),
    Endpoint::new("/api/sessions/{id}", Get(|| get(api::session)), "One session with its gaps", Json("Session")),
    Endpoint::new(
        "/api/exceptions",
        Get(|| get(api::exceptions)),
        "Exceptions, like ones together",
        Json("Exceptions"),
    )
    .with(ExceptionQuery::PARAMS),
    Endpoint::new(
        "/api/alerts",
        Get(|| get(alerts::alerts)),
        "How the rules of alerts stand, and what was told",
        Json("Alerts"),
    ),
    Endpoint::new("/api/status", Get(|| get(health::status)), "Whether all parts work, in short", Json("Status"))
        .also(&[503]),
    Endpoint::new("/api/health", Get(|| get(health::health)), "Whether all parts work", Json("Health")).also(&[503]),
    Endpoint::new("/api/health/db", Get(|| get(health::db)), "Whether the database works", Json("HealthOfDb"))
        .also(&[503]),
    Endpoint::new(
        "/api/health/mq",
        Get(|| get(health::mq)),
        "Whether a stream stands before the writers",
        Json("HealthOfPart"),
    )
    .also(&[503]),
    Endpoint::new("/api/health/storage", Get(|| get(health::storage)), "Whether the disk works", Json("HealthOfPart"))
        .also(&[503]),
    Endpoint::new("/api/version", Get(|| get(health::version)), "Which program answers", Json("Version")),
    Endpoint::new("/api/openapi.json", Get(|| get(openapi::document)), "This document", Json("Document")),
    Endpoint::new("/metrics", Get(|| get(metrics::metrics)), "What the collector counts, for Prometheus", PROMETHEUS)
        .with(&["views"]),
    Endpoint::new("/api/metrics", Get(|| get(metrics::metrics)), "The same", PROMETHEUS).with(&["views"]),
    Endpoint::new("/", Get(|| get(pages::overview)), "A page for people", HTML).with(EventQuery::PARAMS),
    Endpoint::new("/sessions/{id}", Get(|| get(pages::session)), "A page of one session", HTML).with(&["after"]),
    Endpoint::new("/style.css", Get(|| get(pages::style)), "The style of the pages", Text("text/css")),
];

/// Tells what there is, for who asked for something else.
pub(super) fn all() -> String {
    let mut posts = Vec::new();
    let mut gets = Vec::new();
    for endpoint in ENDPOINTS {
        match endpoint.method {
            Get(_) => gets.push(endpoint.path),
            Post(_) => posts.push(format!("<any prefix>{}", endpoint.path)),
        }
    }
    format!("there are POST {} and GET {}", posts.join(", "), gets.join(", "))
}
