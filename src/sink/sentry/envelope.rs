//! Items as the compressed body of a request.

use sentry_types::protocol::v7::{Envelope, EnvelopeHeaders, EnvelopeItem};

use super::scene;
use crate::clock::Timestamp;
use crate::limits::SENTRY_ENVELOPE_BYTES_MAX;
use crate::sink::SinkError;
use crate::sink::http::Gzip;

/// Writes an envelope.
///
/// # Errors
///
/// It is larger than Sentry takes it.
pub(super) async fn write(items: Vec<EnvelopeItem>, sent_at: Timestamp) -> Result<Vec<u8>, SinkError> {
    let headers = EnvelopeHeaders::new().with_sent_at(scene::system_time(sent_at)).with_sdk(scene::sdk());
    let mut envelope = Envelope::new().with_headers(headers);
    for item in items {
        // The id of an event becomes that of the envelope.
        envelope.add_item(item);
    }
    let mut plain = Vec::new();
    envelope.to_writer(&mut plain).map_err(|error| {
        let reason = format!("the envelope can't be written: {error}");
        SinkError::Rejected { reason }
    })?;
    if plain.len() > SENTRY_ENVELOPE_BYTES_MAX {
        return Err(SinkError::TooLarge);
    }
    let mut gzip = Gzip::new();
    gzip.write(&plain).await?;
    gzip.finish()
}
