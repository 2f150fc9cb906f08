//! One request, and what its answer says.

use std::error::Error;
use std::fmt::Write;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Response};

use super::settings::Settings;
use crate::clock::Clock;
use crate::limits::{ERROR_CHAIN_MAX, HTTP_ANSWER_BYTES_MAX, HTTP_ANSWER_EXCERPT_CHARS_MAX};
use crate::sink::SinkError;
use crate::wire::{self, Outcome, RETRY_AFTER_MS_HEADER};

/// What is posted.
pub(in crate::sink) struct Message<'a> {
    pub(in crate::sink) body: Vec<u8>,
    /// The version of the SDK that reports.
    pub(in crate::sink) sdk_version: &'a str,
    /// Headers beside those that every request has.
    pub(in crate::sink) headers: &'a [(HeaderName, HeaderValue)],
}

/// Posts a body, once; returns how the answer begins, if it is a success.
pub(super) async fn post(
    client: &Client,
    settings: &Settings,
    clock: &Clock,
    message: Message<'_>,
    see: &(dyn Fn(u16, &HeaderMap) + Sync),
) -> Result<Vec<u8>, SinkError> {
    let mut request =
        client.post(settings.endpoint.clone()).header(USER_AGENT, user_agent(message.sdk_version)).body(message.body);
    for (name, value) in message.headers {
        request = request.header(name, value);
    }
    let response = request.send().await.map_err(|error| no_answer(settings, error))?;
    let status = response.status().as_u16();
    see(status, response.headers());
    let outcome = Outcome::of_status(status);
    if outcome == Outcome::Delivered {
        return Ok(read(response).await);
    }
    let retry_after = retry_after(response.headers(), clock);
    let reason = said(settings, response).await;
    Err(match outcome {
        Outcome::TooLarge => SinkError::TooLarge,
        Outcome::Unauthorized => SinkError::Unauthorized { reason },
        Outcome::Rejected => SinkError::Rejected { reason },
        Outcome::Transient | Outcome::Delivered => SinkError::Transient { reason, retry_after },
    })
}

/// Says who we are. A version that can't stand in a header is left out.
fn user_agent(sdk_version: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("AsyncLastword/Rust {sdk_version}"))
        .unwrap_or_else(|_| HeaderValue::from_static("AsyncLastword/Rust"))
}

fn retry_after(headers: &HeaderMap, clock: &Clock) -> Option<std::time::Duration> {
    let millis = headers.get(RETRY_AFTER_MS_HEADER).and_then(|value| value.to_str().ok());
    let standard = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    wire::retry_after(millis, standard, clock.now())
}

/// Reads an answer as far as it is needed: to its end where that is near, so that the connection can be used again.
/// What breaks off is what there is.
async fn read(mut response: Response) -> Vec<u8> {
    let mut answer = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = HTTP_ANSWER_BYTES_MAX - answer.len();
        answer.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    answer
}

/// Describes an answer that is no success: who gave it, its status, and how it begins.
async fn said(settings: &Settings, response: Response) -> String {
    let status = response.status();
    let answer = read(response).await;
    let mut reason = format!("{} answered {status}", settings.shown);
    let excerpt = excerpt(settings, &String::from_utf8_lossy(&answer));
    if !excerpt.is_empty() {
        let _ = write!(reason, ": {excerpt}");
    }
    reason
}

/// Returns how a text of the other side begins, as it may be shown.
pub(super) fn excerpt(settings: &Settings, text: &str) -> String {
    let text = settings.redact(text);
    let excerpt: String = text.trim().chars().take(HTTP_ANSWER_EXCERPT_CHARS_MAX).collect();
    // Escaped: an answer must not be able to write control characters into somebody's terminal.
    excerpt.escape_debug().to_string()
}

/// Describes why there is no answer.
fn no_answer(settings: &Settings, error: reqwest::Error) -> SinkError {
    // The URL of the error has the password.
    let error = error.without_url();
    let mut reason = if error.is_timeout() {
        format!("no answer from {} within {:?}", settings.shown, settings.timeout)
    } else {
        format!("{} can't be reached", settings.shown)
    };
    let first: &(dyn Error + 'static) = &error;
    let causes = std::iter::successors(Some(first), |&error| error.source());
    for cause in causes.take(ERROR_CHAIN_MAX) {
        let _ = write!(reason, ": {cause}");
    }
    SinkError::Transient { reason: settings.redact(&reason), retry_after: None }
}
