//! The actor of a session: it takes from the queue and starts attempts.
//!
//! It owns the reading end of the queue and nothing else: all that it knows stands in [`Shared`], so the actor that
//! comes after a crash goes on where the last one stopped. Data never travels in its mailbox, which `ractor` destroys
//! when an actor panics; its one message says that there may be something to do. An attempt runs in a task of its own,
//! which notes what it came to by itself, and so survives the actor too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::lane::Outcome;
use super::shared::{Gate, Shared, State};
use crate::clock::timer_now;
use crate::limits::DELIVERY_MAX;
use crate::queue::Class;
use crate::sink::{Batch, Sink, SinkError};
use crate::sync::{CatchUnwind, panic_message};

/// There may be something to do.
#[derive(Debug)]
pub(super) struct Step;

/// The actor of a session.
#[derive(Debug)]
pub(super) struct Worker;

/// What an actor is given: everything is elsewhere.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) shared: Arc<Shared>,
    /// Told after each step.
    pub(super) stepped: Arc<Notify>,
}

impl Actor for Worker {
    type Msg = Step;
    type State = Post;
    type Arguments = Post;

    async fn pre_start(&self, _: ActorRef<Step>, post: Post) -> Result<Post, ActorProcessingErr> {
        adopt(&post.shared);
        post.shared.give_warnings();
        Ok(post)
    }

    async fn handle(&self, _: ActorRef<Step>, _: Step, post: &mut Post) -> Result<(), ActorProcessingErr> {
        step(&post.shared);
        post.stepped.notify_one();
        Ok(())
    }
}

/// Blames the batch that was being made when the last actor crashed, if one was.
fn adopt(shared: &Arc<Shared>) {
    let state = &mut *shared.state();
    if let Some((lane, lease)) = state.building.take()
        && let Some(lane) = state.lanes.get_mut(lane)
    {
        lane.crashed(lease, "the reporter's actor", &shared.ring, &mut state.ledger, timer_now());
    }
}

/// Does all that there is to do now.
fn step(shared: &Arc<Shared>) {
    let state = &mut *shared.state();
    let now = timer_now();
    state.looked = now;
    shared.probe("step");
    loop {
        let settled = state.ledger.settled();
        match shared.gate() {
            Gate::Open => {
                shared.shed(state, now);
                deliver(shared, state, now);
            }
            Gate::Keeping => {}
            Gate::Degraded | Gate::Stopped => state.give_up(&shared.ring, shared.why_closed()),
        }
        shared.probe("delivered");
        shared.settle(state);
        let more_than = state.lanes.iter().map(|lane| lane.wants_more_than(shared.ring.pushed())).min();
        let wake_at = more_than.unwrap_or(u64::MAX);
        // What was pushed while this was set wakes nobody, so it is looked at now.
        if shared.ring.wake_at(wake_at) <= wake_at && state.ledger.settled() == settled {
            return;
        }
    }
}

/// Gives every lane what it may have.
fn deliver(shared: &Arc<Shared>, state: &mut State, now: Instant) {
    let flush_to = shared.flush_to();
    let pushed = shared.ring.pushed();
    if shared.has_drops_to_tell(state) && state.lanes.iter().any(|lane| lane.would_take(pushed, flush_to, now)) {
        shared.tell_drops(state, Class::Ordinary);
    }
    for place in 0..state.lanes.len() {
        let State { lanes, ledger, building, .. } = state;
        let lane = &mut lanes[place];
        if !lane.is_on() {
            lane.pass_over(&shared.ring);
            continue;
        }
        lane.take(&shared.ring, flush_to, now);
        shared.probe("taken");
        while let Some(lease) = lane.next_due(shared.ring.pushed(), now) {
            *building = Some((place, lease));
            if let Some(batch) = lane.build(lease, &shared.ring, &shared.session, ledger) {
                shared.probe("built");
                lane.sent(lease, timer_now());
                tokio::spawn(attempt(Arc::clone(shared), place, lease, Arc::clone(&lane.sink), batch));
            }
            *building = None;
        }
    }
}

/// Hands a batch over once, and notes what it came to.
async fn attempt(shared: Arc<Shared>, place: usize, lease: u64, sink: Arc<dyn Sink>, batch: Batch) {
    let outcome = match CatchUnwind(Box::pin(timeout(DELIVERY_MAX, async { sink.deliver(&batch).await }))).await {
        Ok(Ok(answer)) => Outcome::Answered(answer),
        Ok(Err(_)) => Outcome::Answered(Err(SinkError::Transient {
            reason: format!("no answer within {} s", DELIVERY_MAX.as_secs()),
            retry_after: None,
        })),
        Err(payload) => {
            Outcome::Panicked(panic_message(&*payload).unwrap_or("with a value that is no text").to_owned())
        }
    };
    {
        let state = &mut *shared.state();
        let State { lanes, ledger, .. } = state;
        if let Some(lane) = lanes.get_mut(place) {
            let noted = catch_unwind(AssertUnwindSafe(|| {
                shared.probe("answered");
                lane.finish(lease, outcome, &shared.ring, ledger, timer_now());
            }));
            // A lease that nobody finishes would hold the queue for ever.
            if noted.is_err() {
                lane.crashed(lease, "the reporter itself", &shared.ring, ledger, timer_now());
            }
        }
        shared.settle(state);
    }
    shared.nudge.notify_one();
    shared.give_warnings();
}
