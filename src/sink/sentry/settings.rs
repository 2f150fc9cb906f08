//! How the sink is set up.

use std::sync::Mutex;
use std::time::Duration;

use super::super::option::option;
use super::health::Sessions;
use super::rate::Limits;
use super::recent::Recent;
use super::scene::{PRODUCTION, Scene};
use super::{Sentry, dsn};
use crate::clock::Clock;
use crate::limits::SENTRY_ARRIVED_MAX;
use crate::sink::http::Http;
use crate::sink::{Policy, SettingError};

const AUTH_HEADER: &str = "x-sentry-auth";
/// What stands before the key in that header: the version of the protocol, and who we are.
const AUTH: &str =
    concat!("Sentry sentry_version=7, sentry_client=lastword/", env!("CARGO_PKG_VERSION"), ", sentry_key=");
const CONTENT_TYPE: &str = "application/x-sentry-envelope";
/// The part of all traces that is sent, where there are users, and where there are none.
const SAMPLE_RATES: (f64, f64) = (0.2, 1.0);

/// Where the settings of an SDK of Sentry's are found.
const DSN: &str = "SENTRY_DSN";
const ENVIRONMENT: &str = "SENTRY_ENVIRONMENT";
const RELEASE: &str = "SENTRY_RELEASE";
const SAMPLE_RATE: &str = "SENTRY_TRACES_SAMPLE_RATE";

impl Sentry {
    /// Delivers to the project that a DSN names: `https://<key>@o0.ingest.sentry.io/<project>`. One that is none is said to
    /// be so by the start of the reporter.
    #[must_use]
    pub fn new(dsn: impl AsRef<str>) -> Self {
        let place = dsn::read(dsn.as_ref());
        let (mut http, wrong) = match &place {
            Ok(place) => (Http::new(&*place.base_url, &*place.path, AUTH_HEADER, CONTENT_TYPE), None),
            Err(error) => (Http::new("", "", AUTH_HEADER, CONTENT_TYPE), Some(error.clone())),
        };
        if let Ok(place) = place {
            http.set_key_prefix(AUTH);
            http.set_key(place.key);
        }
        Self {
            name: "sentry".into(),
            policy: Policy::default(),
            http,
            scene: Scene::default(),
            traces_sample_rate: None,
            wrong,
            clock: Clock::system(),
            limits: Limits::new(Clock::system()),
            sessions: Sessions::new(),
            arrived: Mutex::new(Recent::new(SENTRY_ARRIVED_MAX)),
        }
    }

