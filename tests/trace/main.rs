//! Spans as a program tells them, and as they are seen.

#![allow(clippy::unwrap_used, clippy::panic)]

mod content;
mod from_tracing;
mod relations;
mod support;
