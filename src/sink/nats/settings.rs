//! What a sink for NATS is set up with, checked.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::subject::is_safe;
use crate::limits::{NATS_NAME_BYTES_MAX, NATS_SERVERS_MAX};
use crate::sink::http::shown;
use crate::sink::{Destination, SettingError};

/// What was asked for, unchecked.
pub(super) struct Asked {
    pub(super) servers: String,
    pub(super) login: Option<Login>,
    pub(super) subject_prefix: String,
    pub(super) stream: Option<String>,
    pub(super) timeout: Duration,
}

/// Who we are to a server. No `Debug`: it is all secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    User { user: String, password: String },
    Token(String),
}

/// What of the settings an attempt needs.
pub(super) struct Settings {
    /// The servers, without what their URLs said of us: the client writes URLs to its log.
    pub(super) servers: Vec<String>,
    /// The same, as a text.
    pub(super) shown: String,
    pub(super) login: Option<Login>,
    pub(super) subject_prefix: String,
    pub(super) stream: Option<String>,
    pub(super) timeout: Duration,
    /// Whether any of the servers is to be reached over TLS.
    pub(super) has_tls: bool,
}

impl Settings {
    pub(super) fn check(asked: &Asked) -> Result<Self, SettingError> {
        if asked.timeout.is_zero() {
            return Err(SettingError::new("timeout", "it is zero, and no acknowledgement comes in no time"));
        }
        check_prefix(&asked.subject_prefix)?;
        if let Some(stream) = &asked.stream {
            check_stream(stream)?;
        }
        let mut found = Servers::default();
        for server in asked.servers.split(',') {
            found.add(server, &asked.servers)?;
        }
        if found.servers.len() > NATS_SERVERS_MAX {
            let reason = format!("there are {}; at most {NATS_SERVERS_MAX}", found.servers.len());
            return Err(SettingError::new("servers", reason));
        }
        let login = login(asked.login.as_ref(), found.login)?;
        let shown = found.servers.join(",");
        Ok(Self {
            servers: found.servers,
            shown,
            login,
            subject_prefix: asked.subject_prefix.clone(),
            stream: asked.stream.clone(),
            timeout: asked.timeout,
            has_tls: found.has_tls,
        })
    }

    /// Returns where events go, and who we are there.
    pub(super) fn destination(&self) -> Destination {
        let secrets: Vec<&str> = match &self.login {
            None => Vec::new(),
            Some(Login::User { user, password }) => vec![user, password],
            Some(Login::Token(token)) => vec![token],
        };
        Destination::new(format!("{}/{}", self.shown, self.subject_prefix), &secrets)
    }

    /// Makes a text that somebody else wrote fit to be shown: without secrets, and without what a terminal would obey.
    pub(super) fn redact(&self, text: &str) -> String {
        let hide = |text: String, secret: &str| if secret.is_empty() { text } else { text.replace(secret, "***") };
        let text = match &self.login {
            None => text.to_owned(),
            // The password first: it may have the user in it.
            Some(Login::User { user, password }) => hide(hide(text.to_owned(), password), user),
            Some(Login::Token(token)) => hide(text.to_owned(), token),
        };
        text.escape_debug().to_string()
    }
}

/// The servers of a list, and who their URLs say that we are.
#[derive(Default)]
struct Servers {
    servers: Vec<String>,
    login: Option<Login>,
    has_tls: bool,
}

