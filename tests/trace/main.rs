//! Spans as a program tells them, and as they are seen.

#![allow(clippy::unwrap_used, clippy::panic)]

mod content;
#[cfg(unix)]
mod fork;
mod from_tracing;
mod relations;
mod support;
