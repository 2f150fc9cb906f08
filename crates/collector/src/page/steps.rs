//! What a run did, step by step: a call with what it came to is one step.

use std::cell::Cell;
use std::time::Duration;

use lastword::runs::RunEvent;
use maud::{Markup, html};
use serde_json::Value;

use super::address::path;
use super::messages::{self, Extent};
use super::parts;
use crate::limits::{MESSAGE_CHARS, PAGE_SUMMARY_CHARS_MAX, TRACE_DETAIL_BYTES};
use crate::segment::escape;

/// A step of a run: a line, and the one that tells how it ended where there is one.
pub(super) struct Step {
    begin: usize,
    end: Option<usize>,
}

/// Returns the steps that lines tell of, in the order in which they began.
pub(super) fn of(lines: &[RunEvent]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // The steps that have not ended; few at a time.
    let mut open: Vec<usize> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let begins = match line.kind.as_str() {
            "tool_result" => "tool_call",
            "step_end" => "step_start",
            kind => {
                if matches!(kind, "tool_call" | "step_start") {
                    open.push(steps.len());
                }
                steps.push(Step { begin: at, end: None });
                continue;
            }
        };
        let is_of = |step: usize| {
            let first = &lines[steps[step].begin];
            let ids = ["spanId", "callId", "id"]
                .iter()
                .find_map(|name| Some((line.data[*name].as_str()?, first.data[*name].as_str()?)));
            first.kind == begins && ids.map_or_else(|| named(first) == named(line), |(one, other)| one == other)
        };
        match open.iter().rposition(|step| is_of(*step)) {
            Some(place) => steps[open.remove(place)].end = Some(at),
            None => steps.push(Step { begin: at, end: None }),
        }
    }
    steps
}

/// Returns what a line is about: the tool, or what the step is called.
fn named(line: &RunEvent) -> &str {
    let names = ["toolName", "tool", "name", "description", "step"];
    names.iter().find_map(|name| line.data[*name].as_str()).unwrap_or_default()
}

/// Writes steps.
pub(super) struct Steps<'r> {
    lines: &'r [RunEvent],
    /// The number of the last line, where the run is played: its step is the one that is looked at.
    last: Option<usize>,
    /// Bytes that there are left for what is below the steps.
    left: Cell<usize>,
}

impl<'r> Steps<'r> {
    pub(super) const fn new(lines: &'r [RunEvent], until: usize, is_played: bool) -> Self {
        let last = if is_played && until > 0 { Some(until - 1) } else { None };
        Self { lines, last, left: Cell::new(TRACE_DETAIL_BYTES) }
    }

    pub(super) fn write(&self, steps: &[Step]) -> Markup {
        let since = self.lines.first().map_or(0, |line| line.ts);
        html! { ol.run { @for step in steps { (self.step(step, since)) } } }
    }

    fn step(&self, step: &Step, since: u64) -> Markup {
        let (line, end) = (&self.lines[step.begin], step.end.map(|end| &self.lines[end]));
        let (class, what) = kind(line);
        let failed = is_failed(end.unwrap_or(line));
        let is_whole = matches!(line.kind.as_str(), "error" | "run_end");
        let is_looked_at = self.last.is_some_and(|last| last == step.begin || step.end == Some(last));
        let is_open = end.is_none() && matches!(line.kind.as_str(), "tool_call" | "step_start");
        html! {
            li.{ (if failed { "error" } else { class }) } aria-current=[is_looked_at.then_some("step")] {
                details open[(failed && !is_whole) || is_looked_at] {
                    summary {
                        span.number.quiet { "+" (parts::took(Duration::from_millis(line.ts.saturating_sub(since)))) }
                        span.what { bdi { (what) } }
                        span.told {
                            b.name { bdi { (parts::cut(title(line), PAGE_SUMMARY_CHARS_MAX)) } } " "
                            span.quiet { bdi { (parts::cut(&summary(line, end), PAGE_SUMMARY_CHARS_MAX)) } }
                            @if failed && !is_whole { " " span.state.error { "failed" } }
                            @if is_open { " " span.state.warning { @if self.last.is_some() { "under way" } @else { "no end is known" } } }
                        }
                        span.number { @if let Some(end) = end { (took(line, end)) } }
                    }
                    (self.detail(line, end))
                }
            }
        }
    }

