//! `lastword privacy test`: what would leave of a JSON object.
//!
//! The object goes the way of a real event: it is encoded under the library's own screen, read back as a sink reads it,
//! and written as the protocol has it. What is shown is what came out.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use lastword::clock::{Timestamp, random_id};
use lastword::event::{Encoder, EventView, Screen, Tag};
use lastword::limits::EVENT_BYTES_MAX;
use lastword::privacy::consent::{Consent, Program};
use lastword::privacy::{Level, Privacy, Redactor};
use lastword::{DropReason, EventKind, Severity, wire};
use serde::Serialize;
use serde_json::{Map, Value};

use super::status::{because, meaning};
use super::taken::{Taken, taken};
use crate::error::Error;
use crate::flags::privacy::TestArgs;
use crate::limits::TEST_INPUT_BYTES_MAX;
use crate::output::cells::{self, Line};
use crate::output::{Output, text};

/// What would become of an object.
#[derive(Serialize)]
struct Tested {
    /// How much may leave from here, at all.
    consent: Level,
    /// Whether such an event may leave.
    allowed: bool,
    /// Why it would be dropped, whatever is allowed.
    dropped: Option<String>,
    /// What would leave, were it allowed.
    leaves: Value,
    /// What would be taken out before.
    taken_out: Vec<Taken>,
}

/// Shows it.
///
/// # Errors
///
/// The input can't be read or is no JSON object, or the output can't be written.
pub(super) fn run(args: &TestArgs) -> Result<(), Error> {
    let from = args.file.as_deref().filter(|path| *path != Path::new("-"));
    let input = Input::of(read(from)?, from)?;
    let consent = Consent::of_process(&Program::default());
    let tested = tested(&input, &consent);
    let mut output = Output::stdout();
    if args.json {
        output.object(&tested)?;
        return output.flush();
    }
    show(&tested, &consent, &mut output)?;
    output.flush()
}

/// An object, and what it stands for.
struct Input {
    kind: EventKind,
    /// Whether it is a whole event, and not the data of one.
    whole: bool,
    value: Value,
}

impl Input {
    fn of(value: Value, from: Option<&Path>) -> Result<Self, Error> {
        let wrong = |reason: &str| Err(Error::NoEvent { what: name(from), reason: reason.to_owned() });
        let Value::Object(object) = &value else { return wrong("it is JSON, but no object") };
        let kind = object.get("event").and_then(Value::as_str).and_then(EventKind::from_wire);
        let Some(kind) = kind else { return Ok(Self { kind: EventKind::Generic, whole: false, value }) };
        match kind {
            EventKind::Generic if !object.get("event_name").is_some_and(Value::is_string) => {
                wrong("a GENERIC_EVENT has an `event_name`, which is a text")
            }
            EventKind::Generic if !object.get("event_data").is_none_or(Value::is_object) => {
                wrong("the `event_data` of a GENERIC_EVENT is an object")
            }
            kind => Ok(Self { kind, whole: true, value }),
        }
    }

    fn text(&self, name: &str) -> &str {
        self.value.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// What goes into an event of it.
    fn data(&self) -> Value {
        let none = || Value::Object(Map::new());
        if self.whole { self.value.get("event_data").cloned().unwrap_or_else(none) } else { self.value.clone() }
    }
}

fn name(from: Option<&Path>) -> String {
    from.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string())
}

