//! A program that dies by a signal before anything was sent, and its next start, which delivers what it left in the spool.

use lastword::{Severity, event};
use tokio::time::{sleep, timeout};

use super::{failed, reporter};
use crate::error::Error;
use crate::flags::demo::DemoClientArgs;
use crate::limits::{DEMO_POLL, DEMO_QUIET, DEMO_STOP_TIMEOUT};

/// Events that it leaves behind.
const EVENTS: u32 = 40;

/// Dies.
pub(super) fn die(args: &DemoClientArgs) -> Result<(), Error> {
    // Nobody wants its memory in a file.
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(rustix::process::Resource::Core, none).map_err(failed)?;
    let reporter = begin(args)?.flush_interval(DEMO_QUIET).start().map_err(failed)?;
    lastword::crash::install(&reporter).map_err(failed)?;
    for block in 0..EVENTS {
        event!(reporter, "block.written", block = block, bytes = 4_096);
    }
    event!(reporter, Severity::Error, "disk.slow", waited_ms = 30_000);
    std::process::abort()
}

/// Starts again, and waits until what the one before left is delivered.
pub(super) async fn start_again(args: &DemoClientArgs) -> Result<(), Error> {
    let reporter = begin(args)?.start().map_err(failed)?;
    event!(reporter, "index.checked", blocks = EVENTS);
    let is_delivered = async {
        while reporter.stats().recovered.finished == 0 {
            sleep(DEMO_POLL).await;
        }
    };
    timeout(DEMO_STOP_TIMEOUT, is_delivered).await.map_err(|_| failed("nothing was found in the spool"))?;
    reporter.stop(DEMO_STOP_TIMEOUT).await;
    Ok(())
}

fn begin(args: &DemoClientArgs) -> Result<lastword::Builder, Error> {
    let spool = args.directory.join("spool");
    lastword::spool::Directory::open(&spool).map_err(failed)?;
    Ok(reporter(&args.session, &args.url).spool(spool))
}
