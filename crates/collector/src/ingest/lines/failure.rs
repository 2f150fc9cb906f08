//! The error that a line of a log tells of: loggers have it as an object, as fields, or as a text with its stack.

use lastword::event::names;
use serde_json::Value;

use crate::ingest::Object;
use crate::ingest::read::{Fields, text};

/// Fields that are an error.
const ERROR: [&str; 6] = ["err", "error", "exception", "exc", "exc_info", "@x"];
/// Fields that are a text with a stack.
const STACK: [&str; 7] = ["exc_info", "exception", "stack", "stack_trace", "stacktrace", "traceback", "@x"];
const KIND_OF: [&str; 7] = ["type", "name", "kind", "class", "exc_type", "exception_class", "class_name"];
const MESSAGE_OF: [&str; 5] = ["message", "msg", "exc_value", "exception_message", "reason"];
const STACK_OF: [&str; 5] = ["stack", "stack_trace", "stacktrace", "traceback", "backtrace"];
/// The same as fields of the line.
const KIND: [&str; 4] = ["error.type", "error.kind", "exception.type", "error.name"];
const MESSAGE: [&str; 2] = ["error.message", "exception.message"];
const TRACE: [&str; 3] = ["error.stack_trace", "error.stack", "exception.stacktrace"];
/// What an error is of which nobody says more.
const SOME: &str = "Error";

/// An error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct Failure {
    pub(in crate::ingest) kind: String,
    pub(in crate::ingest) message: String,
    pub(in crate::ingest) traceback: Option<String>,
    /// The fields that are told by the three above.
    told: Vec<&'static str>,
}

impl Failure {
    /// Finds the error of a line.
    pub(in crate::ingest) fn of(line: &Fields) -> Option<Self> {
        Self::of_fields(line).or_else(|| ERROR.iter().find_map(|name| Self::of_value(line, name))).or_else(|| {
            STACK.iter().find_map(|name| {
                let stack = text(line, &[name]).filter(|stack| stack.contains('\n'))?;
                let mut failure = Self::of_stack(stack)?;
                failure.told.push(name);
                Some(failure)
            })
        })
    }

    /// `error.type`, `error.message` and their like.
    fn of_fields(line: &Fields) -> Option<Self> {
        let mut told = Vec::new();
        let mut named = |names: &[&'static str]| {
            let name = names.iter().find(|name| text(line, &[name]).is_some())?;
            told.push(*name);
            text(line, &[name]).map(str::to_owned)
        };
        let (kind, message, stack) = (named(&KIND), named(&MESSAGE), named(&TRACE));
        if kind.is_none() && message.is_none() && stack.is_none() {
            return None;
        }
        Some(Self { told, ..Self::from_parts(kind.as_deref(), message.as_deref(), stack.as_deref()) })
    }

    /// An object with its type, message and stack; a list of which the first is such an object; or no more than a message.
    fn of_value(line: &Fields, name: &'static str) -> Option<Self> {
        let object = match line.get(name)? {
            Value::Object(error) => error,
            Value::Array(errors) => errors.first()?.as_object()?,
            Value::String(message) if !message.is_empty() && !message.contains('\n') && name.starts_with("err") => {
                // The field keeps the text: a stack beside it may say what type the error is of.
                let stack = text(line, &["stack", "stacktrace", "errorVerbose", "stack_trace"]);
                return Some(Self::from_parts(None, Some(message), stack));
            }
            _ => return None,
        };
        let (kind, message, stack) = (text(object, &KIND_OF), text(object, &MESSAGE_OF), text(object, &STACK_OF));
        (kind.is_some() || message.is_some() || stack.is_some()).then(|| Self::from_parts(kind, message, stack))
    }

    /// A text of a type, a message and a stack, in whatever order the language has them.
    fn of_stack(stack: &str) -> Option<Self> {
        let (kind, message) = typed(stack)?;
        Some(Self::from_parts(Some(kind), Some(message), Some(stack)))
    }

    fn from_parts(kind: Option<&str>, message: Option<&str>, stack: Option<&str>) -> Self {
        let of_stack = stack.and_then(typed);
        let kind = kind.or(of_stack.map(|(kind, _)| kind)).unwrap_or(SOME);
        let message = message.or(of_stack.map(|(_, message)| message)).unwrap_or_default();
        Self {
            kind: kind.to_owned(),
            message: message.to_owned(),
            traceback: stack.map(str::to_owned),
            told: Vec::new(),
        }
    }

    /// Writes it under the names that every error has.
    pub(in crate::ingest) fn write(&self, data: &mut Object<'_>, line: &Fields, written: &mut Vec<&'static str>) {
        data.text(names::ERROR_TYPE, &self.kind);
        data.text_if(names::ERROR_MESSAGE, Some(&self.message));
        // A field of this name says it already.
        if text(line, &["traceback"]).is_none() || self.told.contains(&"traceback") {
            data.text_if("traceback", self.traceback.as_deref());
        }
        written.extend(&self.told);
    }
}

/// Finds `Type: message` in a stack: in its last line where the newest call is last (Python), else in its first.
fn typed(stack: &str) -> Option<(&str, &str)> {
    let is_python = stack.starts_with("Traceback (most recent call last)");
    let line = if is_python {
        // The message may have lines of its own; those of the stack are indented.
        stack.lines().rev().find(|line| is_typed(line))?
    } else {
        stack.lines().next()?
    };
    let line = line
        .strip_prefix("Exception in thread ")
        .map_or(line, |line| line.split_once("\" ").map_or(line, |(_, rest)| rest));
    let Some((kind, message)) = line.split_once(": ") else {
        // A type alone, or a function of a stack that has no type: calls that follow say which.
        let has_calls = is_python || stack.lines().nth(1).is_some_and(|next| next.trim_start().starts_with("at "));
        return (has_calls && is_kind(line)).then_some((line, ""));
    };
    is_kind(kind.trim()).then_some((kind.trim(), message.trim()))
}

fn is_typed(line: &str) -> bool {
    !line.starts_with(char::is_whitespace) && is_kind(line.split(": ").next().unwrap_or_default().trim_end_matches(':'))
}

/// Whether it may be the name of a type.
fn is_kind(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || "._:$<>".contains(character))
}
