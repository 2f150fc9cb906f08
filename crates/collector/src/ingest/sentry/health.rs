//! Release health: sessions, counts of sessions, and what a client says that it dropped.

use lastword::event::names;
use lastword::{EventKind, Severity};
use serde_json::Value;

use super::super::read::{self, Fields, first, text};
use super::super::{Draft, Object, Refused, id_of};
use super::envelope::Item;
use super::issue::USER_ID;
use super::origin::Origin;
use super::{Desk, RESOURCE, Scene, name};
use crate::limits::DROP_REASONS_MAX;

/// Something about a session that goes on.
const UPDATE: &str = "session.update";
/// How many sessions began in a minute, and how they ended.
const AGGREGATE: &str = "session.aggregate";
/// What our own sink says of events that it sends besides: it is told already.
const OUR_REPORT: &str = "sentry.client_report";

/// What was dropped for reasons beyond those that are counted one by one.
const OTHER: &str = "other";

/// Returns the session that an envelope updates, if it is one alone.
pub(super) fn only_sid(items: &[Item<'_>]) -> Option<String> {
    let sessions = items.iter().filter(|item| item.kind == "session");
    let mut sids = sessions.filter_map(|item| known_sid(&serde_json::from_slice(item.payload).ok()?));
    let first = sids.next()?;
    sids.all(|sid| sid == first).then_some(first)
}

/// Returns the id of a session as it is known here: a UUID with dashes.
fn known_sid(session: &Fields) -> Option<String> {
    let sid = text(session, &["sid"])?;
    Some(uuid::Uuid::try_parse(sid).map_or_else(|_| sid.to_owned(), |sid| sid.to_string()))
}

/// Adds the update of a session: its start, its end, or both where it is told of once.
pub(super) fn session(desk: &mut Desk<'_>, session: &Fields) -> Result<(), Refused> {
    let Some(sid) = known_sid(session) else {
        desk.drafts.refuse(desk.place, None, "`sid` of a session is missing: it must be a UUID");
        return Ok(());
    };
    let time_us = desk.time_us(session);
    let started_us = first(session, &["started"]).and_then(read::moment);
    let home = desk.home(Some(&sid), &Origin::default(), &attributes(session), time_us)?;
    let status = text(session, &["status"]).unwrap_or("ok");
    let severity = match status {
        // With it the session is shown as one that a fatal error has ended.
        "crashed" => Severity::Critical,
        "abnormal" => Severity::Error,
        _ => Severity::Info,
    };
    let (is_start, is_end) = (is_true(session, "init"), matches!(status, "exited" | "crashed" | "abnormal"));
    let (start_id, end_id) = (format!("{sid}-start"), format!("{sid}-end"));
    let (kind, drafts, place) = (EventKind::SessionStart, &mut desk.drafts, desk.place);
    if is_start {
        let start_us = started_us.unwrap_or(time_us);
        let draft = Draft { kind, ..Draft::generic("", &start_id, Severity::Info, start_us) };
        drafts.add(home.session, place, &draft, |data| write_attributes(data, session, false))?;
    }
    if is_end {
        let draft = Draft { kind: EventKind::SessionEnd, ..Draft::generic("", &end_id, severity, time_us) };
        drafts.add(home.session, place, &draft, |data| {
            write_duration(data, session, started_us, time_us);
            write_attributes(data, session, true);
        })?;
    }
    if !is_start && !is_end {
        let said =
            ["status", "timestamp", "seq", "errors"].map(|name| session.get(name).unwrap_or(&Value::Null).to_string());
        let id = id_of(&said.each_ref().map(String::as_bytes));
        let draft = Draft::generic(UPDATE, &id, severity, time_us);
        drafts.add(home.session, place, &draft, |data| write_attributes(data, session, true))?;
    }
    Ok(())
}

fn is_true(fields: &Fields, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool) == Some(true)
}

fn write_duration(data: &mut Object<'_>, session: &Fields, started_us: Option<i64>, time_us: i64) {
    let seconds = first(session, &["duration"]).and_then(Value::as_f64).filter(|seconds| *seconds >= 0.0);
    let measured = seconds.map(|seconds| seconds * 1e3);
    if let Some(duration) = measured.or_else(|| started_us.map(|started_us| read::duration_ms(started_us, time_us))) {
        data.float(names::DURATION_MS, duration);
    }
}