    /// Writes what a step was given and came to, as long as the page has room for it.
    fn detail(&self, line: &RunEvent, end: Option<&RunEvent>) -> Markup {
        let data = end.map_or(&line.data, |end| &end.data);
        let span = line.data["traceId"].as_str().zip(line.data["spanId"].as_str());
        let of_span = span.map(|(trace, span)| path(&["traces", trace, "spans", span]));
        let events = format!("/events?run={}&order=asc", escape(&line.run_id));
        let extent = Extent { chars: MESSAGE_CHARS, messages: 0, whole: of_span.as_deref().unwrap_or(&events) };
        let first = |names: &[&str]| {
            names
                .iter()
                .map(|name| &data[*name])
                .chain(names.iter().map(|name| &line.data[*name]))
                .find(|value| !value.is_null())
        };
        let is_tool = matches!(line.kind.as_str(), "tool_call" | "tool_result");
        let detail = html! {
            @if is_tool {
                @for (label, names) in [("Given", &["args", "arguments", "input"][..]), ("Came to", &["result", "output"])] {
                    @if let Some(value) = first(names) { p.quiet { (label) } (messages::data(value, extent)) }
                }
            } @else if line.kind == "step_start" || line.kind == "step_end" {
                (super::span::call(None, &|name| data["attributes"].get(name).cloned()))
            } @else if let Some(fields) = line.data.as_object().filter(|fields| !fields.is_empty()) {
                (messages::attributes(fields.iter(), extent))
            }
        };
        let is_short = detail.0.len() <= self.left.get();
        html! {
            @if let Some(error) = first(&["error", "errorType"]) { pre.bad { (messages::cut(error.as_str().unwrap_or(&error.to_string()), extent)) } }
            @if is_short { (detail) @let () = self.left.set(self.left.get() - detail.0.len()); }
            @if let Some(link) = &of_span { p.more { a href=(link) { "Its span, with what was said" } } }
        }
    }
}

/// Returns the class of a line, and what it is called.
fn kind(line: &RunEvent) -> (&'static str, &str) {
    let operation = line.data["attributes"]["gen_ai.operation.name"].as_str();
    match line.kind.as_str() {
        "step_start" | "step_end"
            if matches!(operation, Some("chat" | "generate_content" | "text_completion" | "embeddings")) =>
        {
            ("model", "model")
        }
        "step_start" | "step_end" => ("step", "step"),
        "tool_call" | "tool_result" => ("tool", "tool"),
        "run_start" => ("bound", "start"),
        "run_end" => ("bound", "end"),
        "patch_created" | "artifact_saved" => ("artifact", "artifact"),
        "patch_applied" => ("artifact", "patch applied"),
        "error" => ("error", "error"),
        "decision" => ("decision", "decision"),
        kind => ("other", kind),
    }
}

fn is_failed(line: &RunEvent) -> bool {
    line.kind == "error" || line.data["success"] == false || line.data["status"] == "failed"
}

/// Returns what a line is called: the tool, the step, the artifact, or what it says.
fn title(line: &RunEvent) -> &str {
    let of = |names: &[&str]| names.iter().find_map(|name| line.data[*name].as_str()).unwrap_or_default();
    match line.kind.as_str() {
        "run_start" => of(&["objective"]),
        "run_end" => of(&["status"]),
        "patch_created" | "artifact_saved" => of(&["artifact"]),
        "error" => of(&["message", "error", "text"]),
        "decision" => of(&["description", "decision", "text", "message", "kind"]),
        _ => of(&["toolName", "tool", "description", "name", "step", "message"]),
    }
}

/// Returns what there is to say of a step beside that.
fn summary(line: &RunEvent, end: Option<&RunEvent>) -> String {
    let data = &line.data;
    match line.kind.as_str() {
        "tool_call" | "tool_result" => {
            let args = [&data["args"], &data["arguments"], &data["input"], data];
            let find = |names: &[&str]| args.iter().find_map(|args| names.iter().find_map(|name| args[*name].as_str()));
            find(&["command", "cmd"])
                .or_else(|| find(&["path", "file_path", "filePath", "file", "q", "query"]))
                .unwrap_or_default()
                .to_owned()
        }
        "decision" => match data["selected"].as_str() {
            Some(selected) => format!("→ {selected}"),
            None => data["reason"].as_str().unwrap_or_default().to_owned(),
        },
        "step_start" | "step_end" => {
            let attributes = &end.map_or(data, |end| &end.data)["attributes"];
            let number = |name: &str| attributes[name].as_u64();
            match (number("gen_ai.usage.input_tokens"), number("gen_ai.usage.output_tokens")) {
                (None, None) => String::new(),
                (input, output) => {
                    let [input, output] = [input, output].map(|count| parts::grouped(count.unwrap_or(0)));
                    format!("{input} → {output} tokens")
                }
            }
        }
        _ => String::new(),
    }
}

/// Returns how long a step took, as it says or as its lines are apart.
fn took(line: &RunEvent, end: &RunEvent) -> String {
    let said = ["durationMs", "duration_ms", "duration"].iter().find_map(|name| end.data[*name].as_f64());
    let said = said.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
    parts::took(said.unwrap_or_else(|| Duration::from_millis(end.ts.saturating_sub(line.ts))))
}

/// Returns a line in a few words, for where two runs stand beside each other.
pub(super) fn in_short(line: &RunEvent) -> String {
    let outcome = match &line.data["success"] {
        Value::Bool(true) => "ok",
        Value::Bool(false) => "failed",
        _ => "",
    };
    let error = line.data["error"].as_str().unwrap_or_default();
    let said = [title(line), &summary(line, None), outcome, error];
    said.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}
