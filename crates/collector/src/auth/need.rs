//! What a request needs, by its method and path.
//!
//! One table for all routes, so that it can be read as a whole. What is in no line of it needs the most: a route that
//! somebody adds is closed until it is listed here.

use axum::http::Method;

use super::Scope;

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: whether the collector is well may be asked by whoever watches it.
    Nothing,
    /// A key with this scope.
    Key(Scope),
    /// A key to send events, which may stand in the body.
    IngestByBody,
}

/// Paths that tell how the collector is, and nothing of what is stored.
const OPEN: [&str; 6] = ["/api/health", "/api/status", "/api/version", "/style.css", "/app.js", "/live.js"];

/// What tells who did what, and how the collector is set up.
const AUDIT: [&str; 2] = ["/api/audit", "/settings"];

/// Under this an exception is marked as resolved, or not.
const MARK: &str = "/exceptions/";

/// The ends of paths under which events are sent, whatever prefix stands before them.
const INGEST: [&str; 11] = [
    "/api/v1/telemetry",
    "/api/v1/logs",
    "/api/v1/create_session",
    "/api/v1/session_heartbeat",
    "/v1/traces",
    "/v1/metrics",
    "/v1/logs",
    "/v1/traces/ingest",
    "/api/v2/logs",
    "/api/v2/validate",
    DATADOG_INPUT,
];

/// What clients ask before or beside sending, by GET or POST.
const CLIENT: [&str; 4] =
    ["/api/v1/client/config", "/api/v1/client/dynamic_config", "/api/v1/validate", "/api/public/health"];

/// The ends of PostHog's paths, whose key is a field of the body.
const POSTHOG: [&str; 7] =
    ["/i/v1/analytics/events", "/i/v0/ai/batch", "/i/v0/e", "/batch", "/capture", "/track", "/e"];

/// Datadog's old path, after which its key may follow as a part of the path.
pub(super) const DATADOG_INPUT: &str = "/v1/input";

/// Returns what a request needs.
pub(crate) fn need(method: &Method, path: &str) -> Need {
    let path = path.trim_end_matches('/');
    let asks = matches!(*method, Method::GET | Method::HEAD);
    if OPEN.iter().any(|open| path.strip_prefix(open).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        && asks
    {
        return Need::Nothing;
    }
    // A browser asks so before it sends; it may not send its key along.
    if *method == Method::OPTIONS {
        return Need::Nothing;
    }
    let ends = |known: &[&str]| known.iter().any(|end| path.ends_with(end));
    if ends(&CLIENT) {
        return Need::Key(Scope::Ingest);
    }
    if asks {
        // Who looked after the collector, and from where, is for those who do.
        return Need::Key(if AUDIT.contains(&path) { Scope::Admin } else { Scope::Read });
    }
    if *method != Method::POST {
        return Need::Key(Scope::Admin);
    }
    // The form of a page, whatever its end looks like.
    if path.strip_prefix(MARK).is_some_and(|fingerprint| !fingerprint.contains('/')) {
        return Need::Key(Scope::Admin);
    }
    if ends(&POSTHOG) || is_sentry(path) {
        return Need::IngestByBody;
    }
    let below_input = path.rsplit_once('/').is_some_and(|(above, _)| above.ends_with(DATADOG_INPUT));
    if ends(&INGEST) || below_input || is_finish(path) || path.starts_with("/opentelemetry.proto.collector.") {
        return Need::Key(Scope::Ingest);
    }
    Need::Key(Scope::Admin)
}

/// `/api/<project>/envelope/`, `/api/<project>/store/`, under any prefix.
fn is_sentry(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (call, project, api) = (parts.next(), parts.next(), parts.next());
    let known = matches!(call, Some("envelope" | "store" | "minidump" | "security" | "unreal"));
    known && api == Some("api") && project.is_some_and(|project| !project.is_empty() && project != "v1")
}

/// `*/api/v1/sessions/<id>/finish`
fn is_finish(path: &str) -> bool {
    path.rsplit_once("/api/v1/sessions/").is_some_and(|(_, rest)| rest.ends_with("/finish"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_needs_what_it_does() {
        const INGEST: Need = Need::Key(Scope::Ingest);
        const READ: Need = Need::Key(Scope::Read);
        const ADMIN: Need = Need::Key(Scope::Admin);
        for (method, path, needed) in [
            (Method::GET, "/api/health", Need::Nothing),
            (Method::GET, "/api/health/db", Need::Nothing),
            (Method::HEAD, "/api/status", Need::Nothing),
            (Method::GET, "/api/healthy", READ),
            (Method::GET, "/", READ),
            (Method::GET, "/sessions/s", READ),
            (Method::GET, "/metrics", READ),
            (Method::GET, "/api/events", READ),
            (Method::GET, "/api/audit", ADMIN),
            (Method::HEAD, "/api/audit/", ADMIN),
            (Method::POST, "/services/prod/api/v1/telemetry", INGEST),
            (Method::POST, "/api/v1/sessions/s-1/finish", INGEST),
            (Method::GET, "/api/v1/client/config", INGEST),
            (Method::POST, "/v1/traces", INGEST),
            (Method::POST, "/api/public/otel/v1/traces", INGEST),
            (Method::POST, "/v1/traces/ingest", INGEST),
            (Method::POST, "/api/v2/logs", INGEST),
            (Method::POST, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", INGEST),
            (Method::POST, "/api/42/envelope/", Need::IngestByBody),
            (Method::POST, "/api/v1/envelope", ADMIN),
            (Method::POST, "/v1/input/a-key", INGEST),
            (Method::POST, "/ph/i/v0/e/", Need::IngestByBody),
            (Method::POST, "/batch/", Need::IngestByBody),
            (Method::POST, "/api/events", ADMIN),
            (Method::POST, "/api/admin/forget", ADMIN),
            (Method::POST, "/exceptions/0123456789abcdef", ADMIN),
            (Method::POST, "/exceptions/e", ADMIN),
            (Method::POST, "/exceptions/e/batch", Need::IngestByBody),
            (Method::DELETE, "/api/sessions/s", ADMIN),
            (Method::PUT, "/api/v1/telemetry", ADMIN),
            (Method::OPTIONS, "/batch", Need::Nothing),
        ] {
            assert_eq!(need(&method, path), needed, "{method} {path}");
        }
    }
}
