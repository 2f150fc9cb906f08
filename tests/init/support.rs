//! What every test of `init` needs: variables, and what was said.

use std::cell::RefCell;
use std::sync::Once;

use lastword::init::Init;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// With these variables and no others, on a machine whose user wants no telemetry perhaps.
pub(crate) fn with<const N: usize>(variables: [(&str, &str); N]) -> Init {
    Init::new().variables(variables).with(|reporter| reporter.enabled(true))
}

thread_local! {
    static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Runs something; returns what the library said meanwhile on this thread, as `LEVEL text`.
///
/// One subscriber for all threads: one of its own for each makes `tracing` forget events now and then.
pub(crate) fn said<T>(run: impl FnOnce() -> T) -> (T, Vec<String>) {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Lines)).unwrap();
    });
    SAID.take();
    let result = run();
    (result, SAID.take())
}

/// Whether one of these lines has this in it.
pub(crate) fn has(lines: &[String], part: &str) -> bool {
    lines.iter().any(|line| line.contains(part))
}

struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "lastword" {
            let mut line = Line(*event.metadata().level(), String::new());
            event.record(&mut line);
            SAID.with_borrow_mut(|said| said.push(format!("{} {}", line.0, line.1)));
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
