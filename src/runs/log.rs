//! The file of a run that is being written: whole lines are appended, or nothing is.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::files;

/// A run's file, of which this is the only writer.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// Bytes up to the end of the last whole line.
    bytes: u64,
    /// A piece of a line may stand behind that.
    is_torn: bool,
}

impl Log {
    /// Makes a new file.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = files::open(path, OpenOptions::new().append(true).create_new(true))?;
        Ok(Self { file, bytes: 0, is_torn: false })
    }

    /// Opens a file of which the first `bytes` are whole lines; what is behind them is cut off by the next write.
    pub(super) fn open(path: &Path, bytes: u64, is_torn: bool) -> io::Result<Self> {
        let file = files::open(path, OpenOptions::new().append(true).create(true))?;
        Ok(Self { file, bytes, is_torn })
    }

    /// Appends a line, in one call where the system takes it so.
    ///
    /// # Errors
    ///
    /// The disk is full, or fails. What was written of the line is cut off again, now or before the next line.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.mend()?;
        match self.file.write_all(line) {
            Ok(()) => {
                self.bytes += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.is_torn = true;
                // Should it fail, it is tried again before the next line.
                let _ = self.mend();
                Err(error)
            }
        }
    }

    /// Cuts off a piece of a line.
    pub(super) fn mend(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.bytes)?;
            self.is_torn = false;
        }
        Ok(())
    }
}
