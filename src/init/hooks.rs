//! What watches over a session from outside of it.

use std::io;
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;

use super::report::Report;
use crate::observe::Layer;
use crate::reporter::Reporter;
#[cfg(unix)]
use crate::reporter::hooks::signal;
use crate::reporter::hooks::{exit, panic};

/// Which of them are wanted.
#[derive(Debug)]
pub(super) struct Hooks {
    pub(super) deadline: Duration,
    pub(super) panic: bool,
    pub(super) exit: bool,
    /// With which grace.
    pub(super) signals: Option<Duration>,
    pub(super) layer: bool,
}

impl Hooks {
    /// Installs them for a reporter that is on. What the system does not take is an error, and the rest is there.
    pub(super) fn install(&self, reporter: &Reporter, report: &mut Report) -> io::Result<()> {
        if !reporter.is_enabled() {
            return Ok(());
        }
        if self.layer {
            let subscriber = tracing_subscriber::registry().with(Layer::new(reporter));
            match tracing::subscriber::set_global_default(subscriber) {
                Ok(()) => report.say(format_args!("tracing layer: installed, as there was no subscriber")),
                Err(_) => report.say(format_args!(
                    "no tracing layer: the program has a subscriber; add `Telemetry::layer` where it is made"
                )),
            }
        }
        if self.panic {
            panic::install(reporter);
            report.say(format_args!("panic hook: installed before the one that was there"));
        }
        let exit = if self.exit { exit::install(reporter, self.deadline) } else { Ok(()) };
        if self.exit && exit.is_ok() {
            report.say(format_args!("exit hook: the session ends with the process, within {:?}", self.deadline));
        }
        let signals = self.watch_signals(reporter, report);
        exit.and(signals)
    }

    #[cfg(unix)]
    fn watch_signals(&self, reporter: &Reporter, report: &mut Report) -> io::Result<()> {
        let Some(grace) = self.signals else { return Ok(()) };
        signal::install(reporter, grace)?;
        report.say(format_args!("signals: SIGTERM, SIGINT and SIGHUP end the session, within {grace:?}"));
        Ok(())
    }

    #[cfg(not(unix))]
    fn watch_signals(&self, _: &Reporter, _: &mut Report) -> io::Result<()> {
        Ok(())
    }
}
