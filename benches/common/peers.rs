//! The peers: each set up as its documentation says, with an exporter that throws everything away, and with room for a
//! whole round, so that its own thread does not compete with the caller.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrace::collector::{Config, Reporter as SpanReporter, SpanContext, SpanRecord};
use fastrace::local::LocalSpan;
use fastrace::{Event as SpanEvent, Span};
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, SdkLogger, SdkLoggerProvider,
};

use super::subjects::{Subject, Texts, fail};

/// Never on its own account within a bench.
const NEVER: Duration = Duration::from_secs(3600);

/// `opentelemetry_sdk`: a log record with four attributes into the batch processor.
pub struct OpenTelemetry {
    provider: SdkLoggerProvider,
    logger: SdkLogger,
    texts: Texts,
    expected: AtomicU64,
    exported: Arc<AtomicU64>,
}

#[derive(Debug)]
struct NullExporter(Arc<AtomicU64>);

impl LogExporter for NullExporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.0.fetch_add(batch.iter().count() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl OpenTelemetry {
    pub fn new(events: usize) -> Self {
        let exported = Arc::new(AtomicU64::new(0));
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(events)
            .with_max_export_batch_size(events)
            .with_scheduled_delay(NEVER)
            .build();
        let processor =
            BatchLogProcessor::builder(NullExporter(Arc::clone(&exported))).with_batch_config(config).build();
        let provider = SdkLoggerProvider::builder().with_log_processor(processor).build();
        let logger = provider.logger("bench");
        Self { provider, logger, texts: Texts::default(), expected: AtomicU64::new(0), exported }
    }
}

impl Subject for OpenTelemetry {
    fn name(&self) -> &'static str {
        "opentelemetry_sdk, 4 attributes"
    }

    fn run(&self, times: u64) {
        for id in 0..times {
            let mut record = self.logger.create_log_record();
            record.set_event_name("cache.miss");
            record.set_severity_number(Severity::Info);
            record.add_attribute("key", AnyValue::Int(id.cast_signed()));
            record.add_attribute("hit", true);
            record.add_attribute("user", self.texts.user.clone());
            record.add_attribute("path", self.texts.path.clone());
            self.logger.emit(black_box(record));
        }
        self.expected.fetch_add(times, Ordering::Relaxed);
    }

    fn settle(&self) {
        if let Err(error) = self.provider.force_flush() {
            fail(&error);
        }
        check(self.name(), &self.exported, &self.expected);
    }
}

/// `fastrace`: an event with four properties, a hundred of them to a span.
pub struct Fastrace {
    texts: Texts,
    expected: AtomicU64,
    reported: Arc<AtomicU64>,
}

const EVENTS_A_SPAN: u64 = 100;

struct NullReporter(Arc<AtomicU64>);

impl SpanReporter for NullReporter {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let events: usize = spans.iter().map(|span| span.events.len()).sum();
        self.0.fetch_add(events as u64, Ordering::Relaxed);
    }
}

impl Fastrace {
    pub fn new() -> Self {
        let reported = Arc::new(AtomicU64::new(0));
        fastrace::set_reporter(NullReporter(Arc::clone(&reported)), Config::default().report_interval(NEVER));
        Self { texts: Texts::default(), expected: AtomicU64::new(0), reported }
    }
}

impl Subject for Fastrace {
    fn name(&self) -> &'static str {
        "fastrace, event with 4 properties"
    }

    fn run(&self, times: u64) {
        for start in (0..times).step_by(100) {
            let root = Span::root("round", SpanContext::random());
            let _guard = root.set_local_parent();
            for id in start..times.min(start + EVENTS_A_SPAN) {
                LocalSpan::add_event(SpanEvent::new("cache.miss").with_properties(|| {
                    [
                        ("key", id.to_string()),
                        ("hit", true.to_string()),
                        ("user", self.texts.user.clone()),
                        ("path", self.texts.path.clone()),
                    ]
                }));
            }
        }
        self.expected.fetch_add(times, Ordering::Relaxed);
    }

    fn settle(&self) {
        fastrace::flush();
        check(self.name(), &self.reported, &self.expected);
    }
}

/// A peer that drops events is not measured: it would look fast.
fn check(name: &str, arrived: &AtomicU64, expected: &AtomicU64) {
    let (arrived, expected) = (arrived.load(Ordering::Relaxed), expected.load(Ordering::Relaxed));
    if arrived != expected {
        fail(&format_args!("{name}: {arrived} of {expected} events arrived"));
    }
}
