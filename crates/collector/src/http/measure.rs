//! Every request is counted: by route, method and status, how long it took, how large its answer is.

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::{Shared, client};
use crate::stats::Route;

/// Counts a request. The time is that from its head to the head of its answer: what a client that reads slowly takes is not ours.
pub(super) async fn measure(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let requests = &shared.0.stats.requests;
    let _active = requests.enter();
    let begun = Instant::now();
    let method = method_of(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let prefixed = if matched.is_none() { of_prefixed(request.uri().path()) } else { "" };
    let response = next.run(request).await;
    let route = matched.as_ref().map_or(prefixed, MatchedPath::as_str);
    let route = Route { route, method, status: response.status().as_u16() };
    requests.answered(route, begun.elapsed(), response.body().size_hint().exact());
    response
}

/// Returns the pattern of a path that is answered under any prefix. Paths that nobody answers are one.
fn of_prefixed(path: &str) -> &'static str {
    let Some((_, call)) = path.rsplit_once("/api/v1/") else { return "other" };
    match call.trim_end_matches('/') {
        "telemetry" => "*/api/v1/telemetry",
        "logs" => "*/api/v1/logs",
        call if client::knows(call) => "*/api/v1/client",
        _ => "other",
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_a_client_makes_up_are_one_route() {
        assert_eq!(of_prefixed("/any/prefix/api/v1/telemetry/"), "*/api/v1/telemetry");
        assert_eq!(of_prefixed("/api/v1/sessions/s-1/finish"), "*/api/v1/client");
        assert_eq!(of_prefixed("/api/v1/made/up"), "other");
        assert_eq!(of_prefixed("/made/up"), "other");
    }
}
