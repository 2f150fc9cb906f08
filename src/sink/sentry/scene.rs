//! What every item says alike: as it was set up, and of its session.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use sentry_types::protocol::v7::{ClientSdkInfo, Context, Map, SpanId, TraceContext, TraceId, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::event::{EventView, Severity};
use crate::event::{names, span};
use crate::limits::{SENTRY_ENVIRONMENT_CHARS_MAX, SENTRY_RELEASE_CHARS_MAX, SENTRY_TAG_CHARS_MAX};
use crate::sink::{BatchEvent, Session, SettingError};

pub(super) const PRODUCTION: &str = "production";
/// Of the platforms that Sentry knows, what its own SDK for Rust says.
pub(super) const PLATFORM: &str = "native";
pub(super) const SDK_NAME: &str = "lastword";
pub(super) const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What every item says, as it was set up.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) environment: String,
    pub(super) release: Option<String>,
    pub(super) server_name: Option<String>,
}

impl Default for Scene {
    fn default() -> Self {
        Self { environment: PRODUCTION.into(), release: None, server_name: None }
    }
}

impl Scene {
    /// Checks the names as Sentry does, which takes an item and leaves out a name that it does not like.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        let environment = &*self.environment;
        if !fits(environment, SENTRY_ENVIRONMENT_CHARS_MAX) || environment.contains('/') || environment == "none" {
            let reason = format!(
                "`{}` is no environment: use 1 to {SENTRY_ENVIRONMENT_CHARS_MAX} characters without `/` and line ends, \
                 and not `none`",
                environment.escape_debug()
            );
            return Err(SettingError::new("environment", reason));
        }
        let Some(release) = self.release.as_deref() else { return Ok(()) };
        let is_reserved = matches!(release, "." | "..") || release.eq_ignore_ascii_case("latest");
        if !fits(release, SENTRY_RELEASE_CHARS_MAX) || release.contains(['/', '\\']) || is_reserved {
            let reason = format!(
                "`{}` is no release: use 1 to {SENTRY_RELEASE_CHARS_MAX} characters without `/`, `\\` and line ends, \
                 like my-sdk@1.0.0, and not `latest`",
                release.escape_debug()
            );
            return Err(SettingError::new("release", reason));
        }
        Ok(())
    }

    pub(super) fn environment(&self) -> Cow<'static, str> {
        self.environment.clone().into()
    }

    pub(super) fn release(&self) -> Option<Cow<'static, str>> {
        self.release.clone().map(Cow::Owned)
    }

    pub(super) fn server_name(&self) -> Option<Cow<'static, str>> {
        self.server_name.clone().map(Cow::Owned)
    }
}

fn fits(name: &str, chars_max: usize) -> bool {
    let is_blank = name.trim().is_empty() || name != name.trim();
    !is_blank && name.chars().count() <= chars_max && !name.contains(char::is_control)
}

/// A session as Sentry has to know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    /// The session, for release health.
    pub(super) session: Uuid,
    /// The trace that joins what belongs to no trace of its own, so that an error is shown beside the logs before it.
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
}

impl Ids {
    /// Makes the ids of a session, which are the same whenever and by whomever it is delivered.
    pub(super) fn of(session: &Session) -> Self {
        // Two runs may give their sessions the same name; no two have the same nonce.
        let digest: [u8; 32] = Sha256::new()
            .chain_update(session.nonce.to_be_bytes())
            .chain_update(session.id.as_bytes())
            .finalize()
            .into();
        let (mut sid, mut trace, mut span) = ([0; 16], [0; 16], [0; 8]);
        sid.copy_from_slice(&digest[..16]);
        trace.copy_from_slice(&digest[16..]);
        span.copy_from_slice(&digest[4..12]);
        // Ids of nothing but zeros are none.
        trace[15] |= 1;
        span[7] |= 1;
        Self {
            session: Uuid::parse_str(&session.id).unwrap_or_else(|_| Uuid::new_v8(sid)),
            trace: trace.into(),
            span: span.into(),
        }
    }

