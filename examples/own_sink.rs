//! A sink of one's own: it writes each batch as lines of text. Everything else (batching, retries, halving, the books)
//! is the reporter's.
//!
//! ```text
//! cargo run --example own_sink
//! ```

use std::io::Write;
use std::time::Duration;

use lastword::event::Body;
use lastword::sink::{Ack, Batch, Closing, Delivery, Policy, SettingError, Sink, SinkError};
use lastword::{Reporter, event};
use serde_json::Value;

struct Lines;

impl Sink for Lines {
    fn name(&self) -> &str {
        "lines"
    }

    fn policy(&self) -> Policy {
        Policy::default()
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        Box::pin(async move {
            let mut text = String::new();
            for event in batch.events() {
                let Ok(view) = event.view() else { continue };
                let said = match view.body() {
                    Body::Generic { name, data } => format!("{name} {}", data.get().unwrap_or(Value::Null)),
                    other => format!("{other:?}"),
                };
                text += &format!("{} {} {said}\n", event.index(), view.severity());
            }
            let written = std::io::stdout().lock().write_all(text.as_bytes());
            written.map_err(|error| SinkError::Transient { reason: error.to_string(), retry_after: None })?;
            Ok(Ack::all())
        })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(async {})
    }
}

fn main() -> Result<(), lastword::StartError> {
    let reporter = Reporter::builder("own-sink").sink(Lines).start()?;
    event!(reporter, "cache.miss", key = 1, hit = false);
    let report = reporter.blocking_stop(Duration::from_secs(1));
    assert!(report.is_drained(), "{report}");
    Ok(())
}
