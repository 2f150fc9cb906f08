//! Whose records they are, and the event that says so once a session.

use std::collections::HashSet;

use super::model::{Any, Attributes, KeyValue, Resource, Scope, find_text};
use super::raw::{Group, Raw};
use super::{proto, value};
use crate::ingest::{Draft, Drafts, Object, RESOURCE, Refused, SessionKey, Source, id_of};
use crate::limits::EVENT_BYTES_MAX;
use lastword::Severity;

/// The sender of a group of records: OpenTelemetry's resource.
pub(super) struct Sender<'b> {
    attributes: Attributes<'b>,
    dropped: u32,
    /// A hash of all that it says.
    pub(super) id: String,
    /// The session of records that name none.
    session: String,
    /// Sessions that it has been told in.
    told: HashSet<String>,
    /// The session of the last record: most are of the same as the one before.
    last: Option<(String, SessionKey)>,
}

impl<'b> Sender<'b> {
    /// Reads the resource of a group.
    ///
    /// # Errors
    ///
    /// It is none, or too large to be told.
    pub(super) fn read(group: &Group<'b>) -> Result<Self, Refused> {
        let resource: Resource<'b> = match group.head {
            Some(raw) => head(raw, "resource", proto::resource)?,
            None => Resource::default(),
        };
        let mut sorted: Vec<_> = resource.attributes.iter().map(|one| (&*one.key, value::label(&one.value))).collect();
        sorted.sort_unstable();
        let parts: Vec<&[u8]> = sorted.iter().flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]).collect();
        Ok(Self {
            id: id_of(&parts),
            session: session_of(&resource.attributes),
            attributes: resource.attributes,
            dropped: resource.dropped_attributes_count,
            told: HashSet::new(),
            last: None,
        })
    }

    /// Returns the session of a record with these attributes, in which the sender is told of if it has not been.
    pub(super) fn session(
        &mut self,
        drafts: &mut Drafts,
        place: usize,
        time_us: i64,
        attributes: &[KeyValue<'_>],
    ) -> Result<SessionKey, Refused> {
        let session_id = find_text(attributes, "session.id").unwrap_or(&self.session);
        if let Some((last, session)) = &self.last
            && last == session_id
        {
            return Ok(*session);
        }
        let text = |key| find_text(&self.attributes, key);
        let session = drafts.session(&Source {
            session_id,
            platform: text("os.type"),
            sdk_version: text("service.version"),
            process_uuid: text("service.instance.id"),
        });
        if !self.told.contains(session_id) {
            self.told.insert(session_id.to_owned());
            if !self.attributes.is_empty() || self.dropped > 0 {
                let draft = Draft::generic(RESOURCE, &self.id, Severity::Info, time_us);
                drafts.add(session, place, &draft, |data| {
                    value::uint_if(data, "attributes_dropped", self.dropped);
                    value::write_all(data, &self.attributes);
                })?;
            }
        }
        self.last = Some((session_id.to_owned(), session));
        Ok(session)
    }

    /// Returns the session that a record with these attributes is of.
    pub(super) fn session_id<'s>(&'s self, attributes: &'s [KeyValue<'_>]) -> &'s str {
        find_text(attributes, "session.id").unwrap_or(&self.session)
    }

    /// Returns whether it is our own reporter, whose records are events that it numbered.
    pub(super) fn is_ours(&self) -> bool {
        find_text(&self.attributes, "telemetry.sdk.name") == Some("lastword")
    }

    /// Says in a record's data which sender it is of.
    pub(super) fn write(&self, data: &mut Object<'_>) {
        if !self.attributes.is_empty() || self.dropped > 0 {
            data.text(RESOURCE, &self.id);
        }
    }
}

/// The session of a program's instance.
fn session_of(attributes: &[KeyValue<'_>]) -> String {
    let text = |key| find_text(attributes, key);
    if let Some(id) = text("session.id").or_else(|| text("service.instance.id")) {
        return id.to_owned();
    }
    let mut session = text("service.name").unwrap_or("unknown_service").to_owned();
    if let Some(host) = text("host.name") {
        session.push('@');
        session.push_str(host);
    }
    let pid = attributes.iter().find(|attribute| attribute.key == "process.pid").map(|attribute| &attribute.value);
    if let Some(pid @ (Any::Int(_) | Any::Text(_))) = pid {
        session.push(':');
        session.push_str(&value::label(pid));
    }
    session
}

/// The scope of a group of records: the library that made them.
pub(super) fn scope<'b>(group: &Group<'b>) -> Result<Scope<'b>, Refused> {
    match group.head {
        Some(raw) => head(raw, "scope", proto::scope),
        None => Ok(Scope::default()),
    }
}

/// Says in a record's data which scope it is of.
pub(super) fn write_scope(data: &mut Object<'_>, scope: &Scope<'_>) {
    data.text_if("otel.scope.name", Some(&scope.name));
    data.text_if("otel.scope.version", Some(&scope.version));
    if !scope.attributes.is_empty() {
        data.object("otel.scope.attributes", |object| value::write_all(object, &scope.attributes));
    }
    value::uint_if(data, "otel.scope.attributes_dropped", scope.dropped_attributes_count);
}

/// Reads what the records of a group have in common.
fn head<'b, T: serde::Deserialize<'b>>(
    raw: Raw<'b>,
    what: &str,
    protobuf: fn(&'b [u8]) -> Result<T, super::wire::WireError>,
) -> Result<T, Refused> {
    let bytes = raw.bytes().len();
    if bytes > EVENT_BYTES_MAX {
        return Err(Refused::Bad(format!("a {what} has {bytes} bytes: at most {EVENT_BYTES_MAX} are taken")));
    }
    raw.read(protobuf).map_err(|error| Refused::Bad(format!("a {what} can't be read: {error}")))
}
