//! What is answered under which path: one table, of which the router, the list in an answer of 404 and the document of OpenAPI are
//! made.

use axum::extract::Request;
use axum::routing::{MethodRouter, delete, get, patch, post};

use super::{Shared, alerts, api, audit, edit, explore, export, health, metrics, openapi, pages, stream};
use crate::query::{
    AuditQuery, CallQuery, EventQuery, ExceptionQuery, RunQuery, SeriesQuery, SessionQuery, StatsQuery, TraceQuery,
    UserQuery,
};
use crate::stream::Role;

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
    Get(Answer),
    /// By PATCH, answered by this, with a body of this shape.
    Patch(Answer, Shape),
    /// By DELETE, answered by this.
    Delete(Answer),
    /// By a form, answered by this.
    Form(Answer),
    /// By POST under any prefix, with a body of this shape.
    Post(Shape),
}

/// What answers.
type Answer = fn() -> MethodRouter<Shared>;

impl Method {
    /// Returns what answers at the path itself; what comes in under any prefix has no path of its own.
    pub(super) const fn answer(&self) -> Option<Answer> {
        match self {
            Self::Get(answer) | Self::Patch(answer, _) | Self::Delete(answer) | Self::Form(answer) => Some(*answer),
            Self::Post(_) => None,
        }
    }

    /// Returns its name, and the shape of the body that goes with it.
    pub(super) const fn told(&self) -> (&'static str, Option<Shape>) {
        match self {
            Self::Get(_) => ("get", None),
            Self::Patch(_, body) => ("patch", Some(*body)),
            Self::Delete(_) => ("delete", None),
            Self::Form(_) => ("post", Some(FORM)),
            Self::Post(body) => ("post", Some(*body)),
        }
    }
}

/// The beginnings of what every process answers, whatever its roles are: how it is.
const OF_ALL: [&str; 6] = ["/api/health", "/api/status", "/api/version", "/api/metrics", "/api/openapi", "/metrics"];

/// Whether a request that no endpoint of this process answers is one for a role.
pub(super) fn is_of(role: Role, request: &Request) -> bool {
    match role {
        Role::Ingest => request.method() == axum::http::Method::POST,
        Role::Query => request.method() != axum::http::Method::POST,
        Role::Write => false,
    }
}

