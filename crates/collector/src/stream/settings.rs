//! Which part of the work a process does, and how the stream between the parts is set up.

use serde::{Deserialize, Serialize};

use crate::config::values::Bytes;
use crate::limits::STREAM_BYTES_MAX;

/// A part of the work of a collector. One process may do all of it, or many processes a part each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Takes in what clients send, and answers when it is stored, or in the stream.
    Ingest,
    /// Stores what is in the stream, watches it and sends it on.
    Write,
    /// Answers questions: the API and the pages.
    Query,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Write, Self::Query];

    /// Returns its name, as the configuration has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Write => "write",
            Self::Query => "query",
        }
    }
}

/// Returns servers as they may be shown and kept: without what their URLs say of who we are, but for the user's name of a store. What is no list of
/// servers is not shown at all.
#[must_use]
pub fn without_login(servers: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/[] ?=&".contains(&byte);
    // What stands behind the last colon is a port, or a part of a password with a comma in it.
    let has_port = |host: &str| match host.rsplit_once(':') {
        Some((_, port)) => {
            // A store has a database behind its port.
            let digits = port.split_once('/').map_or(port, |(digits, _)| digits);
            port.ends_with(']') || port.starts_with("//") || digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => true,
    };
    let shown = |server: &str| {
        let (before, host) = match server.rsplit_once('@') {
            Some((before, host)) => match before.split_once("://") {
                Some((scheme, login)) => (format!("{scheme}://{}", who(scheme, login)), host),
                None => (HIDDEN.to_owned(), host),
            },
            None => (String::new(), server),
        };
        let mut told = before.bytes().filter(|byte| !b"*@".contains(byte)).chain(host.bytes());
        let is_server = has_port(host) && told.all(is_plain);
        is_server.then(|| format!("{before}{host}"))
    };
    let shown: Option<Vec<String>> = servers.split(',').map(shown).collect();
    shown.map_or_else(|| "***".to_owned(), |shown| shown.join(","))
}

/// What is shown of who we are.
const HIDDEN: &str = "***@";

/// Of a store the user's name is shown, as all that is said of its server has it; elsewhere one word alone may be what lets in.
fn who(scheme: &str, login: &str) -> String {
    let user = login.split(':').next().unwrap_or_default();
    let is_name = user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    match user {
        _ if !scheme.starts_with("clickhouse") || !is_name => HIDDEN.to_owned(),
        // Whom it takes who names nobody.
        "" | "default" => String::new(),
        user => format!("{user}@"),
    }
}

/// How the stream is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StreamSettings {
    /// Its name; in lower case its subjects begin with it.
    pub(crate) name: String,
    /// How many servers have a copy; 0 is as many as are named, three at most.
    pub(crate) replicas: usize,
    /// How large it may become.
    pub(crate) bytes_max: Bytes,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { name: "LASTWORD".to_owned(), replicas: 0, bytes_max: Bytes(STREAM_BYTES_MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::without_login;

    #[test]
    fn servers_are_shown_without_who_we_are_there() {
        assert_eq!(without_login("nats://a:1,tls://[::1]:2"), "nats://a:1,tls://[::1]:2");
        assert_eq!(without_login("nats://u:sekret@a:1,token@b"), "nats://***@a:1,***@b");
        let store = "clickhouse://u:sekret@h:8123/db?cluster=main";
        assert_eq!(without_login(store), "clickhouse://u@h:8123/db?cluster=main");
        assert_eq!(without_login("clickhouse://u%20:sekret@h:8123/db"), "clickhouse://***@h:8123/db");
        // A comma or an @ of a password that was not encoded.
        for servers in ["nats://u:sek,ret@a", "nats://u:sek@ret@a"] {
            let shown = without_login(servers);
            assert!(!shown.contains("sek,") && !shown.contains("u:sek"), "{shown}");
        }
    }
}
