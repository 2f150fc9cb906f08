//! The events of a queue, as a collector would answer them once they are delivered.

use lastword::sink::BatchEvent;
use lastword::spool::Queue;
use lastword::wire::write_event;
use serde_json::value::RawValue;

/// Has something done with each event that waits, in their order: the fields of the wire, and `session_id`. Returns how
/// many there were whose bytes make no sense, which are left out.
///
/// # Errors
///
/// What is done fails.
pub(super) fn each<E>(queue: &Queue, mut with: impl FnMut(&RawValue) -> Result<(), E>) -> Result<u64, E> {
    let session = serde_json::Value::from(queue.session_id()).to_string();
    let mut senseless = 0;
    for batch in queue.batches() {
        for event in batch.events() {
            match json(&event, &session) {
                Some(event) => with(&event)?,
                None => senseless += 1,
            }
        }
    }
    Ok(senseless)
}

fn json(event: &BatchEvent<'_>, session: &str) -> Option<Box<RawValue>> {
    let view = event.view().ok()?;
    let mut json = Vec::new();
    write_event(&mut json, event.index(), event.id(&view), &view).ok()?;
    let json = String::from_utf8(json).ok()?;
    RawValue::from_string(format!("{},\"session_id\":{session}}}", json.strip_suffix('}')?)).ok()
}
