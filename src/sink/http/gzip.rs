//! Compression of a body, in steps.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::limits::COMPRESS_STEP_BYTES;
use crate::sink::SinkError;

/// Compresses, and lets others have the thread in between.
pub(in crate::sink) struct Gzip {
    encoder: GzEncoder<Vec<u8>>,
    /// Bytes that went in.
    plain_bytes: usize,
    /// Bytes that went in since others had the thread.
    held_bytes: usize,
}

impl Gzip {
    pub(in crate::sink) fn new() -> Self {
        // The thread belongs to somebody's program: the fast way takes less of it, for a body that is a little longer.
        Self { encoder: GzEncoder::new(Vec::new(), Compression::fast()), plain_bytes: 0, held_bytes: 0 }
    }

    /// Returns how many bytes went in until now.
    #[cfg(feature = "datadog")]
    pub(in crate::sink) const fn plain_bytes(&self) -> usize {
        self.plain_bytes
    }

    pub(in crate::sink) async fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        for step in bytes.chunks(COMPRESS_STEP_BYTES) {
            if self.held_bytes + step.len() > COMPRESS_STEP_BYTES {
                tokio::task::yield_now().await;
                self.held_bytes = 0;
            }
            self.encoder.write_all(step).map_err(|error| failed(&error))?;
            self.held_bytes += step.len();
            self.plain_bytes += step.len();
        }
        Ok(())
    }

    pub(in crate::sink) fn finish(self) -> Result<Vec<u8>, SinkError> {
        self.encoder.finish().map_err(|error| failed(&error))
    }
}

fn failed(error: &io::Error) -> SinkError {
    SinkError::Transient { reason: format!("the body can't be compressed: {error}"), retry_after: None }
}
