use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::event::{EncodeError, Encoder, EventKind, Severity, Tag};
use crate::sink::{Batch, BatchBuilder, Session};

/// 2023-11-14T22:13:20Z, the time of the first event; each that follows is a millisecond later.
const FIRST_EVENT_NANOS: u64 = 1_700_000_000_000_000_000;

/// Makes a batch of generic events, as a sink is given it. The same arguments make the same batch, ids included.
///
/// # Errors
///
/// The data of an event is no JSON object.
///
/// ```
/// use lastword::testing::batch;
/// use serde_json::json;
///
/// let batch = batch("session-1", 7, &[("cache.miss", json!({"key": 1})), ("cache.hit", json!({}))])?;
/// assert_eq!(batch.session().id.as_ref(), "session-1");
/// assert_eq!(batch.events().map(|event| event.index()).collect::<Vec<_>>(), [7, 8]);
/// # Ok::<(), lastword::event::EncodeError>(())
/// ```
pub fn batch(session_id: &str, first_index: u64, events: &[(&str, Value)]) -> Result<Batch, EncodeError> {
    let session = Session::new(session_id, env!("CARGO_PKG_VERSION"), Uuid::nil(), 1);
    let mut builder = BatchBuilder::new(Arc::new(session));
    for (index, (name, data)) in (first_index..).zip(events) {
        let mut encoder = Encoder::take();
        encoder.time(Timestamp::from_unix_nanos(FIRST_EVENT_NANOS + (index - first_index) * 1_000_000));
        encoder.name(name);
        encoder.data(data)?;
        let bytes = encoder.finish()?;
        builder.push(index, Tag::new(EventKind::Generic, Severity::Info).to_u32(), |out| {
            out.extend_from_slice(bytes);
            Ok::<_, EncodeError>(())
        })?;
    }
    Ok(builder.build())
}
