//! What reaches the terminal, the pipe or the file.
//!
//! Invariants:
//! - Text that came in from outside is neutralised ([`text::neutral`]) before it is shown as text: no byte of an event
//!   moves a cursor, changes a colour or forges a line.
//! - `--json` shows nothing but the stored bytes and line feeds: no colour, no width, no change.
//! - Colour and width are those of the terminal that standard output is; a pipe or a file gets plain text, whole.

pub(crate) mod alert;
pub(crate) mod amount;
pub(crate) mod audit;
pub(crate) mod bar;
pub(crate) mod call;
pub(crate) mod cells;
pub(crate) mod event;
pub(crate) mod exception;
pub(crate) mod fares;
pub(crate) mod fields;
pub(crate) mod file;
pub(crate) mod metrics;
pub(crate) mod otlp;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
pub(crate) mod progress;
pub(crate) mod runs;
pub(crate) mod session;
#[cfg(unix)]
pub(crate) mod spool;
pub(crate) mod text;
pub(crate) mod trace;
pub(crate) mod waterfall;

use std::env;
use std::io::{self, BufWriter, IsTerminal, Write};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::limits::WIDTH_MIN;

/// What the place of the output can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether colour is wanted.
    pub(crate) colour: bool,
    /// Columns of the terminal; `None` where lines may be of any length.
    pub(crate) width: Option<usize>,
}

impl Look {
    /// Plain text, whole: for a pipe or a file.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { colour: false, width: None };

    /// Finds out about standard output.
    pub(crate) fn of_stdout() -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self { colour: false, width: None };
        }
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| usize::from(width.0).max(WIDTH_MIN));
        Self { colour: !no_colour && !dumb, width }
    }
}

/// Standard output, or what stands for it, with what it can do.
pub(crate) struct Output {
    out: BufWriter<Box<dyn Write>>,
    look: Look,
}

impl Output {
    /// Takes standard output for this command.
    pub(crate) fn stdout() -> Self {
        Self { out: BufWriter::new(Box::new(io::stdout().lock())), look: Look::of_stdout() }
    }

    /// Writes somewhere else, where nothing is coloured or cut.
    pub(crate) fn into(out: Box<dyn Write>) -> Self {
        Self { out: BufWriter::new(out), look: Look { colour: false, width: None } }
    }

    /// Returns what the output can do.
    pub(crate) fn look(&self) -> Look {
        self.look
    }

    /// Writes one line.
    ///
    /// # Errors
    ///
    /// The output can't be written, or its reader is gone.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Error> {
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    ///
    /// As [`Output::line`].
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.out.write_all(bytes)?)
    }

    /// Writes stored JSON as one line, byte for byte.
    ///
    /// A client may have sent it over several lines. In JSON a line break stands between tokens only, where a space
    /// means the same, so it becomes one: a line stays an event.
    ///
    /// # Errors
    ///
    /// As [`Output::line`].
    pub(crate) fn json(&mut self, json: &RawValue) -> Result<(), Error> {
        let json = json.get();
        if json.contains(['\n', '\r']) {
            return self.line(&json.replace(['\n', '\r'], " "));
        }
        self.line(json)
    }

    /// Writes a value of ours as one line of JSON.
    ///
    /// # Errors
    ///
    /// As [`Output::line`].
    pub(crate) fn object<T: Serialize>(&mut self, value: &T) -> Result<(), Error> {
        let json = serde_json::to_string(value).map_err(|error| Error::Output(error.into()))?;
        self.line(&json)
    }

    /// Hands on what was written so far.
    ///
    /// # Errors
    ///
    /// As [`Output::line`].
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        Ok(self.out.flush()?)
    }
}

/// Tells the person at the terminal something that is not the output. Nobody there to read it is no failure.
pub(crate) fn note(message: &str) {
    // A path, or what a server said, may have anything in it.
    let _ = writeln!(io::stderr().lock(), "lastword: {}", text::neutral(message));
}
