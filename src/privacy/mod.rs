//! What may be reported at all, and what is taken out of what is reported.
//!
//! All of it happens on the caller's thread, while an event is encoded and before anything is queued: what is taken out is
//! in no queue, no spool, no log line and no error. [`Privacy`] are a reporter's settings; a [`Redactor`] made of them looks
//! at each event of every kind. Names of events are not looked at: they are the program's own words.
//!
//! # Invariants
//!
//! - A text in which nothing is found is not copied, not allocated for, and looked at once.
//! - The work is linear in the length of a text, whatever is in it, and bounded by the length that texts are cut to.
//! - What was redacted is redacted to the same again.
//!
//! # Limits
//!
//! A secret is found by its name, by its shape or by what stands around it. One that has none of these (a password in the
//! middle of a sentence, a key of 32 hexadecimal digits in a field `note`) is not. Numbers and bytes that are no texts are
//! looked at by their names alone.

mod allow;
mod anchors;
mod bucket;
mod checked;
pub mod consent;
mod digits;
mod fold;
mod input;
mod keys;
mod redactor;
mod sampling;
mod scan;
mod settings;
mod shapes;
mod switch;
mod values;

pub use allow::AllowList;
pub use bucket::{BUCKETS, Estimate, estimate_users, user_bucket, user_bucket_salted};
pub(crate) use checked::{Checked, without_persons};
pub use checked::{NotSafe, PiiStr, SafeStr};
pub use consent::{Level, User, installation_id};
pub use fold::{EXTERNAL_TOOL, fold_model, fold_tool, http_status_range, path_extension};
pub use input::ToolInput;
pub use redactor::Redactor;
pub(crate) use sampling::place_of_trace;
pub use sampling::{Sampler, Share};
pub use settings::{Privacy, Scrubbed};
pub use switch::{SWITCH_VARIABLE, Switch, switch};

use crate::event::Key;

/// The name of a field, and whether it is that of a secret: what `event!` asks at compile time.
#[doc(hidden)]
#[must_use]
pub const fn key(text: &str) -> Key<'_> {
    Key::known(text, keys::is_secret(text))
}