/// What a body is, by the name of its schema ([`openapi`]) or its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// JSON of this schema.
    Json(&'static str),
    /// A text of this media type.
    Text(&'static str),
}

use Method::{Delete, Form, Get, Patch, Post};
use Shape::{Json, Text};

const OTLP: Shape = Json("Object");
const FORM: Shape = Text("application/x-www-form-urlencoded");
const HTML: Shape = Text("text/html");
const LINES: Shape = Text("application/x-ndjson");
const PROMETHEUS: Shape = Text("text/plain");

/// What a list of events takes on a page: the parameters of the API, and what is shown of each.
const EXPLORER: &[&str] = &[
    "session", "trace", "run", "user", "version", "name", "kind", "severity", "since", "until", "text", "order",
    "limit", "after", "columns",
];

impl Endpoint {
    const fn new(path: &'static str, method: Method, about: &'static str, answer: Shape) -> Self {
        Self { path, method, about, parameters: &[], answer, also: &[] }
    }

    const fn with(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Returns the role of those that answer it; `None` if all do.
    pub(super) fn role(&self) -> Option<Role> {
        if OF_ALL.iter().any(|path| self.path.starts_with(path)) {
            return None;
        }
        Some(if matches!(self.method, Post(_)) { Role::Ingest } else { Role::Query })
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
    Endpoint::new("/v1/traces", Post(OTLP), "Store spans, as OpenTelemetry exports them", Json("Object")),
    Endpoint::new("/v1/logs", Post(OTLP), "Store logs, as OpenTelemetry exports them", Json("Object")),
    Endpoint::new("/v1/metrics", Post(OTLP), "Store metrics, as OpenTelemetry exports them", Json("Object")),
    Endpoint::new("/api/v1/logs", Post(Json("Object")), "Store lines of logs", Json("Accepted")),
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
        "/api/sessions/{id}",
        Delete(|| delete(edit::delete_session)),
        "Remove a session and all of its events",
        Json("Removed"),
    ),
    Endpoint::new(
        "/api/exceptions/{fingerprint}",
        Get(|| get(api::exception)),
        "One group of exceptions, and how many there were over time",
        Json("Exception"),
    )
    .with(&["since", "until"]),
    Endpoint::new(
        "/api/exceptions/{fingerprint}",
        Patch(|| patch(edit::exception), Json("ExceptionEdit")),
        "Say that an exception is resolved, or is not",
        Json("Object"),
    ),
    Endpoint::new(
        "/api/stats",
        Get(|| get(explore::stats)),
        "How many events there were by minute or hour, name and severity",
        Json("Object"),
    )
    .with(StatsQuery::PARAMS),
    Endpoint::new("/api/traces", Get(|| get(explore::traces)), "Traces, the latest to appear first", Json("Object"))
        .with(TraceQuery::PARAMS),
    Endpoint::new("/api/traces/{id}", Get(|| get(explore::trace)), "One trace as a whole", Json("Object")),
    Endpoint::new("/api/runs", Get(|| get(explore::runs)), "Runs, the latest to appear first", Json("Object"))
        .with(RunQuery::PARAMS),
    Endpoint::new("/api/runs/{id}", Get(|| get(explore::run)), "One run", Json("Object")),
    Endpoint::new(
        "/api/calls",
        Get(|| get(explore::calls)),
        "How calls of models and tools fared, by what is called, version, provider or hour",
        Json("Calls"),
    )
    .with(CallQuery::PARAMS),
    Endpoint::new("/api/series", Get(|| get(explore::series)), "Series of metrics", Json("Object"))
        .with(SeriesQuery::PARAMS),
    Endpoint::new("/api/series/{id}", Get(|| get(explore::points)), "The points of a series", Json("Object"))
        .with(&["since", "until"]),
    Endpoint::new("/api/users", Get(|| get(explore::users)), "Users that are known", Json("Object"))
        .with(UserQuery::PARAMS),
    Endpoint::new(
        "/api/users/{id}",
        Patch(|| patch(edit::user), Json("UserEdit")),
        "Opt a user in, or take that back",
        Json("Object"),
    ),
    Endpoint::new(
        "/api/users/{id}",
        Delete(|| delete(edit::delete_user)),
        "Remove all events that name a user",
        Json("Removed"),
    ),
    Endpoint::new(
        "/api/alerts",
        Get(|| get(alerts::alerts)),
        "How the rules of alerts stand, and what was told",
        Json("Alerts"),
    ),
    Endpoint::new(
        "/api/audit",
        Get(|| get(audit::audit)),
        "What those who look after the collector did, the latest first",
        Json("Object"),
    )
    .with(AuditQuery::PARAMS),
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
    Endpoint::new("/", Get(|| get(pages::overview)), "A page of what a range of time was like", HTML)
        .with(&["since", "until", "refresh"]),
    Endpoint::new("/find", Get(|| get(pages::find)), "To the page of what has an id", HTML).with(&["q"]).also(&[303]),
    Endpoint::new("/sessions", Get(|| get(pages::sessions)), "A page of sessions", HTML).with(SessionQuery::PARAMS),
    Endpoint::new("/sessions/{id}", Get(|| get(pages::session)), "A page of one session", HTML)
        .with(&["severity", "from", "before", "after"]),
    Endpoint::new("/exceptions", Get(|| get(pages::exceptions)), "A page of exceptions", HTML)
        .with(ExceptionQuery::PARAMS),
    Endpoint::new(
        "/exceptions/{fingerprint}",
        Get(|| get(pages::exception)),
        "A page of exceptions that are alike",
        HTML,
    )
    .with(&["since", "until", "event", "after"]),
    Endpoint::new(
        "/exceptions/{fingerprint}",
        Form(|| post(pages::mark)),
        "The form of that page: say that an exception is resolved, or is not",
        HTML,
    )
    .also(&[303]),
    Endpoint::new("/calls", Get(|| get(pages::calls)), "A page of models and tools", HTML).with(CallQuery::PARAMS),
    Endpoint::new("/calls/{kind}/{name}", Get(|| get(pages::call)), "A page of one model or tool", HTML)
        .with(&["provider", "version", "since", "until", "after"]),
    Endpoint::new("/events", Get(|| get(pages::events)), "A page of events", HTML).with(EXPLORER),
    Endpoint::new("/events/{id}", Get(|| get(pages::event)), "A page of one event, by its row or id", HTML),
    Endpoint::new("/events.jsonl", Get(|| get(export::lines)), "Events as a file, one in a line", LINES)
        .with(EventQuery::PARAMS),
    Endpoint::new("/events.csv", Get(|| get(export::csv)), "Columns of events as a file", Text("text/csv"))
        .with(EXPLORER),
    Endpoint::new("/traces", Get(|| get(pages::traces)), "A page of traces", HTML).with(TraceQuery::PARAMS),
    Endpoint::new("/traces/{id}", Get(|| get(pages::trace)), "A page of one trace", HTML).with(&["from"]),
    Endpoint::new("/traces/{id}/spans/{span}", Get(|| get(pages::span)), "A page of one span", HTML),
    Endpoint::new("/traces/{id}/compare", Get(|| get(pages::compare)), "A page of two traces", HTML).with(&["other"]),
    Endpoint::new("/alerts", Get(|| get(pages::alerts)), "A page of how the rules of alerts stand", HTML),
    Endpoint::new("/settings", Get(|| get(pages::settings)), "A page of how the collector is and is set up", HTML)
        .with(AuditQuery::PARAMS),
    Endpoint::new("/runs", Get(|| get(pages::runs)), "A page of runs", HTML).with(RunQuery::PARAMS),
    Endpoint::new("/runs/{id}", Get(|| get(pages::run_page)), "A page of one run", HTML).with(&["step", "from"]),
    Endpoint::new("/runs/{id}/diff", Get(|| get(pages::run_diff_form)), "A page of two runs", HTML).with(&["other"]),
    Endpoint::new("/runs/{id}/diff/{other}", Get(|| get(pages::run_diff)), "The same", HTML),
    Endpoint::new("/runs/{id}/artifacts/{name}", Get(|| get(pages::artifact)), "A page of what a run left", HTML),
    Endpoint::new("/live", Get(|| get(pages::live)), "A page of events as they come", HTML).with(EventQuery::PARAMS),
    Endpoint::new("/begin", Get(|| get(pages::begin)), "A page of how to send something here", HTML),
    Endpoint::new("/keys", Get(|| get(pages::keys)), "A page of what the keyboard does", HTML),
    Endpoint::new("/style.css", Get(|| get(pages::style)), "The style of the pages", Text("text/css")),
    Endpoint::new("/app.js", Get(|| get(pages::script)), "The script of the pages", Text("text/javascript")),
    Endpoint::new("/live.js", Get(|| get(pages::live_script)), "The script of live events", Text("text/javascript")),
];

/// Tells what there is, for who asked for something else.
pub(super) fn all() -> String {
    let of = |wanted: &str, prefix: &str| {
        let is_form = |endpoint: &&Endpoint| matches!(endpoint.method, Form(_));
        let paths = ENDPOINTS.iter().filter(|endpoint| endpoint.method.told().0 == wanted && !is_form(endpoint));
        paths.map(|endpoint| format!("{prefix}{}", endpoint.path)).collect::<Vec<_>>().join(", ")
    };
    format!("there are POST {} and GET {}", of("post", "<any prefix>"), of("get", ""))
}
