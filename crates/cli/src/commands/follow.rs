//! `lastword events --follow`: what comes, once each, in the order in which it was stored.
//!
//! Each page says from where to go on behind all that it saw ([`Page::resume`](crate::source::Page::resume)), in the
//! order of storing, to which rows are added at the end only. So nothing is missed and nothing repeated, whatever the
//! clocks of the clients say. A collector that went away is asked again until it answers.

use tokio::time::sleep;

use super::events::Printer;
use super::signals::Signals;
use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::limits::{FOLLOW_INTERVAL, FOLLOW_RETRY};
use crate::output::note;
use crate::source::{Listing, Order, Source};

/// Prints what comes until a signal, or until the printer has enough.
///
/// # Errors
///
/// The source can't be read at the start, or the output can't be written.
pub(super) async fn run(source: &Source, filter: EventFilter, printer: &mut Printer) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        result = follow(source, filter, printer) => result,
        () = signals.next() => Ok(()),
    }
}

async fn follow(source: &Source, filter: EventFilter, printer: &mut Printer) -> Result<(), Error> {
    // What was there before is of no interest unless it is asked for.
    let mut cursor = None;
    if filter.since.is_none() {
        let newest = Listing::Events { filter: filter.clone(), order: Order::Descending };
        cursor = source.page(&newest, None, 1).await?.resume;
    }
    let listing = Listing::Events { filter, order: Order::Ascending };
    let mut state = State::Unknown;
    while printer.left() > 0 {
        let page = match source.page(&listing, cursor.as_deref(), printer.left()).await {
            Ok(page) => page,
            Err(error) if state == State::Unknown && cursor.is_none() => return Err(error),
            Err(error) => {
                if state != State::Lost {
                    note(&format!("{error}; asking again until it answers"));
                }
                state = State::Lost;
                sleep(FOLLOW_RETRY).await;
                continue;
            }
        };
        state = State::Answers;
        for event in &page.rows {
            printer.print(event)?;
        }
        printer.flush()?;
        cursor = page.resume.or(cursor);
        if page.next.is_none() && printer.left() > 0 {
            sleep(FOLLOW_INTERVAL).await;
        }
    }
    Ok(())
}

/// How the source stands, so that one remark is made when it goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was not asked yet.
    Unknown,
    /// It answered.
    Answers,
    /// It did not answer.
    Lost,
}
