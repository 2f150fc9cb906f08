//! What there is to show: a dashboard, and how its source stands.

use lastword::clock::Timestamp;
use lastword::views::Dashboard;

/// What there is to show.
pub(super) struct Board {
    pub(super) dashboard: Dashboard,
    /// Where it comes from.
    pub(super) origin: String,
    pub(super) source: Source,
    /// What was skipped, if anything was.
    pub(super) skipped: Option<String>,
    /// The moment that it is shown at.
    pub(super) now: Timestamp,
    /// Whether colour is wanted.
    pub(super) colour: bool,
}

/// How the source stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// What was there before is being read.
    Reading,
    /// All is read, and more may come.
    Live,
    /// No more comes.
    Ended,
    /// It does not answer, for this reason, and is asked again.
    Lost(String),
}

impl Board {
    /// Nothing yet, of this source.
    pub(super) fn new(origin: String, colour: bool) -> Self {
        let now = Timestamp::from_unix_nanos(0);
        Self { dashboard: Dashboard::default(), origin, source: Source::Reading, skipped: None, now, colour }
    }
}
