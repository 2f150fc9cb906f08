//! What it costs to bring events into a stream of NATS: events a second and CPU time of this process, from `event!` to the
//! acknowledgement of a real `nats-server` on the same machine, which takes its share of the cores.
//!
//! `LASTWORD_NATS_SERVER=$(command -v nats-server) cargo bench --bench nats`. After each round the messages of the stream
//! are counted, and a run in which one is missing is no figure but an error. Beside it stands a loop that publishes JSON
//! which was there before, with an id each, by the same client.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, missing_docs)]

mod common;

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{Context, stream};
use cpu_time::ProcessTime;
use tokio::runtime::Runtime;

use common::subjects::{Texts, event, fail};
use common::{is_asked_for, median, nanos_each, quantile, table};
use lastword::sink::{Nats, Policy};
use lastword::{Builder, Reporter};

const EVENTS: u64 = 100_000;
const ROUNDS: usize = 5;
const BARE_IN_FLIGHT: u64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    if !is_asked_for() {
        return;
    }
    let Some(program) = std::env::var_os("LASTWORD_NATS_SERVER") else {
        fail(&"LASTWORD_NATS_SERVER names no nats-server");
    };
    let store = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nats-{}", std::process::id()));
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).map_or_else(|e| fail(&e), |a| a.port());
    let mut command = Command::new(program);
    command.args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream", "--store_dir"]).arg(&store);
    let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut server: Child = server.unwrap_or_else(|error| fail(&error));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let bench = Bench { runtime: runtime.unwrap_or_else(|error| fail(&error)), url: format!("127.0.0.1:{port}") };
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(&bench.url).is_err() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut large = Policy::default();
    large.max_batch_size = Some(500);
    let rows = [
        bench.ours("lastword: event! to the acknowledgement", Builder::sink),
        bench.ours("the same, 500 events a batch", |builder, sink| builder.sink(sink.policy(large.clone()))),
        bench.ours("the same, one batch at a time", |builder, sink| builder.sink(sink.max_in_flight(1))),
        bench.bare(),
    ];
    let head = ["path", "events/s", "lowest to highest", "CPU us an event"];
    table(&format!("Into a stream in files: median of {ROUNDS} rounds of {EVENTS}"), &head, &rows);
    let _ = server.kill().and_then(|()| server.wait());
    let _ = std::fs::remove_dir_all(&store);
}

struct Bench {
    runtime: Runtime,
    url: String,
}

impl Bench {
    /// A reporter whose queue takes all of a round.
    fn ours(&self, name: &str, with: impl Fn(Builder, Nats) -> Builder) -> Vec<String> {
        let room = usize::try_from(EVENTS).unwrap_or(usize::MAX) * 2;
        let builder = with(Reporter::builder("bench").enabled(true), Nats::new(&self.url).stream("BENCH"));
        let reporter = builder.max_queue_size(room).max_queue_bytes((room * 256).next_power_of_two()).start();
        let reporter = reporter.unwrap_or_else(|error| fail(&error));
        let texts = Texts::default();
        if !reporter.blocking_flush(PATIENCE).is_drained() {
            fail(&"SESSION_START did not arrive");
        }
        let row = self.measure(name, || {
            for id in 0..EVENTS {
                if !event(&reporter, id, &texts).is_accepted() {
                    fail(&"the queue was full");
                }
            }
            let drain = reporter.blocking_flush(PATIENCE);
            if !drain.is_drained() {
                fail(&drain);
            }
        });
        reporter.blocking_stop(PATIENCE);
        row
    }

    /// Messages that were there before, as many under way as have room.
    fn bare(&self) -> Vec<String> {
        let (jetstream, payload) = (self.jetstream(), "x".repeat(560));
        let mut id = 0;
        self.measure("bare loop of the same client, JSON made beforehand", || {
            self.runtime.block_on(async {
                for _ in 0..EVENTS / BARE_IN_FLIGHT {
                    let mut sent = Vec::new();
                    for _ in 0..BARE_IN_FLIGHT {
                        id += 1;
                        let message =
                            PublishMessage::build().payload(payload.clone().into()).message_id(id.to_string());
                        sent.push(jetstream.send_publish("telemetry.n", message).await.unwrap_or_else(|e| fail(&e)));
                    }
                    for acknowledged in sent {
                        acknowledged.await.unwrap_or_else(|error| fail(&error));
                    }
                }
            });
        })
    }

    fn measure(&self, name: &str, mut run: impl FnMut()) -> Vec<String> {
        let (mut rates, mut cpus) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            self.messages(true);
            let (cpu, wall) = (ProcessTime::now(), Instant::now());
            run();
            let (cpu, wall) = (cpu.elapsed(), wall.elapsed());
            let found = self.messages(false);
            if found != EVENTS {
                fail(&format_args!("{name}: {found} of {EVENTS} events are in the stream"));
            }
            // The first round makes threads and touches memory.
            if round > 0 {
                rates.push(EVENTS as f64 / wall.as_secs_f64());
                cpus.push(nanos_each(cpu, EVENTS) / 1_000.0);
            }
        }
        let (low, high) = (quantile(&mut rates, 0.0), quantile(&mut rates, 1.0));
        let rate = format!("{:.0}", median(&mut rates));
        vec![name.into(), rate, format!("{low:.0} to {high:.0}"), format!("{:.2}", median(&mut cpus))]
    }

    fn jetstream(&self) -> Context {
        self.runtime.block_on(async {
            let client = async_nats::connect(&self.url).await.unwrap_or_else(|error| fail(&error));
            ContextBuilder::new().build(client)
        })
    }

    /// Counts the messages of the stream, which is made where there is none; empties it first, if asked to.
    fn messages(&self, empty: bool) -> u64 {
        let jetstream = self.jetstream();
        self.runtime.block_on(async {
            let subjects = vec!["telemetry.>".to_owned()];
            let config = stream::Config { name: "BENCH".into(), subjects, ..stream::Config::default() };
            let made = jetstream.get_or_create_stream(config).await.unwrap_or_else(|error| fail(&error));
            if empty {
                made.purge().await.unwrap_or_else(|error| fail(&error));
            }
            let info = jetstream.get_stream("BENCH").await.unwrap_or_else(|error| fail(&error));
            info.cached_info().state.messages
        })
    }
}
