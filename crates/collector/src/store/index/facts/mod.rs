//! What is indexed of one event: its trace, its run, its user, and the figures of spans, metrics and runs.
//!
//! Only events of a few names are read field by field; of the others the ids that link them are, where the text has such a field at all.
//! A field of another form than `docs/events.md` gives it counts as not there: the event is stored all the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lastword::event::names;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::limits::{METRIC_LABEL_BYTES_MAX, METRIC_POINTS_MAX, NAME_BYTES_MAX};

/// The 16 bytes of a trace's id.
pub(crate) type TraceId = [u8; 16];

/// What is known of an event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Facts {
    pub(crate) trace: Option<TraceId>,
    pub(crate) run: Option<Box<str>>,
    pub(crate) user: Option<Box<str>>,
    /// One of 30, where the program knows its user.
    pub(crate) bucket: Option<u8>,
    pub(crate) what: What,
}

/// What an event of a meaning says.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum What {
    #[default]
    Other,
    /// A span began.
    Start(Span),
    /// A span ended, or an operation without a place in a trace.
    End(Span),
    /// Something of a run.
    Run(Run),
    Metrics(Vec<Point>),
}

/// The figures of a span.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Span {
    pub(crate) name: Box<str>,
    /// It is within no other one.
    pub(crate) is_root: bool,
    pub(crate) duration_us: Option<i64>,
    pub(crate) failed: bool,
    pub(crate) is_model_call: bool,
    pub(crate) is_tool_call: bool,
    pub(crate) tokens_in: i64,
    pub(crate) tokens_out: i64,
    pub(crate) cost: f64,
}

/// What an event says of its run.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    /// What stands behind `run.` in its name.
    pub(crate) kind: Box<str>,
    pub(crate) objective: Option<Box<str>>,
    pub(crate) status: Option<Box<str>>,
}

/// A point of a metric.
#[derive(Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) name: Box<str>,
    pub(crate) kind: Kind,
    pub(crate) unit: Option<Box<str>>,
    /// A JSON object, its keys in order.
    pub(crate) labels: Box<str>,
    pub(crate) count: i64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) last: f64,
}

/// How points of a metric are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    event_data: Option<&'a RawValue>,
}

/// The fields of an event's data that are read, whatever form they have.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    trace_id: Option<&'a RawValue>,
    #[serde(borrow)]
    parent_span_id: Option<&'a RawValue>,
    #[serde(borrow)]
    span_name: Option<&'a RawValue>,
    #[serde(borrow)]
    run_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "userBucket")]
    user_bucket: Option<&'a RawValue>,
    #[serde(borrow)]
    duration_ms: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    objective: Option<&'a RawValue>,
    #[serde(borrow)]
    series: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.operation.name")]
    operation: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.usage.input_tokens")]
    tokens_in: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.usage.output_tokens")]
    tokens_out: Option<&'a RawValue>,
    #[serde(borrow, rename = "gen_ai.usage.cost")]
    cost: Option<&'a RawValue>,
}

impl Facts {
    /// Takes out of an event what is indexed of it; `None` if that is nothing.
    pub(crate) fn of(text: &str, name: Option<&str>) -> Option<Box<Self>> {
        let name = name.unwrap_or_default();
        let has_meaning = matches!(name, names::SPAN_START | names::SPAN_END | names::OPERATION | names::METRICS)
            || name.starts_with(names::RUN_PREFIX);
        // A key may be written with escapes; nobody does, and then the event is not linked.
        let is_linked =
            ["\"trace_id\"", "\"run_id\"", "\"user_id\"", "\"userBucket\""].iter().any(|key| text.contains(key));
        if !has_meaning && !is_linked {
            return None;
        }
        let event: Event<'_> = serde_json::from_str(text).ok()?;
        let data: Data<'_> = serde_json::from_str(event.event_data?.get()).ok()?;
        let facts = Self {
            trace: data.trace_id.and_then(words).and_then(|id| trace_id(&id)),
            run: data.run_id.and_then(label),
            user: data.user_id.and_then(label),
            bucket: data.user_bucket.and_then(whole).and_then(|bucket| u8::try_from(bucket).ok()).filter(|b| *b < 30),
            what: what(name, &data),
        };
        (facts != Self::default()).then(|| Box::new(facts))
    }
}

