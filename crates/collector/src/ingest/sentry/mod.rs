//! What the SDKs of Sentry send: envelopes of items, and single events by the path of old.
//!
//! An error is `error`, or `UNHANDLED_EXCEPTION` where nobody handled it; a message or a log is `log`; a transaction and each of its spans is
//! `span.end`; a point of a metric is `metrics`; an update of a session is SESSION_START, SESSION_END or both; what the client dropped is `telemetry.dropped`. Everything else is
//! kept as `sentry.<type>`. What our own reporter sent through Sentry's protocol comes back as it was.
//!
//! # Whose it is
//!
//! The session that an item names itself (the attribute or tag `session.id` or `session_id`; ours say it); the `session` that came in the same
//! envelope; or else the program's instance: project, release, environment and server.
//!
//! # Limits
//!
//! An envelope is read as far as it is whole: nobody can tell where an item ends whose length is wrong. An attachment is kept as text if it is
//! short and is one, else its size and hash are.

mod envelope;
mod health;
mod issue;
mod log;
mod metric;
mod origin;
mod other;
mod span;
pub(super) mod traceback;

use std::borrow::Cow;
use std::collections::HashSet;

use lastword::Severity;
use serde_json::{Map, Value};

use super::lines::Seen;
use super::read::{self, Fields, first, text};
use super::{Draft, Drafts, Intake, RESOURCE, Refused, SessionKey, Source, id_of, instance, quote, values};
use crate::limits::{ITEM_BYTES_MAX, NAME_BYTES_MAX};
use envelope::Item;
use origin::Origin;

/// Fields of events and transactions that say who sends, and are long or always alike.
const RESOURCE_FIELDS: [&str; 3] = ["sdk", "modules", "dist"];
/// Fields that say the same and are short: they stay in every event too, for they are what one looks for.
const SCENE_FIELDS: [&str; 3] = ["release", "environment", "server_name"];
/// What an item calls the session that it is of.
const SESSION: [&str; 2] = ["session.id", "session_id"];

/// What an envelope says.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) intake: Intake,
    /// The id that the client is answered with.
    pub(crate) event_id: Option<String>,
}

/// Reads an envelope that was sent to a project.
///
/// # Errors
///
/// It has no header, or too many items.
pub(crate) fn envelope(body: &[u8], project: &str, now_us: i64) -> Result<Decoded, Refused> {
    let (header, rest) = envelope::header(body)?;
    let (items, torn) = envelope::items(rest)?;
    let mut desk = Desk::new(project, now_us, header);
    // A session that is updated in the envelope of an error is that of the error.
    desk.sid = health::only_sid(&items);
    for (place, item) in items.iter().enumerate() {
        desk.place = place;
        desk.item(item)?;
    }
    if let Some(reason) = torn {
        desk.drafts.refuse(items.len(), None, reason);
    }
    Ok(desk.finish())
}

/// Reads a single event, as old clients send it.
///
/// # Errors
///
/// It is no object.
pub(crate) fn store(body: &[u8], project: &str, now_us: i64) -> Result<Decoded, Refused> {
    let body = values::utf8(body)?;
    let Value::Object(event) = values::read(body).map_err(|reason| Refused::Bad(format!("the body: {reason}")))? else {
        return Err(Refused::Bad(format!("the body is {}: it must be an event, an object", quote(body))));
    };
    let mut desk = Desk::new(project, now_us, Map::new());
    if event.get("type").and_then(Value::as_str) == Some("transaction") {
        span::transaction(&mut desk, &event)?;
    } else {
        issue::event(&mut desk, &event)?;
    }
    Ok(desk.finish())
}

/// Where the items of an envelope become events.
struct Desk<'a> {
    drafts: Drafts,
    project: &'a str,
    now_us: i64,
    header: Fields,
    /// The session that the envelope updates.
    sid: Option<String>,
    /// The place of the item that is being read.
    place: usize,
    event_id: Option<String>,
    seen: Seen,
    resources: HashSet<String>,
}

/// The session of an item, and what it says of who sent it.
struct Home {
    session: SessionKey,
    resource: Option<String>,
}

impl<'a> Desk<'a> {
    fn new(project: &'a str, now_us: i64, header: Fields) -> Self {
        Self {
            drafts: Drafts::new(now_us),
            project,
            now_us,
            event_id: text(&header, &["event_id"]).map(str::to_owned),
            header,
            sid: None,
            place: 0,
            seen: Seen::default(),
            resources: HashSet::new(),
        }
    }

