//! Views, what draws them, and the sink that keeps them. Each view is bounded in rows, and each row in bytes;
//! docs/guide-dashboard.md says what all of them may come to.

use std::time::Duration;

/// Bytes of a name that a view keeps: of a tool, a model, a metric. What is longer is cut; names that people give are far shorter.
pub const VIEW_NAME_BYTES_MAX: usize = 128;
/// Bytes of a longer text that a view keeps: what an error says, the value of an attribute.
pub const VIEW_TEXT_BYTES_MAX: usize = 512;
/// Pairs of a provider and a model that are told apart. Those with longer names are counted together.
pub const VIEW_PROVIDERS_MAX: usize = 128;
/// Tools that are told apart. Those with longer names are counted together.
pub const VIEW_TOOLS_MAX: usize = 256;
/// Durations of a tool that its percentiles and its reliability are computed of: the latest ones.
pub const VIEW_TOOL_WINDOW: usize = 100;
/// Sessions that are told apart: those that were heard of last. A quarter more is let in before the oldest are counted together.
pub const VIEW_SESSIONS_MAX: usize = 1_000;
/// Conversations that are told apart, likewise.
pub const VIEW_CONVERSATIONS_MAX: usize = 500;
/// Runs that are told apart, likewise.
pub const VIEW_RUNS_MAX: usize = 500;
/// Errors that are kept with what they say: the latest.
pub const VIEW_ERRORS_MAX: usize = 100;
/// Types of errors that are told apart. Those with longer names are counted together.
pub const VIEW_ERROR_TYPES_MAX: usize = 128;
/// Seconds in which anything happened that windows are summed of: those of the longest window, and a minute to read them in.
pub const VIEW_SECONDS_MAX: usize = 360;
/// Traces that are kept: those that were heard of last, and a quarter more before the oldest are left out.
pub const VIEW_TRACES_MAX: usize = 1_000;
/// Spans of one trace that are kept: what fits on no screen is found in the events.
pub const VIEW_TRACE_SPANS_MAX: usize = 1_000;
/// Spans of all traces that are kept. Beyond it the oldest traces are left out.
pub const VIEW_SPANS_MAX: usize = 20_000;
/// Attributes of one span that are kept.
pub const VIEW_SPAN_ATTRIBUTES_MAX: usize = 24;
/// Bytes of all attributes of one span that are kept, names included.
pub const VIEW_SPAN_ATTRIBUTE_BYTES_MAX: usize = 1_024;
/// Series of metrics that are told apart. Those with longer names and labels are counted together.
pub const VIEW_SERIES_MAX: usize = 1_000;
/// Bytes of the name and all labels of one series.
pub const VIEW_SERIES_KEY_BYTES_MAX: usize = 1_024;
/// Labels of one series.
pub const VIEW_LABELS_MAX: usize = 16;
/// Buckets of a histogram of a metric.
pub const VIEW_BUCKETS_MAX: usize = 64;
/// Points of one metric that are kept: the latest.
pub const VIEW_POINTS_MAX: usize = 1_000;
/// Points of all metrics that are kept. Beyond it each series has fewer.
pub const VIEW_POINTS_TOTAL_MAX: usize = 100_000;
/// Bytes of memory that a dashboard takes at the most, whatever the events say: most of it are spans with as much to say as is kept.
pub const DASHBOARD_BYTES_MAX: usize = 96 * 1024 * 1024;
/// The narrowest terminal that the dashboard is drawn for.
pub const RENDER_WIDTH_MIN: usize = 60;
/// The widest: lines of more columns are hard to follow.
pub const RENDER_WIDTH_MAX: usize = 200;
/// How soon what happened is seen in a dashboard of this process: a person does not notice it.
pub const LIVE_INTERVAL: Duration = Duration::from_millis(200);
/// Events in one batch for it.
pub const LIVE_BATCH_EVENTS: usize = 1_000;
/// Changes that a subscriber may be behind; what is more it loses, and is told how much.
pub const LIVE_CHANGES_MAX: usize = 1_024;
/// How often a dashboard is drawn again unless somebody says otherwise.
pub const LIVE_REFRESH_DEFAULT: Duration = Duration::from_secs(1);
/// The shortest interval between two drawings: nobody sees more.
pub const LIVE_REFRESH_MIN: Duration = Duration::from_millis(20);