fn what(name: &str, data: &Data<'_>) -> What {
    match name {
        names::SPAN_START => What::Start(span(data)),
        names::SPAN_END | names::OPERATION => What::End(span(data)),
        names::METRICS => What::Metrics(data.series.map(points).unwrap_or_default()),
        _ => match name.strip_prefix(names::RUN_PREFIX) {
            Some(kind) if data.run_id.is_some() => What::Run(Run {
                kind: kind.into(),
                objective: data.objective.and_then(label),
                status: data.status.and_then(label),
            }),
            _ => What::Other,
        },
    }
}

fn span(data: &Data<'_>) -> Span {
    let operation = data.operation.and_then(words).unwrap_or_default();
    let millis = data.duration_ms.and_then(number).filter(|millis| (0.0..=1e15).contains(millis));
    #[allow(clippy::cast_possible_truncation, reason = "it was looked at how large it is")]
    let duration_us = millis.map(|millis| (millis * 1000.0) as i64);
    Span {
        name: data.span_name.and_then(label).unwrap_or_default(),
        is_root: data.parent_span_id.is_none(),
        duration_us,
        failed: data.status.and_then(words).is_some_and(|status| status == "error"),
        is_model_call: matches!(&*operation, "chat" | "generate_content" | "text_completion" | "embeddings"),
        is_tool_call: operation == "execute_tool",
        tokens_in: data.tokens_in.and_then(whole).unwrap_or(0),
        tokens_out: data.tokens_out.and_then(whole).unwrap_or(0),
        cost: data.cost.and_then(number).unwrap_or(0.0),
    }
}

/// A series of a `metrics` event.
#[derive(Deserialize)]
struct Series<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: Kind,
    unit: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, serde_json::Value>,
    value: Option<f64>,
    count: Option<i64>,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
}

fn points(series: &RawValue) -> Vec<Point> {
    let all: Vec<&RawValue> = serde_json::from_str(series.get()).unwrap_or_default();
    // One that can't be read harms no other.
    all.into_iter().take(METRIC_POINTS_MAX).filter_map(|one| point(&serde_json::from_str(one.get()).ok()?)).collect()
}

fn point(series: &Series<'_>) -> Option<Point> {
    let value = series.value.or(series.sum)?;
    let count = series.count.unwrap_or(1).max(0);
    let labels = serde_json::to_string(&series.labels).ok().filter(|labels| labels.len() <= METRIC_LABEL_BYTES_MAX)?;
    Some(Point {
        name: cut(&series.name),
        kind: series.kind,
        unit: series.unit.as_deref().map(cut),
        labels: labels.into(),
        count,
        sum: value,
        min: series.min.unwrap_or(value),
        max: series.max.unwrap_or(value),
        last: value,
    })
}

/// Reads 32 hexadecimal digits in lower case, not all of them 0.
pub(crate) fn trace_id(text: &str) -> Option<TraceId> {
    if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let id = u128::from_str_radix(text, 16).ok()?;
    (id != 0).then(|| id.to_be_bytes())
}

fn words(json: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(json.get()).ok().map(|text| text.0)
}

/// Reads a text, cut to what is indexed; an empty one is none.
fn label(json: &RawValue) -> Option<Box<str>> {
    words(json).filter(|text| !text.is_empty()).map(|text| cut(&text))
}

fn cut(text: &str) -> Box<str> {
    text[..text.floor_char_boundary(NAME_BYTES_MAX)].into()
}

fn number(json: &RawValue) -> Option<f64> {
    json.get().parse().ok().filter(|number: &f64| number.is_finite())
}

fn whole(json: &RawValue) -> Option<i64> {
    json.get().parse().ok().filter(|number| *number >= 0)
}
