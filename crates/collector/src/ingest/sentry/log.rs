//! Logs, many to an item, whose attributes have a type each.

use lastword::event::names;
use lastword::{EventKind, Severity};
use serde_json::Value;

use super::super::lines::LOG;
use super::super::read::{self, Fields, text};
use super::super::{Draft, Object, Refused, quote};
use super::origin::{LASTWORD, NAMES, Origin};
use super::{Desk, RESOURCE, SESSION, Scene, name};

/// Attributes that say who sends, alike for all that it sends.
const SENDER: [&str; 6] = [
    "sentry.sdk.name",
    "sentry.sdk.version",
    "process.runtime.name",
    "process.runtime.version",
    "sentry.sdk.integrations",
    "sentry.sdk.packages",
];
const RELEASE: &str = "sentry.release";
const ENVIRONMENT: &str = "sentry.environment";
const SERVER: &str = "server.address";
/// The span in which something was logged.
const PARENT: &str = "sentry.trace.parent_span_id";
/// What our sink writes of the kind of an event.
const KIND: &str = "event";

/// Adds the logs of an item.
pub(super) fn logs(desk: &mut Desk<'_>, item: &Fields) -> Result<(), Refused> {
    // An item of one log alone, as the first clients sent them.
    let Some(items) = item.get("items").and_then(Value::as_array) else { return log(desk, item) };
    for entry in items {
        match entry {
            Value::Object(entry) => log(desk, entry)?,
            other => {
                let reason = format!("a log is {}: it must be an object", quote(&other.to_string()));
                desk.drafts.refuse(desk.place, None, reason);
            }
        }
    }
    Ok(())
}

fn log(desk: &mut Desk<'_>, entry: &Fields) -> Result<(), Refused> {
    let attributes = values(entry);
    let time_us = entry.get("timestamp").and_then(read::moment);
    let is_ours = text(&attributes, &["sentry.sdk.name"]) == Some(LASTWORD);
    let origin = if is_ours { Origin::of_fields(&attributes) } else { Origin::default() };
    let own = text(&attributes, &SESSION);
    let home = desk.home(own, &origin, &sender(&attributes), time_us.unwrap_or(desk.now_us))?;
    let id = match origin.event_id {
        Some(id) => id.to_owned(),
        None => desk.seen.id(entry, time_us, desk.now_us),
    };
    let severity = entry.get("level").and_then(read::level).unwrap_or(Severity::Info);
    let mut draft = Draft { index: origin.index, ..Draft::generic(LOG, &id, severity, time_us.unwrap_or(desk.now_us)) };
    let body = entry.get("body").map(|body| body.as_str().map_or_else(|| body.to_string(), str::to_owned));
    let mut drops = Vec::new();
    if origin.is_ours() {
        draft.name = body.as_deref().unwrap_or(LOG);
        draft.kind = match text(&attributes, &[KIND]) {
            Some("SESSION_START") => EventKind::SessionStart,
            Some("SESSION_END") => EventKind::SessionEnd,
            _ => EventKind::Generic,
        };
        if draft.name == names::TELEMETRY_DROPPED {
            let counts = attributes.iter().filter_map(|(name, count)| Some((name.clone(), count.as_i64()?)));
            drops.extend(counts.filter(|(name, count)| *count > 0 && !NAMES.contains(&name.as_str())));
            draft.drops = &drops;
        }
    }
    desk.drafts.add(home.session, desk.place, &draft, |data| {
        if origin.is_ours() {
            let told = [&NAMES[..], &SENDER, &[RELEASE, ENVIRONMENT, SERVER, KIND, PARENT]].concat();
            return read::rest(data, &attributes, &told);
        }
        data.text_if("message", body.as_deref());
        place_in_trace(data, entry, &attributes);
        data.text_if(RESOURCE, home.resource.as_deref());
        write_attributes(data, &attributes, &[PARENT]);
        read::rest(data, entry, &["body", "timestamp", "level", "attributes", "trace_id", "span_id"]);
    })
}

pub(super) fn place_in_trace(data: &mut Object<'_>, entry: &Fields, attributes: &Fields) {
    if let Some(id) = text(entry, &["trace_id"]) {
        data.text(names::TRACE_ID, &read::trace_id(id));
    }
    if let Some(id) = text(entry, &["span_id"]).or_else(|| text(attributes, &[PARENT])) {
        data.text(names::SPAN_ID, &read::span_id(id));
    }
}

/// Writes attributes, but those of the sender, and those that were told otherwise.
pub(super) fn write_attributes(data: &mut Object<'_>, attributes: &Fields, told: &[&str]) {
    for (name, value) in attributes.iter().filter(|(name, _)| !SENDER.contains(&name.as_str())) {
        // The names that every event of Sentry's has.
        let name = match name.as_str() {
            RELEASE => "release",
            ENVIRONMENT => "environment",
            SERVER => "server_name",
            other => other,
        };
        if !told.contains(&name) {
            data.value(name, value);
        }
    }
}

/// Returns the attributes of a log or a span, each as its value alone.
pub(super) fn values(entry: &Fields) -> Fields {
    let attributes = read::object(entry, "attributes").into_iter().flatten();
    let value = |attribute: &Value| match attribute.as_object() {
        Some(typed) if typed.contains_key("value") => typed["value"].clone(),
        _ => attribute.clone(),
    };
    attributes.map(|(name, attribute)| (name.clone(), value(attribute))).collect()
}

/// Reads who sends a log or a span.
pub(super) fn sender(attributes: &Fields) -> Scene<'_> {
    let named = |field| name(attributes, field);
    let said = SENDER.into_iter().chain([RELEASE, ENVIRONMENT, SERVER]);
    Scene {
        release: named(RELEASE),
        environment: named(ENVIRONMENT),
        server: named(SERVER),
        platform: None,
        sdk: (named("sentry.sdk.name"), named("sentry.sdk.version")),
        is_of_program: false,
        resource: said.filter_map(|name| Some((name, attributes.get(name)?))).collect(),
    }
}
