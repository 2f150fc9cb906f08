//! The run of a context: what begins and ends within it becomes lines of the run.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::run::{Inner, Run};
use crate::event::names::{self, gen_ai};
use crate::trace::{Context, Ended, Entered, InContext, Scribe, Started};

/// Returns the run of the context that this code runs in.
#[must_use]
pub fn current() -> Option<Run> {
    let run = Context::current().run?;
    let any: &dyn Any = &*run;
    any.downcast_ref::<Run>().cloned()
}

/// Writes an event to the run of the context that this code runs in; does nothing where there is none.
///
/// ```
/// use lastword::runs::{self, RunMetadata, RunStore, Status};
///
/// # let directory = std::env::temp_dir().join(format!("lastword-runs-emit-{}", std::process::id()));
/// let run = RunStore::open(&directory)?.start("Look around", RunMetadata::new())?;
/// {
///     let _entered = run.enter();
///     runs::emit("step_start", serde_json::json!({"description": "Analyzing problem"}));
/// }
/// runs::emit("step_start", serde_json::json!({"description": "nobody's"}));
/// assert_eq!(run.end(Status::Completed)?.event_count, 3, "run_start, step_start, run_end");
/// # std::fs::remove_dir_all(directory).unwrap();
/// # Ok::<(), lastword::runs::RunError>(())
/// ```
pub fn emit<T: Serialize>(kind: &str, data: T) {
    if let Some(run) = current() {
        run.emit(kind, data);
    }
}

impl Run {
    /// Makes it the run of this thread until the guard is dropped: what begins and ends meanwhile is written to it. Not across
    /// an `.await`: see [`Run::wrap`].
    #[must_use = "the run is left as soon as the guard is dropped"]
    pub fn enter(&self) -> Entered {
        self.context().enter()
    }

    /// Gives it to a future: whatever that does, it does in this run. What is spawned within has it only if it is given it.
    pub fn wrap<F: Future>(&self, future: F) -> InContext<F> {
        self.context().wrap(future)
    }

    fn context(&self) -> Context {
        Context { run: Some(Arc::new(self.clone())), ..Context::current() }
    }
}

impl Scribe for Run {
    fn run_id(&self) -> &str {
        self.id()
    }

    fn started(&self, span: &Started<'_>) {
        match operation(span) {
            // What was decided is known at its end.
            "decision" => {}
            "execute_tool" => {
                let mut data = place(span);
                data.insert("toolName".to_owned(), tool(span));
                put(&mut data, "callId", attribute(span, gen_ai::TOOL_CALL_ID));
                put(&mut data, "args", attribute(span, gen_ai::TOOL_CALL_ARGUMENTS).map(parsed));
                self.span(super::fold::TOOL_CALL, data);
            }
            _ => {
                let mut data = place(span);
                data.insert("name".to_owned(), span.name.into());
                put(&mut data, "attributes", attributes(span));
                self.span("step_start", data);
            }
        }
    }

    fn ended(&self, span: &Ended<'_>) {
        let start = &span.started;
        let mut data = place(start);
        data.insert("durationMs".to_owned(), span.duration_ms.into());
        data.insert("success".to_owned(), span.error.is_none().into());
        put(&mut data, "errorType", span.error.map(|(kind, _)| kind.into()));
        put(&mut data, "error", span.error.map(|(_, message)| message.into()));
        match operation(start) {
            "decision" => {
                data.insert("kind".to_owned(), "decision".into());
                data.insert("description".to_owned(), start.name.into());
                put(&mut data, "choices", attribute(start, names::DECISION_CHOICES));
                put(&mut data, "selected", attribute(start, names::DECISION_SELECTED));
                self.span("decision", data);
            }
            "execute_tool" => {
                data.insert("toolName".to_owned(), tool(start));
                put(&mut data, "callId", attribute(start, gen_ai::TOOL_CALL_ID));
                // What it was given is known by now, where it was not at its start.
                put(&mut data, "args", attribute(start, gen_ai::TOOL_CALL_ARGUMENTS).map(parsed));
                put(&mut data, "result", attribute(start, gen_ai::TOOL_CALL_RESULT).map(parsed));
                self.span("tool_result", data);
            }
            _ => {
                data.insert("name".to_owned(), start.name.into());
                put(&mut data, "attributes", attributes(start));
                self.span(super::fold::STEP_END, data);
            }
        }
    }
}

impl Run {
    /// Writes a line of a span. It is not reported: the span is.
    fn span(&self, kind: &str, data: Map<String, Value>) {
        let _ = Inner::write(&self.inner, kind, &Value::Object(data), false);
    }
}

fn operation<'s>(span: &'s Started<'_>) -> &'s str {
    let found = span.attributes.iter().find(|(name, _)| name == gen_ai::OPERATION_NAME);
    found.and_then(|(_, value)| value.as_str()).unwrap_or_default()
}

fn attribute(span: &Started<'_>, name: &str) -> Option<Value> {
    span.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn attributes(span: &Started<'_>) -> Option<Value> {
    let all: Map<_, _> =
        span.attributes.iter().map(|(name, value)| (name.clone().into_owned(), value.clone())).collect();
    (!all.is_empty()).then_some(Value::Object(all))
}

fn tool(span: &Started<'_>) -> Value {
    attribute(span, gen_ai::TOOL_NAME).unwrap_or_else(|| span.name.into())
}

fn place(span: &Started<'_>) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert("traceId".to_owned(), format!("{:032x}", span.context.trace_id).into());
    data.insert("spanId".to_owned(), format!("{:016x}", span.context.span_id).into());
    put(&mut data, "parentSpanId", span.parent_span_id.map(|id| format!("{id:016x}").into()));
    data
}

fn put(data: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        data.insert(name.to_owned(), value);
    }
}

/// What a tool was given is JSON, and by convention the text of it.
fn parsed(value: Value) -> Value {
    match &value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    }
}
