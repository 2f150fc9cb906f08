//! Questions about what is stored, for the HTTP API, the page and the command line alike.
//!
//! A [`Reader`] reads a data directory whether a collector is running on it or not. It never writes and never waits for
//! the writer. Answers come in pages: [`Page::next`] is where the next page starts, `None` at the end. A cursor stays
//! right while events go on being stored: no row is skipped or shown twice.
//!
//! Each query can be built in code, or from the parameters of a URL (`from_pairs`), where a parameter that can't be
//! read is named together with what would be right.
//!
//! ```no_run
//! # fn example() -> Result<(), lastword_collector::query::QueryError> {
//! use lastword_collector::query::{EventQuery, Reader};
//!
//! let reader = Reader::open("state/telemetry")?;
//! let mut query = EventQuery { session: Some("session-123".into()), ..EventQuery::default() };
//! loop {
//!     let page = reader.events(&query)?;
//!     for event in &page.items {
//!         println!("{}", event.to_json());
//!     }
//!     let Some(next) = page.next else { break };
//!     query.after = Some(next);
//! }
//! # Ok(())
//! # }
//! ```

mod asked;
mod audit;
mod band;
mod calls;
#[cfg(feature = "clickhouse")]
pub(crate) mod clickhouse;
pub(crate) mod copy;
mod directory;
mod error;
mod event;
mod events;
mod exceptions;
mod explore;
mod facts;
mod find;
mod grid;
mod groups;
mod histogram;
mod moment;
mod narrow;
mod occurrences;
mod own;
mod params;
mod reader;
mod room;
mod runs;
mod series;
mod session_query;
mod session_sums;
mod sessions;
mod source;
mod stats;
mod sums;
mod together;
mod told;
mod traces;
mod users;

use crate::limits::REFRESH_SECONDS;
pub use crate::store::trail::ACTIONS as AUDIT_ACTIONS;
pub use audit::{AuditEntry, AuditQuery};
pub(crate) use band::{Band, PlacedGap};
pub use calls::{Call, CallBy, CallFigures, CallPart, CallQuery, CallRange, CallSort, CallTotals, Calls};
pub use error::{ParamError, QueryError};
pub use event::Event;
pub use events::{EventQuery, Order};
pub use exceptions::{ExceptionGroup, ExceptionOrder, ExceptionQuery, ExceptionState, ExceptionVersion};
pub(crate) use explore::{bins_of, of_id};
pub(crate) use facts::Facts;
pub(crate) use find::Found;
pub use grid::Grid;
pub(crate) use groups::Regressed;
pub use histogram::{Bin, HistogramQuery};
pub use moment::Moment;
pub(crate) use occurrences::Occurrence;
pub use occurrences::OverTime;
pub use reader::Reader;
pub use runs::{Run, RunQuery};
pub use series::{Minute, Series, SeriesQuery};
pub use session_query::SessionQuery;
pub use session_sums::SessionSums;
pub(crate) use session_sums::missing_and_dropped;
pub use sessions::{BySeverity, Gap, Session, SessionDetail, SessionState};
pub use stats::{Count, Stats, StatsQuery, Width};
pub use sums::Figures;
pub(crate) use told::TraceTold;
pub use traces::{Trace, TraceQuery};
pub use users::{User, UserQuery};

pub use crate::store::CallKind;
use serde::Serialize;

/// Some rows, and where the next ones are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Given as `after` it leads to the next page; `None` if this is the last one.
    pub next: Option<String>,
    /// Given as `after`, oldest first, it leads to what is stored after this page was made: all that is seen by now is
    /// left out, nothing that comes later is. `None` where it has no meaning (sessions, exceptions).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

/// Reads the number of a row that a URL says.
///
/// # Errors
///
/// It is no number.
pub(crate) fn row(text: Option<&str>) -> Result<Option<i64>, ParamError> {
    params::cursor(text)
}

/// Reads `since` and `until` of a URL.
///
/// # Errors
///
/// A parameter is unknown, given twice or can't be read.
pub(crate) fn range<K, V>(
    pairs: impl IntoIterator<Item = (K, V)>,
) -> Result<(Option<Moment>, Option<Moment>), ParamError>
where
    K: AsRef<str>,
    V: AsRef<str>,
{
    let mut params = params::Params::new(&["since", "until"], pairs)?;
    Ok((params.moment("since")?, params.moment("until")?))
}

/// Reads a range of time, and after how many seconds the page of it is loaded again.
pub(crate) fn refreshed<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Refreshed, ParamError>
where
    K: AsRef<str>,
    V: AsRef<str>,
{
    let mut params = params::Params::new(&["since", "until", "refresh"], pairs)?;
    let range = (params.moment("since")?, params.moment("until")?);
    Ok((range, params.number_of("refresh", &REFRESH_SECONDS)?))
}

/// A range of time, and some seconds.
pub(crate) type Refreshed = ((Option<Moment>, Option<Moment>), Option<u64>);
