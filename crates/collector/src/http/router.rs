//! Which code answers a request: by its path where that is one of the table ([`super::routes`]), else by what its path ends with.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::routes::ENDPOINTS;
use super::{Shared, answer, client, clients, compress, grpc, guard, intake, lines, measure, otlp, routes, telemetry};
use crate::ingest::otlp::{Format, Signal};
use crate::limits::NOWHERE_CHARS_MAX;
use crate::page;
use crate::stream::Role;

/// Returns all that is answered.
pub(crate) fn router(shared: Shared) -> Router {
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        if endpoint.role().is_some_and(|role| !shared.has(role)) {
            continue;
        }
        if let Some(answer) = endpoint.method.answer() {
            router = router.route(endpoint.path, answer());
        }
    }
    router
        .fallback(any_prefix)
        .method_not_allowed_fallback(async || answer::wrong_method("GET"))
        .layer(axum::middleware::from_fn(compress::compress))
        .layer(axum::middleware::from_fn_with_state(shared.clone(), guard::guard))
        .layer(axum::middleware::from_fn_with_state(shared.clone(), measure::measure))
        .with_state(shared)
}

/// Answers what clients ask under whatever prefix their base URL has.
async fn any_prefix(State(shared): State<Shared>, request: Request) -> Response {
    if let Some(role) = Role::ALL.into_iter().find(|role| !shared.has(*role) && routes::is_of(*role, &request)) {
        return of_another(role);
    }
    if let Some(call) = grpc::call(&request) {
        return grpc::take(&shared, call, request).await;
    }
    let request = match clients::answer(&shared, request).await {
        Ok(answer) => return answer,
        Err(request) => request,
    };
    let path = request.uri().path();
    if let Some(signal) = otlp::signal(path) {
        // Lines of logs in JSON have this path too; those of OTLP in JSON need another one before it.
        let is_lines = path.trim_end_matches('/').ends_with("/api/v1/logs");
        if !is_lines || otlp::format(request.headers()) == Some(Format::Protobuf) {
            return export(&shared, signal, request).await;
        }
    }
    let Some((_, call)) = path.rsplit_once("/api/v1/") else { return unknown(&request) };
    let call = call.trim_end_matches('/').to_owned();
    if !matches!(call.as_str(), "telemetry" | "logs") && !client::knows(&call) {
        return unknown(&request);
    }
    if request.method() != Method::POST {
        return answer::wrong_method("POST");
    }
    match call.as_str() {
        "telemetry" => intake::take(&shared, request, telemetry::Telemetry).await,
        "logs" => {
            let lines = lines::Lines::of(request.uri());
            intake::take(&shared, request, lines).await
        }
        call => client::answer(call),
    }
}

/// Takes an export request of OTLP.
async fn export(shared: &Shared, signal: Signal, request: Request) -> Response {
    if request.method() != Method::POST {
        return answer::wrong_method("POST");
    }
    let Some(format) = otlp::format(request.headers()) else { return otlp::unknown_format() };
    let export = otlp::Export::new(Arc::clone(&shared.0.otlp), signal, format);
    intake::take(shared, request, export).await
}

/// Answers what another process of the fleet would answer. Who brings events is to come back with them, and not to give them up.
fn of_another(role: Role) -> Response {
    let why = format!("this process does not have the role `{}`: ask one that has it", role.as_str());
    match role {
        Role::Ingest => answer::later(why),
        Role::Write | Role::Query => answer::error(StatusCode::NOT_FOUND, why),
    }
}

/// Says that there is nothing, and what there is: to a person by a page with links.
fn unknown(request: &Request) -> Response {
    let path: String = request.uri().path().chars().take(NOWHERE_CHARS_MAX).collect();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads && guard::is_person(request.headers()) {
        return (StatusCode::NOT_FOUND, Html(page::nowhere(&path).into_string())).into_response();
    }
    answer::error(StatusCode::NOT_FOUND, format!("there is nothing at {path}: {}", routes::all()))
}
