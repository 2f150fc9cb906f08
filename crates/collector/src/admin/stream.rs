//! The stream between those that take events in and those that write them.

use super::Finding;
use crate::config::Settings;
use crate::stream;

/// Looks at the stream that is set, and changes nothing of it; nothing where none is set.
pub async fn check_stream(settings: &Settings) -> Vec<Finding> {
    let Some(url) = &settings.stream else { return Vec::new() };
    stream::inspect(url, &settings.nats).await.unwrap_or_else(|error| {
        let advice =
            "start its servers, or see to `stream` in the configuration: to their addresses, user and password";
        vec![Finding::wrong(error.to_string(), advice.to_owned())]
    })
}