fn read(from: Option<&Path>) -> Result<Value, Error> {
    let failed = |source| Error::Input { what: name(from), source };
    let source: Box<dyn Read> = match from {
        Some(path) => Box::new(File::open(path).map_err(failed)?),
        None => Box::new(io::stdin().lock()),
    };
    let mut bytes = Vec::new();
    source.take(TEST_INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > TEST_INPUT_BYTES_MAX {
        let reason = format!("it has more than {TEST_INPUT_BYTES_MAX} bytes, and no event does");
        return Err(Error::NoEvent { what: name(from), reason });
    }
    let no_json = |error: serde_json::Error| Error::NoEvent { what: name(from), reason: error.to_string() };
    serde_json::from_slice(&bytes).map_err(no_json)
}

fn tested(input: &Input, consent: &Consent) -> Tested {
    let mut out = Vec::new();
    let (leaves, dropped) = match Privacy::new().redactor().map(|redactor| left(input, &redactor, &mut out)) {
        Some(Ok(leaves)) => (leaves, None),
        Some(Err(reason)) => (Value::Null, Some(reason)),
        None => (input.value.clone(), None),
    };
    let allowed = match consent.level() {
        Level::None => false,
        Level::Essential => input.kind != EventKind::Generic || input.text("event_name") == "user_error",
        Level::Full => true,
    };
    Tested { consent: consent.level(), allowed, dropped, leaves, taken_out: out }
}

/// Sends an object the way of an event; returns what comes out at its end, or why nothing does.
fn left(input: &Input, redactor: &Redactor, out: &mut Vec<Taken>) -> Result<Value, String> {
    let screen: &dyn Screen = redactor;
    let mut encoder = Encoder::screened(Some(screen));
    encoder.time(Timestamp::from_unix_nanos(0));
    match input.kind {
        EventKind::Generic => {
            encoder.name(if input.whole { input.text("event_name") } else { "event" });
            // It says the same again at the end.
            let _ = encoder.data(&input.data());
        }
        EventKind::UnhandledException => {
            let traceback = input.value.get("traceback").and_then(Value::as_str);
            encoder.exception(input.text("error_type"), input.text("error_message"), traceback);
        }
        EventKind::SessionEnd => encoder.duration(std::time::Duration::ZERO),
        _ => {}
    }
    let bytes = encoder.finish().map_err(|error| error.to_string())?;
    if bytes.len() > EVENT_BYTES_MAX {
        return Err(format!(
            "{}: {} bytes, and an event has at most {EVENT_BYTES_MAX}",
            DropReason::TooLarge,
            bytes.len()
        ));
    }
    let view = EventView::read(Tag::new(input.kind, Severity::Info), bytes).map_err(|error| error.to_string())?;
    let mut json = Vec::new();
    wire::write_event(&mut json, 0, random_id(), &view).map_err(|error| error.to_string())?;
    let event: Value = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    let leaves = if input.whole { body(&event) } else { event["event_data"].clone() };
    taken(redactor, "", &input.value, &leaves, out);
    Ok(leaves)
}

/// What of an event is its own: not its place in a session.
fn body(event: &Value) -> Value {
    let own = ["event", "event_name", "event_data", "error_type", "error_message", "traceback"];
    let fields = own.into_iter().filter_map(|name| Some((name.to_owned(), event.get(name)?.clone())));
    Value::Object(fields.collect())
}

fn show(tested: &Tested, consent: &Consent, output: &mut Output) -> Result<(), Error> {
    if !tested.allowed {
        output.line(&format!("It does not leave: consent is {}, because {}.", tested.consent, because(consent)))?;
        output.line(&format!("({}: {}.) With full consent:", tested.consent, meaning(tested.consent)))?;
        output.line("")?;
    }
    if let Some(reason) = &tested.dropped {
        return output.line(&format!("Nothing leaves: the event is dropped: {}", text::neutral(reason)));
    }
    output.line("What leaves:")?;
    let json = serde_json::to_string_pretty(&tested.leaves).map_err(|error| Error::Output(error.into()))?;
    for line in json.lines() {
        output.line(&text::neutral(line))?;
    }
    output.line("")?;
    if tested.taken_out.is_empty() {
        return output.line("Nothing is taken out.");
    }
    output.line("What is taken out:")?;
    let look = output.look();
    let widest = tested.taken_out.iter().map(|taken| text::width(&text::neutral(&taken.path))).max().unwrap_or(0);
    for taken in &tested.taken_out {
        let times = if taken.count > 1 { format!("{} (x{})", taken.rule, taken.count) } else { taken.rule.clone() };
        let line = Line::new(look).cell(&taken.path, widest, cells::PLAIN).rest(&times, cells::HEAD);
        output.line(&format!("  {line}"))?;
    }
    Ok(())
}
