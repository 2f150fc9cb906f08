//! Every place in an event that a text can come into.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use lastword::metrics::{ApiRequest, MessageRole, Metrics};
use lastword::privacy::SafeStr;
use lastword::{Admission, Reporter, Severity, UserError, capture, event};
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::secrets::Sample;

/// An error with a text and a cause.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String, pub(crate) Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// An error whose `Debug` is what it says: the name of its type is looked for there.
struct Plain(String);

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Plain {}

#[derive(Serialize)]
enum Found<'a> {
    Text(&'a str),
    Two(u8, &'a str),
    Named { text: &'a str },
}

struct Bytes<'a>(&'a str);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.as_bytes())
    }
}

fn sent(admission: Admission) {
    assert!(admission.is_accepted(), "{admission:?}");
}

/// Reports a sample in every place there is.
pub(crate) fn report_everywhere(reporter: &Reporter, sample: &Sample) {
    let text = sample.text;
    sent(event!(reporter, "value", note = text));
    sent(event!(reporter, Severity::Warning, "display", note = %text, debug = ?text));
    sent(reporter.log("deep", json!({"a": [{"b": {"c": [1, "x", {"d": text}]}}], "keys": {text: 1}})));
    sent(event!(reporter, "map", by = BTreeMap::from([(text, text)]), option = Some(Some(text)), two = (1, text)));
    sent(event!(reporter, "enum", one = Found::Text(text), two = Found::Two(1, text), three = Found::Named { text }));
    sent(event!(reporter, "bytes", bytes = Bytes(text)));
    if let Ok(safe) = SafeStr::new(text) {
        sent(event!(reporter, "safe", safe = safe, by = BTreeMap::from([(safe, safe)])));
    }
    sent(reporter.log(&format!("name {text}"), json!({"n": 1})));
    sent(event!(reporter, "json", body = json!({"note": text}).to_string()));
    let span = json!({"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "duration_ms": 250,
        "parent_span_id": "a7ad6b7169203331", "note": text, "error": text, "name": text});
    sent(reporter.log("a span", span));
    if !text.contains([' ', '\n']) {
        sent(event!(reporter, "url", url = format!("https://example.com/x/{text}?q={text}&n=1")));
    }
    report_errors(reporter, text);
    report_spans(reporter, text);
    report_metrics(reporter, text);
}

/// Reports a sample in every place of spans.
fn report_spans(reporter: &Reporter, text: &str) {
    let mut span = reporter.trace(format!("answer {text}"));
    span.set("note", text).set("map", BTreeMap::from([(text, text)])).fail_with(text.to_owned(), text);
    let _entered = span.enter();
    let mut call = reporter.model_call(text, text);
    call.response_model(text).response_id(text).finish_reasons([text, "stop"]).input(&[text]).output(text);
    call.fail(&Failed(text.to_owned(), None));
    let mut call = reporter.tool_call(text);
    call.call_id(text).arguments(&json!({"command": text})).result(text);
    reporter.retrieval(text).documents(1);
    reporter.agent(text).set("goal", text);
    reporter.decision([text, "other"]).selected(text);
    let off = format!("{span:?} {call:?} {:?}", lastword::trace::Context::current());
    assert!(!off.contains("arguments"), "{off}");
}

/// Reports a sample in every place of metrics.
fn report_metrics(reporter: &Reporter, text: &str) {
    let metrics = Metrics::new(reporter);
    metrics.counter(text).add(1.0, &[(text, text)]);
    metrics.gauge("depth").set(1.0, &[("queue", text)]);
    metrics.describe("depth", text, text);
    metrics.flush();
    sent(metrics.start_session(text));
    sent(metrics.record_message(MessageRole::User));
    let request = ApiRequest { provider: text, model: text, error: Some((text, text)), ..ApiRequest::default() };
    sent(metrics.record_api_request(&request));
    sent(metrics.record_tool_execution(text, Duration::ZERO, Err(text)));
    sent(metrics.record_error(text, text, json!({"text": text, text: 1})));
    assert!(metrics.end_session().is_some());
}

/// Reports a sample in texts that are cut where it stands.
pub(crate) fn report_over_cuts(reporter: &Reporter, sample: &Sample) {
    let text = sample.text;
    sent(event!(reporter, "long", note = format!("{} {text} {}", "word ".repeat(13_100), "word ".repeat(900))));
    let long = format!("{} {text} {}", "x ".repeat(8_165), "y ".repeat(2_000));
    sent(reporter.log_error(long.as_str()));
    sent(reporter.log_error(&UserError::new("long").status(422).body(json!({"detail": long}))));
    let metrics = Metrics::new(reporter);
    for bytes in [96, 128, 256] {
        // The cut goes through the middle of it, and through its beginning.
        for before in [bytes - text.len().min(bytes) / 2, bytes - text.len().min(bytes) / 4 * 3] {
            let long = format!("{} {text} {}", "x".repeat(before.saturating_sub(1)), "y ".repeat(300));
            reporter.trace(long.clone()).set("note", "short");
            metrics.counter(&long).add(1.0, &[("name", &long)]);
            metrics.gauge(&format!("depth {bytes}")).set(1.0, &[(&long, "value")]);
            metrics.describe(&format!("depth {bytes}"), &long, &long);
            sent(metrics.start_session(&long));
            let _ = metrics.end_session();
        }
    }
    metrics.flush();
}

fn report_errors(reporter: &Reporter, text: &str) {
    let cause = Failed(text.to_owned(), None);
    sent(reporter.log_error(&Failed(format!("can't: {text}"), Some(Box::new(cause)))));
    sent(reporter.log_error(text));
    let plain: Box<dyn Error + Send + Sync> = Box::new(Plain(text.to_owned()));
    sent(reporter.log_error(&plain));
    sent(reporter.log_error(&UserError::new(text).status(422).body(json!({"detail": [text], text: 1}))));
    let outcome: Result<(), Failed> = capture!(reporter, Err(Failed(text.to_owned(), None)));
    assert!(outcome.is_err());
}
