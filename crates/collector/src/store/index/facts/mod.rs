//! What is indexed of one event: its trace, its run, its user, and the figures of spans, metrics and runs.
//!
//! Only events of a few names are read field by field; of the others the ids that link them are, where the text has such a field at all.
//! A field of another form than `docs/events.md` gives it counts as not there: the event is stored all the same.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use lastword::event::names;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json::Cursor;
use crate::limits::{
    COST_MAX, COUNT_MAX, DURATION_MS_MAX, METRIC_LABEL_BYTES_MAX, METRIC_POINTS_MAX, NAME_BYTES_MAX, POINT_MAX,
};

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
    /// Those of `tokens_in` that came out of a cache.
    pub(crate) tokens_cached: i64,
    pub(crate) cost: f64,
    /// The model or the tool that was called, if it is such a call.
    pub(crate) callee: Option<Arc<Callee>>,
}

/// What was called, and by which version of the program. It is shared with what counts it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Callee {
    pub(crate) kind: CallKind,
    pub(crate) name: Box<str>,
    /// Who offers the model; empty for a tool.
    pub(crate) provider: Box<str>,
    /// Empty where the program does not tell.
    pub(crate) version: Box<str>,
}

/// What kind of thing was called. The numbers are those of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CallKind {
    /// A model.
    Model = 0,
    /// A tool.
    Tool = 1,
}

/// What is called by no name.
pub(crate) const UNKNOWN: &str = "unknown";

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

/// The fields of an event's data that are read, as they are written, whatever form they have.
#[derive(Default)]
struct Data<'a> {
    trace_id: Option<&'a str>,
    parent_span_id: Option<&'a str>,
    span_name: Option<&'a str>,
    run_id: Option<&'a str>,
    user_id: Option<&'a str>,
    user_bucket: Option<&'a str>,
    /// The same, as Datadog and OTLP write it.
    their_bucket: Option<&'a str>,
    duration_ms: Option<&'a str>,
    status: Option<&'a str>,
    objective: Option<&'a str>,
    series: Option<&'a str>,
    operation: Option<&'a str>,
    tokens_in: Option<&'a str>,
    tokens_out: Option<&'a str>,
    tokens_cached: Option<&'a str>,
    cost: Option<&'a str>,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    answered_by: Option<&'a str>,
    tool: Option<&'a str>,
}

impl<'a> Data<'a> {
    /// Finds the data of an event in one pass; `None` if there are none, or a field is there twice: nobody can tell which is meant.
    fn of(event: &'a str) -> Option<Self> {
        let mut cursor = Cursor::new(event);
        let mut data = None;
        while let Some(text) = cursor.next_text() {
            let name = cursor.said(&text).filter(|_| text.is_name)?;
            let field = match (text.depth, &mut data) {
                (1, data) if name == "event_data" => {
                    if data.is_some() || cursor.value_begins_with() != Some(b'{') {
                        return None;
                    }
                    *data = Some(Self::default());
                    continue;
                }
                (2, Some(data)) => data.field(&name),
                _ => None,
            };
            let value = cursor.pass_value();
            if let Some(field) = field
                && field.replace(&event[value]).is_some()
            {
                return None;
            }
        }
        data
    }

    fn field(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        Some(match name {
            "trace_id" => &mut self.trace_id,
            "parent_span_id" => &mut self.parent_span_id,
            "span_name" => &mut self.span_name,
            "run_id" => &mut self.run_id,
            "user_id" => &mut self.user_id,
            "user_bucket" => &mut self.user_bucket,
            "userBucket" => &mut self.their_bucket,
            "duration_ms" => &mut self.duration_ms,
            "status" => &mut self.status,
            "objective" => &mut self.objective,
            "series" => &mut self.series,
            // Half of the names begin alike: one comparison halves the others.
            _ => match name.strip_prefix("gen_ai.")? {
                "operation.name" => &mut self.operation,
                "usage.input_tokens" => &mut self.tokens_in,
                "usage.output_tokens" => &mut self.tokens_out,
                "usage.cache_read.input_tokens" => &mut self.tokens_cached,
                "usage.cost" => &mut self.cost,
                "provider.name" => &mut self.provider,
                "request.model" => &mut self.model,
                "response.model" => &mut self.answered_by,
                "tool.name" => &mut self.tool,
                _ => return None,
            },
        })
    }
}

