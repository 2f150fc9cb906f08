//! The run of a thread, and of a task.

use lastword::runs::{self, Status};
use serde_json::json;

use crate::support::{Runs, events, start};

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
            scope.spawn(|| (0..200).for_each(|_| run.emit("step_start", ())));
        }
    });
    let events = events(&store, run.id());
    assert_eq!(events.len(), 801);
    assert!(events.windows(2).all(|pair| pair[0].ts <= pair[1].ts));
}
