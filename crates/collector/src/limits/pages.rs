//! Bounds of pages, of answers and of what people are shown.

use std::time::Duration;

/// Rows of a page, unless the query says otherwise.
pub const PAGE_ROWS_DEFAULT: usize = 100;
/// The most rows of a page that may be asked for.
pub const PAGE_ROWS_MAX: usize = 1000;
/// Bytes of the events of one page. A page ends early rather than be larger.
pub const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How far back in time a page of events is looked for at once, in a store that is not read row by row; then further and further. A page
/// of what is frequent is full by then, and less than two hours cost no less, for hours are what is read.
pub const EVENTS_STEP: Duration = Duration::from_secs(2 * 60 * 60);
/// How many times as far the next step goes. Twice is eleven questions for what is nowhere; beyond four times much more is read than a page needs.
pub const EVENTS_STEP_GROWTH: i64 = 4;
/// The step beyond which all that is left is looked through at once: most stores keep no more than a month.
pub const EVENTS_STEP_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How far behind the slowest of several writers may be for a page of the newest events to end where it is: some times what a writer lets pass
/// between two beats. Beyond it the page shows what there is, and who goes on from it may see some events twice.
pub const EVENTS_MARK_AGE_MAX: Duration = Duration::from_secs(5);
/// Versions of a group of exceptions that are told one by one, the latest first.
pub const EXCEPTION_VERSIONS_MAX: usize = 50;
/// The latest sessions of a group of exceptions that its platforms are counted by.
pub const EXCEPTION_SESSIONS_SEEN: usize = 1000;
/// Platforms of a group of exceptions that are told one by one, the most frequent first.
pub const EXCEPTION_PLATFORMS_MAX: usize = 10;
/// Times at which somebody said that a group of exceptions is dealt with, or is not, the latest: its page tells them.
pub const EXCEPTION_MARKS: usize = 10;
/// Characters of an event's data that a row of a page shows.
pub const PAGE_SUMMARY_CHARS_MAX: usize = 160;
/// Bytes of an event's text that a page shows when the row is opened.
pub const PAGE_DETAIL_BYTES_MAX: usize = 8 * 1024;
/// Sessions and exceptions on the overview, which is to be taken in at a glance.
pub const OVERVIEW_ROWS: usize = 10;
/// Exceptions that the overview looks at for those that it shows: groups reach from when they first happened to when they last did, and may
/// have nothing within a range of the past.
pub const OVERVIEW_EXCEPTIONS_READ: usize = 100;
/// Tools that fail on the overview, the worst first.
pub const OVERVIEW_TOOLS: usize = 5;
/// Exceptions that came back which the overview names; of more it says that there are more.
pub const OVERVIEW_REGRESSED: usize = 5;
/// After how many seconds a page may be loaded again by itself: more often than every 5 s nobody reads it, and what nobody looks at for an
/// hour need not be asked for.
pub const REFRESH_SECONDS: std::ops::RangeInclusive<u64> = 5..=3_600;
/// The seconds that the overview offers.
pub const REFRESH_OFFERED: &str = "30";
/// Bytes of the name of a host in the commands that the overview shows: no name is longer.
pub const HOST_BYTES_MAX: usize = 260;
/// Characters of a path at which there is nothing, which the answer repeats.
pub const NOWHERE_CHARS_MAX: usize = 128;
/// Rows of a list on a page for people, unless its address says another number.
pub const LIST_ROWS: usize = 50;
/// Parts of a chart over time: each can still be pointed at where the page is narrow.
pub const CHART_PARTS_MAX: usize = 60;
/// Levels of a trace's spans that are shown as such: what is deeper stands at the last.
pub const WATERFALL_LEVELS_MAX: usize = 16;
/// Events of a trace that its page is made of.
pub const TRACE_PAGE_EVENTS: usize = 10_000;
/// Bytes of their JSON: it is read while others wait for their turn to ask.
pub const TRACE_PAGE_BYTES: usize = 16 * 1024 * 1024;
/// Events of a session's timeline that are shown at once: with their JSON they are most of what the page weighs.
pub const TIMELINE_ROWS: usize = 60;
/// Events before the one that a link leads to, which are shown above it.
pub const TIMELINE_BEFORE: usize = 10;
/// Parts of the band that shows a session over time.
pub const BAND_PARTS: usize = 120;
/// Events of a session up to which each is read to draw it; beyond, its batches are.
pub const BAND_EVENTS_MAX: i64 = 20_000;
/// Batches that the band of a larger session is drawn from, the latest.
pub const BAND_BATCHES_MAX: usize = 20_000;
/// Exceptions that are marked on it, the first.
pub const BAND_EXCEPTIONS_MAX: usize = 50;
/// Exceptions of a session that its page shows with their stack, the latest.
pub const SESSION_EXCEPTIONS: usize = 5;
/// Traces and runs that a session's page links to, each.
pub const SESSION_LINKS: usize = 10;
/// Events of a session that are shown before an exception.
pub const EXCEPTION_CONTEXT: usize = 15;
/// Exceptions of a group that its page lists at once.
pub const EXCEPTION_EVENTS: usize = 20;
/// Lines of a stack that are shown one by one.
pub const STACK_LINES_MAX: usize = 200;
/// Bytes of an event's text that a list of many shows when a row is opened: with this the whole page stays below 100 kB.
pub const LIST_DETAIL_BYTES: usize = 512;
/// Bytes of the events that a page for people is made of, of which a little each is shown.
pub const LIST_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of an event that its own page shows.
pub const EVENT_PAGE_BYTES: usize = 48 * 1024;
/// Events before and after one that its page shows.
pub const NEIGHBOURS: usize = 5;
/// Columns of a list of events.
pub const COLUMNS_MAX: usize = 12;
/// The longest name of a column, in characters.
pub const COLUMN_CHARS_MAX: usize = 128;
/// Names of events that are offered where one may be written.
pub const NAMES_OFFERED: usize = 100;
/// Events that are looked at for a chart of what is not counted as it comes.
pub const EXPLORE_COUNT_ROWS: usize = 5_000;
/// How many at a time.
pub const EXPLORE_COUNT_STEP: usize = 500;
/// How long that may take before the chart is made of what was found.
pub const EXPLORE_COUNT_TIME: Duration = Duration::from_millis(40);
/// Events of the minute that a range of time begins or ends in, up to which those in the range are counted one by one. It takes some milliseconds;
/// of a minute with more, all count.
pub const EDGE_EVENTS_MAX: usize = 20_000;
/// Events of one exported file.
pub const EXPORT_ROWS_MAX: usize = 100_000;
/// Events that the page of live events begins with.
pub const LIVE_FIRST_ROWS: usize = 30;
/// Bytes of their JSON, of which a line each is shown.
pub const LIVE_FIRST_BYTES: usize = 4 * 1024 * 1024;
/// How far back it looks for a text that it begins with: a text that is rare would be looked for in all there is.
pub const LIVE_TEXT_SINCE: &str = "1h";
/// Events that the page of live events shows, and keeps while it is paused; of older ones it says how many there were.
pub const LIVE_ROWS: usize = 200;
/// Characters of each text of a conversation within a trace's page, which has many; the page of the span has more of it.
pub const MESSAGE_CHARS: usize = 600;
/// Messages of a conversation within a trace's page: what came last is what was answered.
pub const MESSAGES_IN_TRACE: usize = 4;
/// Characters of each text on the page of one span.
pub const SPAN_TEXT_CHARS: usize = 16 * 1024;
/// Messages that are written of any conversation, the last ones.
pub const MESSAGES_SHOWN_MAX: usize = 200;
/// Instructions that are written before them, the first: clients send one or two.
pub const INSTRUCTIONS_SHOWN_MAX: usize = 10;
/// Parts of one message that are written, the first.
pub const PARTS_SHOWN_MAX: usize = 50;
/// Attributes of a span or a step that are written, the first.
pub const ATTRIBUTES_SHOWN_MAX: usize = 300;
/// Bytes of a text of JSON that is read, to be shown as what it says; a larger one is shown as it is.
pub const TEXT_READ_BYTES: usize = 256 * 1024;
/// Bytes of JSON that are read for the conversations within a trace's page; those of other spans are on their own pages.
pub const TRACE_TALK_BYTES: usize = 1024 * 1024;
/// Bytes of what is written below the spans of a trace's page; further spans are opened on their own pages.
pub const TRACE_DETAIL_BYTES: usize = 32 * 1024;
/// Spans of a trace's page. Further ones are on the pages after it.
pub const WATERFALL_ROWS: usize = 100;
/// Events of one span that its page is made of.
pub const SPAN_PAGE_EVENTS: usize = 100;
/// Pairs of spans on the page that compares two traces.
pub const COMPARE_ROWS_MAX: usize = 300;
/// Spans that a trace's page names as those that took longest, and as those that failed.
pub const TRACE_JUMPS: usize = 3;
/// Events that are read to count the spans of a list of traces: what holds more is told by what is counted as it comes.
pub const TRACES_ROWS_READ: usize = 20_000;
/// Bytes of events with conversations that are read for a list of traces, of which a line each is shown.
pub const TRACES_TALK_BYTES: usize = 1024 * 1024;
/// Characters of what was asked that a list of traces shows of each.
pub const ASKED_CHARS: usize = 120;
/// Traces of a run that its page links to, the first.
pub const RUN_TRACES: usize = 10;
/// Events with a user's id among which a session's page looks for its users.
pub const SESSION_USER_EVENTS: usize = 20;
/// Traces, sessions and runs that the search by id names where the beginning of an id is that of several.
pub const FOUND_MAX: usize = 20;
/// Hexadecimal digits of a trace's id that are enough to look for it: of fewer there may be many.
pub const ID_DIGITS_MIN: usize = 8;
/// Events that are looked at for a page of failed calls, most of which are of other calls that say the same name.
pub const CALL_FAILURES_READ: usize = 2_000;
/// Traces of the same name that are offered to be compared with one.
pub const LIKE_TRACES: usize = 10;
/// Events of a run that its page is made of.
pub const RUN_PAGE_EVENTS: usize = 5_000;
/// Bytes of their JSON.
pub const RUN_PAGE_BYTES: usize = 16 * 1024 * 1024;
/// Steps of a run that its page shows at once.
pub const RUN_ROWS: usize = 100;
/// Runs that were forked from another, the latest, among which the family of one is looked for.
pub const FORKS_MAX: usize = 200;
/// Generations of a family that are shown.
pub const LINEAGE_LEVELS_MAX: usize = 20;
/// Bytes of an artifact that its page shows.
pub const ARTIFACT_PAGE_BYTES: usize = 64 * 1024;
/// Lines of what differs in an artifact of two runs.
pub const DIFF_LINES_MAX: usize = 400;
/// A page of fewer bytes is sent as it is: it is one packet anyway.
pub const COMPRESSED_PAGE_BYTES_MIN: usize = 1024;
/// A page of more bytes is sent as it is: to compress it would hold a thread for more than some milliseconds.
pub const COMPRESSED_PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Artifacts of a run that are listed, by their names.
pub const ARTIFACTS_LISTED: usize = 300;
/// Bytes of the artifacts of two runs that are compared line by line; of larger ones is only said whether they differ.
pub const ARTIFACTS_COMPARED_BYTES: usize = 4 * 1024 * 1024;
/// Questions that are sent to a server at once, by whatever of an answer has several. No page has more; with those that they have within them
/// it is thirteen for the overview, each a thread that waits. A server of ClickHouse runs a hundred and more, and readers are few.
pub const QUESTIONS_AT_ONCE: usize = 8;
/// Groups of which events are counted in one statement of ClickHouse: it takes one of 256 KiB by default, and an id may have 256 bytes twice in it.
pub const CLICKHOUSE_IDS_ASKED: usize = 200;
