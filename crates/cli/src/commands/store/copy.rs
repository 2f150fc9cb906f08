//! `lastword store copy`: all that is stored, into another store.

use std::sync::{Arc, Mutex, PoisonError};

use lastword_collector::admin::{Copied, CopyStep, Copying, Side};
use tokio::sync::oneshot;

use super::{actor, answer};
use crate::commands::signals::Signals;
use crate::error::Error;
use crate::flags::store::CopyArgs;
use crate::output::amount;
use crate::output::progress::Status;

/// Copies, and says what both stores have then.
///
/// # Errors
///
/// The source can't be read, the target can't be written, they differ, or somebody ends it.
pub(super) async fn run(args: CopyArgs) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    let CopyArgs { from, to, blobs, s3_endpoint, json } = args;
    let mut copying = Copying::new(from, to).acting_as(&actor());
    if let Some(blobs) = blobs {
        copying = copying.blobs(blobs, s3_endpoint);
    }
    let status = Arc::new(Mutex::new(Some(Status::new())));
    let (tell, done) = oneshot::channel();
    let shown = Arc::clone(&status);
    // Not one that is waited for at the end: a copy may be ended anywhere, and a server that it waits for may not answer.
    let thread = std::thread::spawn(move || {
        let copied = copying.run(|step, events, of| {
            if let Some(status) = &mut *shown.lock().unwrap_or_else(PoisonError::into_inner) {
                status.say(&told(step, events, of));
            }
        });
        // An error: nobody waits any more.
        let _ = tell.send(copied);
    });
    let copied = tokio::select! {
        copied = done => Ok(copied),
        signal = signals.number() => Err(Error::CopyStopped(signal)),
    };
    // The line is gone before anything else is said.
    drop(status.lock().unwrap_or_else(PoisonError::into_inner).take());
    let copied = match copied? {
        Ok(copied) => copied?,
        // It sends unless it panics.
        Err(_) => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
            return Ok(());
        }
    };
    answer(json, &copied, &lines(&copied))
}

fn told(step: CopyStep, events: u64, of: u64) -> String {
    let doing = match step {
        CopyStep::ReadSource => "the source is read again",
        CopyStep::ReadTarget => "the target is read",
        _ => "events are copied",
    };
    let percent = events.saturating_mul(100).checked_div(of).unwrap_or(100);
    format!("{doing}: {events} of {of} ({percent} %)")
}

fn lines(copied: &Copied) -> Vec<String> {
    let side = |side: &Side| {
        format!(
            "{} in {}, checksum {}: {}",
            amount::count_of(side.events, "event", "events"),
            amount::count_of(u64::try_from(side.sessions).unwrap_or(u64::MAX), "session", "sessions"),
            side.checksum,
            side.place
        )
    };
    let mut lines = vec![
        format!("copied  {}", amount::count_of(copied.copied, "event", "events")),
        format!("from    {}", side(&copied.from)),
        format!("to      {}", side(&copied.to)),
        "both have the same events".to_owned(),
    ];
    if copied.points_left > 0 {
        lines.push(format!(
            "not copied: {} of metrics, older than all events with metrics: ClickHouse has points of events alone",
            amount::count_of(copied.points_left, "point", "points")
        ));
    }
    if copied.more {
        lines.push("the source was written meanwhile: run the same command again for the rest".to_owned());
    }
    lines
}
