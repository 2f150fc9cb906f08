//! What a running collector is asked to change.

use reqwest::Method;

use super::http::Client;
use crate::error::Error;
use crate::flags::source::BaseUrl;

/// A change of what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Remove a session.
    DeleteSession(String),
    /// Remove all events that name a user.
    DeleteUser(String),
    /// Take the id of a user out of all events.
    ForgetUser(String),
    /// Note that a user has agreed.
    OptIn(String),
}

impl Change {
    fn request(&self) -> (Method, &'static str, &str, Option<&'static str>) {
        match self {
            Self::DeleteSession(id) => (Method::DELETE, "/api/sessions", id, None),
            Self::DeleteUser(id) => (Method::DELETE, "/api/users", id, None),
            Self::ForgetUser(id) => (Method::PATCH, "/api/users", id, Some(r#"{"telemetry_opt_in":false}"#)),
            Self::OptIn(id) => (Method::PATCH, "/api/users", id, Some(r#"{"telemetry_opt_in":true}"#)),
        }
    }
}

/// Asks the collector at a URL for a change, and returns how many events were changed.
///
/// # Errors
///
/// The collector doesn't answer, or refuses.
pub(crate) async fn change(url: BaseUrl, change: &Change) -> Result<u64, Error> {
    let (method, path, id, body) = change.request();
    let answer = Client::new(url)?.change(method, path, id, body).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
    Ok(answer["events"].as_u64().unwrap_or(0))
}
