//! Some events of one session, on their way to one sink.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::event::{DecodeError, EventView, FieldPolicy, Tag};
#[cfg(any(feature = "http", unix))]
use crate::wire::Origin;

/// What every batch of a session says about where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The session's id.
    pub id: Arc<str>,
    /// System and family of the machine: `unix/linux`, `unix/darwin`, `win32/nt`.
    pub platform: Arc<str>,
    /// The version of the SDK that reports.
    pub sdk_version: Arc<str>,
    /// One id per process, a new one after a fork.
    pub process_uuid: Uuid,
    /// Random, one per queue: with an event's time and index it makes the event's id.
    pub nonce: u64,
    /// Which [bucket](crate::privacy::user_bucket) the session's user is in, where the program has said who that is.
    pub user_bucket: Option<u32>,
}

impl Session {
    /// Describes a session of this process.
    #[must_use]
    pub fn new(id: &str, sdk_version: &str, process_uuid: Uuid, nonce: u64) -> Self {
        let platform = match std::env::consts::OS {
            "linux" => "unix/linux",
            "macos" | "ios" => "unix/darwin",
            "windows" => "win32/nt",
            "freebsd" => "unix/freebsd",
            "android" => "unix/android",
            _ => "unix/other",
        };
        Self {
            id: id.into(),
            platform: platform.into(),
            sdk_version: sdk_version.into(),
            process_uuid,
            nonce,
            user_bucket: None,
        }
    }

    /// Returns what the protocol says of it.
    #[cfg(any(feature = "http", unix))]
    pub(super) fn origin(&self) -> Origin<'_> {
        Origin {
            session_id: &self.id,
            platform: &self.platform,
            sdk_version: &self.sdk_version,
            process_uuid: self.process_uuid,
        }
    }
}

/// Some events of one session, in the order of their index, on their way to one sink.
pub struct Batch {
    session: Arc<Session>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u32,
    end: u32,
    seq: u64,
}

/// One event of a batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchEvent<'a> {
    seq: u64,
    tag: u32,
    nonce: u64,
    bytes: &'a [u8],
}

impl Batch {
    /// Returns the session whose events these are.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns how many events there are; never 0.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is none: never, for a batch that a sink is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns how many bytes the events take, encoded as they are in the queue.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the batch's id: the same for every attempt to deliver these very events, another for any others.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let first = self.entries.first().map_or(0, |entry| entry.seq);
        let last = self.entries.last().map_or(0, |entry| entry.seq);
        Uuid::new_v8(mix(self.session.nonce, first, last))
    }

    /// Goes through the events, in the order of their index.
    pub fn events(&self) -> impl ExactSizeIterator<Item = BatchEvent<'_>> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let bytes = &self.bytes[start..entry.end as usize];
            start = entry.end as usize;
            BatchEvent { seq: entry.seq, tag: entry.tag, nonce: self.session.nonce, bytes }
        })
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.entries.last().map(|entry| entry.seq);
        f.debug_struct("Batch")
            .field("session", &self.session.id)
            .field("events", &self.len())
            .field("first", &self.entries.first().map(|entry| entry.seq))
            .field("last", &last)
            .finish_non_exhaustive()
    }
}

impl<'a> BatchEvent<'a> {
    /// Returns the event's place in its session: gapless from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.seq
    }

    /// Reads what the event says.
    ///
    /// # Errors
    ///
    /// The bytes were damaged on their way.
    pub fn view(&self) -> Result<EventView<'a>, DecodeError> {
        let tag = Tag::from_u32(self.tag).ok_or(DecodeError::UNKNOWN_TAG)?;
        EventView::read(tag, self.bytes)
    }

    /// Returns the event's id: a UUID v7 of the event's time, its queue and its place. It is the same whenever and by
    /// whomever the event is delivered.
    #[must_use]
    pub fn id(&self, view: &EventView<'_>) -> Uuid {
        let mut bytes = mix(self.nonce, self.seq, self.seq);
        bytes[..6].copy_from_slice(&view.time().unix_millis().to_be_bytes()[2..]);
        bytes[6] = 0x70 | bytes[6] & 0x0f;
        bytes[8] = 0x80 | bytes[8] & 0x3f;
        Uuid::from_bytes(bytes)
    }
}

