//! Transactions, which are a span with those below it, and spans that are sent alone.

use lastword::Severity;
use lastword::event::names::{self, gen_ai};
use serde_json::Value;

use super::super::read::{self, Fields, first, text};
use super::super::{Draft, Object, Refused, quote};
use super::origin::Origin;
use super::{Desk, Home, RESOURCE, SESSION, Scene, issue, log};

/// What the names of operations of generative AI begin with, as Sentry has them.
const GEN_AI: &str = "gen_ai.";
/// Sentry's own word for how a span ended, where there is more to it than ok or error.
const SENTRY_STATUS: &str = "sentry.status";

/// What every span says, in whatever form it came.
struct Span<'f> {
    trace_id: &'f str,
    span_id: &'f str,
    parent: Option<&'f str>,
    name: Option<&'f str>,
    op: Option<&'f str>,
    status: Option<&'f str>,
    start_us: i64,
    end_us: i64,
}

impl<'f> Span<'f> {
    /// Reads a span; its ids and its status stand in `trace`, which may be the span itself.
    fn read(span: &'f Fields, trace: &'f Fields, name: &[&str]) -> Result<Self, &'static str> {
        let end_us = first(span, &["timestamp", "end_timestamp"]).and_then(read::moment);
        let end_us = end_us.ok_or("it has no `timestamp`: a time at which it ended")?;
        Ok(Self {
            trace_id: text(trace, &["trace_id"]).ok_or("it has no `trace_id`")?,
            span_id: text(trace, &["span_id"]).ok_or("it has no `span_id`")?,
            parent: text(trace, &["parent_span_id"]),
            name: text(span, name),
            op: text(trace, &["op"]),
            status: text(trace, &["status"]),
            start_us: first(span, &["start_timestamp"]).and_then(read::moment).unwrap_or(end_us),
            end_us,
        })
    }

    fn is_error(&self) -> bool {
        !matches!(self.status, None | Some("ok" | "unset" | "cancelled"))
    }

    /// Adds it; `fill` writes its attributes.
    fn add(&self, desk: &mut Desk<'_>, home: &Home, fill: impl FnOnce(&mut Object<'_>)) -> Result<(), Refused> {
        let (trace_id, span_id) = (read::trace_id(self.trace_id), read::span_id(self.span_id));
        let id = format!("{trace_id}-{span_id}");
        let severity = if self.is_error() { Severity::Error } else { Severity::Info };
        let draft = Draft::generic(names::SPAN_END, &id, severity, self.end_us);
        desk.drafts.add(home.session, desk.place, &draft, |data| {
            data.text(names::TRACE_ID, &trace_id);
            data.text(names::SPAN_ID, &span_id);
            if let Some(parent) = self.parent {
                data.text(names::PARENT_SPAN_ID, &read::span_id(parent));
            }
            data.text(names::SPAN_NAME, self.name.or(self.op).unwrap_or("span"));
            data.text_if(names::SPAN_KIND, self.op.and_then(kind_of));
            data.float(names::DURATION_MS, read::duration_ms(self.start_us, self.end_us));
            data.text(names::STATUS, if self.is_error() { "error" } else { "ok" });
            data.text_if(SENTRY_STATUS, self.status.filter(|status| !matches!(*status, "ok" | "error")));
            data.text_if("op", self.op);
            data.text_if(RESOURCE, home.resource.as_deref());
            fill(data);
            // Clients of old have the operation nowhere else.
            let operation = self.op.and_then(|op| op.strip_prefix(GEN_AI));
            if !data.has(gen_ai::OPERATION_NAME) {
                data.text_if(gen_ai::OPERATION_NAME, operation);
            }
        })
    }
}

/// Adds a transaction: its root, and each span below it.
pub(super) fn transaction(desk: &mut Desk<'_>, transaction: &Fields) -> Result<(), Refused> {
    let origin = Origin::of_event(transaction);
    let (scene, time_us) = (Scene::of_event(transaction), desk.time_us(transaction));
    let home = desk.home(issue::session(transaction), &origin, &scene, time_us)?;
    if desk.event_id.is_none() {
        desk.event_id = text(transaction, &["event_id"]).map(str::to_owned);
    }
    let nothing = Fields::new();
    let trace = transaction.get("contexts").and_then(|contexts| contexts.get("trace")?.as_object()).unwrap_or(&nothing);
    if let (true, Some(id)) = (origin.is_ours(), origin.event_id) {
        return ours(desk, &home, transaction, &origin, id, time_us);
    }
    match Span::read(transaction, trace, &["transaction"]) {
        Ok(root) => root.add(desk, &home, |data| {
            if let Some(attributes) = read::object(trace, "data") {
                read::rest(data, attributes, &[]);
            }
            read::rest(data, trace, &["trace_id", "span_id", "parent_span_id", "op", "status", "data"]);
            data.text_if("event_id", text(transaction, &["event_id"]));
            issue::details(data, &without(transaction, &["spans", "transaction", "start_timestamp"]));
        })?,
        Err(reason) => refuse(desk, reason),
    }
    for span in read::list(transaction, "spans") {
        match span.as_object() {
            Some(fields) => below(desk, &home, fields, &scene)?,
            None => refuse(desk, &format!("it is {}", quote(&span.to_string()))),
        }
    }
    Ok(())
}

