//! `lastword serve`: the collector, from its first line to its last.
//!
//! Standard output carries one line, which says where it listens, so that a script can wait for it; all else goes to
//! standard error. A signal ends it: what is under way may end within [`SHUTDOWN_GRACE`]; a second signal, or the end of
//! the grace, ends it at once. What was acknowledged is on disk in every case.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use lastword_collector::{Collector, Config};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::signals::Signals;
use crate::error::Error;
use crate::flags::serve::{GRPC_LISTEN_DEFAULT, GrpcListen, ServeArgs};
use crate::limits::SHUTDOWN_GRACE;
use crate::output::note;

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
    let config = Config::new(&directory);
    let config = match args.silent_after {
        Some(silence) => config.silent_after(silence),
        None => config,
    };
    let config = match &args.prices {
        Some(file) => config.prices(file)?,
        None => config,
    };
    let mut collector = Collector::open(config)?;
    if let Some(listener) = listen_grpc(args.grpc_listen).await? {
        let address = listener.local_addr().map_err(taken)?;
        note(&format!("OTLP over gRPC on {address}"));
        collector = collector.grpc(listener);
    }

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

/// Takes the address for gRPC. The default one may be taken by whoever else takes OTLP on this machine, and is not needed then.
async fn listen_grpc(at: Option<GrpcListen>) -> Result<Option<TcpListener>, Error> {
    let address = match at {
        Some(GrpcListen::Off) => return Ok(None),
        Some(GrpcListen::At(address)) => address.to_string(),
        None => GRPC_LISTEN_DEFAULT.to_owned(),
    };
    match TcpListener::bind(&address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(source) if at.is_some() => Err(Error::Listen { address, source }),
        Err(error) => {
            note(&format!("no OTLP over gRPC: {address} can't be had ({error}); --grpc-listen takes another address"));
            Ok(None)
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
