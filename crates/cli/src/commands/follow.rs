//! `lastword events --follow`: what comes, once each, in the order in which it was stored.
//!
//! A feed goes on behind all that it saw, in the order of storing, to which events are added at the end only. So nothing
//! is missed and nothing repeated, whatever the clocks of the clients say. A collector that went away is asked again
//! until it answers.

use tokio::time::sleep;

use super::events::Printer;
use super::signals::Signals;
use crate::error::Error;
use crate::limits::{FOLLOW_INTERVAL, FOLLOW_RETRY};
use crate::output::note;
use crate::source::feed::{Feed, Found};

/// Prints what comes until a signal, until the printer has enough, or until nothing can come any more.
///
/// # Errors
///
/// The source can't be read at the start, or the output can't be written.
pub(super) async fn run(feed: &mut Feed, from_now_on: bool, printer: &mut Printer) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        result = follow(feed, from_now_on, printer) => result,
        () = signals.next() => Ok(()),
    }
}

async fn follow(feed: &mut Feed, from_now_on: bool, printer: &mut Printer) -> Result<(), Error> {
    // What was there before is of no interest unless it is asked for.
    if from_now_on {
        feed.skip().await?;
    }
    let mut state = if from_now_on { State::Answers } else { State::Unknown };
    while printer.left() > 0 {
        let found = match feed.page(printer.left(), &mut |event| printer.print_text(event)).await {
            Ok(found) => found,
            Err(error) if state == State::Unknown || !error.may_pass() => return Err(error),
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
        printer.flush()?;
        match found {
            Found::More => {}
            Found::Idle if printer.left() > 0 => feed.wait(FOLLOW_INTERVAL).await,
            Found::Idle | Found::End => break,
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
