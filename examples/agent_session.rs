//! An agent that answers one question, as its author would write it: a run in files, a trace within it, and every event in a file
//! of JSON lines, in a view of its own, and at a collector if there is one. Its work ends badly, to show that nothing is lost.
//!
//! ```text
//! cargo run --example agent_session --features runs -- state/agent [http://127.0.0.1:4318]
//! lastword runs show --dir state/agent/runs "$(ls state/agent/runs)"
//! lastword traces list --jsonl state/agent/events.jsonl
//! lastword top --once --jsonl state/agent/events.jsonl
//! ```

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use lastword::runs::{Run, RunMetadata, RunStore, Status};
use lastword::sink::{Jsonl, Tinker};
use lastword::views::Live;
use lastword::{Reporter, async_traced, capture, observe, traced};
use serde_json::json;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;

/// How long the end of the session may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is left of a session that is over.
pub struct Session {
    /// It has ended; its books are open.
    pub reporter: Reporter,
    /// What was reported, as views of it.
    pub live: Live,
    /// Where the run is kept.
    pub store: RunStore,
    /// The run.
    pub run_id: String,
    /// The trace: 32 hexadecimal digits.
    pub trace_id: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().unwrap_or_else(|| "state/agent".to_owned());
    let collector = arguments.next();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let session = runtime.block_on(session(Path::new(&directory), collector.as_deref()))?;
    println!("run {}, trace {}, in {directory}", session.run_id, session.trace_id);
    println!("{}", session.live.dashboard().llm().summary());
    Ok(())
}

/// One session, from its start to its fatal error.
///
/// # Errors
///
/// A directory or a file can't be made, or a setting is wrong. What goes wrong in the work itself is reported, not returned.
pub async fn session(directory: &Path, collector: Option<&str>) -> Result<Session, Box<dyn Error>> {
    std::fs::create_dir_all(directory)?;
    let live = Live::new();
    let jsonl = Jsonl::new(directory.join("events.jsonl"));
    let mut builder = Reporter::builder("agent-session").enabled(true).sink(jsonl).sink(live.clone());
    if let Some(url) = collector {
        builder = builder.sink(Tinker::new(url));
    }
    let reporter = builder.start()?;
    let store = RunStore::builder(directory.join("runs")).reporter(&reporter).open()?;
    let run = store.start("answer the user", RunMetadata::new().tag("example").session_id(reporter.session_id()))?;
    let trace_id = run.wrap(answer(&reporter, &run)).await?;
    run.end(Status::Failed)?;
    // The last word: the session ends with it, and the call returns when it has arrived.
    let drain = reporter.log_fatal(&std::io::Error::other("the model's quota is used up")).await;
    assert!(drain.is_drained(), "{drain}");
    assert!(reporter.stop(PATIENCE).await.is_drained());
    let run_id = run.id().to_owned();
    Ok(Session { reporter, live, store, run_id, trace_id })
}

/// The work: three calls of a model, two of tools, one of which fails, a look into memory, a decision, a request, a panic.
async fn answer(reporter: &Reporter, run: &Run) -> Result<String, Box<dyn Error>> {
    let question = reporter.trace("answer the user");
    let trace_id = question.context().map(|context| context.trace_id().to_string()).unwrap_or_default();
    let work = async {
        let mut plan = reporter.model_call("openai", "gpt-4o");
        plan.usage(1_200, 80).cost(0.004).finish_reason("tool_calls").prompt_length(4_800).response_length(320);
        plan.end();

        let mut remembered = reporter.memory("get");
        remembered.set("documents", 2);
        remembered.end();

        let mut decision = reporter.decision(["search", "answer"]);
        decision.selected("search");
        decision.end();

        let found = traced!(reporter.tool_call("read_file"), std::fs::read_to_string("no such file"));
        assert!(found.is_err(), "the error is ours to deal with");
        let listed = async_traced!(reporter.tool_call("list_files"), list_files()).await?;

        // The first attempt finds the model busy.
        let mut busy = reporter.model_call("openai", "gpt-4o");
        busy.attempt(1).fail_with("rate_limit", "429: try again later");
        busy.end();
        let mut again = reporter.model_call("openai", "gpt-4o");
        again.attempt(2).usage(900, 0).cost(0.001).response_model("gpt-4o-2024-08-06").finish_reason("stop");
        again.end();

        run.save_artifact("plan.md", format!("# Plan\n\nLook at {listed} files.\n"))?;
        fetch(reporter).await?;

        // A panic in a part that may fail is caught, and reported.
        let part = catch_unwind(AssertUnwindSafe(|| capture!(reporter, render(&[]))));
        assert!(part.is_err());
        Ok::<_, Box<dyn Error>>(())
    };
    question.wrap(work).await?;
    Ok(trace_id)
}

/// A tool that works.
async fn list_files() -> std::io::Result<usize> {
    tokio::task::yield_now().await;
    Ok(3)
}

/// A part that has a fault.
fn render(pages: &[&str]) -> String {
    pages[0].to_owned()
}

/// A request, which the layer takes as events of the session.
async fn fetch(reporter: &Reporter) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/page", listener.local_addr()?);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let _ = stream.read(&mut [0; 4_096])?;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
    });
    let subscriber = tracing_subscriber::registry().with(observe::Layer::new(reporter));
    // A program that speaks TLS itself has chosen a provider for it; this one does not, and `reqwest` wants one all the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build()?;
    let client = observe::http::Client::new(http.clone(), reporter.session_id());
    let answer = client.send(http.get(url)).with_subscriber(subscriber).await?;
    reporter.log("page.fetched", json!({"status": answer.status().as_u16()}));
    server.join().map_err(|_| "the server panicked")??;
    Ok(())
}
