//! Servers of NATS and who we are there, out of a list of URLs: for the sink, and for the stream of a collector.

use std::error::Error;
use std::fmt::{self, Write};
use std::time::Duration;

use async_nats::{ConnectError, ConnectOptions};
use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::limits::{ERROR_CHAIN_MAX, NATS_SERVERS_MAX};
use crate::sink::SettingError;
use crate::sink::http::{shown, tls_for};

/// Who we are to a server. No `Debug`: it is all secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    User { user: String, password: String },
    Token(String),
}

/// Servers of NATS, and who we are there.
#[derive(Clone)]
pub struct NatsServers {
    /// The servers, without what their URLs said of us: the client writes URLs to its log.
    list: Vec<String>,
    /// The same, as a text.
    shown: String,
    login: Option<Login>,
    /// Whether any of them is to be reached over TLS.
    has_tls: bool,
}

impl NatsServers {
    /// Reads a list with commas: `nats://user:password@host:4222,tls://host`.
    ///
    /// # Errors
    ///
    /// It is none: what is wrong, which part, what would be right. No password is in it.
    pub fn parse(servers: &str) -> Result<Self, SettingError> {
        Self::with_login(servers, None)
    }

    /// Reads a list, where somebody may have said apart from it who we are.
    pub(super) fn with_login(servers: &str, asked: Option<&Login>) -> Result<Self, SettingError> {
        let mut found = Found::default();
        for server in servers.split(',') {
            found.add(server, servers)?;
        }
        let Found { list, login: in_url, has_tls } = found;
        if list.len() > NATS_SERVERS_MAX {
            let reason = format!("there are {}; at most {NATS_SERVERS_MAX}", list.len());
            return Err(SettingError::new("servers", reason));
        }
        let login = login(asked, in_url)?;
        Ok(Self { shown: list.join(","), list, login, has_tls })
    }

    /// Returns the servers, to be connected to.
    #[must_use]
    pub fn list(&self) -> &[String] {
        &self.list
    }

    /// Returns the servers as they may be shown.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns how to connect: who we are, TLS by the platform's certificates, no server that was not named.
    ///
    /// # Errors
    ///
    /// TLS can't be set up.
    pub fn options(&self, timeout: Duration) -> Result<ConnectOptions, String> {
        let tls = tls_for(self.has_tls).map_err(|error| format!("TLS can't be set up: {error}"))?;
        let options = ConnectOptions::new()
            .name(concat!("lastword/", env!("CARGO_PKG_VERSION")))
            .connection_timeout(timeout)
            .request_timeout(Some(timeout))
            .retain_servers_order()
            // Who we are is told to nobody that the program has not named.
            .ignore_discovered_servers()
            .tls_client_config(tls);
        Ok(match self.login.clone() {
            None => options,
            Some(Login::User { user, password }) => options.user_and_password(user, password),
            Some(Login::Token(token)) => options.token(token),
        })
    }

    /// Makes a text that somebody else wrote fit to be shown: without secrets, and without what a terminal would obey.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let hide = |text: String, secret: &str| if secret.is_empty() { text } else { text.replace(secret, "***") };
        let text = match &self.login {
            None => text.to_owned(),
            // The password first: it may have the user in it.
            Some(Login::User { user, password }) => hide(hide(text.to_owned(), password), user),
            Some(Login::Token(token)) => hide(text.to_owned(), token),
        };
        text.escape_debug().to_string()
    }

    /// Says why there is no connection, fit to be shown.
    #[must_use]
    pub fn no_connection(&self, error: &ConnectError) -> String {
        let mut said = error.kind().to_string();
        let causes = std::iter::successors(error.source(), |&error| error.source());
        for cause in causes.take(ERROR_CHAIN_MAX) {
            let _ = write!(said, ": {cause}");
        }
        let wants_tls = !self.has_tls && said.contains("certificate");
        let hint = if wants_tls { " (it wants TLS: name it as tls://)" } else { "" };
        format!("{}{hint}", self.redact(&said))
    }

    /// Returns what must not be shown.
    pub(super) fn secrets(&self) -> Vec<&str> {
        match &self.login {
            None => Vec::new(),
            Some(Login::User { user, password }) => vec![user, password],
            Some(Login::Token(token)) => vec![token],
        }
    }
}

impl fmt::Debug for NatsServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NatsServers").field(&self.shown).finish()
    }
}

/// The servers of a list, and who their URLs say that we are.
#[derive(Default)]
struct Found {
    list: Vec<String>,
    login: Option<Login>,
    has_tls: bool,
}

