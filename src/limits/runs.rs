//! Runs and their store.

use std::time::Duration;

/// Runs that a store keeps unless it is told otherwise: those of the last days.
pub const RUNS_KEPT_DEFAULT: usize = 30;
/// The longest id of a run, in bytes: a plain name everywhere.
pub const RUN_ID_BYTES_MAX: usize = 96;
/// The longest objective of a run, in bytes; what is longer is cut.
pub const OBJECTIVE_BYTES_MAX: usize = 16 * 1024;
/// The longest type of a run's event, in bytes; what is longer is cut.
pub const RUN_EVENT_TYPE_BYTES_MAX: usize = 64;
/// The longest line of a run's file that is read as an event. JSON may be several times as long as the largest event.
pub const RUN_LINE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How often, at the most, what a run's file says is summed up beside it: a killed run is summed up anew from its file.
pub const RUN_SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// Bytes of a summary or of metrics that are read: they take some hundred, and an objective.
pub const RUN_SUMMARY_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of an artifact: what is larger is no text that somebody reads.
pub const ARTIFACT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Artifacts of a run.
pub const ARTIFACTS_MAX: usize = 1_000;
/// The longest name of an artifact, in bytes: file systems take 255, and one is made beside it meanwhile.
pub const ARTIFACT_NAME_BYTES_MAX: usize = 200;
/// The longest that the lock of a store of runs is waited for: whoever has it renames some directories.
pub const RUNS_LOCK_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often it is tried meanwhile.
pub const RUNS_LOCK_POLL: Duration = Duration::from_millis(2);
/// How often the removal of a directory is tried again from which another process removes at the same time.
pub const REMOVE_TRIES: usize = 8;
/// How much of a run's file is read at a time.
pub const TAIL_CHUNK_BYTES: usize = 64 * 1024;
/// How often who follows a run looks whether there is more: well within a second of its end, and cheap.
pub const TAIL_POLL: Duration = Duration::from_millis(100);
/// How long a run that was forked for another process waits for it.
pub const FORK_WAIT_MAX: Duration = Duration::from_secs(3600);
/// Runs that are named where one was asked for that is not there.
pub const RUNS_NAMED_MAX: usize = 3;
/// Generations of a run's family that are looked at, up and down: a file that was tampered with may have no end of them.
pub const LINEAGE_DEPTH_MAX: usize = 100;
/// Places that a search of runs returns unless told otherwise, and at most.
pub const SEARCH_HITS_DEFAULT: usize = 20;
/// The most places that a search of runs returns.
pub const SEARCH_HITS_MAX: usize = 100;
/// Bytes of an artifact that are searched: its beginning says what it is about.
pub const SEARCH_ARTIFACT_BYTES_MAX: u64 = 200_000;
/// Characters that are shown around what was found.
pub const SNIPPET_CHARS: usize = 180;
/// How long a run runs before it is asked whether it still does.
pub const RUN_STALE_AGE: Duration = Duration::from_secs(3600);
/// Bytes of an artifact that are exported, unless told otherwise.
pub const EXPORT_ARTIFACT_BYTES_DEFAULT: usize = 4_000;
/// Bytes of a value of an event that are exported, unless told otherwise.
pub const EXPORT_VALUE_BYTES_DEFAULT: usize = 2_000;
/// The fewest bytes that these may be set to: with less nothing is understood.
pub const EXPORT_BYTES_MIN: usize = 200;
/// The most bytes that these may be set to: what is exported is read by people.
pub const EXPORT_BYTES_MAX: usize = 50_000;
/// Bytes of an export that are read: some hundred runs.
pub const EXPORT_FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Differences between two runs, or two texts, that are told one by one. To find them takes memory of the square of this.
pub const DIFF_EDITS_MAX: usize = 1_000;
/// Comparisons of two lists that are made to find their differences: some hundredths of a second. Long lists that are alike take one for each item.
pub const DIFF_STEPS_MAX: usize = 5_000_000;
