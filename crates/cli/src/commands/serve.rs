//! `lastword serve`: the collector, from its first line to its last.
//!
//! Standard output carries one line, which says where it listens, so that a script can wait for it; all else goes to
//! standard error. A signal ends it: what is under way may end within [`SHUTDOWN_GRACE`]; a second signal, or the end of
//! the grace, ends it at once. What was acknowledged is on disk in every case.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use lastword::privacy;
use lastword_collector::{Collector, Config};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::signals::Signals;
use super::webhook::Poster;
use crate::error::Error;
use crate::flags::serve::ServeArgs;
use crate::limits::SHUTDOWN_GRACE;
use crate::output::note;

/// Whether the collector reports what is asked of it, in the usual words for yes; it does not unless it is told to.
const TELEMETRY_VARIABLE: &str = "TELEMETRY_ENABLED";

/// Collects until a signal comes.
///
/// # Errors
///
/// The address or the directory can't be had, or the collector failed.
pub(crate) async fn run(args: ServeArgs) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    let directory = args.data.or_else(default_directory).ok_or(Error::NoStateDirectory)?;
    // The address first: a second collector that was started by mistake then leaves the directory alone.
    let taken = |source| Error::Listen { address: args.listen.to_string(), source };
    let listener = TcpListener::bind(args.listen).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let is_watched = std::env::var(TELEMETRY_VARIABLE).is_ok_and(|said| privacy::switch(Some(&said)).is_on());
    let config = Config::new(&directory).telemetry(is_watched);
    let config = match args.silent_after {
        Some(silence) => config.silent_after(silence),
        None => config,
    };
    let config = match args.alerts.as_deref().map(super::alerts::read).transpose()? {
        Some(rules) => config.alerts(rules),
        None => config,
    };
    let collector = Collector::open(config)?.webhook(Poster::new());

    let (stop, stopped) = oneshot::channel::<()>();
    let serving = collector.serve(listener, async {
        // An error is a sender that is gone, which is as good a reason to stop.
        let _ = stopped.await;
    });
    tokio::pin!(serving);
    announce(address, &directory);
    tokio::select! {
        result = &mut serving => return Ok(result?),
        () = signals.next() => {}
    }
    let _ = stop.send(());
    note("stopping; a second signal stops at once");
    tokio::select! {
        result = &mut serving => Ok(result?),
        () = signals.next() => Ok(()),
        () = tokio::time::sleep(SHUTDOWN_GRACE) => {
            note("some requests did not end in time and were cut off; their clients send them again");
            Ok(())
        }
    }
}

/// Returns where the platform keeps the state of programs, `lastword` in it.
fn default_directory() -> Option<PathBuf> {
    dirs::state_dir().or_else(dirs::data_local_dir).map(|directory| directory.join("lastword"))
}

/// Says where it listens. Connections are accepted from before this on: the socket listens since it was bound.
fn announce(address: SocketAddr, directory: &std::path::Path) {
    if !address.ip().is_loopback() {
        note(&format!(
            "WARNING: {address} can be reached from other machines and NOTHING IS ASKED OF CLIENTS: whoever reaches it \
             can read all that is stored and add to it. Listen on 127.0.0.1 unless the network is closed."
        ));
    }
    note(&format!("storing in {}", directory.display()));
    let mut stdout = io::stdout().lock();
    // Collecting goes on when nobody waits for the line.
    if writeln!(stdout, "listening on http://{address}").and_then(|()| stdout.flush()).is_err() {
        note(&format!("listening on http://{address}"));
    }
}
