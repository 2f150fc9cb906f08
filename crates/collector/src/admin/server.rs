//! The server that a store is in.

use super::Finding;
use crate::config::Settings;

/// Looks at the server of the store that is set, and at the store in it, and changes nothing of them; nothing where the store is a file. It blocks, and
/// not on a thread that others' tasks run on.
#[cfg(feature = "clickhouse")]
pub fn check_store(settings: &Settings) -> Vec<Finding> {
    use crate::{clickhouse, limits};

    let Some(url) = &settings.store else { return Vec::new() };
    match clickhouse::open(url, settings.clickhouse_password_file(), limits::QUERY_TIMEOUT) {
        Ok(client) => clickhouse::inspect(&client),
        Err(error) => vec![Finding::wrong(error.to_string(), clickhouse::unopened(&error))],
    }
}

/// Tells that nothing can be looked at, where a server is set.
#[cfg(not(feature = "clickhouse"))]
pub fn check_store(settings: &Settings) -> Vec<Finding> {
    let set = settings.store.iter();
    let wrong = |error: super::AdminError| {
        Finding::wrong(error.to_string(), "or take `store` out of the configuration".to_owned())
    };
    set.map(|_| wrong(super::AdminError::NoClickHouse)).collect()
}
