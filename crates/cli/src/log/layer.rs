//! What the parts say by `tracing`, as lines: with the ids of the request within which it is said.

use std::sync::Arc;

use lastword_collector::query::Moment;
use serde_json::{Map, Value};
use tracing::metadata::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::line::{Line, Said};
use super::{Inner, Level};

/// Writes lines.
pub(super) struct Lines(pub(super) Arc<Inner>);

/// The field of an error after which the collector can't go on.
const FATAL: &str = "fatal";

/// What a span says of all within it.
struct Fields(Map<String, Value>);

impl Lines {
    /// Returns whether something is written, by where it is said. Of what others' code says only warnings are.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let level = Level::of(*metadata.level());
        // An error may turn out to be fatal.
        let highest = if level == Level::Error { Level::Fatal } else { level };
        self.0.writes(highest) && (level >= Level::Warn || metadata.target().starts_with("lastword"))
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let levels = [LevelFilter::TRACE, LevelFilter::DEBUG, LevelFilter::INFO, LevelFilter::WARN, LevelFilter::ERROR];
        let wanted = |filter: &LevelFilter| filter.into_level().is_some_and(|level| self.0.writes(Level::of(level)));
        let least = levels.into_iter().find(wanted);
        Some(least.unwrap_or(if self.0.writes(Level::Fatal) { LevelFilter::ERROR } else { LevelFilter::OFF }))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Fields(said.fields));
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        record.record(&mut said);
        if let Some(span) = context.span(id)
            && let Some(Fields(fields)) = span.extensions_mut().get_mut()
        {
            fields.extend(said.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let is_fatal = said.fields.remove(FATAL) == Some(Value::Bool(true));
        let level = if is_fatal { Level::Fatal } else { Level::of(*event.metadata().level()) };
        if !self.0.writes(level) {
            return;
        }
        let mut above = Map::new();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Fields(fields)) = span.extensions().get() {
                for (name, value) in fields {
                    // The nearest span knows best.
                    above.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        let mut take = |name: &str| above.remove(name);
        let (request_id, trace_id, span_id) = (take("request_id"), take("trace_id"), take("span_id"));
        for (name, value) in above {
            said.fields.entry(name).or_insert(value);
        }
        let line = Line {
            timestamp: Moment::now().to_string(),
            level: level.as_str(),
            message: &said.message,
            request_id: request_id.as_ref(),
            trace_id: trace_id.as_ref(),
            span_id: span_id.as_ref(),
            target: event.metadata().target(),
            metadata: &said.fields,
        };
        self.0.write(level, line.write(self.0.form, level));
    }
}