/// Collects the events of a batch.
#[derive(Debug)]
pub struct BatchBuilder {
    batch: Batch,
    fields: FieldPolicy,
    raw: Vec<u8>,
}

impl BatchBuilder {
    /// Starts a batch of a session.
    #[must_use]
    pub const fn new(session: Arc<Session>) -> Self {
        let batch = Batch { session, entries: Vec::new(), bytes: Vec::new() };
        Self { batch, fields: FieldPolicy::Redacted, raw: Vec::new() }
    }

    /// Says which fields of the events are in the batch; [`FieldPolicy::Redacted`] unless set.
    #[must_use]
    pub const fn fields(mut self, fields: FieldPolicy) -> Self {
        self.fields = fields;
        self
    }

    /// Adds an event, whose bytes `read` appends to what it is given.
    pub fn push<E>(&mut self, seq: u64, tag: u32, read: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let start = self.batch.bytes.len();
        if let Err(error) = read(&mut self.batch.bytes) {
            self.batch.bytes.truncate(start);
            return Err(error);
        }
        if let Some(tag) = Tag::from_u32(tag).filter(|tag| self.fields.applies_to(*tag)) {
            self.select(tag, start);
        }
        // A batch is bounded far below 4 GiB.
        let end = u32::try_from(self.batch.bytes.len()).unwrap_or(u32::MAX);
        self.batch.entries.push(Entry { tag, end, seq });
        Ok(())
    }

    /// Leaves out of the event that begins there and was added last what is not for whom the batch is.
    #[cold]
    fn select(&mut self, tag: Tag, start: usize) {
        self.raw.clear();
        self.raw.extend(self.batch.bytes.drain(start..));
        if self.fields.select(tag, &self.raw, &mut self.batch.bytes).is_err() {
            // What can't be read can't be given either: nothing is left of it, which no sink takes for an event.
            self.batch.bytes.truncate(start);
        }
    }

    /// Returns how many events were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.entries.len()
    }

    /// Returns whether none was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.entries.is_empty()
    }

    /// Returns the batch.
    #[must_use]
    pub fn build(self) -> Batch {
        self.batch
    }
}

/// Spreads three numbers over 16 bytes so that different ones give different bytes (the finaliser of `SplitMix64`, a
/// bijection, once for each half).
fn mix(nonce: u64, first: u64, last: u64) -> [u8; 16] {
    const fn finalise(mut z: u64) -> u64 {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    let high = finalise(nonce.wrapping_add(first.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let low = finalise(nonce.rotate_left(32).wrapping_add(last.wrapping_mul(0xd1b5_4a32_d192_ed03)));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::event::{Encoder, EventKind, Severity};

    fn batch(range: std::ops::Range<u64>) -> Batch {
        let mut builder = BatchBuilder::new(Arc::new(Session::new("s", "1.0", Uuid::nil(), 7)));
        for seq in range {
            let mut encoder = Encoder::take();
            encoder.time(Timestamp::from_unix_nanos(1_700_000_000_123_000_000));
            encoder.name("n");
            encoder.fields(0);
            let tag = Tag::new(EventKind::Generic, Severity::Info).to_u32();
            let bytes = encoder.finish().unwrap();
            builder
                .push(seq, tag, |out| {
                    out.extend_from_slice(bytes);
                    Ok::<_, ()>(())
                })
                .unwrap();
        }
        builder.build()
    }

    #[test]
    fn ids_of_events_differ_and_come_out_the_same_again() {
        let ids = |batch: &Batch| batch.events().map(|event| event.id(&event.view().unwrap())).collect::<Vec<_>>();
        let first = ids(&batch(0..1_000));
        assert_eq!(first, ids(&batch(0..1_000)));
        assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), 1_000);
        assert!(
            first
                .iter()
                .all(|id| id.get_version_num() == 7 && id.as_bytes()[..6] == 1_700_000_000_123u64.to_be_bytes()[2..])
        );
    }

    #[test]
    fn a_batch_keeps_its_id_and_no_other_batch_has_it() {
        assert_eq!(batch(0..10).id(), batch(0..10).id());
        assert_ne!(batch(0..10).id(), batch(0..5).id());
        assert_ne!(batch(0..10).id(), batch(1..10).id());
    }
}
