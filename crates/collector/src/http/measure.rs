//! Every request is counted: by route, method and status, how long it took, how large its answer is.

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::{Shared, client};
use crate::stats::{Protocol, Route};

/// Counts a request. The time is that from its head to the head of its answer: what a client that reads slowly takes is not ours.
pub(super) async fn measure(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let requests = &shared.0.stats.requests;
    let _active = requests.enter();
    let begun = Instant::now();
    let method = method_of(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let is_of_client = matched.is_none() && is_of_client(request.uri().path());
    let response = next.run(request).await;
    let protocol = response.extensions().get::<Protocol>().copied();
    let prefixed = protocol.map_or(if is_of_client { "*/api/v1/client" } else { "other" }, path_of);
    let route = matched.as_ref().map_or(prefixed, MatchedPath::as_str);
    let route = Route { route, method, status: response.status().as_u16() };
    requests.answered(route, begun.elapsed(), response.body().size_hint().exact());
    response
}

/// Returns the pattern of the paths by which events come in; whatever prefix stands before them is the client's.
const fn path_of(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tinker => "*/api/v1/telemetry",
        Protocol::Otlp => "*/v1/{signal}",
        Protocol::Datadog => "*/api/v2/logs",
        Protocol::Sentry => "*/api/{project}/envelope",
        Protocol::OpenAiAgents => "*/v1/traces/ingest",
        Protocol::PostHog => "*/batch",
        Protocol::Lines => "*/api/v1/logs",
    }
}

/// Returns whether a path is one of those that an unmodified client asks besides.
fn is_of_client(path: &str) -> bool {
    path.rsplit_once("/api/v1/").is_some_and(|(_, call)| client::knows(call.trim_end_matches('/')))
}

/// Returns a method that we know; a client may make others up.
fn method_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
