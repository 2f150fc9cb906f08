//! The sinks that the environment asks for.

use std::sync::Arc;

use super::report::Report;
use super::variables::Variables;
use crate::reporter::Builder;
#[cfg(unix)]
use crate::sink::Jsonl;
use crate::sink::{Console, Policy, SettingError, Sink};

/// What sinks are made of.
pub(super) struct Given<'a> {
    pub(super) variables: &'a Variables,
    /// What the environment says of batches.
    pub(super) policy: Policy,
    /// The name and the version of the program, where it has said them. Not every sink has a place for them.
    #[cfg_attr(not(any(feature = "datadog", feature = "otlp", feature = "sentry")), allow(dead_code))]
    pub(super) service: Option<&'a (String, String)>,
}

/// A sink that the environment may ask for. One that is new gets a line in [`kinds`], and one in docs/guide-init.md.
struct Kind {
    /// The name of the sink.
    sink: &'static str,
    /// The variables that ask for it: each is enough.
    asked_by: &'static [&'static str],
    /// What it takes to have it.
    needs: &'static str,
    /// `None` where it takes what this build does not have.
    make: Option<Make>,
}

type Make = fn(&Given<'_>) -> Result<Arc<dyn Sink>, Left>;

/// Why a sink that was asked for is not there.
enum Left {
    /// A variable of it is wrong.
    Wrong(SettingError),
    /// Another variable says so.
    Out(&'static str),
}

impl From<SettingError> for Left {
    fn from(error: SettingError) -> Self {
        Self::Wrong(error)
    }
}

/// `Some(make)` where the configuration is met, and so there is a function of that name.
macro_rules! where_built {
    ($condition:meta, $make:path) => {{
        #[cfg($condition)]
        let make: Option<Make> = Some($make);
        #[cfg(not($condition))]
        let make: Option<Make> = None;
        make
    }};
}

const LASTWORD_URL: &str = "LASTWORD_URL";
const LASTWORD_API_KEY: &str = "LASTWORD_API_KEY";
const TINKER_BASE_URL: &str = "TINKER_BASE_URL";
const TINKER_API_KEY: &str = "TINKER_API_KEY";
const DD_API_KEY: &str = "DD_API_KEY";
const SENTRY_DSN: &str = "SENTRY_DSN";
const NATS: &str = "LASTWORD_NATS";
const JSONL: &str = "LASTWORD_JSONL";
const CONSOLE: &str = "LASTWORD_CONSOLE";

const fn kinds() -> [Kind; 7] {
    [
        Kind {
            sink: "tinker",
            asked_by: &[LASTWORD_URL, TINKER_BASE_URL],
            needs: "the feature `http`",
            make: where_built!(feature = "http", http::tinker),
        },
        Kind {
            sink: "datadog",
            asked_by: &[DD_API_KEY],
            needs: "the feature `datadog`",
            make: where_built!(feature = "datadog", http::datadog),
        },
        Kind {
            sink: "otlp",
            asked_by: &[
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            ],
            needs: "the feature `otlp`",
            make: where_built!(feature = "otlp", http::otlp),
        },
        Kind {
            sink: "sentry",
            asked_by: &[SENTRY_DSN],
            needs: "the feature `sentry`",
            make: where_built!(feature = "sentry", http::sentry),
        },
        Kind {
            sink: "nats",
            asked_by: &[NATS],
            needs: "the feature `nats`",
            make: where_built!(feature = "nats", nats),
        },
        Kind { sink: "jsonl", asked_by: &[JSONL], needs: "a Unix system", make: where_built!(unix, jsonl) },
        Kind { sink: "console", asked_by: &[CONSOLE], needs: "nothing", make: Some(console) },
    ]
}

/// Returns the variables that ask for a sink, for whoever has set none.
pub(super) fn all_that_ask() -> String {
    kinds().iter().flat_map(|kind| kind.asked_by).copied().collect::<Vec<_>>().join(", ")
}

/// Adds the sinks that the environment asks for.
pub(super) fn add(builder: Builder, given: &Given<'_>, report: &mut Report) -> Builder {
    let builder = add_of(kinds(), builder, given, report);
    for (key, url) in [(LASTWORD_API_KEY, LASTWORD_URL), (TINKER_API_KEY, TINKER_BASE_URL)] {
        if given.variables.has(key) && !given.variables.has(url) {
            report.say(format_args!("{key} is set and goes nowhere: {url} is not set"));
        }
    }
    builder
}

fn add_of(
    kinds: impl IntoIterator<Item = Kind>,
    mut builder: Builder,
    given: &Given<'_>,
    report: &mut Report,
) -> Builder {
    for Kind { sink, asked_by, needs, make } in kinds {
        let Some(asked) = asked_by.iter().find(|name| given.variables.has(name)) else { continue };
        if builder.has_sink(sink) {
            report.say(format_args!("no sink {sink} because of {asked}: the program has one of that name"));
            continue;
        }
        let Some(make) = make else {
            report.say(format_args!("no sink {sink}: {asked} is set, but this build lacks {needs}"));
            continue;
        };
        match make(given) {
            Ok(made) => {
                let destination = made.policy().destination;
                let place = destination.as_ref().map_or("standard error", |destination| destination.address());
                report.say(format_args!("sink {sink}: because {asked} is set; to {place}"));
                builder = builder.shared_sink(made);
            }
            Err(Left::Out(why)) => report.say(format_args!("no sink {sink}: {asked} is set, but {why}")),
            Err(Left::Wrong(error)) => {
                report.say(format_args!("no sink {sink}: {} is wrong", error.field()));
                report.wrong(error);
            }
        }
    }
    builder
}

/// Checks a sink, whose settings were read from variables: `(setting, variable)`.
fn checked(sink: impl Sink, read_from: &[(&str, &'static str)]) -> Result<Arc<dyn Sink>, Left> {
    sink.open().map_err(|error| {
        let variable = read_from.iter().find(|(field, _)| *field == error.field()).map(|(_, variable)| *variable);
        variable.map_or(error.clone(), |variable| error.of(variable))
    })?;
    Ok(Arc::new(sink))
}

/// The sinks that need HTTP.
#[cfg(feature = "http")]
mod http {
    use super::{Arc, Given, LASTWORD_API_KEY, LASTWORD_URL, Left, Sink, TINKER_API_KEY, TINKER_BASE_URL, checked};
    use crate::sink::Tinker;

    pub(super) fn tinker(given: &Given<'_>) -> Result<Arc<dyn Sink>, Left> {
        let variables = given.variables;
        // A key goes to the server that it is named with, and to no other one.
        let (url, key, base_url, api_key) = match variables.text(LASTWORD_URL)? {
            Some(url) => (url, variables.text(LASTWORD_API_KEY)?, LASTWORD_URL, LASTWORD_API_KEY),
            None => {
                let url = variables.text(TINKER_BASE_URL)?.unwrap_or_default();
                (url, variables.text(TINKER_API_KEY)?, TINKER_BASE_URL, TINKER_API_KEY)
            }
        };
        let mut sink = Tinker::new(url).policy(given.policy.clone());
        if let Some(key) = key {
            sink = sink.api_key(key);
        }
        checked(sink, &[("base_url", base_url), ("api_key", api_key)])
    }

    #[cfg(feature = "datadog")]
    pub(super) fn datadog(given: &Given<'_>) -> Result<Arc<dyn Sink>, Left> {
        const SITE: &str = "DD_SITE";
        const SITE_DEFAULT: &str = "datadoghq.com";
        let variables = given.variables;
        let site = variables.text(SITE)?.unwrap_or_else(|| SITE_DEFAULT.to_owned());
        let key = variables.text(super::DD_API_KEY)?.unwrap_or_default();
        let mut sink = crate::sink::Datadog::new(site).api_key(key).policy(given.policy.clone());
        if let Some(service) = variables.text("DD_SERVICE")?.or_else(|| given.service.map(|(name, _)| name.clone())) {
            sink = sink.service(service);
        }
        for (variable, tag) in [("DD_ENV", "env"), ("DD_VERSION", "version")] {
            if let Some(value) = variables.text(variable)? {
                sink = sink.tag(tag, value);
            }
        }
        if let Some(hostname) = variables.text("DD_HOSTNAME")? {
            sink = sink.hostname(hostname);
        }
        checked(sink, &[("base_url", SITE), ("api_key", super::DD_API_KEY)])
    }

    #[cfg(feature = "otlp")]
    pub(super) fn otlp(given: &Given<'_>) -> Result<Arc<dyn Sink>, Left> {
        let sink = crate::sink::Otlp::from_variables(&|name| given.variables.raw(name))?;
        let mut sink = sink.ok_or(Left::Out("OTEL_SDK_DISABLED says no"))?.policy(given.policy.clone());
        if let Some((name, _)) = given.service {
            sink = sink.or_service(name);
        }
        checked(sink, &[])
    }

    #[cfg(feature = "sentry")]
    pub(super) fn sentry(given: &Given<'_>) -> Result<Arc<dyn Sink>, Left> {
        const ENVIRONMENT: &str = "SENTRY_ENVIRONMENT";
        const RELEASE: &str = "SENTRY_RELEASE";
        const SAMPLE_RATE: &str = "SENTRY_TRACES_SAMPLE_RATE";
        let variables = given.variables;
        for name in [super::SENTRY_DSN, ENVIRONMENT, RELEASE, SAMPLE_RATE] {
            variables.text(name)?;
        }
        let sink = crate::sink::Sentry::from_variables(|name| variables.raw(name)?.into_string().ok());
        let mut sink = sink.ok_or(Left::Out("there is nothing in it"))?.policy(given.policy.clone());
        if let (Some((name, version)), false) = (given.service, variables.has(RELEASE)) {
            sink = sink.release(format!("{name}@{version}"));
        }
        let read_from = [
            ("dsn", super::SENTRY_DSN),
            ("environment", ENVIRONMENT),
            ("release", RELEASE),
            ("traces_sample_rate", SAMPLE_RATE),
        ];
        checked(sink, &read_from)
    }
}

#[cfg(feature = "nats")]
fn nats(given: &Given<'_>) -> Result<Arc<dyn Sink>, Left> {
    const STREAM: &str = "LASTWORD_NATS_STREAM";
    const SUBJECT_PREFIX: &str = "LASTWORD_NATS_SUBJECT_PREFIX";
    let variables = given.variables;
    let mut sink = crate::sink::Nats::new(variables.text(NATS)?.unwrap_or_default()).policy(given.policy.clone());
    if let Some(prefix) = variables.text(SUBJECT_PREFIX)? {
        sink = sink.subject_prefix(prefix);
    }
    if let Some(stream) = variables.text(STREAM)? {
        sink = sink.stream(stream);
    }
    checked(sink, &[("servers", NATS), ("subject_prefix", SUBJECT_PREFIX), ("stream", STREAM)])
}

#[cfg(unix)]
fn jsonl(given: &Given<'_>) -> Result<Arc<dyn Sink>, Left> {
    // As it is: a path need not be UTF-8.
    let path = given.variables.raw(JSONL).unwrap_or_default();
    checked(Jsonl::new(path).policy(given.policy.clone()), &[("path", JSONL)])
}

fn console(given: &Given<'_>) -> Result<Arc<dyn Sink>, Left> {
    if given.variables.flag(CONSOLE)? { checked(Console::new(), &[]) } else { Err(Left::Out("it says no")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reporter;

    #[test]
    fn a_sink_that_this_build_does_not_have_is_said_to_be_missing_and_is_no_error() {
        let kind = Kind { sink: "fax", asked_by: &["FAX", "FAX_2"], needs: "the feature `fax`", make: None };
        let variables = Variables::of([("FAX_2".to_owned(), "555".into())].into());
        let given = Given { variables: &variables, policy: Policy::default(), service: None };
        let mut report = Report::default();
        let builder = add_of([kind], Reporter::builder("s"), &given, &mut report);
        assert!(!builder.has_sinks() && report.take_wrong().is_empty());
        assert_eq!(report.lines(), ["no sink fax: FAX_2 is set, but this build lacks the feature `fax`"]);
    }
}
