//! The other end of the wire, and the simplest thing that could be at this end.

#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

pub mod bare;
pub mod server;

use lastword::clock::Timestamp;
use lastword::event::{Encoder, EventKind, EventView, Severity, Tag};
use lastword::wire::write_event;

use crate::common::subjects::{Texts, fail};

/// Returns the JSON that our own event has on the wire, so that both senders send the same.
pub fn sample_event() -> &'static [u8] {
    let texts = Texts::default();
    let mut encoder = Encoder::take();
    encoder.time(Timestamp::from_unix_nanos(1_700_000_000_123_456_789));
    encoder.name("cache.miss");
    encoder.fields(4);
    encoder.field("key", &123_456);
    encoder.field("hit", &true);
    encoder.field("user", &texts.user);
    encoder.field("path", &texts.path);
    let tag = Tag::new(EventKind::Generic, Severity::Info);
    let mut json = Vec::new();
    let written = encoder.finish().map(|bytes| {
        let view = EventView::read(tag, bytes);
        view.is_ok_and(|view| write_event(&mut json, 123_456, uuid::Uuid::max(), &view).is_ok())
    });
    if !written.unwrap_or(false) {
        fail(&"the sample can't be written");
    }
    json.leak()
}

/// Returns how much memory of this process is resident.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
