//! `lastword serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration::duration;

/// OTLP over HTTP has this port, so most clients find a local collector without being told.
pub(crate) const LISTEN_DEFAULT: &str = "127.0.0.1:4318";

const AFTER_HELP: &str = "\
Examples:
  lastword serve                            the default address and directory
  lastword serve --listen 127.0.0.1:0       any free port; the printed line names it
  lastword serve --data ./telemetry         store here

Prints one line, `listening on http://ADDRESS`, on standard output once it
answers; all else goes to standard error. SIGTERM and SIGINT end it cleanly,
with exit code 0: open requests are answered, and what was acknowledged is on
disk. A second signal ends it at once.

One collector owns a data directory; `lastword events --data DIR` reads it at
any time.";

/// Collect: take in what programs report, store it, answer questions about it.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", env = "LASTWORD_LISTEN", default_value = LISTEN_DEFAULT, value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Directory of the stored events, made if missing [default: the platform's directory for state, `lastword` in it]
    #[arg(long, value_name = "DIR", env = "LASTWORD_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Rules of alerts, in TOML [default: those that `lastword alerts defaults` prints]
    #[arg(long, value_name = "FILE", env = "LASTWORD_ALERTS")]
    pub(crate) alerts: Option<PathBuf>,
    /// Show a session as silent that neither ended nor said anything for so long [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) silent_after: Option<Duration>,
}

/// Reads an address. Names are not looked up: one may stand for several addresses, and one of them may be public.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("use an IP address and a port, like {LISTEN_DEFAULT} or [::1]:4318"))
}
