//! The stream between those that take events in and those that write them.

use std::path::Path;

use super::{Finding, read_only};
use crate::config::Settings;
use crate::store::{database_path, known_name};
use crate::stream::{self, Role};

/// How a store is called that nobody has written to, which no stream can feed yet.
const UNNAMED: &str = "one without a name, which nobody has written to";

/// Looks at the stream that is set, and changes nothing of it; nothing where none is set. The store that it is to feed is the one that is set too, else
/// that of the directory.
pub async fn check_stream(settings: &Settings, dir: &Path) -> Vec<Finding> {
    let Some(url) = &settings.stream else { return Vec::new() };
    let (of, at) = (settings.clone(), dir.to_owned());
    // A server may be asked for it, which blocks.
    let store = tokio::task::spawn_blocking(move || store_of(&of, &at)).await.ok().flatten();
    stream::inspect(url, &settings.nats, store.as_deref()).await.unwrap_or_else(|error| {
        let advice =
            "start its servers, or see to `stream` in the configuration: to their addresses, user and password";
        vec![Finding::wrong(error.to_string(), advice.to_owned())]
    })
}

/// The name by which a stream knows the store of a process; nothing where it has none, or that can't be told.
fn store_of(settings: &Settings, dir: &Path) -> Option<String> {
    if settings.roles() == [Role::Ingest] {
        return None;
    }
    let known = match &settings.store {
        Some(url) => in_server(url, settings)?,
        None if database_path(dir).is_file() => known_name(&read_only(dir).ok()?).ok()?,
        None => None,
    };
    Some(known.unwrap_or_else(|| UNNAMED.to_owned()))
}

/// Likewise, of the store in a server: one that is not there has no name.
#[cfg(feature = "clickhouse")]
fn in_server(url: &str, settings: &Settings) -> Option<Option<String>> {
    use crate::clickhouse::{Error, check, open};
    use crate::{limits, store};

    let client = open(url, settings.clickhouse_password_file(), limits::QUERY_TIMEOUT).ok()?;
    match check(&client) {
        Ok(()) => store::remote_name(&client).ok(),
        Err(Error::NoStore { .. }) => Some(None),
        Err(_) => None,
    }
}

/// Likewise, of a program that can't ask one.
#[cfg(not(feature = "clickhouse"))]
fn in_server(_: &str, _: &Settings) -> Option<Option<String>> {
    None
}
