//! Events made into a view: all that a source has, one at a time.

use lastword::clock::Timestamp;
use lastword::views::{Dashboard, Event};

use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::flags::source::Origin;
use crate::limits::PAGE_ROWS;
use crate::output::progress::Progress;
use crate::output::{amount, note};
use crate::source::feed::{Feed, Found};

/// Gives every event that passes the filter to `apply`, with its JSON, and says on standard error what was skipped.
///
/// # Errors
///
/// The source can't be read.
pub(crate) async fn fold(
    origin: Origin,
    filter: EventFilter,
    mut apply: impl FnMut(&str, &Event<'_>),
) -> Result<(), Error> {
    let mut feed = Feed::open(origin, filter, false)?;
    let mut progress = Progress::before_output("events");
    let mut unreadable = 0;
    loop {
        let mut events = 0;
        let mut each = |json: &str| {
            events += 1;
            match Event::from_line(json.as_bytes()) {
                Ok(event) => apply(json, &event),
                Err(_) => unreadable += 1,
            }
            Ok(())
        };
        let found = feed.page(PAGE_ROWS, &mut each).await?;
        progress.add(events);
        if found != Found::More {
            break;
        }
    }
    drop(progress);
    if let Some(skipped) = feed.skipped() {
        note(&skipped);
    }
    if unreadable > 0 {
        let events = amount::count(unreadable, "event", "events");
        note(&format!("left out: {events} of which the time or the data can't be read"));
    }
    Ok(())
}

/// Returns the moment that something is shown at which was read to its end: that of its last event. So its last minute is
/// the one that it knows of, and what is shown is the same whenever it is.
pub(crate) fn over(dashboard: &Dashboard) -> Timestamp {
    dashboard.totals.last().unwrap_or(Timestamp::from_unix_nanos(0))
}
