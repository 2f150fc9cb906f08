//! The variables that OpenTelemetry names for an exporter: "OTLP exporter" and "General SDK configuration" in its
//! specification.
//!
//! What is said for one signal counts before what is said for all. A variable that is empty says nothing.

use std::ffi::OsString;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::{LOGS_PATH, Otlp, Signal, TRACES_PATH, logs_to, traces_to};
use crate::sink::SettingError;

const DISABLED: &str = "OTEL_SDK_DISABLED";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The names of the variables for a signal, or for all.
struct Names {
    endpoint: &'static str,
    headers: &'static str,
    timeout: &'static str,
    compression: &'static str,
    protocol: &'static str,
}

const FOR_ALL: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_COMPRESSION",
    protocol: "OTEL_EXPORTER_OTLP_PROTOCOL",
};
const FOR_LOGS: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
    protocol: "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
};
const FOR_TRACES: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
};

/// A variable that says something.
type Said = Option<(&'static str, String)>;

/// Makes the sink that the environment asks for, whose variables `of` returns; none, where it names no endpoint.
pub(super) fn read(of: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<Otlp>, SettingError> {
    let env = Env(of);
    if env.get(DISABLED)?.is_some_and(|(_, value)| value.trim().eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let logs = env.signal(&FOR_LOGS, LOGS_PATH, logs_to)?;
    let traces = env.signal(&FOR_TRACES, TRACES_PATH, traces_to)?;
    let logs = match (logs, &traces) {
        (Some(logs), _) => logs,
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            let reason = "there is none, and most events are logs: set it, or OTEL_EXPORTER_OTLP_ENDPOINT for both";
            return Err(SettingError::new(FOR_LOGS.endpoint, reason));
        }
    };
    let mut otlp = Otlp::of(logs, traces);
    if let Some((name, value)) = env.get(RESOURCE)? {
        for (key, value) in pairs(name, &value)? {
            otlp.resource.set(key, value);
        }
        otlp.resource.check(RESOURCE)?;
    }
    if let Some((_, name)) = env.get(SERVICE_NAME)? {
        otlp.resource.set_service(name);
        otlp.resource.check(SERVICE_NAME)?;
    }
    Ok(Some(otlp))
}

struct Env<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Env<'_> {
    fn get(&self, name: &'static str) -> Result<Said, SettingError> {
        let Some(value) = (self.0)(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        match value.into_string() {
            Ok(value) => Ok(Some((name, value))),
            Err(_) => Err(SettingError::new(name, "it is not UTF-8")),
        }
    }

    /// Returns what is said for a signal, or else for all.
    fn pick(&self, own: &'static str, for_all: &'static str) -> Result<Said, SettingError> {
        Ok(self.get(own)?.or(self.get(for_all)?))
    }

    /// Makes where a signal goes, if anything says where; and checks it, so that an error names the variable.
    fn signal(&self, own: &Names, path: &str, to: fn(&str, &str) -> Signal) -> Result<Option<Signal>, SettingError> {
        let (endpoint, mut signal) = match (self.get(own.endpoint)?, self.get(FOR_ALL.endpoint)?) {
            // As it is.
            (Some((name, url)), _) => (name, to(&url, "")),
            (None, Some((name, url))) => (name, to(&url, path)),
            (None, None) => return Ok(None),
        };
        if let Some((name, value)) = self.pick(own.protocol, FOR_ALL.protocol)?
            && value.trim() != "http/protobuf"
        {
            let reason = format!("`{}` is not spoken here: leave it out, or say `http/protobuf`", value.escape_debug());
            return Err(SettingError::new(name, reason));
        }
        let named = |name: &'static str| move |error: SettingError| SettingError::new(name, error.reason);
        signal.http.check().map_err(named(endpoint))?;
        if let Some((name, value)) = self.pick(own.headers, FOR_ALL.headers)? {
            for (header, value) in pairs(name, &value)? {
                signal.http.add_header(header, value);
            }
            signal.http.check().map_err(named(name))?;
        }
        if let Some((name, value)) = self.pick(own.timeout, FOR_ALL.timeout)? {
            signal.http.set_timeout(timeout(name, &value)?);
        }
        if let Some((name, value)) = self.pick(own.compression, FOR_ALL.compression)? {
            signal.compresses = compresses(name, &value)?;
        }
        Ok(Some(signal))
    }
}

fn timeout(name: &'static str, value: &str) -> Result<Duration, SettingError> {
    let millis = value.trim().parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis);
    millis.ok_or_else(|| {
        let shown = value.escape_debug();
        SettingError::new(name, format!("`{shown}` is no time: write whole milliseconds, 10000 for ten seconds"))
    })
}

fn compresses(name: &'static str, value: &str) -> Result<bool, SettingError> {
    match value.trim() {
        "gzip" => Ok(true),
        "none" => Ok(false),
        other => {
            let reason = format!("`{}` is not known here: write `gzip` or `none`", other.escape_debug());
            Err(SettingError::new(name, reason))
        }
    }
}

/// Reads `name=value,name=value`, where values are percent-encoded. An error says which pair is wrong and shows none of it:
/// it may be a key.
fn pairs(name: &'static str, list: &str) -> Result<Vec<(String, String)>, SettingError> {
    let pairs = list.split(',').enumerate().filter(|(_, pair)| !pair.trim().is_empty());
    let read = pairs.map(|(place, pair)| {
        let wrong = |what: &str| SettingError::new(name, format!("pair {} {what}", place + 1));
        let (key, value) =
            pair.split_once('=').ok_or_else(|| wrong("has no `=`: write `name=value,name=value`, `,` in it as %2C"))?;
        let key = key.trim();
        if key.is_empty() {
            return Err(wrong("has no name: write `name=value,name=value`"));
        }
        let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| wrong("is not UTF-8 when decoded"))?;
        Ok((key.to_owned(), value.into_owned()))
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Sink;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Otlp>, SettingError> {
        let of =
            |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| OsString::from(value));
        read(&of)
    }

    fn error(variables: &[(&str, &str)]) -> (&'static str, String) {
        of(variables).map(|_| ()).map_err(|error| (error.field(), error.to_string())).unwrap_err()
    }

    /// Where logs and traces go.
    fn addresses(variables: &[(&str, &str)]) -> (String, Option<String>) {
        let otlp = of(variables).unwrap().unwrap();
        assert_eq!(otlp.open(), Ok(()));
        let url = |signal: &Signal| signal.http.endpoint().unwrap();
        (url(&otlp.logs), otlp.traces.as_ref().map(url))
    }

    const ALL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318/prefix/");
    const LOGS: (&str, &str) = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs/as/it/is/");
    const TRACES: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces");

    #[test]
    fn without_an_endpoint_there_is_no_sink() {
        assert!(of(&[]).unwrap().is_none());
        assert!(of(&[("OTEL_SERVICE_NAME", "s"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).unwrap().is_none());
        assert!(of(&[ALL, ("OTEL_SDK_DISABLED", "True")]).unwrap().is_none());
        assert!(of(&[ALL, ("OTEL_SDK_DISABLED", "no")]).unwrap().is_some());
    }

    #[test]
    fn a_path_is_added_to_the_endpoint_for_all_and_none_to_that_of_one_signal() {
        let (logs, traces) = ("http://h:4318/prefix/v1/logs", "http://h:4318/prefix/v1/traces");
        assert_eq!(addresses(&[ALL]), (logs.into(), Some(traces.into())));
        assert_eq!(addresses(&[ALL, LOGS]), ("http://logs/as/it/is/".into(), Some(traces.into())));
        assert_eq!(addresses(&[ALL, TRACES]), (logs.into(), Some("http://traces/".into())));
        assert_eq!(addresses(&[LOGS]), ("http://logs/as/it/is/".into(), None), "then spans are logs");
    }

    #[test]
    fn traces_alone_are_no_place_for_events() {
        let (field, text) = error(&[TRACES]);
        assert_eq!(field, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
        assert!(text.contains("OTEL_EXPORTER_OTLP_ENDPOINT for both"), "{text}");
    }

    #[test]
    fn what_is_said_for_one_signal_counts_before_what_is_said_for_all() {
        let otlp = of(&[
            ALL,
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", " 700 "),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-for-all=1"),
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-for-logs=2"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ]);
        let otlp = otlp.unwrap().unwrap();
        let traces = otlp.traces.as_ref().unwrap();
        assert_eq!((otlp.logs.compresses, traces.compresses), (false, true));
        let (logs, traces) = (format!("{:?}", otlp.logs), format!("{traces:?}"));
        assert!(logs.contains("2.5s") && logs.contains("x-for-logs") && !logs.contains("x-for-all"), "{logs}");
        assert!(traces.contains("700ms") && traces.contains("x-for-all"), "{traces}");
    }

    #[test]
    fn pairs_are_decoded_and_their_names_are_not() {
        let read = pairs("V", "authorization=Basic%20YTpi%3D, x-key = a=b ,,k=%2C").unwrap();
        let expected = [("authorization", "Basic YTpi="), ("x-key", "a=b"), ("k", ",")];
        assert_eq!(read, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_bad_value_names_its_variable_and_what_would_be_right() {
        for ((name, value), said) in [
            (("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4318"), "neither http:// nor"),
            (("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "no url"), "is no URL"),
            (("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"), "`10s` is no time: write whole milliseconds"),
            (("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), "is no time"),
            (("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "-1"), "is no time"),
            (("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"), "write `gzip` or `none`"),
            (("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), "`grpc` is not spoken here"),
            (("OTEL_EXPORTER_OTLP_HEADERS", "a=1,sekret"), "pair 2 has no `=`"),
            (("OTEL_EXPORTER_OTLP_HEADERS", "=sekret"), "pair 1 has no name"),
            (("OTEL_EXPORTER_OTLP_HEADERS", "a=%FFsekret"), "pair 1 is not UTF-8"),
            (("OTEL_EXPORTER_OTLP_HEADERS", "a=sekret%0A"), "`a` has a value with characters"),
            (("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "content-type=sekret"), "by the sink itself"),
            (("OTEL_RESOURCE_ATTRIBUTES", "service.name"), "pair 1 has no `=`"),
            (("OTEL_RESOURCE_ATTRIBUTES", "telemetry.sdk.name=x"), "by the sink itself"),
        ] {
            let endpoint = if name == ALL.0 { ("", "") } else { ALL };
            let (field, text) = error(&[endpoint, (name, value)]);
            assert_eq!(field, name);
            assert!(text.contains(said) && text.contains(name) && !text.contains("sekret"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_refused() {
        use std::os::unix::ffi::OsStringExt;

        let error = read(&|_| Some(OsString::from_vec(vec![0xff]))).map(|_| ()).unwrap_err();
        assert_eq!(error.field(), "OTEL_SDK_DISABLED");
    }
}
