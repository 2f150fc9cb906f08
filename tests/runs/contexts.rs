//! The run of a thread, and of a task.

use lastword::Reporter;
use lastword::privacy::Privacy;
use lastword::runs::{self, Run, Status};
use lastword::testing::MemorySink;
use serde_json::json;

use crate::support::{PATIENCE, Runs, events, kinds, start};

#[test]
fn a_hundred_tasks_with_runs_of_their_own_do_not_mix() {
    let runs = Runs::new();
    let store = runs.builder().keep(1_000).open().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let run = start(&store, &format!("task {number}"));
            let id = run.id().to_owned();
            let work = async move {
                for step in 0..20 {
                    runs::emit("step_start", json!({"task": number, "step": step}));
                    tokio::task::yield_now().await;
                }
                runs::current().unwrap().end(Status::Completed).unwrap();
            };
            (number, id, runtime.spawn(run.wrap(work)))
        })
        .collect();
    for (number, id, task) in tasks {
        runtime.block_on(task).unwrap();
        let events = events(&store, &id);
        assert_eq!(events.len(), 22);
        for (step, event) in events[1..21].iter().enumerate() {
            assert_eq!(event.data, json!({"task": number, "step": step}));
        }
    }
    assert!(runs::current().is_none());
}

#[test]
fn an_event_without_a_run_is_nobodys_and_the_inner_run_is_the_current_one() {
    let runs = Runs::new();
    let store = runs.open();
    runs::emit("lost", ());
    let (outer, inner) = (start(&store, "outer"), start(&store, "inner"));
    {
        let _outer = outer.enter();
        {
            let _inner = inner.enter();
            runs::emit("inner", ());
        }
        runs::emit("outer", ());
        std::thread::spawn(|| assert!(runs::current().is_none())).join().unwrap();
    }
    assert_eq!(events(&store, inner.id())[1].kind, "inner");
    assert_eq!(events(&store, outer.id())[1].kind, "outer");
}

#[test]
fn the_times_of_a_run_never_go_back_whichever_thread_writes() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "times");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    run.emit("step_start", ());
                }
            });
        }
    });
    let events = events(&store, run.id());
    assert_eq!(events.len(), 801);
    assert!(events.windows(2).all(|pair| pair[0].ts <= pair[1].ts));
}

/// What an agent does: it asks a model, calls a tool that fails, and decides.
fn work(reporter: &Reporter, run: &Run) {
    let _in_run = run.enter();
    let question = reporter.trace("answer");
    let _here = question.enter();
    let mut call = reporter.model_call("openai", "gpt-4o");
    call.usage(1_200, 80).cost(0.25);
    call.end();
    let mut tool = reporter.tool_call("bash");
    tool.call_id("call-1").arguments(&json!({"command": "cargo test"}));
    tool.fail_with("exit", "exit code 101");
    tool.end();
    let mut decision = reporter.decision(["retry", "stop"]);
    decision.selected("stop");
    decision.end();
}

#[test]
fn what_is_done_within_a_run_are_lines_of_it_and_count_in_its_metrics_with_telemetry_off_too() {
    let runs = Runs::new();
    let store = runs.open();
    let run = start(&store, "spans");
    work(&Reporter::disabled(), &run);
    run.end(Status::Completed).unwrap();
    let expected = [
        "run_start",
        "step_start",
        "step_start",
        "step_end",
        "tool_call",
        "tool_result",
        "decision",
        "step_end",
        "run_end",
    ];
    assert_eq!(kinds(&store, run.id()), expected);
    let metrics = store.get(run.id()).unwrap().metrics;
    assert_eq!((metrics.prompt_tokens, metrics.completion_tokens, metrics.total_tokens), (1_200, 80, 1_280));
    assert_eq!((metrics.total_cost, metrics.tool_call_count), (0.25, 1));
    let events = events(&store, run.id());
    let (tool, result, decision) = (&events[4].data, &events[5].data, &events[6].data);
    assert_eq!((&tool["toolName"], &tool["spanId"]), (&json!("bash"), &result["spanId"]));
    assert_eq!(
        (&result["success"], &result["errorType"], &result["error"]),
        (&json!(false), &json!("exit"), &json!("exit code 101"))
    );
    assert_eq!((&result["args"], &result["callId"]), (&json!(null), &json!("call-1")), "nobody asked for them");
    assert_eq!((&decision["choices"], &decision["selected"]), (&json!(["retry", "stop"]), &json!("stop")));
    assert_eq!(events[2].data["parentSpanId"], events[1].data["spanId"]);
    assert_eq!(events[3].data["attributes"]["gen_ai.request.model"], "gpt-4o");
}

#[test]
fn a_span_within_a_run_is_reported_once_with_the_id_of_the_run() {
    let (runs, sink) = (Runs::new(), MemorySink::new());
    let privacy = Privacy::new().tool_input();
    let reporter = Reporter::builder("s").enabled(true).privacy(privacy).sink(sink.clone()).start().unwrap();
    let store = runs.builder().reporter(&reporter).open().unwrap();
    let run = start(&store, "spans");
    work(&reporter, &run);
    assert_eq!(events(&store, run.id())[5].data["args"], json!({"command": "cargo test"}), "as the reporter has them");
    run.end(Status::Completed).unwrap();
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let all: Vec<_> = sink.events().into_iter().filter(|event| event["event"] == "GENERIC_EVENT").collect();
    let count = |name: &str| all.iter().filter(|event| event["event_name"] == name).count();
    assert_eq!((count("span.start"), count("span.end"), count("run.run_start"), count("run.run_end")), (4, 4, 1, 1));
    assert_eq!(all.iter().filter(|event| event["event_name"].as_str().unwrap().starts_with("run.")).count(), 2);
    let of_run = all.iter().filter(|event| event["event_data"]["run_id"] == run.id()).count();
    assert_eq!(of_run, 10, "each says whose it is");
}
