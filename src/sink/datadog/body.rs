//! A batch as the compressed body of a request.

use super::entry::{Labels, NoEntry, Writer};
use crate::limits::{DATADOG_ENTRIES_MAX, DATADOG_REQUEST_BYTES_MAX};
use crate::sink::http::Gzip;
use crate::sink::{Batch, SinkError};

/// The body of a request, and what of the batch is not in it.
pub(super) struct Body {
    /// `None` where there is nothing to send.
    pub(super) gzip: Option<Vec<u8>>,
    /// Places in the batch, in rising order, of the events whose bytes are damaged.
    pub(super) damaged: Vec<usize>,
}

/// Writes the body of a batch. Events whose bytes are damaged are left out: they alone are refused.
///
/// # Errors
///
/// The batch, or an event of it, is larger than Datadog takes it. It is halved then, until what is too large is alone; so
/// the books say why it was dropped.
pub(super) async fn write(batch: &Batch, labels: &Labels) -> Result<Body, SinkError> {
    if batch.len() > DATADOG_ENTRIES_MAX {
        return Err(SinkError::TooLarge);
    }
    let mut writer = Writer::new(labels, batch.session());
    let mut gzip = Gzip::new();
    let mut damaged = Vec::new();
    let mut entry = Vec::new();
    for (place, event) in batch.events().enumerate() {
        entry.clear();
        entry.push(if gzip.plain_bytes() == 0 { b'[' } else { b',' });
        match writer.append(&mut entry, &event) {
            Ok(()) => {}
            Err(NoEntry::Damaged) => {
                damaged.push(place);
                continue;
            }
            Err(NoEntry::TooLong) => return Err(SinkError::TooLarge),
        }
        // The closing bracket counts too.
        if gzip.plain_bytes() + entry.len() + 1 > DATADOG_REQUEST_BYTES_MAX {
            return Err(SinkError::TooLarge);
        }
        gzip.write(&entry).await?;
    }
    if gzip.plain_bytes() == 0 {
        return Ok(Body { gzip: None, damaged });
    }
    gzip.write(b"]").await?;
    Ok(Body { gzip: Some(gzip.finish()?), damaged })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::Value;

    use super::*;
    use crate::limits::COMPRESS_STEP_BYTES;
    use crate::sink::samples::batch;

    fn entries(body: &Body) -> Value {
        let mut json = Vec::new();
        flate2::read::GzDecoder::new(body.gzip.as_deref().unwrap()).read_to_end(&mut json).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    #[tokio::test]
    async fn a_damaged_event_is_left_out_alone() {
        let body = write(&batch(&[None, Some("b"), None, Some("d")]), &Labels::default()).await.unwrap();
        assert_eq!(body.damaged, [0, 2]);
        let entries = entries(&body);
        let texts: Vec<_> = entries.as_array().unwrap().iter().map(|entry| &entry["text"]).collect();
        assert_eq!(texts, ["b", "d"]);

        let body = write(&batch(&[None, None]), &Labels::default()).await.unwrap();
        assert_eq!((body.gzip, body.damaged), (None, vec![0, 1]), "nothing is sent");
    }

    #[tokio::test]
    async fn what_is_too_large_is_halved_and_what_fits_to_the_byte_is_sent() {
        let labels = Labels::default();
        let is_too_large = async |events: &[Option<&str>]| match write(&batch(events), &labels).await {
            Ok(body) => {
                assert_eq!(entries(&body).as_array().unwrap().len(), events.len());
                false
            }
            Err(error) => error == SinkError::TooLarge,
        };
        let empty = serde_json::to_vec(&entries(&write(&batch(&[Some("")]), &labels).await.unwrap())).unwrap().len();
        // Without the brackets around it.
        let room = crate::limits::DATADOG_ENTRY_BYTES_MAX - (empty - 2);
        let full = "x".repeat(room);
        let full = full.as_str();
        assert!(!is_too_large(&[Some(full)]).await);
        assert!(is_too_large(&[Some(&"x".repeat(room + 1))]).await);
        assert!(!is_too_large(&[Some(full); 4]).await);
        assert!(is_too_large(&[Some(full); 5]).await, "the brackets and commas count too");
        assert!(!is_too_large(&[Some("x"); DATADOG_ENTRIES_MAX]).await);
        assert!(is_too_large(&[Some("x"); DATADOG_ENTRIES_MAX + 1]).await);
    }

    #[tokio::test]
    async fn while_a_large_body_is_written_others_have_their_turns() {
        let text = "x".repeat(COMPRESS_STEP_BYTES);
        let events = vec![Some(text.as_str()); 2 * DATADOG_REQUEST_BYTES_MAX / COMPRESS_STEP_BYTES];
        let (batch, labels, mut turns) = (batch(&events), Labels::default(), 0);
        let others = async {
            loop {
                turns += 1;
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            body = write(&batch, &labels) => assert!(matches!(body, Err(SinkError::TooLarge))),
            () = others => {}
        }
        assert!(turns >= DATADOG_REQUEST_BYTES_MAX / COMPRESS_STEP_BYTES, "{turns}");
    }
}
