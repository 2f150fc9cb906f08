//! Items that have no meaning here: kept as they are, as far as that is bounded.

use lastword::Severity;
use serde_json::Value;

use super::super::read::{Fields, text};
use super::super::{Draft, Refused, quote, values};
use super::envelope::Item;
use super::origin::Origin;
use super::{Desk, Scene, issue};
use crate::limits::{ATTACHMENT_TEXT_BYTES_MAX, NAME_BYTES_MAX};

/// What the names of these events begin with.
const PREFIX: &str = "sentry.";

/// Adds an item by its type.
pub(super) fn item(desk: &mut Desk<'_>, item: &Item<'_>) -> Result<(), Refused> {
    let Some(kind) = text(&item.header, &["type"]) else {
        let reason =
            format!("an item has no `type`: its header is {}", quote(&Value::from(item.header.clone()).to_string()));
        desk.drafts.refuse(desk.place, None, reason);
        return Ok(());
    };
    let name = format!("{PREFIX}{}", &kind[..kind.floor_char_boundary(NAME_BYTES_MAX)]);
    // An attachment may be JSON, and is a file all the same.
    let fields = if kind == "attachment" { None } else { object(item.payload) };
    let nothing = Fields::new();
    let scene = fields.as_ref().map(Scene::of_event).unwrap_or_default();
    let own = fields.as_ref().and_then(issue::session);
    let time_us = desk.time_us(fields.as_ref().unwrap_or(&nothing));
    let home = desk.home(own, &Origin::default(), &Scene { resource: Vec::new(), ..scene }, time_us)?;
    let id = desk.id(&[&serde_json::to_vec(&item.header).unwrap_or_default(), item.payload].concat());
    let draft = Draft::generic(&name, &id, Severity::Info, time_us);
    let event_id = desk.event_id.clone();
    desk.drafts.add(home.session, desk.place, &draft, |data| {
        if let Some(fields) = &fields {
            super::read::rest(data, fields, &["type", "sdk", "modules"]);
            return;
        }
        super::read::rest(data, &item.header, &["type", "length"]);
        // The event that it was attached to.
        data.text_if("event_id", event_id.as_deref());
        data.uint("bytes", item.payload.len() as u64);
        data.text("xxh3", &format!("{:032x}", xxhash_rust::xxh3::xxh3_128(item.payload)));
        data.text_if("content", content(item.payload));
    })
}

/// Reads a payload that is an object of JSON and short enough to be an event.
fn object(payload: &[u8]) -> Option<Fields> {
    let payload = std::str::from_utf8(payload).ok().filter(|_| payload.len() <= ATTACHMENT_TEXT_BYTES_MAX)?;
    match values::read(payload) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

/// Returns what an attachment says, if it is a short text.
fn content(payload: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(payload).ok().filter(|_| payload.len() <= ATTACHMENT_TEXT_BYTES_MAX)?;
    (!text.contains('\0')).then_some(text)
}
