//! Keeps the actor of a session alive, within a budget, and tells it when there may be something to do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, ActorStatus, SupervisionEvent};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::durable::keep_synced;
use super::recovery::Recovery;
use super::report::DropReason;
use super::shared::{Gate, Shared};
use super::worker::{Post, Step, Worker};
use crate::clock::timer_now;
use crate::limits::{
    FLUSH_INTERVAL_DEFAULT, RESTART_DELAY_BASE, RESTART_WINDOW, RESTARTS_MAX, SINK_CLOSE_MAX, SPOOL_CHECK_INTERVAL,
};
use crate::sink::Sink;
use crate::sync::{CatchUnwind, lock, say};

/// An actor of the embedding program's that reporters may be linked under.
pub use ractor::ActorCell as SupervisorCell;

struct Supervisor;

#[derive(Debug)]
enum Message {
    Restart,
}

struct Watch {
    post: Post,
    /// The actor that is told; none while one is being started again.
    worker: Arc<Mutex<Option<ActorRef<Step>>>>,
    crashes: VecDeque<Instant>,
}

/// Runs a reporter until it is stopped, under `parent` where there is one, and what it recovers beside it. If the parent
/// ends first, the session is ended and delivered without it.
pub(super) async fn run(shared: Arc<Shared>, parent: Option<SupervisorCell>, recovery: Option<Arc<Recovery>>) {
    let recovering = recovery.map(|recovery| {
        let task = tokio::spawn(Arc::clone(&recovery).run(Arc::downgrade(&shared)));
        (recovery, task)
    });
    let (running, over) = oneshot::channel();
    let syncing = tokio::spawn(keep_synced(Arc::clone(&shared), over));
    supervise(Arc::clone(&shared), parent).await;
    if shared.gate() <= Gate::Keeping {
        Box::pin(finish(Arc::clone(&shared))).await;
    }
    drop(running);
    // What panics there has no more to say.
    let _ = syncing.await;
    shared.end();
    let sinks: Vec<_> = shared.state().lanes.iter().map(|lane| Arc::clone(&lane.sink)).collect();
    // What is left in the spool is free for others when nobody holds this any more.
    drop(shared);
    if let Some((recovery, task)) = recovering {
        recovery.stop();
        // What is under way comes back within the time that a sink has for a batch.
        let _ = task.await;
    }
    close(sinks).await;
}

/// Runs a supervisor of the reporter until it ends, however it does.
pub(super) async fn supervise(shared: Arc<Shared>, parent: Option<SupervisorCell>) {
    let post = Post { shared, stepped: Arc::new(Notify::new()) };
    let spawned = match parent {
        Some(parent) => Actor::spawn_linked(None, Supervisor, post, parent).await,
        None => Actor::spawn(None, Supervisor, post).await,
    };
    match spawned {
        Ok((_, ended)) => {
            // An actor that ends, ends: how it did makes no difference here.
            let _ = ended.await;
        }
        Err(error) => {
            say(|| tracing::error!(target: "lastword", %error, "the reporter's supervisor can't be started"));
        }
    }
}

/// Ends the session of a reporter whose supervisor is gone: it is delivered under another one.
async fn finish(shared: Arc<Shared>) {
    let alone = tokio::spawn(supervise(Arc::clone(&shared), None));
    wind_down(shared).await;
    // It ends by itself now that the reporter is stopped.
    let _ = alone.await;
}

/// Ends the session and delivers what there is, with nobody waiting for it; then stops the reporter.
pub(super) async fn wind_down(shared: Arc<Shared>) {
    shared.end_session();
    let target = shared.flush();
    if shared.gate() == Gate::Open {
        let drained = shared.state().ledger.wait(target).1;
        // Whether or not it was in time, the reporter ends now.
        let _ = timeout(shared.settings.flush_timeout, drained).await;
    }
    shared.close(Gate::Stopped);
}

impl Actor for Supervisor {
    type Msg = Message;
    type State = Watch;
    type Arguments = Post;

