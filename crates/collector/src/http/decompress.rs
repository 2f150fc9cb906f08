//! Bodies that are compressed: `gzip`, `deflate` and `zstd`, within a bound, for a few bytes may stand for gigabytes.

use std::io::{self, Read};
use std::sync::Arc;

use axum::http::HeaderValue;
use flate2::bufread::GzDecoder;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{COMPRESSED_PARTS_MAX, DECOMPRESS_STEP_BYTES};

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
}

/// Why a body could not be decompressed.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecompressError {
    #[error("the body has more than {0} bytes when it is decompressed: send the events in several requests")]
    TooLarge(usize),
    #[error("too many requests are being read")]
    NoRoom,
    #[error("the body is no {0}: {1}")]
    Broken(&'static str, io::Error),
}

impl Encoding {
    /// Reads the value of a header that names it.
    ///
    /// # Errors
    ///
    /// It says something that isn't known: what it says.
    pub(super) fn named(said: Option<&HeaderValue>) -> Result<Self, String> {
        let Some(said) = said else { return Ok(Self::Identity) };
        let said = String::from_utf8_lossy(said.as_bytes()).trim().to_ascii_lowercase();
        match said.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            _ => Err(said),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }
}

/// Decompresses a body into at most `bytes_max` bytes. Room is taken for each step of it, and returned with the bytes.
pub(super) fn decompress(
    encoding: Encoding,
    body: &[u8],
    bytes_max: usize,
    room: &Arc<Semaphore>,
) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), DecompressError> {
    let broken = |error| DecompressError::Broken(encoding.as_str(), error);
    let mut reader: Box<dyn Read + '_> = match encoding {
        Encoding::Identity => Box::new(body),
        Encoding::Gzip => Box::new(Members { member: Some(GzDecoder::new(body)), begun: 1 }),
        Encoding::Deflate => Box::new(flate2::read::ZlibDecoder::new(body)),
        Encoding::Zstd => Box::new(Frames { rest: body, frame: None, begun: 0 }),
    };
    let (mut plain, mut taken) = (Vec::new(), None::<OwnedSemaphorePermit>);
    loop {
        let permits = u32::try_from(DECOMPRESS_STEP_BYTES).unwrap_or(u32::MAX);
        let step = Arc::clone(room).try_acquire_many_owned(permits).map_err(|_| DecompressError::NoRoom)?;
        match &mut taken {
            Some(taken) => taken.merge(step),
            None => taken = Some(step),
        }
        let read = reader.by_ref().take(DECOMPRESS_STEP_BYTES as u64).read_to_end(&mut plain).map_err(broken)?;
        if plain.len() > bytes_max {
            return Err(DecompressError::TooLarge(bytes_max));
        }
        if read == 0 {
            return Ok((plain, taken));
        }
    }
}

/// Counts a part of a body that begins.
fn begin(begun: &mut usize) -> io::Result<()> {
    *begun += 1;
    if *begun > COMPRESSED_PARTS_MAX {
        return Err(io::Error::other(format!(
            "it has more than {COMPRESSED_PARTS_MAX} parts, each compressed for itself"
        )));
    }
    Ok(())
}

/// The members of a body of gzip, one after the other.
struct Members<'b> {
    /// `None` only after an error.
    member: Option<GzDecoder<&'b [u8]>>,
    begun: usize,
}

impl Read for Members<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(out)?;
            if read > 0 || out.is_empty() || member.get_ref().is_empty() {
                return Ok(read);
            }
            begin(&mut self.begun)?;
            self.member = self.member.take().map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}

/// The frames of a body of zstd, one after the other.
struct Frames<'b> {
    rest: &'b [u8],
    frame: Option<ruzstd::decoding::FrameDecoder>,
    begun: usize,
}

impl Read for Frames<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
        loop {
            let Some(frame) = &mut self.frame else {
                if self.rest.is_empty() {
                    return Ok(0);
                }
                begin(&mut self.begun)?;
                let mut frame = FrameDecoder::new();
                frame.reset(&mut self.rest).map_err(io::Error::other)?;
                self.frame = Some(frame);
                continue;
            };
            if frame.can_collect() == 0 && !frame.is_finished() {
                let blocks = BlockDecodingStrategy::UptoBytes(out.len());
                frame.decode_blocks(&mut self.rest, blocks).map_err(io::Error::other)?;
            }
            let read = frame.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            if frame.is_finished() {
                self.frame = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_of_several_parts_is_one_text_and_parts_without_end_are_refused() {
        let room = Arc::new(Semaphore::new(1 << 24));
        let plain = |encoding, body: &[u8]| decompress(encoding, body, 1 << 20, &room).map(|(plain, _)| plain);
        let body = [gzip(b"one"), gzip(b""), gzip(b" two")].concat();
        assert_eq!(plain(Encoding::Gzip, &body).unwrap(), b"one two");
        assert!(plain(Encoding::Gzip, &[gzip(b"one"), b"more".to_vec()].concat()).is_err());
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0];
        for (encoding, part) in [(Encoding::Gzip, gzip(b"")), (Encoding::Zstd, frame.to_vec())] {
            assert!(plain(encoding, &part.repeat(100)).unwrap().is_empty());
            let refused = plain(encoding, &part.repeat(COMPRESSED_PARTS_MAX + 1)).unwrap_err().to_string();
            assert!(refused.contains("16384 parts"), "{refused}");
        }
    }
}
