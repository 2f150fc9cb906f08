//! Runs: what an agent was asked for, what it did, and how that ended, kept in files.
//!
//! A [`RunStore`] is a directory. Each run has one of its own in it:
//!
//! ```text
//! <directory>/.lock                   locked by who starts, ends for others, or removes runs
//! <directory>/.running/<id>           one for each run that a process has: locked by that process as long as it lives
//! <directory>/run_<time>_<random>/
//!     events.jsonl                    one event a line: {"ts":1700000000123,"runId":"run_...","type":"tool_call","data":{...}}
//!     summary.json                    objective, status, times, counts, metadata
//!     metrics.json                    tokens, cost, duration, calls of tools
//!     artifacts/                      files that the run has left
//! ```
//!
//! The names in these files are those of the tool that this layout comes from, so that others read them.
//!
//! # Invariants
//!
//! - `events.jsonl` is the truth. Lines are only ever appended, each in one call, by one process; `summary.json` and
//!   `metrics.json` are what they come to, are written whole or not at all, and can be made anew from them.
//! - Whether a run runs is told by a lock and by nothing else: no number of a process, no time. A run whose process is gone is
//!   ended by the next one that opens the store. No run that runs is ever ended or removed by another process.
//! - Times of a run's lines never go back: they are its start and what passed on a monotonic clock since.
//! - Everything is redacted before it is written, and is its owner's alone: 0600 in 0700.
//! - There is no current run of a process: a [`Run`] is passed on, or goes with a [context](Run::enter) of a thread or task.
//!
//! # Limits
//!
//! What was written outlives the death of the process; a power cut may take the last seconds. Locks are advisory, and on a
//! network file system only as good as that one's. A line is written by the thread that emits it.

mod artifact;
mod begin;
mod diff;
mod doctor;
mod error;
mod export;
mod files;
mod fold;
mod id;
mod line;
mod lineage;
mod log;
mod model;
mod prune;
mod reader;
mod recover;
mod report;
mod reported;
mod run;
mod scribe;
mod search;
mod settings;
mod store;
mod sum;
mod tail;

pub use diff::{ArtifactDiff, Change, Diff, EventDiff, ToolDiff};
pub use doctor::{Ailment, Checkup, Finding};
pub use error::RunError;
pub use export::{Export, ExportLimits, ExportedArtifact, ExportedRun, ToolCall, tool_calls};
pub use lineage::{Ancestor, Descendant, Lineage};
pub use model::{RunEvent, RunMetadata, RunMetrics, RunRecord, RunSummary, Status};
pub use prune::{NotRemoved, Pruned};
pub use reader::Events;
pub use reported::{Reported, lines};
pub use run::{Run, Written};
pub use scribe::{current, emit};
pub use search::{Hit, Place, Search};
pub use settings::Builder;
pub use store::RunStore;
pub use tail::{Tail, Tailed};

/// The environment variable that names the directory of the user's runs.
pub const DIRECTORY_VARIABLE: &str = "LASTWORD_RUNS_DIR";
/// The name that it has in the tool that the layout comes from.
const SEED_VARIABLE: &str = "CODEBUDDY_RUNS_DIR";
