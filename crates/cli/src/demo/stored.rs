//! What the collector stored of a session, counted over the same query API that everybody has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::limits::PAGE_ROWS;
use crate::source::{Listing, Order, Source};

/// Counts of one session.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// All its events.
    pub(crate) events: u64,
    /// Events by name, or by kind where they have none.
    pub(crate) names: BTreeMap<String, u64>,
    /// Events that were stored more than once.
    pub(crate) repeated: u64,
    /// Numbers of its sequence that no event has.
    pub(crate) missing: u64,
}

/// What is counted of an event.
#[derive(Deserialize)]
struct Counted {
    event: String,
    event_name: Option<String>,
    event_session_index: u64,
}

/// Counts the events of a session.
///
/// # Errors
///
/// The collector does not answer, or stores something that is no event.
pub(crate) async fn count(source: &Source, session: &str) -> Result<Stored, Error> {
    let filter = EventFilter { session: Some(session.to_owned()), ..EventFilter::default() };
    let listing = Listing::Events { filter, order: Order::Ascending };
    let mut stored = Stored::default();
    let mut numbers = BTreeSet::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = source.page(&listing, cursor.as_deref(), PAGE_ROWS).await?;
        for event in &page.rows {
            let event: Counted = serde_json::from_str(event.get()).map_err(|error| Error::Row(error.to_string()))?;
            stored.events += 1;
            *stored.names.entry(event.event_name.unwrap_or(event.event)).or_default() += 1;
            if !numbers.insert(event.event_session_index) {
                stored.repeated += 1;
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected = numbers.last().map_or(0, |last| last + 1);
    stored.missing = expected - numbers.len() as u64;
    Ok(stored)
}