    /// Delivers to where the environment says: `SENTRY_DSN`, with `SENTRY_ENVIRONMENT`, `SENTRY_RELEASE` and
    /// `SENTRY_TRACES_SAMPLE_RATE` where they are set. `None` where there is no `SENTRY_DSN`, or an empty one: nothing is
    /// reported to Sentry then.
    ///
    /// ```
    /// // A program that was not given a DSN reports to its other sinks alone.
    /// let sink = lastword::sink::Sentry::from_env();
    /// assert_eq!(sink.is_some(), std::env::var("SENTRY_DSN").is_ok_and(|dsn| !dsn.trim().is_empty()));
    /// ```
    #[must_use]
    pub fn from_env() -> Option<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// [`Self::from_env`], where `variable` returns what the environment says.
    pub(crate) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut sentry = Self::new(set(DSN)?);
        if let Some(environment) = set(ENVIRONMENT) {
            sentry = sentry.environment(environment);
        }
        if let Some(release) = set(RELEASE) {
            sentry = sentry.release(release);
        }
        match set(SAMPLE_RATE).map(|rate| rate.parse().map_err(|_| rate)) {
            Some(Ok(rate)) => sentry = sentry.traces_sample_rate(rate),
            Some(Err(text)) => {
                let reason = format!("`{}` in {SAMPLE_RATE} is no number: use 0 to 1", text.escape_debug());
                sentry.wrong.get_or_insert(SettingError::new("traces_sample_rate", reason));
            }
            None => {}
        }
        Some(sentry)
    }

    /// Names where the program runs; `production` unless set.
    #[must_use]
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.scene.environment = environment.into();
        self
    }

    /// Names the version of the program, best as `my-sdk@1.0.0`. Without one there is no release health: sessions are sent
    /// as logs.
    #[must_use]
    pub fn release(mut self, release: impl Into<String>) -> Self {
        self.scene.release = Some(release.into());
        self
    }

    /// Names the machine; not sent unless set, as it may say who uses it.
    #[must_use]
    pub fn server_name(mut self, server_name: impl Into<String>) -> Self {
        self.scene.server_name = Some(server_name.into());
        self
    }

    /// Sets which part of all traces is sent, 0 to 1; unless set, 0.2 in `production` and 1 elsewhere. The spans of one trace
    /// are all sent, or none is. Sentry is told how many were not.
    #[must_use]
    pub const fn traces_sample_rate(mut self, rate: f64) -> Self {
        self.traces_sample_rate = Some(rate);
        self
    }

    /// Sets how long one attempt may take, connection and answer together; 5 seconds unless set.
    #[must_use]
    pub const fn http_timeout(mut self, timeout: Duration) -> Self {
        self.http.set_timeout(timeout);
        self
    }

    option!(name: "sentry");

    /// Sets how the reporter deals with this sink. What is `None` is as [`Sentry`] says, or else as the reporter's builder
    /// says. A batch has 1,000 events at most, whatever is asked for.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Returns which part of all traces is sent.
    pub(super) fn rate(&self) -> f64 {
        let (in_production, elsewhere) = SAMPLE_RATES;
        let usual = if self.scene.environment == PRODUCTION { in_production } else { elsewhere };
        self.traces_sample_rate.unwrap_or(usual)
    }

    pub(super) fn check_rate(&self) -> Result<(), SettingError> {
        let rate = self.rate();
        // NaN is in no range.
        if (0.0..=1.0).contains(&rate) {
            return Ok(());
        }
        Err(SettingError::new("traces_sample_rate", format!("{rate} is no part of all traces: use 0 to 1")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Sink;

    const DSN_OF_TEST: &str = "http://k@127.0.0.1:1/42";

    fn from(variables: &[(&str, &str)]) -> Option<Sentry> {
        Sentry::from_variables(|name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_fifth_of_traces_is_sent_in_production_and_all_elsewhere_unless_it_is_set() {
        let sentry = || Sentry::new(DSN_OF_TEST);
        assert_eq!(sentry().rate(), 0.2);
        assert_eq!(sentry().environment("staging").rate(), 1.0);
        assert_eq!(sentry().traces_sample_rate(0.5).environment("staging").rate(), 0.5);
        for rate in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(sentry().traces_sample_rate(rate).open().unwrap_err().field(), "traces_sample_rate", "{rate}");
        }
        for rate in [0.0, 1.0] {
            assert_eq!(sentry().traces_sample_rate(rate).open(), Ok(()));
        }
    }

    #[test]
    fn the_environment_says_where_and_who_and_without_a_dsn_there_is_no_sink() {
        assert!(from(&[]).is_none() && from(&[(DSN, " "), (RELEASE, "1")]).is_none());
        let plain = from(&[(DSN, DSN_OF_TEST)]).unwrap();
        assert_eq!((plain.scene.environment.as_str(), plain.scene.release.as_deref()), ("production", None));
        let whole = [(DSN, DSN_OF_TEST), (ENVIRONMENT, " staging\n"), (RELEASE, "a@1"), (SAMPLE_RATE, "0.25")];
        let whole = from(&whole).unwrap();
        assert_eq!((whole.scene.environment.as_str(), whole.scene.release.as_deref()), ("staging", Some("a@1")));
        assert_eq!((whole.rate(), whole.open()), (0.25, Ok(())));

        for (name, value, field) in [
            (SAMPLE_RATE, "many", "traces_sample_rate"),
            (SAMPLE_RATE, "2", "traces_sample_rate"),
            (ENVIRONMENT, "a/b", "environment"),
            (RELEASE, "latest", "release"),
            (DSN, "nonsense", "dsn"),
        ] {
            let error = from(&[(name, value), (DSN, DSN_OF_TEST)]).unwrap().open().unwrap_err();
            assert_eq!(error.field(), field, "{value}");
        }
    }

    #[test]
    fn a_batch_is_a_hundred_events_and_never_more_than_fit_into_an_attempt() {
        let size = |asked| {
            let policy = Policy { max_batch_size: asked, ..Policy::default() };
            Sink::policy(&Sentry::new(DSN_OF_TEST).policy(policy)).max_batch_size
        };
        assert_eq!((size(None), size(Some(7)), size(Some(5_000))), (Some(100), Some(7), Some(1_000)));
    }

    #[test]
    fn what_is_spooled_for_one_project_is_not_for_another() {
        let destination = |dsn: &str| Sink::policy(&Sentry::new(dsn)).destination.unwrap();
        let (one, other) = (destination(DSN_OF_TEST), destination("http://other@127.0.0.1:1/43"));
        assert_eq!((one.address(), other.address()), ("http://127.0.0.1:1", "http://127.0.0.1:1"));
        assert_ne!(one.key(), other.key());
    }
}
