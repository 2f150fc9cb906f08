//! What leaves, and what does not: corpora of secrets and of harmless texts through real reporters.

mod corpora;
mod harmless;
mod properties;
mod scrubbing;
mod secrets;
mod settings;
mod support;
