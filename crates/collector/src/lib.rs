//! The collector of `lastword`: takes in what was reported, stores it once, answers questions about it.
//!
//! ```text
//! POST */api/v1/telemetry -> ingest (decode on the runtime's threads) -> bounded queue -> store (one writer thread)
//!                                                                                            | commit, fsync
//! 200 {"status":"accepted"} <-----------------------------------------------------------------
//!
//! GET /api/*, GET / -> query (read-only connections, on blocking threads) -> JSON, page
//! ```
//!
//! Invariants:
//! - 200 is answered only after the commit is on disk (SQLite, write-ahead log, `synchronous = FULL`).
//! - An event is stored once, whatever is sent twice: it is known by its session and its id.
//! - An event's text is stored byte for byte as it came, but for what is taken out of it. What is indexed beside it is derived from that text.
//! - A bad event is refused alone, with its index and the reason. Nothing is dropped in silence.
//! - What is a secret, or says who somebody is that has not agreed to it, is taken out before anything is written.
//! - Every body, queue, wait, page and number of connections has a bound in [`limits`].
//! - Who can be reached by others asks for keys. No key is in a log, an answer or a file of ours.
//! - Only one thread writes. A reader never blocks it, nor it a reader.
//!
//! The layers, each using those before it: `clock`, [`config`], [`auth`], `rate`, [`tls`], `stats`, `json`, `finding`, [`segment`], `clickhouse`, `ingest`, `redact`, `store`, [`query`],
//! `stream`, [`admin`], [`post`], [`alerts`], [`forward`], `page`, `http`.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lastword_collector::{Collector, Config};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let collector = Collector::open(Config::new("state/telemetry"))?;
//! collector.serve(listener, async { _ = stopped.await }).await?;
//! # Ok(())
//! # }
//! ```

pub mod admin;
pub mod alerts;
pub mod auth;
mod blobs;
#[cfg(feature = "clickhouse")]
mod clickhouse;
mod clock;
mod collector;
pub mod config;
mod error;
mod finding;
pub mod forward;
mod health;
mod http;
mod ingest;
mod json;
pub mod limits;
mod live;
mod own;
mod page;
pub mod post;
pub mod query;
mod rate;
mod redact;
pub mod segment;
mod stats;
mod store;
mod stream;
pub mod tls;

pub use blobs::OpenBlobsError;
pub use collector::{Collector, Control};
pub use config::Config;
pub use error::{OpenError, ReloadError, ServeError};
#[cfg(fuzzing)]
pub use ingest::any_bytes;
pub use ingest::otlp::PricesError;
pub use page::stack_of;
pub use store::Retention;
pub use stream::{OpenStreamError, Role, without_login};
