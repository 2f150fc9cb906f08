//! To Sentry, over HTTP: errors as issues, sessions as release health, spans as traces, and everything else as logs.
//!
//! The form is that of "Envelopes" in Sentry's documentation for those who write SDKs, in the types of its own crate.
//!
//! # Invariants
//!
//! - Each event is in one envelope, whose answer says what became of it. One of a trace that is not sampled is counted in an
//!   envelope, and counts as withheld here.
//! - An envelope that has arrived is not sent again because another one of its batch has not, within one process.
//! - The key of the DSN is in no `Debug`, no error and no body.
//!
//! # Limits
//!
//! An envelope has [`SENTRY_ENVELOPE_BYTES_MAX`](crate::limits::SENTRY_ENVELOPE_BYTES_MAX) bytes at most, and
//! [`SENTRY_ENVELOPE_LOGS_MAX`](crate::limits::SENTRY_ENVELOPE_LOGS_MAX) logs; an event that has more alone is dropped. In
//! memory there is one envelope at a time. Sessions and what has arrived are remembered in bounded numbers, and forgotten
//! from the oldest on.

mod data;
mod deliver;
mod dsn;
mod envelope;
mod health;
mod home;
mod issue;
mod log;
mod rate;
mod recent;
mod scene;
mod settings;
mod trace;
mod traceback;

use std::fmt;
use std::sync::Mutex;

use self::health::Sessions;
use self::rate::Limits;
use self::recent::Recent;
use self::scene::Scene;
use super::http::Http;
use super::{Batch, Closing, Delivery, Policy, SettingError, Sink};
use crate::clock::Clock;
use crate::limits::{SENTRY_BATCH_EVENTS_DEFAULT, SENTRY_BATCH_EVENTS_MAX};

/// Delivers to Sentry.
///
/// | event | is to Sentry |
/// |---|---|
/// | an exception; any other error or critical event | an event, and so an issue |
/// | one with a `trace_id`, a `span_id` and a `duration_ms` | a transaction, if its trace is sampled |
/// | SESSION_START, SESSION_END, with a [`release`](Self::release) | updates of a session, for release health |
/// | everything else | a log |
///
/// 100 events make a batch unless [`policy`](Self::policy) says otherwise. Each error, span and update takes a request, 100
/// logs take one. Sentry knows an event that it has already by its id, and so by ours; it does not know a log.
///
/// ```
/// use lastword::sink::{Sentry, Sink};
///
/// let sink = Sentry::new("https://a-key@o1.ingest.sentry.io/42").environment("staging").release("my-sdk@1.0.0");
/// assert!(!format!("{sink:?}").contains("a-key"));
/// let error = Sentry::new("https://o1.ingest.sentry.io/42").open().unwrap_err();
/// assert!(error.to_string().contains("https://<key>@o0.ingest.sentry.io/<project>"), "{error}");
/// ```
pub struct Sentry {
    name: String,
    policy: Policy,
    http: Http,
    scene: Scene,
    traces_sample_rate: Option<f64>,
    /// What is wrong with what was read from a DSN or a variable.
    wrong: Option<SettingError>,
    clock: Clock,
    limits: Limits,
    sessions: Sessions,
    /// Events that have arrived, of batches that have not: the nonce of the queue and the place in it, and whether they were
    /// sent or only counted.
    arrived: Mutex<Recent<(u64, u64), bool>>,
}

impl Sink for Sentry {
    fn name(&self) -> &str {
        &self.name
    }

    fn policy(&self) -> Policy {
        let asked = self.policy.clone();
        let max_batch_size = asked.max_batch_size.unwrap_or(SENTRY_BATCH_EVENTS_DEFAULT).min(SENTRY_BATCH_EVENTS_MAX);
        let destination = self.http.destination();
        Policy { max_batch_size: Some(max_batch_size), destination, ..asked }
    }

    fn open(&self) -> Result<(), SettingError> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        self.http.check()?;
        self.scene.check()?;
        self.check_rate()
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(deliver::deliver(self, batch))
    }

    fn close(&self) -> Closing<'_> {
        self.http.close();
        Box::pin(std::future::ready(()))
    }
}

impl fmt::Debug for Sentry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentry")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .field("http", &self.http)
            .field("scene", &self.scene)
            .field("traces_sample_rate", &self.rate())
            .finish_non_exhaustive()
    }
}
