//! `lastword serve`: the collector, from its first line to its last.
//!
//! Standard output begins with one line, which says where it listens, so that a script can wait for it; all else goes to
//! standard error, unless the log is told otherwise. A signal ends it: what is under way may end within the grace that is set;
//! a second signal, or the end of the grace, ends it at once. What was acknowledged is on disk in every case.

use std::net::SocketAddr;

use lastword::privacy;
use lastword_collector::auth::Key;
use lastword_collector::config::{GrpcListen, Settings};
use lastword_collector::query::Moment;
use lastword_collector::{Collector, Config, Control, ServeError, tls};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::config;
use super::poster::Client;
use super::signals::{Hangup, Signals};
use super::supervisor::Supervisor;
use crate::error::Error;
use crate::flags::serve::ServeArgs;
use crate::flags::setup::{InForce, Setup};
use crate::limits::{CERTIFICATE_WARNING, GRPC_LISTEN_DEFAULT, SHUTDOWN_MARGIN};
use crate::log::Log;

/// Has keys themselves, and not the name of their file.
const KEYS_VARIABLE: &str = "LASTWORD_KEYS";

/// Whether the collector reports what is asked of it, in the usual words for yes, beside `telemetry` in the configuration.
const TELEMETRY_VARIABLE: &str = "TELEMETRY_ENABLED";

/// Collects until a signal comes.
///
/// # Errors
///
/// The configuration, the address or the directory can't be had, or the collector failed.
pub(crate) async fn run(args: ServeArgs) -> Result<(), Error> {
    let in_force = args.setup.load()?;
    if args.print_config {
        return config::show(&in_force);
    }
    let log = Log::of_collector(&in_force.loaded.settings.log);
    let ended = serve(&args.setup, in_force, &log).await;
    if let Err(error) = &ended {
        tracing::error!(fatal = true, "{error}");
    }
    log.flush();
    ended.map_err(|error| Error::Logged(Box::new(error)))
}

async fn serve(setup: &Setup, in_force: InForce, log: &Log) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    let mut hangup = Hangup::listen()?;
    let settings = in_force.loaded.settings.clone();
    // The address first: a second collector that was started by mistake then leaves the directory alone.
    let taken = |source| Error::Listen { address: settings.listen.to_string(), source };
    let listener = TcpListener::bind(settings.listen).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let keys = std::env::var(KEYS_VARIABLE).unwrap_or_default();
    let keys = Key::of_environment(&keys).map_err(Error::Keys)?;
    let config = Config::with_settings(&in_force.data, settings.clone());
    let config = keys.into_iter().fold(config, Config::key);
    let (grpc, missing) = listen_grpc(settings.grpc_listen).await?;
    let of_grpc = grpc.as_ref().map(TcpListener::local_addr).transpose().map_err(taken)?;
    if let Some(address) = of_grpc.into_iter().chain([address]).find(|address| config.is_open_to_others(*address)) {
        return Err(ServeError::Public(address).into());
    }
    warn(&config, &in_force, address)?;
    let mut collector = Collector::open(watched(config, &settings)?)?.poster(Client::new());
    collector.connect().await?;
    // Not before it is known that there is a collector at all.
    if let Some(why) = missing {
        tracing::info!("OTLP over gRPC is taken on {address} alone: {why}; --grpc-listen takes another address");
    }
    if let (Some(listener), Some(address)) = (grpc, of_grpc) {
        tracing::info!("OTLP over gRPC on {address}");
        collector = collector.grpc(listener);
    }
    let control = collector.control();

    let (stop, stopped) = oneshot::channel::<()>();
    let serving = collector.serve(listener, async {
        // An error is a sender that is gone, which is as good a reason to stop.
        let _ = stopped.await;
    });
    tokio::pin!(serving);
    announce(address, &in_force, log);
    let supervisor = Supervisor::of_environment();
    supervisor.tell("READY=1");
    let mut before = in_force;
    loop {
        tokio::select! {
            result = &mut serving => return Ok(result?),
            () = hangup.next() => reload(setup, &mut before, &control, log),
            () = signals.next() => break,
        }
    }
    // It would keep the writer from ending.
    drop(control);
    let _ = stop.send(());
    supervisor.tell("STOPPING=1");
    tracing::info!("stopping; a second signal stops at once");
    let patience = settings.shutdown_grace.saturating_add(SHUTDOWN_MARGIN);
    tokio::select! {
        result = &mut serving => Ok(result?),
        () = signals.next() => Ok(()),
        () = tokio::time::sleep(patience) => {
            tracing::warn!("some requests did not end in time and were cut off; their clients send them again");
            Ok(())
        }
    }
}