    fn item(&mut self, item: &Item<'_>) -> Result<(), Refused> {
        let fields = match item.kind {
            "event" | "transaction" | "session" | "sessions" | "client_report" | "log" | "span" | "trace_metric" => {
                std::str::from_utf8(item.payload)
                    .map_err(|_| "it is not UTF-8".to_owned())
                    .and_then(|payload| values::read_up_to(ITEM_BYTES_MAX, payload))
            }
            _ => return other::item(self, item),
        };
        let reason = match fields {
            Ok(Value::Object(fields)) => {
                return match item.kind {
                    "event" => issue::event(self, &fields),
                    "transaction" => span::transaction(self, &fields),
                    "session" => health::session(self, &fields),
                    "sessions" => health::aggregates(self, &fields),
                    "client_report" => health::dropped(self, &fields),
                    "log" => log::logs(self, &fields),
                    "trace_metric" => metric::metrics(self, &fields),
                    _ => span::spans(self, &fields),
                };
            }
            Ok(other) => format!("it is {}", quote(&other.to_string())),
            Err(reason) => reason,
        };
        let reason = format!("the item `{}` must be an object: {reason}", item.kind);
        self.drafts.refuse(self.place, self.event_id.as_deref(), reason);
        Ok(())
    }

    /// Finds the session of an item: by what it says itself, by its envelope, or by its program's instance.
    fn home(
        &mut self,
        own: Option<&str>,
        origin: &Origin<'_>,
        scene: &Scene<'_>,
        time_us: i64,
    ) -> Result<Home, Refused> {
        let of_envelope = self.sid.as_deref().filter(|_| !scene.is_of_program);
        let session_id = match origin.session_id.or(own).or(of_envelope) {
            Some(id) => Cow::Borrowed(id),
            None => {
                let mut service = format!("sentry-{}", self.project);
                for part in [scene.release, scene.environment].into_iter().flatten() {
                    service = format!("{service}:{part}");
                }
                Cow::Owned(instance(&service, scene.server, None))
            }
        };
        let sdk_version = origin.sdk_version.map(str::to_owned).or_else(|| scene.sdk_version());
        let source = Source {
            session_id: &session_id,
            platform: origin.platform.or(scene.platform),
            sdk_version: sdk_version.as_deref(),
            process_uuid: origin.process_uuid,
        };
        let session = self.drafts.session(&source);
        if origin.is_ours() || scene.resource.is_empty() {
            // Ours say all of it themselves.
            return Ok(Home { session, resource: None });
        }
        let id = id_of(&[&serde_json::to_vec(&scene.resource).unwrap_or_default()]);
        if self.resources.insert(format!("{id} {session_id}")) {
            let draft = Draft::generic(RESOURCE, &id, Severity::Info, time_us);
            let resource = &scene.resource;
            self.drafts.add(session, self.place, &draft, |data| {
                resource.iter().for_each(|(name, value)| data.value(name, value));
            })?;
        }
        Ok(Home { session, resource: Some(id) })
    }

    /// Returns the time that an item says, or that of its arrival.
    fn time_us(&self, fields: &Fields) -> i64 {
        fields.get("timestamp").and_then(read::moment).unwrap_or(self.now_us)
    }

    /// Returns an id for what has none: the same whenever its envelope is sent, which says when that was first done.
    fn id(&self, payload: &[u8]) -> String {
        let sent_at = first(&self.header, &["event_id", "sent_at"]).map(Value::to_string);
        let sent_at = sent_at.unwrap_or_else(|| self.now_us.to_string());
        id_of(&[payload, sent_at.as_bytes()])
    }

    fn finish(self) -> Decoded {
        Decoded { intake: self.drafts.finish(), event_id: self.event_id }
    }
}

/// Returns the beginning of a text that many events repeat: Sentry itself takes no longer ones.
fn name<'f>(fields: &'f Fields, field: &str) -> Option<&'f str> {
    text(fields, &[field]).map(|name| &name[..name.floor_char_boundary(NAME_BYTES_MAX)])
}

/// Who sent an item, as it says.
#[derive(Debug, Default)]
struct Scene<'f> {
    release: Option<&'f str>,
    environment: Option<&'f str>,
    server: Option<&'f str>,
    platform: Option<&'f str>,
    sdk: (Option<&'f str>, Option<&'f str>),
    /// Whether what is said is of the program, and of none of its sessions.
    is_of_program: bool,
    /// What is stored of it once a session.
    resource: Vec<(&'f str, &'f Value)>,
}

impl<'f> Scene<'f> {
    /// Reads the fields of an event or a transaction.
    fn of_event(event: &'f Fields) -> Self {
        let sdk = read::object(event, "sdk");
        let of_sdk = |name: &str| sdk.and_then(|sdk| text(sdk, &[name]));
        let named = |name: &'f str| Some((name, event.get(name).filter(|value| !value.is_null())?));
        Self {
            release: name(event, "release"),
            environment: name(event, "environment"),
            server: name(event, "server_name"),
            platform: text(event, &["platform"]),
            sdk: (of_sdk("name"), of_sdk("version")),
            is_of_program: false,
            resource: SCENE_FIELDS.into_iter().chain(RESOURCE_FIELDS).chain(["platform"]).filter_map(named).collect(),
        }
    }

    fn sdk_version(&self) -> Option<String> {
        self.sdk.1.map(|version| self.sdk.0.map_or_else(|| version.to_owned(), |name| format!("{name}/{version}")))
    }
}
