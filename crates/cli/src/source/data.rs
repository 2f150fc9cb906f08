//! A data directory or a store in ClickHouse, read without a collector.

use std::path::Path;

use lastword_collector::admin::Info;
use lastword_collector::query::{AuditQuery, CallQuery, EventQuery, ExceptionQuery, QueryError, Reader, SessionQuery};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Listing, Page};
use crate::error::Error;

/// Reads one store. It changes nothing that is stored and waits for nobody who writes.
pub(crate) struct Stored {
    reader: Reader,
}

impl Stored {
    /// Opens a directory.
    ///
    /// # Errors
    ///
    /// It holds no store, or none that this version reads.
    pub(super) fn open(directory: &Path) -> Result<Self, Error> {
        Ok(Self { reader: Reader::open(directory)? })
    }

    /// Asks a store in ClickHouse.
    ///
    /// # Errors
    ///
    /// It can't be reached, holds no store, or none that this version reads.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self { reader: aside(|| Reader::connect(url, None))? })
    }

    /// This program can't.
    #[cfg(not(feature = "clickhouse"))]
    pub(crate) fn connect(_: &str) -> Result<Self, Error> {
        Err(Error::NoClickHouse)
    }

    /// Returns what there is in it.
    ///
    /// # Errors
    ///
    /// It can't be asked.
    pub(crate) fn info(&self) -> Result<Info, Error> {
        Ok(aside(|| self.reader.info())?)
    }

    /// See [`super::Source::page`]. It blocks while it reads: a listing has nothing else to do meanwhile.
    pub(super) fn page(&self, listing: &Listing, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        aside(|| self.read(listing, cursor, limit))
    }

    fn read(&self, listing: &Listing, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        let parameters = listing.parameters(cursor, limit);
        match listing {
            Listing::Events { .. } | Listing::EventsOf(_) => {
                let query = EventQuery::from_pairs(parameters).map_err(QueryError::from)?;
                rows(self.reader.events(&query)?)
            }
            Listing::Sessions(_) => {
                let query = SessionQuery::from_pairs(parameters).map_err(QueryError::from)?;
                rows(self.reader.sessions(&query)?)
            }
            Listing::Exceptions(_) => {
                let query = ExceptionQuery::from_pairs(parameters).map_err(QueryError::from)?;
                rows(self.reader.exceptions(&query)?)
            }
            Listing::Calls(_) => {
                let query = CallQuery::from_pairs(parameters).map_err(QueryError::from)?;
                let calls = self.reader.calls(&query)?;
                Ok(Page { rows: raw(&calls.calls)?, left_out: calls.left_out, ..Page::default() })
            }
            Listing::Audit(_) => {
                let query = AuditQuery::from_pairs(parameters).map_err(QueryError::from)?;
                rows(self.reader.audit(&query)?)
            }
        }
    }
}

/// Turns rows into the JSON that the collector would answer.
fn rows<T: Serialize>(page: lastword_collector::query::Page<T>) -> Result<Page, Error> {
    Ok(Page { rows: raw(&page.items)?, next: page.next, resume: page.resume, left_out: 0 })
}

fn raw<T: Serialize>(items: &[T]) -> Result<Vec<Box<RawValue>>, Error> {
    let rows: Result<_, _> = items.iter().map(to_raw_value).collect();
    rows.map_err(|error| Error::Row(error.to_string()))
}

/// Does something that blocks on a thread of its own: what asks a server over HTTP may not block one that others' tasks run on.
pub(crate) fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
