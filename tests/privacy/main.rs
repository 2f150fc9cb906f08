//! What leaves, and what does not: corpora of secrets and of harmless texts through real reporters.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod corpora;
mod fields;
mod harmless;
mod marks;
mod positions;
mod properties;
mod scrubbing;
mod secrets;
mod settings;
mod support;
