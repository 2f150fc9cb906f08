//! The queue of one session: a bounded ring of records in one block of memory.
//!
//! Any number of threads push, one reader (the reporter's actor) takes. The queue holds opaque bytes: it knows no
//! event, no runtime and no actor. Its block is chosen in one place ([`Block`]); everything in it, the counters too, is
//! a 64-bit word that is read and written as an atomic, so the same code works on memory that is shared with nobody and
//! on a file that is mapped into several processes.
//!
//! # Invariants
//!
//! - **A record is there or it is not.** Its first word is written last (`Release`) and carries the record's own
//!   position, so neither a half-written record nor one of an earlier lap is ever read.
//! - **Sequence numbers are gapless and in ring order.** Place and number are taken by one compare-and-swap of one word.
//!   Nothing that can fail, and no code of the user's, runs between that and the record's publication.
//! - **What was pushed is counted when it is pushed**: the same word is the push counter, so a drain that starts now
//!   can't miss it.
//! - **No lost wake-up.** A push and [`Ring::wake_at`] both read and write the head in one step, and such steps have one
//!   order: if the push comes second it sees when to wake the reader, if it comes first the reader sees the push.
//! - **Room for the end.** Ordinary pushes leave [`QUEUE_RESERVE_BYTES`](crate::limits::QUEUE_RESERVE_BYTES) free.
//!
//! # Layout
//!
//! docs/spool-format.md has it byte by byte, with what a reader does about each kind of damage.
//!
//! ```text
//! block   = header (2048 words), data (a power of two of words)
//! header  : [0] magic  [1] version  [2] nonce  [3] words of data  [4] crc32c << 32 | bytes of the label
//!           [64] head  [128] tail: units  [129] tail: sequence  [130] full at  [136..139] [140..143] tails kept
//!           [192] wake at  [256..320] counters of the host  [320..352] places of readers  [384] cause  [512..] label
//! full at = the tail's sequence when the last room was taken; while the tail stands there, the queue is full
//! head    = sequence (low 32 bits) << 32 | units pushed (low 32 bits)        unit = 8 bytes = one word
//! record  = word 0: units before it (low 40 bits) << 24 | payload bytes (22 bits) << 2 | state
//!           word 1: kind << 32 | crc32c       word 2: sequence       payload, filled up to whole words
//! state   = 0 nothing, 1 reserved, 2 committed, 3 padding: the next record stands at the start of the data
//! ```
//!
//! # Limits
//!
//! A payload has at most 4 MiB. Counters are 64 bits wide; the halves of `head` are extended from the tail, which is
//! never more than one queue away.

mod cursor;
#[cfg(all(unix, not(lastword_loom)))]
mod file;
#[cfg(not(all(unix, not(lastword_loom))))]
#[path = "no_file.rs"]
mod file;
#[cfg(not(lastword_loom))]
mod header;
#[cfg(lastword_loom)]
#[path = "header_loom.rs"]
mod header;
#[cfg(all(unix, not(lastword_loom)))]
mod kept;
mod layout;
mod mark;
mod reader;
mod record;
#[cfg(not(lastword_loom))]
mod recover;
mod ring;
mod store;

pub use cursor::Cursor;
#[cfg(all(unix, not(lastword_loom)))]
pub(crate) use file::modified;
#[cfg(all(unix, not(lastword_loom)))]
pub use file::{Candidate, FileError, Orphan, RingFile, UNFINISHED, is_in_use};
#[cfg(all(unix, not(lastword_loom)))]
pub use kept::CrashError;
pub use layout::{COUNTERS, READERS_MAX};
pub use mark::Mark;
pub use reader::Peek;
pub use record::Record;
#[cfg(not(lastword_loom))]
pub use recover::{Found, Unreadable, recover};
pub use ring::{Bounds, Class, PushError, Pushed, Ring};
pub use store::Durability;

pub use crate::sys::Block;
