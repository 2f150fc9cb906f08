//! What every test of `init` needs: variables, and what was said.

use std::sync::{Arc, Mutex};

use lastword::init::Init;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// With these variables and no others, on a machine whose user wants no telemetry perhaps.
pub(crate) fn with<const N: usize>(variables: [(&str, &str); N]) -> Init {
    Init::new().variables(variables).with(|reporter| reporter.enabled(true))
}

/// Runs something; returns what the library said meanwhile on this thread, as `LEVEL text`.
pub(crate) fn said<T>(run: impl FnOnce() -> T) -> (T, Vec<String>) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    let result = tracing::subscriber::with_default(subscriber, run);
    let lines = lines.0.lock().unwrap().clone();
    (result, lines)
}

/// Whether one of these lines has this in it.
pub(crate) fn has(lines: &[String], part: &str) -> bool {
    lines.iter().any(|line| line.contains(part))
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "lastword" {
            let mut line = Line(*event.metadata().level(), String::new());
            event.record(&mut line);
            self.0.lock().unwrap().push(format!("{} {}", line.0, line.1));
        }
    }
}

struct Line(Level, String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.1 = format!("{value:?}");
        }
    }
}
