//! The terminal, taken and given back, and the keys that come from it.
//!
//! It is given back however we end: at the end of the scope, on an error, in a panic's hook. A signal ends the loop, and
//! with it the scope.

use std::io::{self, IsTerminal, Stdout};
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event};
use tokio::sync::mpsc::{Receiver, channel};

use crate::error::Error;
use crate::limits::TOP_KEYS_MAX;

/// The terminal, ours until this is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// Standard output is no terminal, or it can't be drawn on.
    pub(super) fn take() -> Result<Self, Error> {
        if !io::stdout().is_terminal() || std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            return Err(Error::NoTerminal);
        }
        // It also sees to it that a panic gives the terminal back before it says anything.
        let terminal = ratatui::try_init().map_err(|error| {
            // Half of it may have been done.
            let _ = ratatui::try_restore();
            Error::Terminal(error)
        })?;
        Ok(Self { terminal })
    }

    /// Draws.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> Result<(), Error> {
        self.terminal.draw(draw).map(drop).map_err(Error::Terminal)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // One that is gone has nothing to be given back to.
        let _ = ratatui::try_restore();
    }
}

/// Listens for keys and for changes of size. The channel ends with the terminal.
pub(super) fn listen() -> Receiver<Event> {
    let (sender, events) = channel(TOP_KEYS_MAX);
    // A wait for a key can't be given up, so it has a thread, which ends with the process.
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            if sender.blocking_send(event).is_err() {
                break;
            }
        }
    });
    events
}
