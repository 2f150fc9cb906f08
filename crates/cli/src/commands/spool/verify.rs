//! `lastword spool verify`: every record of every file.

use std::convert::Infallible;

use lastword::clock::Clock;
use lastword::spool::{Directory, Queue};
use serde_json::{Value, json};

use super::events;
use super::facts::{Facts, State};
use crate::error::Error;
use crate::flags::spool::VerifyArgs;
use crate::output::progress::Progress;
use crate::output::{Output, amount, spool, text};

/// What was found in a file.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Records that are whole, and say something.
    pub(crate) whole: u64,
    /// Records that were being written as their process ended, or are being written.
    pub(crate) torn: u64,
    /// Records that something has changed since they were written.
    pub(crate) damaged: u64,
    /// Nothing is damaged.
    pub(crate) ok: bool,
    pub(crate) facts: Facts,
}

/// Verifies.
///
/// # Errors
///
/// Something is damaged, the spool can't be used, or the output can't be written.
pub(super) fn run(args: &VerifyArgs) -> Result<(), Error> {
    let directory = args.place.directory()?;
    let entries = Directory::existing(&directory)?.entries()?;
    let mut output = Output::stdout();
    if entries.is_empty() && !args.json {
        output.line(&format!("nothing in {}", text::neutral(&directory.to_string_lossy())))?;
    }
    let (now, mut progress) = (Clock::system().now(), Progress::new("files"));
    let (mut files, mut damaged) = (0, 0);
    for entry in entries {
        let Some((facts, queue)) = Facts::read(&entry, now) else { continue };
        let verdict = Verdict::of(facts, queue.ok().as_ref());
        if args.json {
            output.object(&verdict.object())?;
        } else {
            if files == 0 {
                output.line(&spool::verdict_heading(output.look()))?;
            }
            output.line(&spool::verdict_line(output.look(), &verdict))?;
        }
        files += 1;
        damaged += u64::from(!verdict.ok);
        progress.add(1);
    }
    output.flush()?;
    if damaged > 0 { Err(Error::Damaged { damaged, files }) } else { Ok(()) }
}

impl Verdict {
    fn of(facts: Facts, queue: Option<&Queue>) -> Self {
        let (mut whole, mut senseless) = (0, 0);
        if let Some(queue) = queue {
            let counted = events::each(queue, |_| {
                whole += 1;
                Ok::<(), Infallible>(())
            });
            senseless = counted.unwrap_or_default();
        }
        let found = facts.queue.as_ref();
        let torn = found.map_or(0, |queue| queue.torn.saturating_sub(queue.damaged));
        let damaged = found.map_or(0, |queue| queue.damaged) + senseless;
        let is_cut = found.is_some_and(|queue| queue.cut);
        // What another version has written is not ours to judge, and what is unfinished never held anything.
        let ok = damaged == 0 && !is_cut && facts.state != State::Unreadable;
        Self { whole, torn, damaged, ok, facts }
    }

    fn object(&self) -> Value {
        json!({
            "file": self.facts.file.to_string_lossy(),
            "state": self.facts.state,
            "session_id": self.facts.queue.as_ref().map(|queue| &queue.session_id),
            "whole": self.whole,
            "torn": self.torn,
            "damaged": self.damaged,
            "ok": self.ok,
            "said": self.said(),
        })
    }

    /// Says what is wrong with the file as a whole, or how it is.
    pub(crate) fn said(&self) -> String {
        let is_cut = self.facts.queue.as_ref().is_some_and(|queue| queue.cut);
        match (&self.facts.reason, self.facts.state) {
            (Some(reason), _) => reason.clone(),
            (None, State::Unreadable) => "it was moved aside".to_owned(),
            (None, State::Unfinished) => "a file that was being made, with nothing in it".to_owned(),
            _ if is_cut => "it is shorter than it says".to_owned(),
            _ if self.damaged > 0 => format!("{} damaged", amount::count(self.damaged, "record is", "records are")),
            _ => "ok".to_owned(),
        }
    }
}