/// Adds a span of ours as it was logged: `extra` has all of it.
fn ours(
    desk: &mut Desk<'_>,
    home: &Home,
    transaction: &Fields,
    origin: &Origin<'_>,
    id: &str,
    time_us: i64,
) -> Result<(), Refused> {
    let extra = read::object(transaction, "extra");
    let status = transaction.get("contexts").and_then(|contexts| contexts.get("trace")?.get("status")?.as_str());
    let has_failed = status.is_some_and(|status| status != "ok");
    let severity = if has_failed { Severity::Error } else { Severity::Info };
    let draft = Draft { index: origin.index, ..Draft::generic(names::SPAN_END, id, severity, time_us) };
    desk.drafts.add(home.session, desk.place, &draft, |data| {
        extra.into_iter().for_each(|extra| read::rest(data, extra, &[]));
        if !data.has(names::SPAN_NAME) {
            data.text_if(names::SPAN_NAME, text(transaction, &["transaction"]));
        }
    })
}

/// Adds a span below a transaction, or one that was sent alone in the same form.
fn below(desk: &mut Desk<'_>, home: &Home, span: &Fields, scene: &Scene<'_>) -> Result<(), Refused> {
    match Span::read(span, span, &["description", "name"]) {
        Ok(read) => read.add(desk, home, |data| {
            if let Some(attributes) = read::object(span, "data") {
                read::rest(data, attributes, &[]);
            }
            for (name, value) in [("release", scene.release), ("environment", scene.environment)] {
                data.text_if(name, value);
            }
            let told = ["trace_id", "span_id", "parent_span_id", "op", "status", "data", "description", "timestamp"];
            read::rest(data, span, &[&told[..], &["start_timestamp", "same_process_as_parent"]].concat());
        }),
        Err(reason) => {
            refuse(desk, reason);
            Ok(())
        }
    }
}

/// Adds spans that were sent without a transaction: several with typed attributes, or one in the form of those below one.
pub(super) fn spans(desk: &mut Desk<'_>, item: &Fields) -> Result<(), Refused> {
    let Some(items) = item.get("items").and_then(Value::as_array) else {
        let scene = Scene::of_event(item);
        let time_us = desk.time_us(item);
        let home = desk.home(issue::session(item), &Origin::default(), &scene, time_us)?;
        return below(desk, &home, item, &scene);
    };
    for item in items {
        let Some(fields) = item.as_object() else {
            refuse(desk, &format!("it is {}", quote(&item.to_string())));
            continue;
        };
        let attributes = log::values(fields);
        match Span::read(fields, fields, &["name"]) {
            Ok(mut span) => {
                span.op = text(&attributes, &["sentry.op"]);
                let home =
                    desk.home(text(&attributes, &SESSION), &Origin::default(), &log::sender(&attributes), span.end_us)?;
                span.add(desk, &home, |data| {
                    log::write_attributes(data, &attributes, &["sentry.op"]);
                    let told = ["trace_id", "span_id", "parent_span_id", "name", "status", "attributes"];
                    read::rest(data, fields, &[&told[..], &["start_timestamp", "end_timestamp"]].concat());
                })?;
            }
            Err(reason) => refuse(desk, reason),
        }
    }
    Ok(())
}

fn refuse(desk: &mut Desk<'_>, reason: &str) {
    desk.drafts.refuse(desk.place, desk.event_id.as_deref(), format!("a span can't be read: {reason}"));
}

/// Returns a copy without some fields.
fn without(fields: &Fields, names: &[&str]) -> Fields {
    fields
        .iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Returns what OpenTelemetry calls a span of this operation.
fn kind_of(op: &str) -> Option<&'static str> {
    Some(match op {
        "http.server" | "rpc.server" | "websocket.server" => "server",
        "http.client" | "rpc.client" | "db" => "client",
        "queue.publish" | "queue.submit" => "producer",
        "queue.process" | "queue.task" => "consumer",
        _ if op.starts_with("db.") => "client",
        _ => return None,
    })
}
