//! `lastword demo`: the whole of it once, on this machine alone.
//!
//! A collector on a free port; a client in a process of its own ([`process`]), so that it can crash alone, made of a small
//! SDK ([`sdk`]) whose entry points are wrapped ([`client`]); then what the client's reporter promised ([`promise`]) beside what the
//! collector stored ([`stored`]), row by row ([`compare`]). Beside it other programs ([`cast`]) leave what there is to look at: that
//! it is there is asked too ([`beside`]).

mod beside;
pub(crate) mod cast;
mod client;
mod compare;
mod process;
mod promise;
mod sdk;
mod stored;

use std::path::Path;

use lastword_collector::query::Moment;
use lastword_collector::{Collector, Config};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::commands::signals::Signals;
use crate::error::Error;
use crate::flags::demo::{DemoArgs, Part};
use crate::flags::source::Place;
use crate::limits::SHUTDOWN_GRACE;
use crate::output::Output;
use crate::source::Source;
use compare::Comparison;
use process::Stage;
use promise::Promise;

/// Runs the demo, and leaves its page up until a signal unless it is to end.
///
/// # Errors
///
/// The collector can't start, the client fails, or promise and store disagree.
pub(crate) async fn run(args: DemoArgs) -> Result<(), Error> {
    let mut signals = Signals::listen()?;
    // Named so that it is removed at the end of this function, on whatever way.
    let temporary = tempfile::Builder::new().prefix("lastword-demo-").tempdir().map_err(Error::Demo)?;
    let directory = args.data.unwrap_or_else(|| temporary.path().to_owned());
    let free = "127.0.0.1:0";
    let taken = |source| Error::Listen { address: free.to_owned(), source };
    let listener = TcpListener::bind(free).await.map_err(taken)?;
    let url = format!("http://{}", listener.local_addr().map_err(taken)?);
    let collector = Collector::open(Config::new(&directory))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(collector.serve(listener, async {
        let _ = stopped.await;
    }));

    let mark = format!("{:x}", Moment::now().as_micros());
    let stage = Stage { url, mark, directory: temporary.path().to_owned() };
    let agrees = tokio::select! {
        agrees = show(&stage, &directory) => agrees?,
        () = signals.next() => return Ok(()),
    };
    if !args.once {
        say(&["", &format!("The page is at {}/ until Ctrl-C.", stage.url)])?;
        signals.next().await;
    }
    let _ = stop.send(());
    // Its end is awaited so that the directory is not removed under it.
    let _ = timeout(SHUTDOWN_GRACE, serving).await;
    if agrees { Ok(()) } else { Err(Error::Disagree) }
}

/// Lets the programs run, compares, and tells what else there is. Returns whether all is as it should be.
async fn show(stage: &Stage, data: &Path) -> Result<bool, Error> {
    let session = stage.session("demo");
    say(&[
        &format!("collector  {}, storing in {}", stage.url, data.display()),
        &format!("client     a process of its own, reporting as {session}"),
        "",
    ])?;
    let (promise, ()) = tokio::try_join!(stage.run_well(Part::Sdk, "demo"), beside::play(stage))?;
    let promise: Promise = serde_json::from_slice(&promise)
        .map_err(|error| Error::DemoClient(format!("its promise is no JSON: {error}")))?;
    let source = Source::open(Place::Url(stage.url.parse()?))?;
    let stored = stored::count(&source, &session).await?;
    let comparison = Comparison::of(&promise, &stored);
    let mut output = Output::stdout();
    output.line("")?;
    for line in comparison.lines(output.look()) {
        output.line(&line)?;
    }
    output.line("")?;
    output.line(if comparison.agrees() { "They agree." } else { "They DISAGREE." })?;
    output.line("")?;
    let is_there = beside::tell(stage, &mut output).await?;
    output.flush()?;
    Ok(comparison.agrees() && is_there)
}

fn say(lines: &[&str]) -> Result<(), Error> {
    let mut output = Output::stdout();
    for line in lines {
        output.line(line)?;
    }
    output.flush()
}
