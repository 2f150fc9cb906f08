//! A running collector, asked over its query API.

use std::time::Duration;

use lastword_collector::segment;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, Url};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::live::Live;
use super::{Listing, Page};
use crate::error::Error;
use crate::flags::key::ApiKey;
use crate::flags::source::BaseUrl;
use crate::limits::{ANSWER_BYTES_MAX, CONNECT_TIMEOUT, ERROR_TEXT_BYTES_MAX, PAGE_ROWS, REQUEST_TIMEOUT};
use crate::output::text;

/// Asks one collector.
pub(crate) struct Client {
    http: reqwest::Client,
    base: BaseUrl,
    key: Option<ApiKey>,
}

/// A page as the collector writes it. The rows stay in the text of the answer until they are taken over.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, alias = "events", alias = "sessions", alias = "exceptions", alias = "calls", alias = "entries")]
    rows: Vec<&'a RawValue>,
    next: Option<String>,
    resume: Option<String>,
    #[serde(default)]
    left_out: usize,
}

/// What a collector says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    error: Said,
}

/// Alone, or with a code beside it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Text(String),
    Coded { message: String },
}

impl Client {
    /// Makes a client. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// The system's certificates can't be read, which matters for `https` only.
    pub(crate) fn new(base: BaseUrl) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(REQUEST_TIMEOUT);
        if base.is_loopback() {
            builder = builder.no_proxy();
        }
        let http =
            builder.build().map_err(|error| Error::NoAnswer { url: base.to_string(), message: innermost(&error) })?;
        Ok(Self { http, base, key: ApiKey::of_environment() })
    }

    /// See [`super::Source::page`].
    pub(super) async fn page(&self, listing: &Listing, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        let url = self.url(listing, cursor, limit);
        let lost = |error: reqwest::Error| Error::NoAnswer { url: self.base.to_string(), message: innermost(&error) };
        let answer = self.request(reqwest::Method::GET, url).send().await.map_err(lost)?;
        let shown = format!("{}{}", self.base, path(listing));
        let status = answer.status();
        let body = read(answer).await.map_err(lost)?;
        if !status.is_success() {
            return Err(Error::Refused { url: shown, status: status.as_u16(), message: reason(&body) });
        }
        let answer: Answer<'_> = serde_json::from_slice(&body)
            .map_err(|error| Error::NotAPage { url: shown, message: error.to_string() })?;
        Ok(Page {
            rows: answer.rows.into_iter().map(ToOwned::to_owned).collect(),
            next: answer.next,
            resume: answer.resume,
            left_out: answer.left_out,
        })
    }

    /// Opens the stream of events that pass a listing's filter and are stored behind a place; `None` where there is no such stream, as
    /// of an older collector.
    pub(super) async fn live(&self, listing: &Listing, after: &str) -> Option<Live> {
        let mut url = self.base.below("/api/stream");
        url.query_pairs_mut().extend_pairs(listing.parameters(Some(after), PAGE_ROWS));
        // It ends when nothing comes of it any more: see `Live::more`.
        let answer = self.request(reqwest::Method::GET, url).timeout(Duration::MAX).send().await.ok()?;
        let media = answer.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        (answer.status().is_success() && media.starts_with("text/event-stream")).then(|| Live::new(answer))
    }

    /// Makes a request, with the key of the environment where there is one.
    fn request(&self, method: reqwest::Method, url: Url) -> reqwest::RequestBuilder {
        let request = self.http.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key.secret()),
            None => request,
        }
    }

    /// Asks for what is below a path, as it is.
    ///
    /// # Errors
    ///
    /// The collector doesn't answer, or refuses.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.answer(self.base.below(path), self.request(reqwest::Method::GET, self.base.below(path))).await
    }

    /// Asks for the part of what is below a path that parameters name, as JSON.
    ///
    /// # Errors
    ///
    /// As [`Client::get`]; or the answer is no JSON.
    pub(crate) async fn json(&self, path: &str, parameters: &[(&str, &str)]) -> Result<serde_json::Value, Error> {
        let mut url = self.base.below(path);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let body = self.answer(url.clone(), self.request(reqwest::Method::GET, url.clone())).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::NotAPage { url: url.to_string(), message: error.to_string() })
    }

    /// Sends a request, and returns the body of a good answer.
    async fn answer(&self, url: Url, request: reqwest::RequestBuilder) -> Result<Vec<u8>, Error> {
        let lost = |error: reqwest::Error| Error::NoAnswer { url: self.base.to_string(), message: innermost(&error) };
        let answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        let body = read(answer).await.map_err(lost)?;
        if status.is_success() {
            return Ok(body);
        }
        Err(Error::Refused { url: url.to_string(), status: status.as_u16(), message: reason(&body) })
    }

    /// Asks for a change of what has an id below a path, and returns the answer.
    ///
    /// # Errors
    ///
    /// The collector doesn't answer, or refuses.
    pub(crate) async fn change(
        &self,
        method: reqwest::Method,
        path: &str,
        id: &str,
        body: Option<&'static str>,
    ) -> Result<Vec<u8>, Error> {
        let url = self.base.below(&format!("{path}/{}", segment::encode(id)));
        let mut request = self.request(method, url.clone());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        self.answer(url, request).await
    }

    /// Returns the URL of a page.
    fn url(&self, listing: &Listing, cursor: Option<&str>, limit: u32) -> Url {
        let mut url = self.base.below(path(listing));
        url.query_pairs_mut().extend_pairs(listing.parameters(cursor, limit));
        url
    }
}

/// Returns where a listing is answered.
fn path(listing: &Listing) -> &'static str {
    match listing {
        Listing::Events { .. } | Listing::EventsOf(_) => "/api/events",
        Listing::Sessions(_) => "/api/sessions",
        Listing::Exceptions(_) => "/api/exceptions",
        Listing::Calls(_) => "/api/calls",
        Listing::Audit(_) => "/api/audit",
    }
}

/// Reads an answer up to its bound; what is cut off there is no JSON any more and is refused as such.
pub(crate) async fn read(mut answer: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

/// Returns why a question was refused: what the collector says, or the beginning of what something else says.
fn reason(body: &[u8]) -> String {
    let said = serde_json::from_slice::<Refusal>(body).map(|refusal| match refusal.error {
        Said::Text(message) | Said::Coded { message } => message,
    });
    let said = said.unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned());
    let (beginning, _) = said.split_at(said.floor_char_boundary(ERROR_TEXT_BYTES_MAX));
    text::neutral(beginning.trim()).into_owned()
}

/// Returns the innermost reason: `connection refused` says more than `error sending request`.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    let reason = reason.to_string();
    if reason.contains("peer certificate") {
        return format!("{reason}: `SSL_CERT_FILE=FILE` names certificates that are to be trusted");
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn a_refusal_is_shown_by_its_words_whatever_is_beside_them() {
        assert_eq!(reason(br#"{"error":"no key"}"#), "no key");
        assert_eq!(
            reason(br#"{"error":{"code":"RATE_LIMIT_EXCEEDED","message":"send again in 1 s"}}"#),
            "send again in 1 s"
        );
        assert_eq!(reason(b"bad gateway\n"), "bad gateway");
    }
}