impl Servers {
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
        self.servers.push(format!("{scheme}://{host}:{}", url.port().unwrap_or(4222)));
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

fn check_prefix(prefix: &str) -> Result<(), SettingError> {
    let is_right = |token: &str| !token.is_empty() && token.chars().all(is_safe);
    if prefix.len() <= NATS_NAME_BYTES_MAX && prefix.split('.').all(is_right) {
        return Ok(());
    }
    let reason = format!(
        "`{}` is no beginning of a subject: words of letters, digits, `_` and `-` with dots between them, \
         {NATS_NAME_BYTES_MAX} characters at most",
        prefix.escape_debug()
    );
    Err(SettingError::new("subject_prefix", reason))
}

fn check_stream(stream: &str) -> Result<(), SettingError> {
    if (1..=NATS_NAME_BYTES_MAX).contains(&stream.len()) && stream.chars().all(is_safe) {
        return Ok(());
    }
    let reason = format!(
        "`{}` is no name of a stream: letters, digits, `_` and `-`, {NATS_NAME_BYTES_MAX} at most",
        stream.escape_debug()
    );
    Err(SettingError::new("stream", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(servers: &str) -> Asked {
        Asked {
            servers: servers.to_owned(),
            login: None,
            subject_prefix: "telemetry".to_owned(),
            stream: None,
            timeout: Duration::from_secs(1),
        }
    }

    fn check(servers: &str) -> Result<Settings, SettingError> {
        Settings::check(&asked(servers))
    }

    fn error(asked: &Asked) -> SettingError {
        Settings::check(asked).err().unwrap()
    }

    #[test]
    fn servers_are_a_list_and_what_their_urls_say_of_us_is_taken_out_of_them() {
        let settings = check(" nats://a , b:4333,tls://s3cr3t@[::1]:1,tls://s3cr3t@c.example.org/").unwrap();
        assert_eq!(settings.servers, ["nats://a:4222", "nats://b:4333", "tls://[::1]:1", "tls://c.example.org:4222"]);
        assert!(settings.login == Some(Login::Token("s3cr3t".into())) && settings.has_tls);
        let settings = check("nats://ada:p%40ss%2Cword@h").unwrap();
        assert!(settings.login == Some(Login::User { user: "ada".into(), password: "p@ss,word".into() }));
        assert!(!settings.has_tls);
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
            let error = error(&asked(servers));
            assert_eq!(error.field(), "servers", "{servers}");
            let text = error.to_string();
            assert!(text.contains(said) && !text.contains("sek") && !text.contains("user:"), "{servers}: {text}");
        }
        let many = vec!["nats://a"; NATS_SERVERS_MAX + 1].join(",");
        assert_eq!(error(&asked(&many)).field(), "servers");
    }

    #[test]
    fn other_wrong_settings_are_named() {
        let of = |login| error(&Asked { login: Some(login), ..asked("nats://a") }).field();
        assert_eq!(of(Login::Token(String::new())), "credentials");
        assert_eq!(of(Login::User { user: "u".into(), password: String::new() }), "credentials");
        let twice = Asked { login: Some(Login::Token("t".into())), ..asked("nats://u:p@a") };
        assert_eq!(error(&twice).field(), "credentials");
        for subject_prefix in ["", "a..b", "a.", "a.>", "a b", "a.*", &"x".repeat(NATS_NAME_BYTES_MAX + 1)] {
            let asked = Asked { subject_prefix: subject_prefix.to_owned(), ..asked("a") };
            assert_eq!(error(&asked).field(), "subject_prefix", "{subject_prefix}");
        }
        for stream in ["", "a.b", "a b", "a*", "größe"] {
            assert_eq!(error(&Asked { stream: Some(stream.to_owned()), ..asked("a") }).field(), "stream", "{stream}");
        }
        assert_eq!(error(&Asked { timeout: Duration::ZERO, ..asked("a") }).field(), "timeout");
    }

    #[test]
    fn what_others_wrote_is_shown_without_secrets_and_without_what_a_terminal_obeys() {
        let settings = check("nats://ada:ada-s3cr3t@h").unwrap();
        assert_eq!(settings.redact("ada said ada-s3cr3t\u{1b}[2J"), "*** said ***\\u{1b}[2J");
        assert_eq!(settings.destination().address(), "nats://h:4222/telemetry");
        assert_ne!(settings.destination(), check("nats://h").unwrap().destination());
    }
}
