//! `lastword store copy`: all that is stored, into another store.

use lastword_collector::admin::{Copied, CopyStep, Copying, Side};

use super::{actor, answer};
use crate::error::Error;
use crate::flags::store::CopyArgs;
use crate::output::amount;
use crate::output::progress::Status;
use crate::source::aside;

/// Copies, and says what both stores have then.
///
/// # Errors
///
/// The source can't be read, the target can't be written, or they differ.
pub(super) fn run(args: &CopyArgs) -> Result<(), Error> {
    let mut copying = Copying::new(args.from.clone(), args.to.clone()).acting_as(&actor());
    if let Some(blobs) = &args.blobs {
        copying = copying.blobs(blobs, args.s3_endpoint.clone());
    }
    let copied = aside(|| {
        let mut status = Status::new();
        copying.run(|step, events, of| status.say(&told(step, events, of)))
    })?;
    answer(args.json, &copied, &lines(&copied))
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