/// Sets how the collector is watched: by which rules, and whether it reports on itself.
fn watched(config: Config, settings: &Settings) -> Result<Config, Error> {
    let is_told = std::env::var(TELEMETRY_VARIABLE).is_ok_and(|said| privacy::switch(Some(&said)).is_on());
    let config = config.telemetry(settings.telemetry || is_told);
    Ok(match settings.alerts.as_deref().map(super::alerts::read).transpose()? {
        Some(rules) => config.alerts(rules),
        None => config,
    })
}

/// Takes the address for gRPC, or says why not. The usual one may be taken by whoever else takes OTLP on this machine, and is not
/// needed: the main one takes gRPC too.
async fn listen_grpc(at: Option<GrpcListen>) -> Result<(Option<TcpListener>, Option<String>), Error> {
    let address = match at {
        Some(GrpcListen::Off) => return Ok((None, None)),
        Some(GrpcListen::At(address)) => address,
        None => GRPC_LISTEN_DEFAULT,
    };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok((Some(listener), None)),
        Err(source) if at.is_some() => Err(Error::Listen { address: address.to_string(), source }),
        Err(error) => Ok((None, Some(format!("{address} can't be had ({error})")))),
    }
}

/// Warns about what is allowed and should be known.
fn warn(config: &Config, in_force: &InForce, address: SocketAddr) -> Result<(), Error> {
    let settings = &in_force.loaded.settings;
    let certificate = tls::check(&settings.tls).map_err(lastword_collector::OpenError::Tls)?;
    let is_public = !address.ip().to_canonical().is_loopback();
    if is_public && !config.asks_for_keys() {
        tracing::warn!(
            "WARNING: {address} can be reached from other machines and NOTHING IS ASKED OF CLIENTS, as `insecure_public` \
             wants it: whoever reaches it can read all that is stored and add to it"
        );
    } else if is_public && certificate.is_none() {
        tracing::warn!(
            "keys and events go over the network as they are: set `tls.cert` and `tls.key`, or listen on 127.0.0.1 behind a \
             proxy that speaks TLS"
        );
    }
    let until = certificate.and_then(|certificate| certificate.until_us).map(Moment::from_micros);
    let soon = Moment::now().as_micros().saturating_add(i64::try_from(CERTIFICATE_WARNING.as_micros()).unwrap_or(0));
    if let Some(until) = until.filter(|until| until.as_micros() < soon) {
        tracing::warn!(%until, "the certificate is valid for a short time only, or no more");
    }
    Ok(())
}

/// Takes over what can be changed without a stop.
fn reload(setup: &Setup, before: &mut InForce, control: &Control, log: &Log) {
    let after = match setup.load() {
        Ok(after) => after,
        Err(error) => {
            tracing::warn!("the configuration can't be taken over, so that of before goes on: {error}");
            return;
        }
    };
    let settings = &after.loaded.settings;
    log.set_level(&settings.log);
    if let Err(error) = control.reload(settings) {
        tracing::warn!("not everything could be taken over: {error}");
    }
    let (old, new) = (before.loaded.in_force(), after.loaded.in_force());
    for ((key, old, _), (_, new, _)) in old.iter().zip(&new) {
        if old != new && !key.live {
            tracing::warn!(key = key.path, "this key was changed, which takes a restart");
        }
    }
    tracing::info!("keys, certificate, rates and the level of the log are taken over");
    *before = after;
}

/// Says where it listens. Connections are accepted from before this on: the socket listens since it was bound.
fn announce(address: SocketAddr, in_force: &InForce, log: &Log) {
    let loaded = &in_force.loaded;
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    tracing::info!(data = %in_force.data.display(), config = file, "storing in {}", in_force.data.display());
    let scheme = if loaded.settings.tls.cert.is_some() { "https" } else { "http" };
    let line = format!("listening on {scheme}://{address}");
    // Collecting goes on when nobody waits for the line.
    if !log.announce(&line) {
        tracing::info!("{line}");
    }
}
