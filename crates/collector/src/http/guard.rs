//! What holds for every request and every answer: who asks, whether they may, how much of it; and what no page of another
//! site gets at.
//!
//! In this order: an id; a page of another site is refused; while no keys are asked for, so is a host name that is not ours (a
//! name may be made to resolve to this machine); then the key, then its rate. Whether the collector is well may be asked
//! by anybody at any rate.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::context::{Context, REQUEST_ID, trace_of};
use super::gate::{Gate, Refusal};
use super::{Shared, answer, body};
use crate::auth::{Caller, credential};
use crate::clock;
use crate::limits::{LOGGED_PATH_CHARS_MAX, REFUSED_DRAIN_BYTES_MAX, REFUSED_DRAIN_TIMEOUT};
use crate::page;
use crate::rate::{Client, Left, TooMuch};

/// Pages load their own style and script and nothing else, run no script that stands in a page, and nobody may frame them.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: a browser would not say either that a form comes from a page of ours (`Origin: null`).
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Lets requests in or refuses them, and adds the headers that every answer has.
pub(super) async fn guard(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let gate = &shared.0.gate;
    let context = Context::of(&request, gate.trusted());
    let span = span(&context, request.headers());
    let id = HeaderValue::from_str(&context.request_id);
    let mut response = async {
        let begun = Instant::now();
        let (address, agent) = (context.ip_address, context.user_agent.clone());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let mut limited = None;
        let response = match admit(gate, &request, &context, &mut limited) {
            Ok((caller, client)) => {
                let extensions = request.extensions_mut();
                extensions.insert(context);
                extensions.insert(caller);
                extensions.insert(client);
                next.run(request).await
            }
            Err(refused) => {
                // Who is cut off while it writes may never see the answer.
                body::drain(request.into_body(), REFUSED_DRAIN_BYTES_MAX, REFUSED_DRAIN_TIMEOUT).await;
                refused
            }
        };
        let duration_ms = begun.elapsed().as_micros() as f64 / 1e3;
        let (path, status) = (logged(&uri), response.status().as_u16());
        tracing::debug!(%method, path, status, duration_ms, address = address.map(tracing::field::display), agent, "answered");
        limit(response, limited)
    }
    .instrument(span)
    .await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = id {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Returns who asks and whose rate it is, or why they may not.
#[allow(clippy::result_large_err, reason = "the answer is what is made of it, once")]
fn admit(
    gate: &Gate,
    request: &Request,
    context: &Context,
    limited: &mut Option<Left>,
) -> Result<(Caller, Client), Response> {
    let forbidden = |message: String| Err(answer::error(StatusCode::FORBIDDEN, message));
    if is_foreign(request) {
        return forbidden("the request comes from a page of another site (`Origin`)".to_owned());
    }
    if let Err(host) = gate.names(host(request)) {
        return forbidden(format!(
            "the host `{host}` is no name of this collector: use localhost or an address, or name it in `hosts`"
        ));
    }
    let caller = gate.authenticate(request).map_err(|refusal| refuse(&refusal, request.headers()))?;
    let client = match &caller {
        Caller::Holder(key) => Client::Key(key.name().into()),
        Caller::Anyone | Caller::Unproven => context.ip_address.map_or(Client::Others, Client::of_address),
    };
    if !Gate::is_exempt(request) {
        *limited = gate.rates.request(&client, Instant::now()).map_err(|refused| too_much(&refused))?;
    }
    Ok((caller, client))
}

/// Says why somebody may not.
fn refuse(refusal: &Refusal, headers: &HeaderMap) -> Response {
    let status = refusal.status();
    let is_person = is_person(headers);
    let mut response = if is_person {
        let page = page::message("This needs another key", &format!("{refusal}."));
        (status, Html(page.into_string())).into_response()
    } else {
        answer::error(status, refusal.to_string())
    };
    if status == StatusCode::UNAUTHORIZED {
        // A browser asks its user, whose password is the key. Programs are not to ask anybody.
        let scheme = if is_person {
            "Basic realm=\"lastword: any name, and a key as the password\", charset=\"UTF-8\""
        } else {
            "Bearer realm=\"lastword\""
        };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    response
}

/// Tells whether a person asks, by a browser, who wants a page and no JSON.
pub(super) fn is_person(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accepts.contains("text/html")
}

/// Says that a client has sent too much.
pub(super) fn too_much(refused: &TooMuch) -> Response {
    let seconds = answer::seconds(refused.wait);
    let message = format!("this client has sent too much: send again in {seconds} s");
    let body = Json(json!({ "error": { "code": "RATE_LIMIT_EXCEEDED", "message": message } }));
    let retry = [(header::RETRY_AFTER, seconds.to_string())];
    limit((StatusCode::TOO_MANY_REQUESTS, retry, body).into_response(), Some(refused.left))
}

/// Says what a client has left, where there is a limit.
fn limit(mut response: Response, left: Option<Left>) -> Response {
    let Some(Left { limit, remaining, reset }) = left else { return response };
    let now = Duration::from_micros(u64::try_from(clock::now_us()).unwrap_or(0));
    for (name, value) in [
        ("x-ratelimit-limit", limit),
        ("x-ratelimit-remaining", remaining),
        ("x-ratelimit-reset", answer::seconds(now + reset)),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), value.into());
    }
    response
}

/// The span of a request: whatever is logged within it says its id, and of which trace it is. It is of the highest level, so
/// that no level of the log takes the id away from what is still said.
fn span(context: &Context, headers: &HeaderMap) -> Span {
    let span = tracing::error_span!(
        "request",
        request_id = context.request_id,
        trace_id = tracing::field::Empty,
        span_id = tracing::field::Empty
    );
    if !span.is_disabled()
        && let Some(of) = trace_of(headers)
    {
        span.record("trace_id", tracing::field::display(of.trace_id()));
        span.record("span_id", tracing::field::display(of.span_id()));
    }
    span
}

/// Returns the path of a request as it may be logged: cut, without a key, and without its query, where keys may stand too.
fn logged(uri: &Uri) -> &str {
    let path = credential::without_key(uri.path());
    &path[..path.floor_char_boundary(LOGGED_PATH_CHARS_MAX)]
}

/// Returns the host that a request is for, with its port if it has one.
fn host(request: &Request) -> Option<&str> {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    request.uri().authority().map(axum::http::uri::Authority::as_str).or(header)
}

/// Tells whether a browser says that the request was made by a page of another host.
fn is_foreign(request: &Request) -> bool {
    let said = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    // Of a picture or a script of another page a browser says this alone. A link that somebody follows is no such thing.
    let is_followed = *request.method() == Method::GET && said("sec-fetch-mode") == Some("navigate");
    if matches!(said("sec-fetch-site"), Some("cross-site" | "same-site")) && !is_followed {
        return true;
    }
    let Some(origin) = request.headers().get(header::ORIGIN) else { return false };
    let host = host(request);
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_none() || origin != host
}