    async fn pre_start(&self, myself: ActorRef<Message>, post: Post) -> Result<Watch, ActorProcessingErr> {
        let (worker, _) = Actor::spawn_linked(None, Worker, post.clone(), myself.get_cell()).await?;
        let worker = Arc::new(Mutex::new(Some(worker)));
        tokio::spawn(pump(post.clone(), Arc::clone(&worker), myself));
        Ok(Watch { post, worker, crashes: VecDeque::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        Message::Restart: Message,
        watch: &mut Watch,
    ) -> Result<(), ActorProcessingErr> {
        match Actor::spawn_linked(None, Worker, watch.post.clone(), myself.get_cell()).await {
            Ok((worker, _)) => *lock(&watch.worker) = Some(worker),
            Err(error) => watch.crashed(&myself, &error.to_string()),
        }
        watch.post.stepped.notify_one();
        watch.post.shared.nudge.notify_one();
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        watch: &mut Watch,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(_, error) => watch.crashed(&myself, &error.to_string()),
            SupervisionEvent::ActorTerminated(_, _, reason) if watch.post.shared.gate() <= Gate::Keeping => {
                watch.crashed(&myself, reason.as_deref().unwrap_or("it was stopped"));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Watch {
    /// Starts the actor again after a while, or gives up on it.
    fn crashed(&mut self, myself: &ActorRef<Message>, reason: &str) {
        *lock(&self.worker) = None;
        let now = timer_now();
        self.crashes.retain(|crash| now.duration_since(*crash) < RESTART_WINDOW);
        self.crashes.push_back(now);
        let shared = &self.post.shared;
        shared.state().restarts += 1;
        let crashes = self.crashes.len();
        if crashes > RESTARTS_MAX {
            if shared.keeps() {
                say(
                    || tracing::error!(target: "lastword", crashes, reason, "the reporter has crashed too often: what it takes is kept in the spool"),
                );
                shared.close(Gate::Keeping);
            } else {
                say(
                    || tracing::error!(target: "lastword", crashes, reason, "the reporter has crashed too often: it takes no more"),
                );
                shared.close(Gate::Degraded);
                shared.give_up(DropReason::Degraded);
            }
            shared.state().ledger.dismiss();
            return self.post.stepped.notify_one();
        }
        say(
            || tracing::warn!(target: "lastword", crashes, reason, "the reporter's actor has crashed and is started again"),
        );
        let exponent = u32::try_from(crashes - 1).unwrap_or(u32::MAX);
        let delay: Duration = RESTART_DELAY_BASE.saturating_mul(2u32.saturating_pow(exponent));
        myself.send_after(delay, || Message::Restart);
    }
}

/// Tells the actor that there may be something to do: when somebody says so, and when something falls due. One timer,
/// and at most one message in the mailbox, however often it is told.
async fn pump(post: Post, worker: Arc<Mutex<Option<ActorRef<Step>>>>, supervisor: ActorRef<Message>) {
    let shared = &post.shared;
    let mut next_check = timer_now() + SPOOL_CHECK_INTERVAL;
    loop {
        if matches!(supervisor.get_status(), ActorStatus::Stopping | ActorStatus::Stopped) {
            // Another pump may have taken over: what was meant for it must not end here.
            return shared.nudge.notify_one();
        }
        let told = lock(&worker).as_ref().is_some_and(|worker| worker.cast(Step).is_ok());
        if told {
            post.stepped.notified().await;
        } else if shared.gate() > Gate::Keeping {
            // No actor is left to do it, and an event may have been on its way in as the gate was closed.
            shared.give_up(shared.why_closed());
        }
        if shared.is_over() {
            return supervisor.stop(None);
        }
        shared.ring.prepare();
        if timer_now() >= next_check {
            next_check = timer_now() + SPOOL_CHECK_INTERVAL;
            shared.check_spool();
        }
        // Without an actor nothing falls due: whoever starts one says so.
        let due = if told { shared.due() } else { timer_now() + FLUSH_INTERVAL_DEFAULT };
        // Early or late makes no difference: the actor looks for itself.
        let _ = timeout_at(due, shared.nudge.notified()).await;
    }
}

async fn close(sinks: Vec<Arc<dyn Sink>>) {
    for sink in sinks {
        // One that panics or hangs keeps no other one open.
        let _ = CatchUnwind(Box::pin(timeout(SINK_CLOSE_MAX, async { sink.close().await }))).await;
    }
}
