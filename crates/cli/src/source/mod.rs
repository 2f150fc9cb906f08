//! Where a listing comes from. Every listing works on a collector and on its directory; what is made of events works on files
//! of JSON lines too ([`feed`]).
//!
//! A source answers one page at a time, with the stored JSON as text: nothing is decoded here and written anew, so what
//! is shown is what was stored. A page and its cursor are all that a listing keeps in memory.

mod change;
mod data;
pub(crate) mod feed;
pub(crate) mod http;
#[cfg(unix)]
mod jsonl;
mod live;

pub(crate) use change::{Change, change};
pub(crate) use data::{Stored, aside};
use lastword_collector::query::ExceptionOrder;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::flags::calls::CallFilter;
use crate::flags::list::{EventFilter, ExceptionFilter, SessionFilter, StoredFilter};
use crate::flags::source::Place;
use crate::flags::store::AuditFilter;

/// What is listed.
#[derive(Debug, Clone)]
pub(crate) enum Listing {
    /// Events that pass the filter.
    Events {
        /// Which.
        filter: EventFilter,
        /// In which order they come.
        order: Order,
    },
    /// All events whose data name a user.
    EventsOf(String),
    /// Sessions that pass the filter, the latest to begin first.
    Sessions(SessionFilter),
    /// Groups of exceptions that pass the filter, in the order that it names.
    Exceptions(ExceptionFilter),
    /// How calls of models and tools fared, as the filter has them added up: one page, of as many rows as it says.
    Calls(CallFilter),
    /// Entries of the audit trail that pass the filter, the latest first.
    Audit(AuditFilter),
}

impl Listing {
    /// Returns the parameters of the query API that ask for a page: every source understands them.
    fn parameters(&self, cursor: Option<&str>, limit: u32) -> Vec<(&'static str, String)> {
        let limit = if let Self::Calls(filter) = self { filter.limit } else { limit };
        let mut pairs = vec![("limit", limit.to_string())];
        pairs.extend(cursor.map(|cursor| ("after", cursor.to_owned())));
        match self {
            Self::Events { filter, order } => {
                let EventFilter { session, name, kind, severity, since, until, text, stored } = filter;
                let StoredFilter { trace, run, user, version } = stored;
                pairs.extend(texts([("session", session), ("name", name), ("kind", kind), ("text", text)]));
                pairs.extend(texts([("trace", trace), ("run", run), ("user", user), ("version", version)]));
                pairs.extend(severity.map(|severity| ("severity", severity.as_str().to_owned())));
                pairs.extend(since.map(|since| ("since", since.to_string())));
                pairs.extend(until.map(|until| ("until", until.to_string())));
                pairs.push(("order", order.as_str().to_owned()));
            }
            Self::EventsOf(user) => pairs.push(("user", user.clone())),
            Self::Sessions(SessionFilter { state, lost, since, until, user, version, id, failed, missing }) => {
                pairs.extend(texts([("state", state), ("user", user), ("version", version), ("id", id)]));
                let marks = [("lost", lost), ("failed", failed), ("missing", missing)];
                pairs.extend(marks.into_iter().filter(|(_, set)| **set).map(|(name, _)| (name, "true".to_owned())));
                pairs.extend(since.map(|since| ("since", since.to_string())));
                pairs.extend(until.map(|until| ("until", until.to_string())));
            }
            Self::Exceptions(ExceptionFilter { fingerprint, session, state, version, text, since, until, order }) => {
                pairs.extend(texts([("fingerprint", fingerprint), ("session", session), ("state", state)]));
                pairs.extend(texts([("version", version), ("text", text)]));
                pairs.extend(since.map(|since| ("since", since.to_string())));
                pairs.extend(until.map(|until| ("until", until.to_string())));
                // As the page has them.
                let order = order.clone().unwrap_or_else(|| ExceptionOrder::Worst.as_str().to_owned());
                pairs.push(("order", order));
            }
            Self::Calls(CallFilter { kind, name, provider, version, since, until, by, sort, limit: _ }) => {
                pairs.extend(texts([("kind", kind), ("name", name), ("provider", provider), ("version", version)]));
                pairs.extend(texts([("by", by), ("sort", sort)]));
                pairs.extend(since.map(|since| ("since", since.to_string())));
                pairs.extend(until.map(|until| ("until", until.to_string())));
            }
            Self::Audit(AuditFilter { action, actor, since }) => {
                pairs.extend(texts([("action", action), ("actor", actor)]));
                pairs.extend(since.map(|since| ("since", since.to_string())));
            }
        }
        pairs
    }
}

/// Returns those parameters that are given.
fn texts<const N: usize>(texts: [(&'static str, &Option<String>); N]) -> impl Iterator<Item = (&'static str, String)> {
    texts.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)))
}

/// The order of events: that in which they were stored, or the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

impl Order {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

/// Some rows, and where the next ones are.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The rows as they are stored.
    pub(crate) rows: Vec<Box<RawValue>>,
    /// Where the next page begins; `None` at the end.
    pub(crate) next: Option<String>,
    /// Of events: behind all that the page could see, so that from here, oldest first, comes what is new.
    pub(crate) resume: Option<String>,
    /// Of calls: how many rows there are beyond the limit.
    pub(crate) left_out: usize,
}

/// A collector that answers, or a directory that is read.
pub(crate) enum Source {
    /// A running collector.
    Http(http::Client),
    /// A data directory, or a store in ClickHouse.
    Data(data::Stored),
}

impl Source {
    /// Opens the source. A collector is not asked before the first page.
    ///
    /// # Errors
    ///
    /// The directory holds no store that can be read, or the HTTP client can't be made.
    pub(crate) fn open(place: Place) -> Result<Self, Error> {
        match place {
            Place::Url(url) => http::Client::new(url).map(Self::Http),
            Place::Directory(directory) => data::Stored::open(&directory).map(Self::Data),
            Place::Store(url) => data::Stored::connect(&url).map(Self::Data),
        }
    }

    /// Reads at most `limit` rows from `cursor` on.
    ///
    /// # Errors
    ///
    /// The collector doesn't answer or refuses, or the store can't be read.
    ///
    /// # Cancel safety
    ///
    /// A page that is not awaited to its end is lost as a whole and can be asked for again.
    pub(crate) async fn page(&self, listing: &Listing, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        match self {
            Self::Http(client) => client.page(listing, cursor, limit).await,
            Self::Data(stored) => stored.page(listing, cursor, limit),
        }
    }
}
