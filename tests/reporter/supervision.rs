//! Sinks that panic, actors that die, and supervisors of the program's own.

use lastword::reporter::State;
use lastword::sink::{Ack, Batch, Closing, Delivery, Policy, SettingError, Sink};
use lastword::testing::{Fault, FaultySink, MemorySink};
use lastword::{Admission, DropReason, Reporter};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::support::{DEADLINE, assert_books, assert_law, kinds, log, ms, numbers, quick, until};

/// An actor of the embedding program's, which lives on through whatever becomes of those below it.
struct Parent;

impl Actor for Parent {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// Runs a parent, on a runtime of the program's own, for as long as the test takes.
fn parent() -> (tokio::runtime::Runtime, ActorCell) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (parent, _) = runtime.block_on(Actor::spawn(None, Parent, ())).unwrap();
    (runtime, parent.get_cell())
}

/// The actor that takes from the queue, two levels below the program's own.
fn worker(parent: &ActorCell) -> Option<ActorCell> {
    let supervisor = parent.get_children().into_iter().next()?;
    supervisor.get_children().into_iter().next()
}

/// Kills the actor that takes from the queue, as a panic in it would, and waits for its successor.
fn kill_worker(parent: &ActorCell, reporter: &Reporter) {
    until("there is an actor", || worker(parent).is_some());
    let before = reporter.health().restarts;
    worker(parent).unwrap().kill();
    until("its end is noticed", || reporter.health().restarts > before);
}

#[test]
fn an_event_that_makes_the_sink_panic_is_dropped_alone_and_its_neighbours_are_delivered() {
    let sink = FaultySink::new().afterwards(Fault::PanicIfNamed("poison".into()));
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    log(&reporter, 40);
    assert!(reporter.log("poison", ()).is_accepted());
    log(&reporter, 40);
    let drain = reporter.blocking_flush(DEADLINE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Poison), drain.dropped.total()), (81, 1, 1));
    let events = sink.taken().events();
    assert_eq!(numbers(&events).len(), 80);
    assert_books(&reporter, &events);
    assert!(sink.attempts().len() < 30, "it is found by halves: {}", sink.attempts().len());
}

#[test]
fn a_sink_that_panics_once_loses_nothing() {
    let sink = FaultySink::new().then(Fault::Panic);
    let reporter = quick("s").sink(sink.clone()).start().unwrap();
    log(&reporter, 250);
    assert!(reporter.blocking_flush(DEADLINE).is_drained());
    assert_books(&reporter, &sink.taken().events());
}

#[test]
fn a_sink_that_always_panics_loses_its_events_and_nobody_else_notices() {
    let (sink, healthy) = (FaultySink::new().afterwards(Fault::Panic), MemorySink::new());
    let reporter = quick("s").sink(sink).sink(healthy.clone()).start().unwrap();
    log(&reporter, 20);
    let drain = reporter.blocking_flush(DEADLINE);
    assert_eq!((drain.delivered, drain.dropped.get(DropReason::Poison)), (0, 21), "{drain}");
    assert_eq!(healthy.events().len(), 21);
    assert!(reporter.health().sinks[0].last_error.as_ref().unwrap().contains("the script says so"));
    assert_eq!(reporter.health().restarts, 0, "a sink is no actor");
    assert_law(&reporter.stats());
}

#[test]
fn an_actor_that_dies_is_started_again_and_every_event_arrives_once() {
    let (_runtime, parent) = parent();
    let sink = FaultySink::new().afterwards(Fault::Delay(ms(5)));
    let reporter = quick("s").supervisor(parent.clone()).sink(sink.clone()).start().unwrap();
    for _ in 0..4 {
        log(&reporter, 500);
        kill_worker(&parent, &reporter);
        assert_law(&reporter.stats());
    }
    let drain = reporter.blocking_stop(DEADLINE);
    assert!(drain.is_drained() && drain.delivered == 2_002, "{drain}");
    assert_eq!(reporter.health().restarts, 4);
    assert_books(&reporter, &sink.taken().events());
    assert_eq!(sink.taken().batches().len(), sink.attempts().len(), "nothing was sent twice");
}

