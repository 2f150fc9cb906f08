//! What privacy costs the caller: the same events with it and without it, in turns.
//!
//! `cargo bench --bench privacy`, or `cargo bench --bench privacy -- scan` for what texts cost alone.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss, missing_docs)]

mod common;

use std::hint::black_box;

use cpu_time::ThreadTime;

use common::subjects::{Texts, event, fail, settle};
use common::{is_asked_for, is_chosen, median, nanos_each, table};
use lastword::privacy::{AllowList, Level, Privacy};
use lastword::{Builder, Reporter, event};

const ROUNDS: usize = 101;
const EVENTS_A_BURST: u64 = 2_048;
/// Room for two bursts: the queue comes around soon, and its memory was touched before.
const QUEUE_EVENTS: usize = 4_096;
const SCANS_A_BURST: u64 = 20_000;

/// What is logged.
type Call = fn(&Reporter, u64, &Samples);

#[derive(Default)]
struct Samples {
    texts: Texts,
    prose: String,
    secret: String,
}

fn main() {
    if !is_asked_for() {
        return;
    }
    let samples = Samples {
        texts: Texts::default(),
        prose: black_box("The request to the model was slow: 3 retries, then an answer of 120 tokens. ").repeat(3)
            [..200]
            .to_owned(),
        secret: black_box("The request to the model was slow: key=1, token=abcd1234efgh, an answer of 120 tokens. ")
            .repeat(3)[..200]
            .to_owned(),
    };
    let calls: [(&str, Call); 5] = [
        ("event!, 4 fields, two short texts", |reporter, id, samples| {
            let (user, tool) = (black_box(&samples.texts.user[..4]), black_box("read_file"));
            black_box(event!(reporter, "cache.miss", key = id, hit = true, user = user, tool = tool));
        }),
        ("event!, 4 fields", |reporter, id, samples| {
            black_box(event(reporter, id, &samples.texts));
        }),
        ("event!, a text of 200 bytes", |reporter, id, samples| {
            black_box(event!(reporter, "e", n = id, text = samples.prose));
        }),
        ("event!, 200 bytes with two secrets", |reporter, id, samples| {
            black_box(event!(reporter, "e", n = id, text = samples.secret));
        }),
        ("log(json!), 4 fields", |reporter, id, samples| {
            let data =
                serde_json::json!({"key": id, "hit": true, "user": samples.texts.user, "path": samples.texts.path});
            black_box(reporter.log("e", data));
        }),
    ];
    let (on, off) = (quiet(Privacy::new()), quiet(Privacy::off()));
    let rows: Vec<_> = calls
        .iter()
        .filter(|(name, _)| is_chosen(name))
        .map(|(name, call)| compare(name, *call, [&off, &on], &samples))
        .collect();
    table("CPU of the caller, ns an event, median over the rounds", &["call", "off", "on", "more", "ratio"], &rows);
    if is_chosen("stage") {
        stages(&samples);
    }
    if is_chosen("scan") {
        scans(&samples);
    }
}

fn quiet(privacy: Privacy) -> Reporter {
    quiet_with(|builder| builder.privacy(privacy))
}

fn quiet_with(set: impl FnOnce(Builder) -> Builder) -> Reporter {
    common::subjects::reporter(|builder| {
        set(builder)
            .max_queue_size(QUEUE_EVENTS)
            .max_queue_bytes((QUEUE_EVENTS * 512).next_power_of_two())
            .flush_threshold(QUEUE_EVENTS)
    })
}

/// What each stage adds by itself to an event of four fields with two short texts, and all of them together.
fn stages(samples: &Samples) {
    let names = || (0..20).map(|number| format!("name.{number}")).chain(["cache.miss".to_owned()]);
    let allow = |builder: Builder| builder.allow(AllowList::new(names()));
    let share = |builder: Builder| names().fold(builder, |builder, name| builder.sample(name, 1.0));
    let event: Call = |reporter, id, samples| {
        let (user, tool) = (black_box(&samples.texts.user[..4]), black_box("read_file"));
        black_box(event!(reporter, "cache.miss", key = id, hit = true, user = user, tool = tool));
    };
    let cut: Call = |reporter, id, samples| {
        black_box(event!(reporter, "e", n = id, text = samples.prose));
    };
    let off = quiet(Privacy::off());
    let stages: [(&str, Call, Reporter); 6] = [
        ("consent: at start alone", event, quiet_with(|builder| builder.privacy(Privacy::off()).consent(Level::Full))),
        ("allow-list of 21 names", event, quiet_with(|builder| allow(builder.privacy(Privacy::off())))),
        ("shares of 21 names", event, quiet_with(|builder| share(builder.privacy(Privacy::off())))),
        ("redaction", event, quiet(Privacy::new())),
        ("truncation, of 200 bytes to 128", cut, quiet(Privacy::off().max_string_bytes(128))),
        ("all of them", event, quiet_with(|builder| share(allow(builder)))),
    ];
    let rows: Vec<_> = stages.iter().map(|(name, call, on)| compare(name, *call, [&off, on], samples)).collect();
    table("Each stage, CPU of the caller, ns an event", &["stage", "off", "on", "more", "ratio"], &rows);
}

/// Runs a call with privacy off and on, in turns.
fn compare(name: &str, call: Call, reporters: [&Reporter; 2], samples: &Samples) -> Vec<String> {
    let mut spent = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (reporter, spent) in reporters.iter().zip(&mut spent) {
            let start = ThreadTime::now();
            for id in 0..EVENTS_A_BURST {
                call(black_box(reporter), id, samples);
            }
            let nanos = nanos_each(start.elapsed(), EVENTS_A_BURST);
            settle(reporter);
            // Until it comes around, the queue touches memory for the first time.
            if round > ROUNDS / 4 {
                spent.push(nanos);
            }
        }
    }
    if reporters.iter().any(|reporter| reporter.stats().refused.total() > 0) {
        fail(&format_args!("{name}: an event was refused"));
    }
    let [off, on] = spent.each_mut().map(|samples| median(samples));
    let cells = [format!("{off:.0}"), format!("{on:.0}"), format!("{:.0}", on - off), format!("{:.2}", on / off)];
    [name.to_owned()].into_iter().chain(cells).collect()
}

/// What each kind of text costs alone.
fn scans(samples: &Samples) {
    let Some(redactor) = Privacy::new().redactor() else { return };
    let texts = [
        ("short word, 10 bytes", "cache.miss"),
        ("user of the sample, 63 bytes", &*samples.texts.user),
        ("path of the sample, 80 bytes", &*samples.texts.path),
        ("prose, 200 bytes", &*samples.prose),
        ("200 bytes with two secrets", &*samples.secret),
        ("a UUID, 36 bytes", "550e8400-e29b-41d4-a716-446655440000"),
    ];
    let rows: Vec<Vec<String>> = texts
        .iter()
        .map(|(name, text)| {
            let mut spent: Vec<f64> = (0..ROUNDS)
                .map(|_| {
                    let start = ThreadTime::now();
                    for _ in 0..SCANS_A_BURST {
                        let _ = black_box(redactor.redact(black_box(text)));
                    }
                    nanos_each(start.elapsed(), SCANS_A_BURST)
                })
                .collect();
            vec![(*name).to_owned(), format!("{:.1}", median(&mut spent))]
        })
        .collect();
    table("A text alone, ns", &["text", "ns"], &rows);
}
