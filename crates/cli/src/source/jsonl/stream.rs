//! A stream of lines that is read once: standard input, a pipe.
//!
//! It is read on a thread of its own, because a wait for the other end of a pipe can't be given up.

use std::io::{BufReader, Read as Input};
use std::{io, thread};

use tokio::sync::mpsc::{Receiver, Sender, channel, error::TryRecvError};

use super::{OneLine, Read, read_line};
use crate::error::Error;
use crate::limits::{READ_BYTES, STREAM_LINES_MAX};
use crate::source::feed::Found;

/// A line, or `None` for one that is too long.
type Line = io::Result<Option<Vec<u8>>>;

/// What comes from the thread.
pub(super) struct Stream {
    lines: Receiver<Line>,
    what: String,
}

impl Stream {
    /// Begins to read.
    pub(super) fn start(input: impl Input + Send + 'static, what: String) -> Self {
        let (sender, lines) = channel(STREAM_LINES_MAX);
        thread::spawn(move || read(input, &sender));
        Self { lines, what }
    }

    /// Hands on the next line, and waits for one where that is wanted.
    pub(super) async fn line(&mut self, wait: bool, each: OneLine<'_>) -> Result<Found, Error> {
        let line = if wait {
            self.lines.recv().await
        } else {
            match self.lines.try_recv() {
                Ok(line) => Some(line),
                Err(TryRecvError::Empty) => return Ok(Found::Idle),
                Err(TryRecvError::Disconnected) => None,
            }
        };
        let Some(line) = line else { return Ok(Found::End) };
        each(line.map_err(|source| Error::Input { what: self.what.clone(), source })?.as_deref())?;
        Ok(Found::More)
    }
}

/// Sends lines until there are no more, or nobody wants them.
fn read(input: impl Input, sender: &Sender<Line>) {
    let mut reader = BufReader::with_capacity(READ_BYTES, input);
    let mut line = Vec::new();
    loop {
        let sent = match read_line(&mut reader, &mut line, &mut 0) {
            Ok(Read::Whole | Read::Unended) => sender.blocking_send(Ok(Some(std::mem::take(&mut line)))),
            Ok(Read::TooLong) => sender.blocking_send(Ok(None)),
            Ok(Read::Nothing) => return,
            Err(error) => {
                // Nobody is left to be told where this fails.
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