#[test]
fn a_flush_that_waits_outlives_the_actor() {
    let (_runtime, parent) = parent();
    let sink = FaultySink::new().afterwards(Fault::Delay(ms(100)));
    let reporter = quick("s").supervisor(parent.clone()).sink(sink).start().unwrap();
    log(&reporter, 250);
    let waiting = std::thread::spawn({
        let reporter = reporter.clone();
        move || reporter.blocking_flush(DEADLINE)
    });
    kill_worker(&parent, &reporter);
    assert!(waiting.join().unwrap().is_drained());
}

#[test]
fn an_actor_that_dies_too_often_leaves_a_reporter_that_refuses_and_says_so() {
    let (_runtime, parent) = parent();
    let sink = FaultySink::new().afterwards(Fault::Transient);
    let reporter = quick("s").retry_base_delay(DEADLINE).supervisor(parent.clone()).sink(sink).start().unwrap();
    log(&reporter, 250);
    let waiting = std::thread::spawn({
        let reporter = reporter.clone();
        move || reporter.blocking_flush(DEADLINE)
    });
    for _ in 0..=lastword::limits::RESTARTS_MAX {
        kill_worker(&parent, &reporter);
    }
    until("it has given up", || reporter.health().state == State::Degraded);
    let drain = waiting.join().unwrap();
    assert_eq!((drain.pending, drain.dropped.get(DropReason::Degraded)), (0, 251), "{drain}");
    assert_eq!(reporter.log("n", ()), Admission::Dropped(DropReason::Degraded));
    assert!(!reporter.blocking_stop(DEADLINE).is_drained());
    assert_books(&reporter, &[]);
}

#[test]
fn a_supervisor_that_stops_ends_the_session_and_everything_is_delivered_at_once() {
    for kill in [false, true] {
        let (_runtime, parent) = parent();
        let sink = FaultySink::new().afterwards(Fault::Delay(ms(5)));
        let reporter = quick("s").supervisor(parent.clone()).sink(sink.clone()).start().unwrap();
        log(&reporter, 350);
        until("it is linked", || worker(&parent).is_some());
        if kill {
            parent.kill();
        } else {
            parent.stop(None);
        }
        until("the session has ended", || reporter.health().state == State::Stopped);
        let events = sink.taken().events();
        assert_eq!(numbers(&events), (0..350).collect::<Vec<_>>());
        assert_eq!(kinds(&events[351..]), ["SESSION_END"]);
        assert_books(&reporter, &events);
        assert_eq!(reporter.log("late", ()), Admission::Dropped(DropReason::Stopped));
    }
}

#[test]
fn a_supervisor_is_told_when_its_reporter_ends() {
    let (_runtime, parent) = parent();
    let reporter = quick("s").supervisor(parent.clone()).sink(MemorySink::new()).start().unwrap();
    until("it is linked", || !parent.get_children().is_empty());
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    until("it is gone", || parent.get_children().is_empty());
}

#[test]
fn a_sink_that_panics_as_it_closes_keeps_no_other_one_open() {
    let (_runtime, parent) = parent();
    let closed = Closes::new("second", false);
    let reporter =
        quick("s").supervisor(parent.clone()).sink(Closes::new("first", true)).sink(closed.clone()).start().unwrap();
    assert!(reporter.blocking_stop(DEADLINE).is_drained());
    until("the second is closed", || closed.closed.load(std::sync::atomic::Ordering::Acquire));
    until("the reporter's actors are gone", || parent.get_children().is_empty());
}

/// A sink that panics when it is closed, or notes that it was.
#[derive(Clone)]
struct Closes {
    name: &'static str,
    panics: bool,
    closed: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Closes {
    fn new(name: &'static str, panics: bool) -> Self {
        Self { name, panics, closed: std::sync::Arc::default() }
    }
}

impl Sink for Closes {
    fn name(&self) -> &str {
        self.name
    }

    fn policy(&self) -> Policy {
        Policy::default()
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, _: &'a Batch) -> Delivery<'a> {
        Box::pin(std::future::ready(Ok(Ack::all())))
    }

    fn close(&self) -> Closing<'_> {
        assert!(!self.panics, "the sink panics as it closes");
        self.closed.store(true, std::sync::atomic::Ordering::Release);
        Box::pin(std::future::ready(()))
    }
}
