//! `lastword events`: all that match, page by page.

use serde_json::value::RawValue;

use super::follow;
use crate::error::Error;
use crate::flags::list::{EventFilter, EventsArgs};
use crate::flags::source::Origin;
use crate::limits::PAGE_ROWS;
use crate::output::event::EventLines;
use crate::output::progress::Progress;
use crate::output::{Output, note};
use crate::source::feed::{Feed, Found};
use crate::source::{Listing, Order, Source};

/// Lists, and with `--follow` goes on with what comes.
///
/// # Errors
///
/// The source can't be read or the output can't be written.
pub(crate) async fn run(args: EventsArgs) -> Result<(), Error> {
    let mut printer = Printer::new(args.json, args.limit.map(std::num::NonZero::get));
    let origin = args.source.origin()?;
    let filter = EventFilter { stored: args.stored, ..args.filter };
    if let (true, Origin::Store(place)) = (args.newest, &origin) {
        return newest(&Source::open(place.clone())?, filter, &mut printer).await;
    }
    let from_now_on = filter.since.is_none();
    let mut feed = Feed::open(origin, filter, args.follow)?;
    let ended = if args.follow {
        follow::run(&mut feed, from_now_on, &mut printer).await
    } else {
        list(&mut feed, &mut printer).await
    };
    if let Some(skipped) = feed.skipped() {
        note(&skipped);
    }
    ended
}

/// Prints what is there, oldest first.
async fn list(feed: &mut Feed, printer: &mut Printer) -> Result<(), Error> {
    let mut progress = Progress::new("events");
    while printer.left() > 0 {
        let before = printer.printed;
        let found = feed.page(printer.left(), &mut |event| printer.print_text(event)).await?;
        printer.flush()?;
        progress.add(usize::try_from(printer.printed - before).unwrap_or(0));
        if found != Found::More {
            break;
        }
    }
    Ok(())
}

/// Prints what is there, newest first.
async fn newest(source: &Source, filter: EventFilter, printer: &mut Printer) -> Result<(), Error> {
    let listing = Listing::Events { filter, order: Order::Descending };
    let mut progress = Progress::new("events");
    let mut cursor = None;
    while printer.left() > 0 {
        let page = source.page(&listing, cursor.as_deref(), printer.left()).await?;
        for event in &page.rows {
            printer.print(event)?;
        }
        printer.flush()?;
        progress.add(page.rows.len());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

/// Prints events in the form that was asked for, up to the number that was asked for.
pub(super) struct Printer {
    output: Output,
    lines: Option<EventLines>,
    limit: Option<u64>,
    printed: u64,
}

impl Printer {
    fn new(json: bool, limit: Option<u64>) -> Self {
        let output = Output::stdout();
        let lines = (!json).then(|| EventLines::new(output.look()));
        Self { output, lines, limit, printed: 0 }
    }

    /// Returns how many rows to ask for next: a page, or what is left of the limit; 0 when there is nothing left to do.
    pub(super) fn left(&self) -> u32 {
        let left = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.printed));
        u32::try_from(left).map_or(PAGE_ROWS, |left| left.min(PAGE_ROWS))
    }

    /// Prints one event.
    ///
    /// # Errors
    ///
    /// The output can't be written.
    pub(super) fn print(&mut self, event: &RawValue) -> Result<(), Error> {
        self.printed += 1;
        match &mut self.lines {
            Some(lines) => self.output.line(&lines.line(event)),
            None => self.output.json(event),
        }
    }

    /// Prints one event, given as its JSON.
    ///
    /// # Errors
    ///
    /// As [`Printer::print`].
    pub(super) fn print_text(&mut self, event: &str) -> Result<(), Error> {
        let event: &RawValue = serde_json::from_str(event).map_err(|error| Error::Row(error.to_string()))?;
        self.print(event)
    }

    /// Hands on what was printed.
    ///
    /// # Errors
    ///
    /// The output can't be written.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.output.flush()
    }
}