impl Found {
    fn add(&mut self, server: &str, all: &str) -> Result<(), SettingError> {
        // A comma may be a part of a password that was not encoded: no part of the list can be shown by itself.
        let wrong = |what: &str| {
            let reason = format!("`{}` {what}: a server looks like nats://127.0.0.1:4222", shown(all));
            SettingError::new("servers", reason)
        };
        let server = server.trim();
        let whole = if server.contains("://") { server.to_owned() } else { format!("nats://{server}") };
        let url = Url::parse(&whole).map_err(|error| wrong(&format!("is no URL of a server ({error})")))?;
        let scheme = url.scheme();
        if !matches!(scheme, "nats" | "tls") {
            return Err(wrong("starts with neither nats:// nor tls://"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("lacks the name of a server"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has more than a server: the subject is set with `.subject_prefix(..)`"));
        }
        if let Some(login) = login_of(&url).map_err(wrong)? {
            if self.login.as_ref().is_some_and(|other| *other != login) {
                return Err(wrong("names two users: one is sent to all servers"));
            }
            self.login = Some(login);
        }
        self.has_tls |= scheme == "tls";
        self.list.push(format!("{scheme}://{host}:{}", url.port().unwrap_or(4222)));
        Ok(())
    }
}

/// Returns who a URL says that we are: user and password, or a token alone.
fn login_of(url: &Url) -> Result<Option<Login>, &'static str> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(std::borrow::Cow::into_owned).map_err(|_| "has a user or a password that is no text")
    };
    let user = decoded(url.username())?;
    let login = match (user.is_empty(), url.password()) {
        (true, None) => return Ok(None),
        (true, Some(_)) => return Err("has a password of nobody"),
        (false, Some(password)) => Login::User { user, password: decoded(password)? },
        (false, None) => Login::Token(user),
    };
    Ok(Some(login))
}

fn login(asked: Option<&Login>, in_url: Option<Login>) -> Result<Option<Login>, SettingError> {
    let login = match (asked, in_url) {
        (Some(_), Some(_)) => {
            let reason = "the servers' URLs say who we are too: leave it out of one of them";
            return Err(SettingError::new("credentials", reason));
        }
        (asked, in_url) => asked.cloned().or(in_url),
    };
    let is_empty = match &login {
        Some(Login::User { user, password }) => user.is_empty() || password.is_empty(),
        Some(Login::Token(token)) => token.is_empty(),
        None => false,
    };
    if is_empty {
        return Err(SettingError::new("credentials", "one of them is empty: leave them out to send none"));
    }
    Ok(login)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_a_list_and_what_their_urls_say_of_us_is_taken_out_of_them() {
        let servers =
            NatsServers::parse(" nats://a , b:4333,tls://s3cr3t@[::1]:1,tls://s3cr3t@c.example.org/").unwrap();
        assert_eq!(servers.list, ["nats://a:4222", "nats://b:4333", "tls://[::1]:1", "tls://c.example.org:4222"]);
        assert!(servers.login == Some(Login::Token("s3cr3t".into())) && servers.has_tls);
        let servers = NatsServers::parse("nats://ada:p%40ss%2Cword@h").unwrap();
        assert!(servers.login == Some(Login::User { user: "ada".into(), password: "p@ss,word".into() }));
        assert!(!servers.has_tls);
    }

    #[test]
    fn a_wrong_server_is_refused_and_no_password_is_shown() {
        for (servers, said) in [
            ("", "lacks the name"),
            ("nats://a,,nats://b", "lacks the name"),
            ("nats://", "lacks the name"),
            ("nats://host:99999", "is no URL"),
            ("http://host", "neither nats:// nor"),
            ("ws://host", "neither nats:// nor"),
            ("nats://host/telemetry", "more than a server"),
            ("nats://host?x=1", "more than a server"),
            ("nats://user:sekret@a,nats://user:sekret2@b", "two users"),
            ("nats://user:sek,ret@host", "is no URL"),
            ("nats://:sekret@host", "of nobody"),
        ] {
            let error = NatsServers::parse(servers).unwrap_err();
            assert_eq!(error.field(), "servers", "{servers}");
            let text = error.to_string();
            assert!(text.contains(said) && !text.contains("sek") && !text.contains("user:"), "{servers}: {text}");
        }
        let many = vec!["nats://a"; NATS_SERVERS_MAX + 1].join(",");
        assert_eq!(NatsServers::parse(&many).unwrap_err().field(), "servers");
    }

    #[test]
    fn what_others_wrote_is_shown_without_secrets_and_without_what_a_terminal_obeys() {
        let servers = NatsServers::parse("nats://ada:ada-s3cr3t@h").unwrap();
        assert_eq!(servers.redact("ada said ada-s3cr3t\u{1b}[2J"), "*** said ***\\u{1b}[2J");
        assert_eq!(format!("{servers:?}"), "NatsServers(\"nats://h:4222\")");
    }
}
