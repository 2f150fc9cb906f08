//! Events for tests, in every form that there is.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Event, View};
use crate::clock::Timestamp;
use crate::event::{Encoder, EventKind, EventView, Severity, Tag};

/// 2026-11-25T10:00:00Z.
pub(super) const NOW: u64 = 1_795_600_800_000_000_000;

/// An event of a session.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) session: String,
    pub(super) index: u64,
    pub(super) nanos: u64,
    pub(super) kind: EventKind,
    pub(super) severity: Severity,
    pub(super) name: String,
    pub(super) data: Value,
}

impl Sample {
    /// A generic event, `index` seconds after [`NOW`].
    pub(super) fn new(index: u64, name: &str, data: Value) -> Self {
        let (kind, severity) = (EventKind::Generic, Severity::Info);
        Self {
            session: "s-1".into(),
            index,
            nanos: NOW + index * 1_000_000_000,
            kind,
            severity,
            name: name.into(),
            data,
        }
    }

    fn encoded(&self) -> (Tag, Vec<u8>) {
        let mut encoder = Encoder::take();
        encoder.time(Timestamp::from_unix_nanos(self.nanos));
        match self.kind {
            EventKind::SessionStart => {}
            EventKind::SessionEnd => encoder.duration(Duration::from_micros(self.index)),
            EventKind::UnhandledException => encoder.exception(&self.name, "it broke\n\"here\"", None),
            EventKind::Generic => {
                encoder.name(&self.name);
                encoder.data(&self.data).unwrap();
            }
        }
        (Tag::new(self.kind, self.severity), encoder.finish().unwrap().to_vec())
    }

    /// Applies it as a sink has it.
    pub(super) fn apply_view<V: View>(&self, view: &mut V) {
        let (tag, bytes) = self.encoded();
        let read = EventView::read(tag, &bytes).unwrap();
        view.apply(&Event::from_view(&self.session, self.index, &read).unwrap());
    }

    /// Returns the line that a sink writes of it.
    pub(super) fn line(&self) -> Vec<u8> {
        let (tag, bytes) = self.encoded();
        let mut line = Vec::new();
        let view = EventView::read(tag, &bytes).unwrap();
        crate::wire::write_event(&mut line, self.index, Uuid::nil(), &view).unwrap();
        line.pop();
        line.extend_from_slice(format!(",\"session_id\":{}}}", json!(self.session)).as_bytes());
        line
    }
}

/// Folds samples as a sink has them.
pub(super) fn fold<V: View>(samples: &[Sample]) -> V {
    let mut view = V::default();
    samples.iter().for_each(|sample| sample.apply_view(&mut view));
    view
}

/// Folds generic events of one session, a second apart.
pub(super) fn fold_data<V: View>(name: &str, data: impl IntoIterator<Item = Value>) -> V {
    let samples: Vec<Sample> = (0..).zip(data).map(|(index, data)| Sample::new(index, name, data)).collect();
    fold(&samples)
}

/// What may stand in a field: what belongs there, and what does not.
fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!([1, "two", {"three": [null]}])),
        Just(json!({"b": 1, "a": {"c": -0.5}})),
    ]
}

/// Names of which some are the same, so that rows meet.
fn any_name() -> impl Strategy<Value = Value> {
    prop_oneof![4 => prop::sample::select(vec!["a", "bash", "gpt-4o", "openai", "日本"]).prop_map(Value::from), 1 => any_scalar()]
}

fn any_amount() -> impl Strategy<Value = Value> {
    prop_oneof![3 => (0_u64..5_000).prop_map(Value::from), 2 => (0.0..9_999.0).prop_map(Value::from), 1 => any_scalar()]
}

/// The data of an operation, of a span, of an error, of a run, with something odd in it now and then.
fn any_data() -> impl Strategy<Value = Value> {
    let operation =
        prop::sample::select(vec!["chat", "embeddings", "execute_tool", "memory", "decision", "retrieval", "x"]);
    let ids = (1_u128..4, 1_u64..6, 0_u64..6);
    let fields = (operation, ids, any_name(), any_name(), any_amount(), any_amount(), any::<bool>(), any_scalar());
    fields.prop_map(|(operation, (trace, span, parent), name, other, amount, another, fails, odd)| {
        json!({
            "gen_ai.operation.name": operation, "gen_ai.provider.name": name, "gen_ai.request.model": other,
            "gen_ai.tool.name": name, "gen_ai.usage.input_tokens": amount, "gen_ai.usage.output_tokens": another,
            "gen_ai.usage.cost": another, "gen_ai.conversation.id": other, "duration_ms": amount, "attempt": another,
            "status": if fails { "error" } else { "ok" }, "error.type": name, "error.message": odd, "context": odd,
            "trace_id": format!("{trace:032x}"), "span_id": format!("{span:016x}"), "parent_span_id": format!("{parent:016x}"),
            "span_name": name, "span_kind": "client", "run_id": other, "role": name, "user_bucket": amount, "tool": name,
            "success": !fails, "objective": odd, "own attribute": odd, "message": odd, "error_type": name,
        })
    })
}

fn any_metrics() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["counter", "gauge", "histogram"]);
    let bounds = prop::sample::select(vec![vec![50.0, 100.0], vec![50.0, 200.0], vec![1.0], vec![]]);
    let series = (any_name(), kind, any_amount(), any_amount(), bounds, any_name()).prop_map(|(name, kind, value, count, bounds, label)| {
        let buckets: Vec<u64> = (0..=bounds.len() as u64).collect();
        json!({"name": name, "type": kind, "value": value, "count": count, "sum": value, "min": value, "unit": label,
            "bounds": bounds, "buckets": buckets, "labels": {"l": label, "a": 1}})
    });
    prop::collection::vec(series, 0..4).prop_map(|series| json!({"interval_ms": 10_000, "series": series}))
}

/// Any event, of a few sessions, traces, runs and conversations.
pub(super) fn any_sample() -> impl Strategy<Value = Sample> {
    let name = prop::sample::select(vec![
        "span.start",
        "span.end",
        "operation",
        "error",
        "user_error",
        "conversation.start",
        "conversation.message",
        "conversation.end",
        "run.run_start",
        "run.run_end",
        "run.tool_result",
        "run.step_start",
        "session.user",
        "session.recovered",
        "anything",
    ]);
    let data = prop_oneof![
        6 => (name, any_data()).prop_map(|(name, data)| (name.to_owned(), data)),
        1 => any_metrics().prop_map(|data| ("metrics".to_owned(), data)),
    ];
    let kind = prop_oneof![9 => Just(EventKind::Generic), 1 => prop::sample::select(EventKind::ALL.to_vec())];
    let severity = prop::sample::select(Severity::ALL.to_vec());
    let nanos = prop_oneof![9 => NOW..NOW + 400_000_000_000, 1 => any::<u32>().prop_map(u64::from)];
    let fields = (data, kind, severity, 0_u8..3, nanos);
    fields.prop_map(|((name, data), kind, severity, session, nanos)| Sample {
        session: format!("s-{session}"),
        index: 0,
        nanos,
        kind,
        severity,
        name,
        data,
    })
}

/// Events that all have places of their own.
pub(super) fn any_samples(count: usize) -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec(any_sample(), 0..count).prop_map(|mut samples| {
        (0..).zip(&mut samples).for_each(|(index, sample)| sample.index = index);
        samples
    })
}
