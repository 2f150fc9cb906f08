//! Spans, ours and those of the peer.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrace::collector::{Config, Reporter as SpanReporter, SpanContext, SpanRecord};
use fastrace::local::LocalSpan;
use fastrace::prelude::Span as FastSpan;
use lastword::Reporter;
use lastword::trace::Span;

use super::subjects::{Subject, fail, settle};

/// What is done in a span.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// Nothing: it begins and ends, within another one.
    Bare,
    /// The same, within the current context.
    Current,
    /// It is a trace of its own.
    Root,
    /// It is told a number and a text.
    TwoAttributes,
    /// It is the call of a model, with seven attributes.
    ModelCall,
}

/// Spans of ours.
pub struct Spans {
    pub reporter: Reporter,
    name: &'static str,
    root: Span,
    way: Way,
}

impl Spans {
    pub fn new(name: &'static str, reporter: Reporter, way: Way) -> Self {
        Self { root: reporter.trace("root"), reporter, name, way }
    }
}

impl Subject for Spans {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, times: u64) {
        let _current = matches!(self.way, Way::Current).then(|| self.root.enter());
        for id in 0..times {
            match self.way {
                Way::Bare => drop(black_box(self.root.child("step"))),
                Way::Current => drop(black_box(self.reporter.span("step"))),
                Way::Root => drop(black_box(self.reporter.trace("step"))),
                Way::TwoAttributes => {
                    let mut span = self.root.child("step");
                    span.set("key", id).set("path", "documents");
                    drop(black_box(span));
                }
                Way::ModelCall => {
                    let mut call = self.root.model_call("openai", "gpt-4o");
                    call.usage(id, 7).finish_reason("stop").attempt(1);
                    drop(black_box(call));
                }
            }
        }
    }

    fn settle(&self) {
        if self.reporter.is_enabled() {
            settle(&self.reporter);
        }
    }
}

/// Spans of `fastrace`: a hundred to a trace.
pub struct FastSpans {
    is_local: bool,
    with_attributes: bool,
    expected: AtomicU64,
    reported: Arc<AtomicU64>,
}

struct Counting(Arc<AtomicU64>);

impl SpanReporter for Counting {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        // Without the roots.
        let steps = spans.iter().filter(|span| span.name == "step").count();
        self.0.fetch_add(steps as u64, Ordering::Relaxed);
    }
}

const SPANS_A_TRACE: u64 = 100;

impl FastSpans {
    /// Makes the three of them: they share what takes their spans.
    pub fn all() -> [Self; 3] {
        let reported = Arc::new(AtomicU64::new(0));
        let never = Config::default().report_interval(Duration::from_secs(3_600));
        fastrace::set_reporter(Counting(Arc::clone(&reported)), never);
        [(false, false), (true, false), (true, true)].map(|(is_local, with_attributes)| Self {
            is_local,
            with_attributes,
            expected: AtomicU64::new(0),
            reported: Arc::clone(&reported),
        })
    }
}

impl Subject for FastSpans {
    fn name(&self) -> &'static str {
        match (self.is_local, self.with_attributes) {
            (false, _) => "fastrace, span with a parent",
            (true, false) => "fastrace, span of its thread",
            (true, true) => "fastrace, span of its thread, 2 properties",
        }
    }

    fn run(&self, times: u64) {
        for start in (0..times).step_by(100) {
            let root = FastSpan::root("root", SpanContext::random());
            let _local = self.is_local.then(|| root.set_local_parent());
            for id in start..times.min(start + SPANS_A_TRACE) {
                if !self.is_local {
                    drop(black_box(FastSpan::enter_with_parent("step", &root)));
                } else if self.with_attributes {
                    let span = LocalSpan::enter_with_local_parent("step");
                    let properties = || [("key", id.to_string()), ("path", "documents".to_owned())];
                    drop(black_box(span.with_properties(properties)));
                } else {
                    drop(black_box(LocalSpan::enter_with_local_parent("step")));
                }
            }
        }
        self.expected.fetch_add(times, Ordering::Relaxed);
    }

    fn settle(&self) {
        fastrace::flush();
        // The three share what counts: who of them has told less than it should is found out as it settles.
        let (expected, reported) = (self.expected.swap(0, Ordering::Relaxed), self.reported.swap(0, Ordering::Relaxed));
        if expected != reported {
            fail(&format_args!("{}: {reported} of {expected} spans arrived", self.name()));
        }
    }
}
