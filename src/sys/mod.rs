//! What can be asked of memory, of the system and of the processor only in `unsafe` words.
//!
//! **Invariant: the only `unsafe` of the library is in this folder.** Each block says why it is sound. What is offered to
//! the other files is safe whatever they do with it.

mod block;
#[cfg(target_os = "linux")]
mod clocks;
mod process;
#[cfg(unix)]
mod signals;
mod vector;

pub use block::Block;
#[cfg(target_os = "linux")]
pub(crate) use clocks::{monotonic_nanos, wall_nanos};
#[cfg(unix)]
pub(crate) use process::fork_flag;
pub(crate) use process::{at_exit, generation, watch_for_forks};
#[cfg(all(target_os = "linux", not(lastword_loom)))]
pub(crate) use signals::CrashPages;
#[cfg(unix)]
pub(crate) use signals::is_ignored;
pub(crate) use vector::{Classes, LINE_BYTES, Look};
