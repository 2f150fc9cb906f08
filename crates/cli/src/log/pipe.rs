//! The way of a line out of the process: a bounded queue, and a thread that may wait for whoever reads.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lastword_collector::query::Moment;
use serde_json::Map;

use super::Level;
use super::line::{Form, Line};
use crate::limits::{LOG_FLUSH_TIMEOUT, LOG_LINES_WAITING_MAX};

/// One of the two streams.
pub(super) struct Pipe {
    lines: SyncSender<Item>,
    lost: Arc<AtomicU64>,
    /// What is written once the stream is open.
    waiting: Mutex<Option<Receiver<Item>>>,
    form: Form,
    name: &'static str,
}

enum Item {
    Line(Vec<u8>),
    /// Say when all before it is written.
    Flush(SyncSender<()>),
}

impl Pipe {
    /// Makes a pipe that keeps what it is given until it is opened.
    pub(super) fn new(form: Form, name: &'static str) -> Self {
        let (lines, waiting) = sync_channel(LOG_LINES_WAITING_MAX);
        Self { lines, lost: Arc::default(), waiting: Mutex::new(Some(waiting)), form, name }
    }

    /// Begins to write. A pipe is opened once.
    pub(super) fn open(&self, stream: impl Write + Send + 'static) {
        let Some(waiting) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let (lost, form, name) = (Arc::clone(&self.lost), self.form, self.name);
        let work = move || write(&waiting, stream, &lost, form, name);
        // Without a thread there is no log, and everything else.
        let _ = std::thread::Builder::new().name("lastword-log".to_owned()).spawn(work);
    }

    /// Hands a line on, or counts it as lost.
    pub(super) fn write(&self, line: Vec<u8>) {
        if self.lines.try_send(Item::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was handed on is written, within a bound.
    pub(super) fn flush(&self) {
        let deadline = Instant::now() + LOG_FLUSH_TIMEOUT;
        let (done, written) = sync_channel(1);
        while self.lines.try_send(Item::Flush(done.clone())).is_err() {
            if Instant::now() >= deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

/// Writes lines until there is no sender any more. A stream that can't be written is no reason to fail: the lines are lost.
fn write(waiting: &Receiver<Item>, mut stream: impl Write, lost: &AtomicU64, form: Form, name: &str) {
    while let Ok(item) = waiting.recv() {
        match item {
            Item::Line(line) => drop(stream.write_all(&line)),
            Item::Flush(done) => {
                let _ = stream.flush();
                let _ = done.try_send(());
            }
        }
        // There was no room for these while the line before them was on its way out.
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let _ = stream.write_all(&gap(missing, form, name));
        }
    }
}

/// The line in the place of those that are lost.
fn gap(lines: u64, form: Form, name: &str) -> Vec<u8> {
    let metadata = Map::from_iter([("lines".to_owned(), lines.into()), ("stream".to_owned(), name.into())]);
    let line = Line {
        timestamp: Moment::now().to_string(),
        level: Level::Warn.as_str(),
        message: "lines of the log are lost: nobody read them in time",
        request_id: None,
        trace_id: None,
        span_id: None,
        target: module_path!(),
        metadata: &metadata,
    };
    line.write(form, Level::Warn)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A stream whose reader takes a line at a time.
    struct Slow(mpsc::SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(std::io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_logs_is_never_held_up_and_what_is_lost_is_told_of() {
        let pipe = Pipe::new(Form::Json, "standard error");
        let (sender, reader) = mpsc::sync_channel(0);
        pipe.open(Slow(sender));
        // Nobody reads: were this to wait, it would wait for ever.
        for index in 0..LOG_LINES_WAITING_MAX + 100 {
            pipe.write(format!("{index}\n").into_bytes());
        }
        drop(pipe.lines);
        let (mut lines, mut lost) = (0, 0);
        for line in reader {
            match serde_json::from_slice::<serde_json::Value>(&line) {
                Ok(gap) if gap.is_object() => lost += gap["metadata"]["lines"].as_u64().unwrap(),
                _ => lines += 1,
            }
        }
        assert_eq!(lines + lost, LOG_LINES_WAITING_MAX as u64 + 100);
        assert!(lost >= 90, "{lost}");
    }

    #[test]
    fn a_pipe_keeps_what_it_is_given_until_it_is_opened() {
        let pipe = Pipe::new(Form::Json, "standard output");
        pipe.write(b"first\n".to_vec());
        let (sender, reader) = mpsc::sync_channel(8);
        pipe.open(Slow(sender));
        pipe.flush();
        assert_eq!(reader.recv().unwrap(), b"first\n");
    }
}
