//! Clients of other products, each by the path that its own server has: Sentry, Datadog, the SDK for agents of OpenAI, PostHog.

use axum::extract::Request;
use axum::http::{Method, header};
use axum::response::Response;

use super::agents::Agents;
use super::datadog::Datadog;
use super::posthog::{self, PostHog};
use super::sentry::Sentry;
use super::{Shared, answer, intake};

/// Answers a request of theirs; any other is returned.
pub(super) async fn answer(shared: &Shared, mut request: Request) -> Result<Response, Request> {
    let path = request.uri().path();
    let (sentry, datadog, posthog) = (Sentry::of(path), Datadog::of(request.uri()), PostHog::of(path));
    let is_agents = path.trim_end_matches('/').ends_with(Agents::PATH);
    if sentry.is_none() && datadog.is_none() && posthog.is_none() && !is_agents {
        return Err(request);
    }
    if request.method() != Method::POST {
        return Ok(answer::wrong_method("POST"));
    }
    if let Some(sentry) = sentry {
        return Ok(intake::take(shared, request, sentry).await);
    }
    if let Some(datadog) = datadog {
        return Ok(intake::take(shared, request, datadog).await);
    }
    if let Some(posthog) = posthog {
        if posthog::is_gzip(request.uri()) && !request.headers().contains_key(header::CONTENT_ENCODING) {
            request.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
        }
        return Ok(intake::take(shared, request, posthog).await);
    }
    Ok(intake::take(shared, request, Agents).await)
}
