//! What a sink for NATS is set up with, checked.

use std::time::Duration;

use super::servers::{Login, NatsServers};
use super::subject::is_safe;
use crate::limits::NATS_NAME_BYTES_MAX;
use crate::sink::{Destination, SettingError};

/// What was asked for, unchecked.
pub(super) struct Asked {
    pub(super) servers: String,
    pub(super) login: Option<Login>,
    pub(super) subject_prefix: String,
    pub(super) stream: Option<String>,
    pub(super) timeout: Duration,
}

/// What of the settings an attempt needs.
pub(super) struct Settings {
    pub(super) servers: NatsServers,
    pub(super) subject_prefix: String,
    pub(super) stream: Option<String>,
    pub(super) timeout: Duration,
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
        let servers = NatsServers::with_login(&asked.servers, asked.login.as_ref())?;
        Ok(Self {
            servers,
            subject_prefix: asked.subject_prefix.clone(),
            stream: asked.stream.clone(),
            timeout: asked.timeout,
        })
    }

    /// Returns where events go, and who we are there.
    pub(super) fn destination(&self) -> Destination {
        Destination::new(format!("{}/{}", self.servers.shown(), self.subject_prefix), &self.servers.secrets())
    }
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
    fn where_events_go_is_known_by_the_servers_and_by_who_we_are_there() {
        let settings = check("nats://ada:ada-s3cr3t@h").unwrap();
        assert_eq!(settings.destination().address(), "nats://h:4222/telemetry");
        assert_ne!(settings.destination(), check("nats://h").unwrap().destination());
    }
}
