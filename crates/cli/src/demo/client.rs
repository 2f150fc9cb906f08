//! The client of the demo: uses the SDK, lets it fail in every way there is, and says what its reporter promised.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use lastword::sink::Tinker;
use lastword::{Admission, Reporter};
use serde_json::json;

use super::promise::Promise;
use super::sdk::TrainingClient;
use crate::error::Error;
use crate::flags::demo::DemoClientArgs;
use crate::flags::source::BaseUrl;
use crate::limits::DEMO_STOP_TIMEOUT;
use crate::output::note;

/// Calls of the service.
const CALLS: u32 = 50;
/// Steps of training.
const STEPS: u32 = 300;
/// What a user did meanwhile.
const ACTIONS: u32 = 50;

/// Reports, fails, and writes the promise to standard output.
///
/// # Errors
///
/// Something that should have worked did not, or the promise can't be written.
pub(crate) async fn run(args: DemoClientArgs) -> Result<(), Error> {
    let sink = Tinker::new(args.url.to_string());
    let reporter =
        Reporter::builder(&args.session).enabled(true).sdk_version("demo").sink(sink).start().map_err(failed)?;
    let names = use_sdk(&reporter, &args.url).await?;
    let drain = reporter.stop(DEMO_STOP_TIMEOUT).await;
    note(&format!("client: {drain}"));
    let stats = reporter.stats();
    let dropped = stats.dropped.iter().map(|(reason, count)| (reason.to_string(), count)).collect();
    let promise = Promise { accepted: stats.accepted, delivered: stats.delivered, dropped, names };
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, &promise).map_err(failed)?;
    Ok(stdout.flush()?)
}

/// Uses the SDK as a program would, and returns how many events of each name that must have made.
async fn use_sdk(reporter: &Reporter, service: &BaseUrl) -> Result<BTreeMap<String, u64>, Error> {
    let mut made: BTreeMap<String, u64> = BTreeMap::new();
    let mut count = |name: &str, times: u32| *made.entry(name.to_owned()).or_default() += u64::from(times);
    let client = TrainingClient::new(reporter.clone(), service.clone()).map_err(failed)?;
    count("SESSION_START", 1);
    for _ in 0..CALLS {
        client.ping().await.map_err(failed)?;
    }
    count("http.request", CALLS);
    for step in 0..STEPS {
        client.step(step).map_err(failed)?;
    }
    count("train.step", STEPS);
    for action in 0..ACTIONS {
        if let Admission::Accepted { .. } = reporter.log("user.action", json!({ "button": "sample", "times": action }))
        {
            count("user.action", 1);
        }
    }
    told("a call to a store that is down", client.save(&nobody()?).await.is_err())?;
    told("a mistake of the user's", client.load_model("llama-9").await.is_err())?;
    count("http.request", 1);
    count("user_error", 1);
    // This panic is part of the show; its usual message would look like a fault of the demo.
    let usual = take_hook();
    set_hook(Box::new(|_| {}));
    let panicked = catch_unwind(AssertUnwindSafe(|| client.decode(&[1, 2, 3], 3)));
    set_hook(usual);
    told("a panic, caught by `capture!`", panicked.is_err())?;
    if let Err(error) = client.last_step(STEPS) {
        reporter.log_fatal(&error).await;
        told("a fatal error", true)?;
    }
    count("UNHANDLED_EXCEPTION", 3);
    count("SESSION_END", 1);
    Ok(made)
}

/// Tells the person what happened, as it should have.
fn told(what: &str, happened: bool) -> Result<(), Error> {
    if !happened {
        return Err(Error::DemoClient(format!("{what} did not happen")));
    }
    note(&format!("client: {what}"));
    Ok(())
}

/// Returns a URL of this machine where nobody answers.
fn nobody() -> Result<BaseUrl, Error> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(Error::Demo)?;
    Ok(format!("http://{free}").parse()?)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::DemoClient(error.to_string())
}