/// Writes what is said of a session; how it is at the time, if asked for.
fn write_attributes(data: &mut Object<'_>, session: &Fields, with_state: bool) {
    let state: &[&str] = if with_state { &[] } else { &["status", "errors", "duration", "timestamp", "seq"] };
    if let Some(user) = first(session, &["did"]) {
        data.value(USER_ID, user);
    }
    read::rest(data, session, &[&["attrs", "init", "did"], state].concat());
    if let Some(attributes) = read::object(session, "attrs") {
        read::rest(data, attributes, &[]);
    }
}

/// Reads who sends a session.
fn attributes(session: &Fields) -> Scene<'_> {
    let attributes = read::object(session, "attrs");
    let named = |field| attributes.and_then(|attributes| name(attributes, field));
    Scene { release: named("release"), environment: named("environment"), ..Scene::default() }
}

/// Adds counts of sessions, an event for each minute.
pub(super) fn aggregates(desk: &mut Desk<'_>, sessions: &Fields) -> Result<(), Refused> {
    let attrs = sessions.get("attrs");
    // They are alike in all minutes, so they are stored once.
    let resource = attrs.map(|attrs| ("attrs", attrs)).into_iter().collect();
    let scene = Scene { is_of_program: true, resource, ..attributes(sessions) };
    let of_attrs = id_of(&[attrs.map(Value::to_string).unwrap_or_default().as_bytes()]);
    let home = desk.home(None, &Origin::default(), &scene, desk.now_us)?;
    for (place, minute) in read::list(sessions, "aggregates").iter().enumerate() {
        let Some(counts) = minute.as_object() else {
            desk.drafts.refuse(desk.place, None, "an element of `aggregates` is no object");
            continue;
        };
        let time_us = first(counts, &["started"]).and_then(read::moment).unwrap_or(desk.now_us);
        // Two processes may count the same in the same minute.
        let id = desk.id(format!("{place} {of_attrs} {minute}").as_bytes());
        let draft = Draft::generic(AGGREGATE, &id, Severity::Info, time_us);
        desk.drafts.add(home.session, desk.place, &draft, |data| {
            data.text_if("release", scene.release);
            data.text_if("environment", scene.environment);
            data.text_if(RESOURCE, home.resource.as_deref());
            read::rest(data, counts, &[]);
        })?;
    }
    Ok(())
}

/// Adds what a client dropped, by category and reason.
pub(super) fn dropped(desk: &mut Desk<'_>, report: &Fields) -> Result<(), Refused> {
    let time_us = desk.time_us(report);
    let scene = Scene { is_of_program: true, ..Scene::default() };
    let home = desk.home(None, &Origin::default(), &scene, time_us)?;
    let id = id_of(&[&serde_json::to_vec(report).unwrap_or_default(), &time_us.to_le_bytes()]);
    let sdk = read::object(&desk.header, "sdk").and_then(|sdk| text(sdk, &["name"]));
    if sdk == Some(super::origin::LASTWORD) {
        let draft = Draft::generic(OUR_REPORT, &id, Severity::Info, time_us);
        return desk.drafts.add(home.session, desk.place, &draft, |data| read::rest(data, report, &[]));
    }
    let mut drops: Vec<(String, i64)> = Vec::new();
    for list in ["discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events"] {
        for dropped in read::list(report, list).iter().filter_map(Value::as_object) {
            let category = text(dropped, &["category"]).unwrap_or("unknown");
            let reason = format!("{category}.{}", text(dropped, &["reason"]).unwrap_or(list));
            let count = first(dropped, &["quantity"]).and_then(Value::as_i64).filter(|count| *count > 0).unwrap_or(1);
            let is_room = drops.len() < DROP_REASONS_MAX;
            let known = drops.iter_mut().find(|(known, _)| *known == reason || (!is_room && known == OTHER));
            match known {
                Some((_, known)) => *known = known.saturating_add(count),
                None => drops.push((if is_room { reason } else { OTHER.to_owned() }, count)),
            }
        }
    }
    let draft = Draft { drops: &drops, ..Draft::generic(names::TELEMETRY_DROPPED, &id, Severity::Warning, time_us) };
    desk.drafts.add(home.session, desk.place, &draft, |data| {
        drops.iter().for_each(|(reason, count)| data.int(reason, *count));
    })
}
