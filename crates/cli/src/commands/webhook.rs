//! Alerts that are posted to a URL.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use lastword_collector::alerts::{SendError, Webhook};
use reqwest::header::CONTENT_TYPE;

use crate::limits::CONNECT_TIMEOUT;

/// Posts by the client that the binary has anyway. It follows no redirect: a body is for the one who was named.
pub(crate) struct Poster(Option<reqwest::Client>);

impl Poster {
    /// Makes a client. Where that fails no alert can be posted, which is said when one is to be.
    pub(crate) fn new() -> Self {
        let builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT);
        Self(builder.redirect(reqwest::redirect::Policy::none()).build().ok())
    }
}

impl Webhook for Poster {
    fn post<'w>(
        &'w self,
        url: &'w str,
        body: String,
        timeout: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'w>> {
        Box::pin(async move {
            let client = self.0.as_ref().ok_or(SendError::NoClient)?;
            let post = client.post(url).header(CONTENT_TYPE, "application/json").timeout(timeout).body(body);
            // A URL may carry a key; what is wrong is said without it.
            let answer = post.send().await.map_err(|error| SendError::Refused(error.without_url().to_string()))?;
            let status = answer.status();
            if status.is_success() { Ok(()) } else { Err(SendError::Refused(format!("it answered {status}"))) }
        })
    }
}
