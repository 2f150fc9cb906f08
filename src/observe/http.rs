//! HTTP requests that say when they begin and how they end.

use std::error::Error;
use std::iter::successors;
use std::sync::Arc;

use reqwest::{Request, RequestBuilder, Response};
use tracing::Level;

use super::{HTTP_REQUEST_EXCEPTION, HTTP_REQUEST_START, HTTP_REQUEST_STOP};
use crate::clock::{Clock, Instant};
use crate::limits::ERROR_CHAIN_MAX;
use crate::trace;

/// Where the `tracing` events of this client come from.
const TARGET: &str = "lastword::observe::http";
/// The header that says which span a request is of.
const TRACEPARENT: &str = "traceparent";

/// A [`reqwest::Client`] whose requests are `tracing` events of a session: one when a request begins, one when it was
/// answered or failed. A [`Layer`](super::Layer) of the session's reporter takes them.
///
/// They have the method, the path and the server, but neither the query nor headers nor anything of the bodies, which may
/// hold secrets. A request was answered when the head of the answer is there. One whose future is dropped before that
/// counts as failed, with the reason `cancelled`.
///
/// A request that is sent within a [span](crate::trace) says so in the header `traceparent`, unless it has one: what the other
/// side does of it is in the same trace. Send requests that are not to tell with [`Client::inner`].
///
/// ```
/// use lastword::observe::http::Client;
/// # use lastword::Reporter;
/// # async fn example(reporter: Reporter) -> reqwest::Result<()> {
/// let http = reqwest::Client::new();
/// let client = Client::new(http.clone(), reporter.session_id());
/// let answer = client.send(http.post("http://127.0.0.1:4318/api/v1/create_session").body("{}")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    session_id: Arc<str>,
}

impl Client {
    /// Makes a client for the requests of a session. If its id is empty, as that of a reporter which is off, nothing is said.
    #[must_use]
    pub fn new(client: reqwest::Client, session_id: &str) -> Self {
        Self { inner: client, session_id: session_id.into() }
    }

    /// Returns the client that does the work.
    #[must_use]
    pub const fn inner(&self) -> &reqwest::Client {
        &self.inner
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::Client::execute`], as they are.
    pub async fn execute(&self, request: Request) -> reqwest::Result<Response> {
        self.observe(&self.inner, request).await
    }

    /// Builds a request and sends it, with the client that the builder is of.
    ///
    /// # Errors
    ///
    /// Those of [`RequestBuilder::send`], as they are. If the request can't be built, nothing is said: it never began.
    pub async fn send(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        let (client, request) = request.build_split();
        self.observe(&client, request?).await
    }

    async fn observe(&self, client: &reqwest::Client, mut request: Request) -> reqwest::Result<Response> {
        if let Some(span) = trace::Context::current().span()
            && !request.headers().contains_key(TRACEPARENT)
            && let Ok(value) = span.traceparent().parse()
        {
            request.headers_mut().insert(TRACEPARENT, value);
        }
        if self.session_id.is_empty() {
            return client.execute(request).await;
        }
        let underway = Underway::start(Arc::clone(&self.session_id), &request);
        let result = client.execute(request).await;
        match &result {
            Ok(response) => underway.stop(response.status().as_u16()),
            Err(error) => underway.fail("error", &reason(error)),
        }
        result
    }
}

/// A request that has begun and not ended.
struct Underway {
    session_id: Arc<str>,
    method: String,
    path: String,
    base_url: String,
    started: Instant,
    over: bool,
}

macro_rules! say {
    ($underway:expr, $name:expr, $level:expr, $($fields:tt)*) => {
        tracing::event!(
            name: $name,
            target: TARGET,
            $level,
            session_id = &*$underway.session_id,
            method = &*$underway.method,
            path = &*$underway.path,
            base_url = &*$underway.base_url,
            $($fields)*
        )
    };
}

impl Underway {
    fn start(session_id: Arc<str>, request: &Request) -> Self {
        let url = request.url();
        let underway = Self {
            session_id,
            method: request.method().as_str().to_ascii_lowercase(),
            path: url.path().to_owned(),
            // Without user and password.
            base_url: url.origin().ascii_serialization(),
            started: Clock::system().instant(),
            over: false,
        };
        say!(underway, HTTP_REQUEST_START, Level::INFO, system_time = Clock::system().now().unix_nanos());
        underway
    }

    fn stop(mut self, status: u16) {
        self.over = true;
        let result = if status < 400 { "ok" } else { "error" };
        say!(self, HTTP_REQUEST_STOP, Level::INFO, duration = self.nanos(), status, result);
    }

    fn fail(mut self, kind: &str, reason: &str) {
        self.failed(kind, reason);
    }

    fn failed(&mut self, kind: &str, reason: &str) {
        self.over = true;
        say!(self, HTTP_REQUEST_EXCEPTION, Level::ERROR, duration = self.nanos(), kind, reason);
    }

    fn nanos(&self) -> u128 {
        Clock::system().instant().since(self.started).as_nanos()
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if !self.over {
            self.failed("exit", "cancelled");
        }
    }
}

/// What went wrong, without the URL that the error's own text has, query and all.
fn reason(error: &reqwest::Error) -> String {
    let what = [
        (error.is_timeout(), "timeout"),
        (error.is_connect(), "connect"),
        (error.is_redirect(), "redirect"),
        (error.is_body(), "body"),
        (error.is_decode(), "decode"),
    ];
    let what = what.into_iter().find_map(|(is, what)| is.then_some(what)).unwrap_or("request");
    match successors(error.source(), |&error| error.source()).take(ERROR_CHAIN_MAX).last() {
        Some(root) => format!("{what}: {root}"),
        None => what.to_owned(),
    }
}
