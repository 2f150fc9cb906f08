//! The views of what was stored of late, folded as they are asked for.
//!
//! Nothing is folded while nobody asks, and an event is read once, however often views are asked for: what was folded is kept, and
//! goes on from there. It begins [`VIEWS_SINCE`] before it is asked for the first time, and begins anew with the process, which
//! Prometheus takes for what it is: counters that start at zero.

use std::sync::{Mutex, PoisonError};

use lastword::clock::Clock;
use lastword::views::{Dashboard, Event, View, prometheus};

use crate::clock;
use crate::limits::{PAGE_ROWS_MAX, VIEWS_ROWS_MAX, VIEWS_SINCE};
use crate::query::{EventQuery, Moment, Order, QueryError, Reader};

/// Views, and how far they have come.
#[derive(Default)]
pub(crate) struct Live(Mutex<Fold>);

#[derive(Default)]
struct Fold {
    dashboard: Dashboard,
    /// Behind all that was folded; `None` before the first.
    after: Option<String>,
}

impl Live {
    /// Returns the views in Prometheus' text format, all that was stored by now in them, or the next [`VIEWS_ROWS_MAX`] events.
    ///
    /// # Errors
    ///
    /// The store can't be read. What was folded by then is kept.
    pub(crate) fn prometheus(&self, reader: &Reader, prefix: &str) -> Result<String, QueryError> {
        let mut fold = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fold.go_on(reader)?;
        Ok(prometheus(&fold.dashboard, Clock::system().now(), prefix))
    }
}

impl Fold {
    fn go_on(&mut self, reader: &Reader) -> Result<(), QueryError> {
        if self.after.is_none() {
            let begin = Moment(clock::before(clock::now_us(), VIEWS_SINCE));
            self.after = Some(reader.row_before(begin)?.to_string());
        }
        let mut rows = 0;
        while rows < VIEWS_ROWS_MAX {
            let after = self.after.clone();
            let query = EventQuery { after, limit: PAGE_ROWS_MAX, order: Order::OldestFirst, ..EventQuery::default() };
            let page = reader.events(&query)?;
            rows += page.items.len();
            for event in &page.items {
                // What is no event for views changes none.
                if let Ok(event) = Event::from_line(event.to_json().as_bytes()) {
                    self.dashboard.apply(&event);
                }
            }
            self.after = page.resume;
            if page.next.is_none() {
                break;
            }
        }
        Ok(())
    }
}