impl Facts {
    /// Takes out of an event what is indexed of it, of a version of the program; `None` if that is nothing.
    pub(crate) fn of(text: &str, name: Option<&str>, version: Option<&str>) -> Option<Box<Self>> {
        let name = name.unwrap_or_default();
        let has_meaning = matches!(name, names::SPAN_START | names::SPAN_END | names::OPERATION | names::METRICS)
            || name.starts_with(names::RUN_PREFIX);
        // A key may be written with escapes; nobody does, and then the event is not linked.
        let is_linked = || {
            ["\"trace_id\"", "\"run_id\"", "\"user_id\"", "\"user_bucket\"", "\"userBucket\""]
                .iter()
                .any(|key| text.contains(key))
        };
        if !has_meaning && !is_linked() {
            return None;
        }
        let data = Data::of(text)?;
        let facts = Self {
            trace: data.trace_id.and_then(words).and_then(|id| trace_id(&id)),
            run: data.run_id.and_then(label),
            user: data.user_id.and_then(label),
            bucket: data
                .user_bucket
                .or(data.their_bucket)
                .and_then(whole)
                .and_then(|bucket| u8::try_from(bucket).ok())
                .filter(|b| *b < 30),
            what: what(name, &data, version),
        };
        (facts != Self::default()).then(|| Box::new(facts))
    }
}

fn what(name: &str, data: &Data<'_>, version: Option<&str>) -> What {
    match name {
        names::SPAN_START => What::Start(span(data)),
        names::SPAN_END | names::OPERATION => {
            let span = span(data);
            What::End(Span { callee: callee(&span, data, version), ..span })
        }
        names::METRICS => What::Metrics(data.series.map(points).unwrap_or_default()),
        _ => match name.strip_prefix(names::RUN_PREFIX) {
            Some(kind) if is_there(data.run_id) => What::Run(Run {
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
    let millis = data.duration_ms.and_then(number).filter(|millis| (0.0..=DURATION_MS_MAX).contains(millis));
    #[allow(clippy::cast_possible_truncation, reason = "it was looked at how large it is")]
    let duration_us = millis.map(|millis| (millis * 1000.0) as i64);
    Span {
        name: data.span_name.and_then(label).unwrap_or_default(),
        is_root: !is_there(data.parent_span_id),
        duration_us,
        failed: data.status.and_then(words).is_some_and(|status| status == "error"),
        is_model_call: matches!(&*operation, "chat" | "generate_content" | "text_completion" | "embeddings"),
        is_tool_call: operation == "execute_tool",
        tokens_in: data.tokens_in.and_then(whole).unwrap_or(0),
        tokens_out: data.tokens_out.and_then(whole).unwrap_or(0),
        tokens_cached: data.tokens_cached.and_then(whole).unwrap_or(0),
        cost: data.cost.and_then(number).filter(|cost| (0.0..=COST_MAX).contains(cost)).unwrap_or(0.0),
        callee: None,
    }
}

/// Reads what was called: the model that was asked for rather than the one that answered, since that is what the program chose.
fn callee(span: &Span, data: &Data<'_>, version: Option<&str>) -> Option<Arc<Callee>> {
    let or_unknown = |name: Option<Box<str>>| name.unwrap_or_else(|| UNKNOWN.into());
    let (kind, name, provider) = if span.is_model_call {
        let name = data.model.and_then(label).or_else(|| data.answered_by.and_then(label));
        (CallKind::Model, or_unknown(name), or_unknown(data.provider.and_then(label)))
    } else if span.is_tool_call {
        (CallKind::Tool, or_unknown(data.tool.and_then(label)), Box::default())
    } else {
        return None;
    };
    Some(Arc::new(Callee { kind, name, provider, version: version.map(cut).unwrap_or_default() }))
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

fn points(series: &str) -> Vec<Point> {
    let all: Vec<&RawValue> = serde_json::from_str(series).unwrap_or_default();
    // One that can't be read harms no other.
    all.into_iter().take(METRIC_POINTS_MAX).filter_map(|one| point(&serde_json::from_str(one.get()).ok()?)).collect()
}

fn point(series: &Series<'_>) -> Option<Point> {
    let value = series.value.or(series.sum)?;
    let is_told = |number: f64| number.abs() <= POINT_MAX;
    if ![Some(value), series.min, series.max].into_iter().flatten().all(is_told) {
        return None;
    }
    let count = series.count.unwrap_or(1).clamp(0, COUNT_MAX);
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
    let mut id = [0; 16];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != id.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in id.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    (id != [0; 16]).then_some(id)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Whether a field says something.
fn is_there(json: Option<&str>) -> bool {
    json.is_some_and(|json| json != "null")
}

fn words(json: &str) -> Option<Cow<'_, str>> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Some(Cow::Borrowed(text));
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
}

/// Reads a text, cut to what is indexed; an empty one is none.
fn label(json: &str) -> Option<Box<str>> {
    words(json).filter(|text| !text.is_empty()).map(|text| cut(&text))
}

fn cut(text: &str) -> Box<str> {
    text[..text.floor_char_boundary(NAME_BYTES_MAX)].into()
}

fn number(json: &str) -> Option<f64> {
    json.parse().ok().filter(|number: &f64| number.is_finite())
}

fn whole(json: &str) -> Option<i64> {
    json.parse().ok().filter(|number| (0..=COUNT_MAX).contains(number))
}

#[cfg(test)]
mod tests;
