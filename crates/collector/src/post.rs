//! Requests that the collector makes of others: of receivers of alerts, of targets that events are forwarded to.
//!
//! The collector has no client of HTTP. Who has one gives it ([`Collector::poster`](crate::Collector::poster)).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A request.
#[derive(Clone)]
#[non_exhaustive]
pub struct Post {
    /// Where to.
    pub url: String,
    /// What the body is.
    pub content_type: &'static str,
    /// The header `Authorization`, if there is to be one.
    pub authorization: Option<String>,
    /// The body.
    pub body: String,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// A URL may carry a key, and the header is one.
impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body: as much of it as [`POST_ANSWER_BYTES_MAX`](crate::limits::POST_ANSWER_BYTES_MAX).
    pub body: Vec<u8>,
}

/// Nobody answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PostError(pub String);

/// What a request comes to.
pub type Posting<'p> = Pin<Box<dyn Future<Output = Result<Answer, PostError>> + Send + 'p>>;

/// Posts over HTTP, and follows no redirect: a body is for the one who was named.
pub trait Poster: Send + Sync + 'static {
    /// Posts a body and returns what was answered, whatever its status.
    fn post(&self, post: Post) -> Posting<'_>;
}