    /// Returns them for an event of the session that says of which trace it is, and in which span it happened.
    pub(super) fn within(mut self, data: &serde_json::Map<String, Value>) -> Self {
        if let Some(trace) = span::trace_id(data) {
            self.trace = trace.into();
            self.span = span::span_id(data, names::SPAN_ID).map_or(self.span, Into::into);
        }
        self
    }

    pub(super) fn trace_context(&self) -> TraceContext {
        TraceContext { trace_id: self.trace, span_id: self.span, ..TraceContext::default() }
    }
}

/// Returns what says which event it is.
pub(super) fn origin(session: &Session, event: &BatchEvent<'_>, view: &EventView<'_>) -> [(&'static str, Value); 6] {
    [
        ("event_id", event.id(view).to_string().into()),
        ("event_session_index", event.index().into()),
        ("session_id", (*session.id).into()),
        ("platform", (*session.platform).into()),
        ("process_uuid", session.process_uuid.to_string().into()),
        ("sdk_version", (*session.sdk_version).into()),
    ]
}

/// [`origin`] as a context of an event or a transaction.
pub(super) fn context(session: &Session, event: &BatchEvent<'_>, view: &EventView<'_>) -> Context {
    Context::Other(origin(session, event, view).map(|(name, value)| (name.to_owned(), value)).into())
}

/// Returns the tags of an event or a transaction.
pub(super) fn tags(session: &Session) -> Map<String, String> {
    // What no tag can have, a line end for one, is `_`.
    let of_tag = |character: char| if character.is_control() { '_' } else { character };
    let value: String = session.id.chars().map(of_tag).take(SENTRY_TAG_CHARS_MAX).collect();
    Map::from([("session_id".to_owned(), value)])
}

pub(super) fn sdk() -> ClientSdkInfo {
    ClientSdkInfo { name: SDK_NAME.into(), version: SDK_VERSION.into(), integrations: Vec::new(), packages: Vec::new() }
}

pub(super) fn system_time(time: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(time.unix_nanos())
}

/// Whether it is an error, and so an issue where it has no other place.
pub(super) fn is_error(view: &EventView<'_>) -> bool {
    matches!(view.severity(), Severity::Error | Severity::Critical)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(id: &str, nonce: u64) -> (Uuid, String, String) {
        let ids = Ids::of(&Session::new(id, "1.0", Uuid::nil(), nonce));
        (ids.session, ids.trace.to_string(), ids.span.to_string())
    }

    #[test]
    fn a_session_has_the_same_ids_always_and_no_other_has_them() {
        assert_eq!(ids("s", 1), ids("s", 1));
        let (other_run, other_name) = (ids("s", 2), ids("t", 1));
        for other in [&other_run, &other_name] {
            let (own, other) = (ids("s", 1), other);
            assert!(own.0 != other.0 && own.1 != other.1 && own.2 != other.2);
        }
        let uuid = "7c7b6585-f901-4351-bf8d-02711b721929";
        assert_eq!(ids(uuid, 1).0.to_string(), uuid);
    }

    #[test]
    fn names_that_sentry_would_leave_out_are_refused() {
        let wrong = |environment: &str, release: Option<&str>| {
            let scene = Scene { environment: environment.into(), release: release.map(Into::into), ..Scene::default() };
            scene.check().err().map(|error| error.field())
        };
        for environment in ["", " ", "a/b", "none", "a\n", &"x".repeat(65)] {
            assert_eq!(wrong(environment, None), Some("environment"), "{environment}");
        }
        for release in ["", "a/b", "a\\b", "..", "Latest", "1\n", &"x".repeat(201)] {
            assert_eq!(wrong("staging", Some(release)), Some("release"), "{release}");
        }
        assert_eq!(wrong(&"ü".repeat(64), Some("my-sdk@1.0.0+build.7")), None);
    }
}
