//! A run's file, read from its beginning to its end: what its events come to, and what is wrong with it.

use std::fs::OpenOptions;
use std::io::BufReader;
use std::path::Path;

use serde_json::Value;

use super::error::{RunError, failed};
use super::files;
use super::fold::Fold;
use super::line;
use super::model::{RunEvent, Status};
use super::reader::next_line;
use crate::limits::TAIL_CHUNK_BYTES;

/// What a run's file comes to.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) fold: Fold,
    pub(super) first: Option<RunEvent>,
    pub(super) last_ts: Option<u64>,
    /// What the last `run_end` says.
    pub(super) end: Option<End>,
    /// Whole lines that are no events.
    pub(super) bad_lines: u64,
    /// Bytes of the file up to the end of its last line that has an end, or is an event.
    pub(super) whole_bytes: u64,
    /// Bytes behind that: what a writer left that was killed in the middle of a line.
    pub(super) torn_bytes: u64,
    /// The last line is an event, but for its end.
    pub(super) lacks_end: bool,
}

/// How a run ended, by its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) ts: u64,
    pub(super) status: Status,
    pub(super) abandoned: bool,
}

/// Reads a run's file; a file that is not there comes to nothing.
pub(super) fn of(path: &Path) -> Result<Sum, RunError> {
    let mut sum = Sum::default();
    let file = match files::open(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(sum),
        Err(error) => return Err(failed("open", path)(error)),
    };
    let mut file = BufReader::with_capacity(TAIL_CHUNK_BYTES, file);
    let mut text = Vec::new();
    loop {
        text.clear();
        let length = next_line(&mut file, &mut text).map_err(failed("read", path))?;
        if length == 0 {
            return Ok(sum);
        }
        let event = line::parse(&text);
        let has_end = text.last() == Some(&b'\n');
        match event {
            None if !has_end => sum.torn_bytes = length,
            None => {
                sum.bad_lines += u64::from(!text.iter().all(u8::is_ascii_whitespace));
                sum.whole_bytes += length;
            }
            Some(event) => {
                sum.lacks_end = !has_end;
                sum.whole_bytes += length;
                sum.apply(event);
            }
        }
    }
}

impl Sum {
    fn apply(&mut self, event: RunEvent) {
        self.fold.apply(&event.kind, &event.data);
        self.last_ts = Some(self.last_ts.map_or(event.ts, |last| last.max(event.ts)));
        if event.kind == "run_end" {
            let status = serde_json::from_value(event.data["status"].clone()).unwrap_or(Status::Failed);
            self.end = Some(End { ts: event.ts, status, abandoned: event.data["abandoned"] == Value::Bool(true) });
        }
        self.first.get_or_insert(event);
    }
}
