//! `lastword demo`: the whole of it once, on this machine alone.
//!
//! A collector on a free port; a client in a process of its own ([`client`]), so that it can crash alone, made of a small
//! SDK ([`sdk`]) whose entry points are wrapped; then what the client's reporter promised ([`promise`]) beside what the
//! collector stored ([`stored`]), row by row ([`compare`]).

pub(crate) mod client;
mod compare;
mod promise;
mod sdk;
mod stored;

use std::env;
use std::path::Path;
use std::process::Stdio;

use lastword_collector::query::Moment;
use lastword_collector::{Collector, Config};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::commands::signals::Signals;
use crate::error::Error;
use crate::flags::demo::DemoArgs;
use crate::flags::source::Place;
use crate::limits::{DEMO_CLIENT_TIMEOUT, SHUTDOWN_GRACE};
use crate::output::Output;
use crate::source::Source;
use compare::Comparison;
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

    let agrees = tokio::select! {
        agrees = show(&url, &directory) => agrees?,
        () = signals.next() => return Ok(()),
    };
    if !args.once {
        say(&["", &format!("The page is at {url}/ until Ctrl-C.")])?;
        signals.next().await;
    }
    let _ = stop.send(());
    // Its end is awaited so that the directory is not removed under it.
    let _ = timeout(SHUTDOWN_GRACE, serving).await;
    if agrees { Ok(()) } else { Err(Error::Disagree) }
}

/// Lets the client run and compares. Returns whether all agrees.
async fn show(url: &str, directory: &Path) -> Result<bool, Error> {
    // A process id comes round again; a directory that is kept may hold other demos.
    let session = format!("demo-{:x}", Moment::now().as_micros());
    say(&[
        &format!("collector  {url}, storing in {}", directory.display()),
        &format!("client     a process of its own, reporting as {session}"),
        "",
    ])?;
    let promise = client_process(url, &session, directory).await?;
    let source = Source::open(Place::Url(url.parse()?))?;
    let stored = stored::count(&source, &session).await?;
    let comparison = Comparison::of(&promise, &stored);
    let mut output = Output::stdout();
    output.line("")?;
    for line in comparison.lines(output.look()) {
        output.line(&line)?;
    }
    output.line("")?;
    output.line(if comparison.agrees() { "They agree." } else { "They DISAGREE." })?;
    output.flush()?;
    Ok(comparison.agrees())
}

/// Runs the client to its end and returns what it promised. What it tells a person goes to our standard error.
async fn client_process(url: &str, session: &str, directory: &Path) -> Result<Promise, Error> {
    let program = env::current_exe().map_err(Error::Demo)?;
    let client = Command::new(program)
        .args(["demo-client", "--url", url, "--session", session])
        // The demo shows that it works, whatever is said to other programs: it reports to itself alone.
        .env("LASTWORD_SETTINGS", directory.join("no-settings.json"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Error::Demo)?;
    let ended = timeout(DEMO_CLIENT_TIMEOUT, client.wait_with_output()).await;
    let output = ended.map_err(|_| Error::DemoClient("it did not end".into()))?.map_err(Error::Demo)?;
    if !output.status.success() {
        return Err(Error::DemoClient(output.status.to_string()));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::DemoClient(format!("its promise is no JSON: {error}")))
}

fn say(lines: &[&str]) -> Result<(), Error> {
    let mut output = Output::stdout();
    for line in lines {
        output.line(line)?;
    }
    output.flush()
}
