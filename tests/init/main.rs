//! What `init` makes of an environment: of a map, and in real processes of their own environment.

#![cfg(all(unix, feature = "datadog", feature = "otlp", feature = "sentry"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../children/mod.rs"]
mod children;
#[path = "../peers/mod.rs"]
mod peers;

mod ends;
mod settings;
mod sinks;
mod support;
