//! Events one after the other, from wherever they are, and on as they come.
//!
//! A feed keeps its place: each page goes on behind the last one, so nothing is read twice, and a look for what is new
//! costs what is new.

use std::time::Duration;

use tokio::time::sleep;

use super::live::Live;
use super::{Listing, Order, Page, Source};
use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::flags::source::Origin;
#[cfg(unix)]
use crate::source::jsonl::{Lines, Skipped};

/// What is done with the JSON of an event.
pub(crate) type Each<'a> = dyn FnMut(&str) -> Result<(), Error> + 'a;

/// Whether there is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// There may be more at once.
    More,
    /// There is no more now, and may be later.
    Idle,
    /// There is no more.
    End,
}

/// Events that pass a filter, in the order in which they were stored.
pub(crate) struct Feed {
    from: From,
}

/// How a feed hears of what is new.
enum Stream {
    /// It was not needed yet.
    Unopened,
    Open(Live),
    /// There is none: it is asked for pages again and again.
    None,
}

#[allow(clippy::large_enum_variant, reason = "there is one of it, whichever it is")]
enum From {
    /// Pages of a collector or of its directory.
    Pages {
        source: Source,
        listing: Listing,
        /// Behind all that was seen.
        resume: Option<String>,
        /// A collector's stream, once all is read that was there before.
        live: Stream,
    },
    /// Lines of JSON.
    #[cfg(unix)]
    Lines(Lines),
}

impl Feed {
    /// Opens what was chosen. One that is not followed ends where there is no more.
    ///
    /// # Errors
    ///
    /// A file or a directory can't be read, or the HTTP client can't be made.
    pub(crate) fn open(origin: Origin, filter: EventFilter, follow: bool) -> Result<Self, Error> {
        #[cfg(not(unix))]
        let _ = follow;
        let from = match origin {
            Origin::Store(place) => From::Pages {
                source: Source::open(place)?,
                listing: Listing::Events { filter, order: Order::Ascending },
                resume: None,
                live: Stream::Unopened,
            },
            #[cfg(unix)]
            Origin::Lines(paths) => From::Lines(Lines::open(&paths, filter, follow)?),
        };
        Ok(Self { from })
    }

    /// Hands on up to `limit` events, and says whether there is more.
    ///
    /// # Errors
    ///
    /// The source can't be read, or `each` failed. A page of a collector that failed is asked for again by the next call.
    ///
    /// # Cancel safety
    ///
    /// What was handed on is not handed on again.
    pub(crate) async fn page(&mut self, limit: u32, each: &mut Each<'_>) -> Result<Found, Error> {
        match &mut self.from {
            From::Pages { resume, live: Stream::Open(live), .. } => {
                for _ in 0..limit {
                    let Some(message) = live.take() else { return Ok(Found::Idle) };
                    *resume = message.id.or(resume.take());
                    message.json.map_or(Ok(()), |json| each(&json))?;
                }
                Ok(Found::More)
            }
            From::Pages { source, listing, resume, .. } => {
                let Page { rows, next, resume: behind, .. } = source.page(listing, resume.as_deref(), limit).await?;
                *resume = behind.or(resume.take());
                for row in &rows {
                    each(row.get())?;
                }
                Ok(if next.is_some() { Found::More } else { Found::Idle })
            }
            #[cfg(unix)]
            From::Lines(lines) => lines.page(limit, each).await,
        }
    }

    /// Waits until there may be more: until a collector says so where it has a stream, else for an interval.
    pub(crate) async fn wait(&mut self, interval: Duration) {
        let From::Pages { source: Source::Http(client), listing, resume: Some(resume), live } = &mut self.from else {
            return sleep(interval).await;
        };
        if let Stream::Unopened = live {
            *live = client.live(listing, resume).await.map_or(Stream::None, Stream::Open);
        }
        match live {
            Stream::Open(stream) => {
                if stream.more().await.is_err() {
                    // Its pages tell whether the collector is there.
                    *live = Stream::Unopened;
                }
            }
            Stream::Unopened | Stream::None => sleep(interval).await,
        }
    }

    /// Passes over what is there now: what comes is handed on.
    ///
    /// # Errors
    ///
    /// The source can't be read.
    pub(crate) async fn skip(&mut self) -> Result<(), Error> {
        match &mut self.from {
            From::Pages { source, listing: Listing::Events { filter, .. }, resume, .. } => {
                let newest = Listing::Events { filter: filter.clone(), order: Order::Descending };
                *resume = source.page(&newest, None, 1).await?.resume;
                Ok(())
            }
            From::Pages { .. } => Ok(()),
            #[cfg(unix)]
            From::Lines(lines) => lines.skip(),
        }
    }

    /// Returns what was skipped because it is no event; `None` where nothing was.
    pub(crate) fn skipped(&self) -> Option<String> {
        match &self.from {
            From::Pages { .. } => None,
            #[cfg(unix)]
            From::Lines(lines) => said(lines.skipped),
        }
    }
}

#[cfg(unix)]
fn said(Skipped { torn, foreign }: Skipped) -> Option<String> {
    use crate::output::amount::count;
    let torn = (torn > 0).then(|| format!("{} torn or damaged", count(torn, "line", "lines")));
    let foreign = (foreign > 0).then(|| format!("{} no event", count(foreign, "line that is", "lines that are")));
    let both: Vec<String> = torn.into_iter().chain(foreign).collect();
    (!both.is_empty()).then(|| format!("skipped: {}", both.join(", ")))
}
