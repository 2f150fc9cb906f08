//! The frames of exceptions as a text, the newest call last, as Python writes it.

use std::fmt::Write;

use serde_json::Value;

use super::super::read::{self, Fields, first, text};
use crate::limits::TRACEBACK_FRAMES_MAX;

/// Returns the exceptions of an event, the innermost cause first.
pub(super) fn exceptions(event: &Fields) -> Vec<&Fields> {
    let values = match event.get("exception") {
        Some(Value::Object(exception)) => read::list(exception, "values"),
        Some(Value::Array(values)) => values,
        _ => &[],
    };
    values.iter().filter_map(Value::as_object).collect()
}

/// Writes the exceptions that have frames.
pub(in crate::ingest) fn render(exceptions: &[&Fields]) -> Option<String> {
    let mut out = String::new();
    for exception in exceptions {
        let Some(stack) = read::object(exception, "stacktrace") else { continue };
        if !out.is_empty() {
            out.push_str("\nwhich led to:\n\n");
        }
        let frames = read::list(stack, "frames");
        // The newest calls say the most.
        let left_out = frames.len().saturating_sub(TRACEBACK_FRAMES_MAX);
        if left_out > 0 {
            let _ = writeln!(out, "  ({left_out} calls before these)");
        }
        frames[left_out..].iter().filter_map(Value::as_object).for_each(|frame| write_frame(&mut out, frame));
        let kind = text(exception, &["type"]).unwrap_or("Error");
        let _ = match text(exception, &["value"]) {
            Some(value) => writeln!(out, "{kind}: {value}"),
            None => writeln!(out, "{kind}"),
        };
    }
    (!out.is_empty()).then(|| out.trim_end().to_owned())
}

fn write_frame(out: &mut String, frame: &Fields) {
    let file = text(frame, &["abs_path", "filename", "module", "package"]).unwrap_or("?");
    let function = text(frame, &["function"]).unwrap_or("?");
    let line = first(frame, &["lineno"]).and_then(Value::as_u64);
    let _ = match line {
        Some(line) => writeln!(out, "  File \"{file}\", line {line}, in {function}"),
        None => writeln!(out, "  File \"{file}\", in {function}"),
    };
    if let Some(code) = text(frame, &["context_line"]) {
        let _ = writeln!(out, "    {}", code.trim());
    }
}
