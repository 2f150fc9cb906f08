//! The wishes of the outside: that we end: SIGTERM and SIGINT, or Ctrl-C where there are no signals; and, of a
//! collector, that it reads again what may have changed: SIGHUP.

use crate::error::Error;

/// The number of SIGTERM.
#[cfg(unix)]
const TERMINATE: u8 = 15;
/// The number of SIGINT.
const INTERRUPT: u8 = 2;

/// Listens for the wish from the moment it is made, so that none is missed.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(not(unix))]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// Begins to listen. From here on the signals no longer end the process by themselves.
    ///
    /// # Errors
    ///
    /// The system refuses a handler.
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(Error::Signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(Error::Signals)?,
        })
    }

    /// As on Unix, with Ctrl-C only.
    ///
    /// # Errors
    ///
    /// The system refuses a handler.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> Result<Self, Error> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c().map_err(Error::Signals)? })
    }

    /// Waits for the next one.
    ///
    /// # Cancel safety
    ///
    /// A signal that came before is not lost by dropping the future.
    pub(crate) async fn next(&mut self) {
        self.number().await;
    }

    /// The same, and returns its number.
    #[cfg(unix)]
    pub(crate) async fn number(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => TERMINATE,
            _ = self.interrupt.recv() => INTERRUPT,
        }
    }

    /// The same, and returns the number that it has where there are signals.
    #[cfg(not(unix))]
    pub(crate) async fn number(&mut self) -> u8 {
        self.interrupt.recv().await;
        INTERRUPT
    }
}

/// Listens for the wish that we read again what may have changed. Who doesn't listen is ended by it, as when its terminal is
/// closed.
pub(crate) struct Hangup {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Hangup {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// The system refuses a handler.
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { hangup: signal(SignalKind::hangup()).map_err(Error::Signals)? })
    }

    /// There is nothing to listen for.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(unix))]
    pub(crate) const fn listen() -> Result<Self, Error> {
        Ok(Self {})
    }

    /// Waits for the next one.
    ///
    /// # Cancel safety
    ///
    /// A signal that came before is not lost by dropping the future.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        self.hangup.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}
