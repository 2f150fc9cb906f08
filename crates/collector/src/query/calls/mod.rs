//! How calls of models and tools fared: read from what is counted by the hour as they come, whatever their number.

mod counted;
mod failed;
mod figures;
mod fold;

#[cfg(feature = "clickhouse")]
pub(in crate::query) use counted::{CallRow, CallRows};
pub use figures::{Call, CallFigures, CallPart, CallTotals, Calls};
pub(in crate::query) use fold::{over_time, rows, totals};

use super::params::Params;
use super::{Grid, Moment, ParamError};
use crate::limits::PAGE_ROWS_DEFAULT;
use crate::store::{CallKind, WIDTHS_US, floor};

/// How far back is looked where nothing is said: a day.
const BACK_US: i64 = 24 * WIDTHS_US[1];

/// A range of time. Calls are counted by the hour in which they ended, by the client's clock, so it is made of whole hours: the one that `since` is in
/// up to the one that `until` is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallRange {
    /// Without it the last day.
    pub since: Option<Moment>,
    /// Without it up to now, and what clocks that are fast say is later.
    pub until: Option<Moment>,
}

impl CallRange {
    /// Returns the hours that it is made of: from the beginning of the first on, up to the end of the last. `None` is without end.
    pub(super) fn hours_us(self, now_us: i64) -> (i64, Option<i64>) {
        let since = self.since.map_or(now_us.saturating_sub(BACK_US), Moment::as_micros);
        // The hour that begins at `until` has nothing before it.
        let end = |until: Moment| floor(until.as_micros().saturating_sub(1), WIDTHS_US[1]).saturating_add(WIDTHS_US[1]);
        (floor(since, WIDTHS_US[1]), self.until.map(end))
    }

    /// Returns when its first hour begins and, unless it is without end, its last one ends.
    pub(crate) fn hours(self, now: Moment) -> (Moment, Option<Moment>) {
        let (since, until) = self.hours_us(now.as_micros());
        (Moment(since), until.map(Moment))
    }

    /// Divides it into parts for a chart, at this moment.
    #[must_use]
    pub fn grid(self, now: Moment) -> Grid {
        let (since, until) = self.hours_us(now.as_micros());
        Grid::of_hours(Moment(since), until.map_or(now, Moment))
    }
}

/// What calls are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallBy {
    /// By model and provider, or by tool.
    #[default]
    Name,
    /// By that and the version of the program that called.
    Version,
    /// By provider of models; tools are one row.
    Provider,
    /// By hour.
    Hour,
    /// All models are one row, and all tools.
    Kind,
}

impl CallBy {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("name", Self::Name),
        ("version", Self::Version),
        ("provider", Self::Provider),
        ("hour", Self::Hour),
        ("kind", Self::Kind),
    ];

    /// Whether it tells names, providers and versions apart.
    pub(super) const fn tells(self) -> (bool, bool, bool) {
        let name = matches!(self, Self::Name | Self::Version);
        (name, name || matches!(self, Self::Provider), matches!(self, Self::Version))
    }
}

/// Which rows come first. By hour the earliest do, whatever is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallSort {
    /// The ones with the most calls that failed; of those with as many, the ones with the most calls.
    #[default]
    Errors,
    /// The dearest.
    Cost,
    /// The ones with the most calls.
    Calls,
    /// Those of which one call in twenty takes the longest.
    Latency,
    /// The ones with the most tokens.
    Tokens,
    /// The least reliable.
    Reliability,
}

impl CallSort {
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("errors", Self::Errors),
        ("cost", Self::Cost),
        ("calls", Self::Calls),
        ("latency", Self::Latency),
        ("tokens", Self::Tokens),
        ("reliability", Self::Reliability),
    ];
}

/// Which calls, and how they are added up. What is `None` doesn't narrow them down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallQuery {
    /// Of models or of tools.
    pub kind: Option<CallKind>,
    /// Of the model or the tool of this name.
    pub name: Option<String>,
    /// Of models of this provider.
    pub provider: Option<String>,
    /// By programs of this version.
    pub version: Option<String>,
    /// Of this time.
    pub range: CallRange,
    /// What they are added up by.
    pub by: CallBy,
    /// Which rows come first.
    pub sort: CallSort,
    /// At most this many rows, 1 to 1000.
    pub limit: usize,
    /// The parts of time that each row is also told by, if any.
    pub grid: Option<Grid>,
}

impl Default for CallQuery {
    fn default() -> Self {
        Self {
            kind: None,
            name: None,
            provider: None,
            version: None,
            range: CallRange::default(),
            by: CallBy::default(),
            sort: CallSort::default(),
            limit: PAGE_ROWS_DEFAULT,
            grid: None,
        }
    }
}

impl CallQuery {
    pub(crate) const PARAMS: &[&str] =
        &["kind", "name", "provider", "version", "since", "until", "by", "sort", "limit"];

    /// Returns the words that `by` may be.
    #[must_use]
    pub fn ways() -> [&'static str; 5] {
        CallBy::ALL.map(|(word, _)| word)
    }

    /// Returns the words that `sort` may be.
    #[must_use]
    pub fn orders() -> [&'static str; 6] {
        CallSort::ALL.map(|(word, _)| word)
    }

    /// Reads the parameters of a URL: `kind` (`model`, `tool`), `name`, `provider`, `version`, `since`, `until`, `by` (`name`, `version`,
    /// `provider`, `hour`, `kind`), `sort` (`errors`, `cost`, `calls`, `latency`, `tokens`, `reliability`), `limit`.
    ///
    /// ```
    /// use lastword_collector::query::{CallBy, CallQuery};
    /// let query = CallQuery::from_pairs([("by", "version"), ("name", "gpt-4o")]).unwrap();
    /// assert_eq!(query.by, CallBy::Version);
    /// assert!(CallQuery::from_pairs([("by", "moon")]).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// A parameter is unknown, given twice or can't be read.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ParamError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut params = Params::new(Self::PARAMS, pairs)?;
        Ok(Self {
            kind: params.choice("kind", &[("model", CallKind::Model), ("tool", CallKind::Tool)])?,
            name: params.text("name"),
            provider: params.text("provider"),
            version: params.text("version"),
            range: CallRange { since: params.moment("since")?, until: params.moment("until")? },
            by: params.choice("by", &CallBy::ALL)?.unwrap_or_default(),
            sort: params.choice("sort", &CallSort::ALL)?.unwrap_or_default(),
            limit: params.limit()?,
            grid: None,
        })
    }
}
