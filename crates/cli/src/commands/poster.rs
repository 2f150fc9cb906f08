//! What the collector posts: alerts, and events that it forwards.

use lastword_collector::limits::POST_ANSWER_BYTES_MAX;
use lastword_collector::post::{Answer, Post, PostError, Poster, Posting};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use crate::limits::CONNECT_TIMEOUT;
use crate::source::http::innermost;

/// Posts by the client that the binary has anyway. It follows no redirect: a body is for the one who was named.
pub(crate) struct Client(Option<reqwest::Client>);

impl Client {
    /// Makes a client. Where that fails nothing can be posted, which is said when something is to be.
    pub(crate) fn new() -> Self {
        let builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT);
        Self(builder.redirect(reqwest::redirect::Policy::none()).build().ok())
    }

    async fn send(&self, post: Post) -> Result<Answer, PostError> {
        let client = self.0.as_ref().ok_or_else(|| PostError("there is no client of HTTP".to_owned()))?;
        let mut request = client.post(&post.url).header(CONTENT_TYPE, post.content_type).timeout(post.timeout);
        if let Some(authorization) = &post.authorization {
            let wrong = |_| PostError("the token can't be in a header".to_owned());
            let mut value = HeaderValue::from_str(authorization).map_err(wrong)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        // A URL may carry a key; the reason has none.
        let lost = |error: reqwest::Error| PostError(innermost(&error));
        let mut answer = request.body(post.body).send().await.map_err(lost)?;
        let (status, mut body) = (answer.status().as_u16(), Vec::new());
        while body.len() < POST_ANSWER_BYTES_MAX
            && let Some(chunk) = answer.chunk().await.map_err(lost)?
        {
            body.extend_from_slice(&chunk);
        }
        body.truncate(POST_ANSWER_BYTES_MAX);
        Ok(Answer { status, body })
    }
}

impl Poster for Client {
    fn post(&self, post: Post) -> Posting<'_> {
        Box::pin(self.send(post))
    }
}
