//! The writer's thread: takes all that waits, has it stored at once, answers.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;

use super::batch::Stored;
use super::engine::Engine;
use super::index::Indexed;
use super::queue::{Edit, Health, Job, Queue, Request, WriteError};
use crate::clock;
use crate::limits::GROUP_EVENTS_MAX;
use crate::stats::Writing;

/// Starts the writer. It keeps the directory's lock until it ends.
pub(super) fn start(
    engine: Box<dyn Engine>,
    waiting: Receiver<Job>,
    newest: watch::Sender<i64>,
    queue: &Queue,
    lock: File,
) -> std::io::Result<JoinHandle<()>> {
    let (health, writing, leads) = (queue.health(), Arc::clone(queue.writing()), queue.leading());
    // Before anybody asks who does it.
    leads.store(engine.leads(), Ordering::Relaxed);
    let run = move || {
        Writer { engine, waiting, health, newest, writing, leads }.run();
        drop(lock);
    };
    Builder::new().name("lastword-writer".to_owned()).spawn(run)
}

struct Writer {
    engine: Box<dyn Engine>,
    waiting: Receiver<Job>,
    health: Health,
    newest: watch::Sender<i64>,
    writing: Arc<Writing>,
    leads: Arc<AtomicBool>,
}

/// What the writer does in one go.
struct Group {
    requests: Vec<Request>,
    next: Next,
}

/// What comes after a group.
enum Next {
    Group,
    Edit(Edit),
    Stop,
}

impl Writer {
    fn run(mut self) {
        loop {
            let Group { requests, next } = self.take();
            if !requests.is_empty() {
                self.settle(requests);
            }
            match next {
                Next::Group => {}
                Next::Edit(edit) => {
                    edit(&mut *self.engine);
                    self.tell_standing();
                }
                Next::Stop => break,
            }
        }
        // What came after the stop is told so at once, instead of waiting for nothing.
        self.waiting.close();
        self.engine.close();
    }

    /// Waits for a request, then takes those that wait too, up to what is not to be stored.
    fn take(&mut self) -> Group {
        let (mut requests, mut events) = (Vec::new(), 0);
        let mut job = self.waiting.blocking_recv();
        loop {
            match job {
                Some(Job::Store(request)) => {
                    events += request.batches.iter().map(|batch| batch.envelope.events.len()).sum::<usize>();
                    requests.push(*request);
                }
                Some(Job::Edit(edit)) => return Group { requests, next: Next::Edit(edit) },
                Some(Job::Stop) | None => return Group { requests, next: Next::Stop },
            }
            if events >= GROUP_EVENTS_MAX {
                return Group { requests, next: Next::Group };
            }
            match self.waiting.try_recv() {
                Ok(next) => job = Some(next),
                Err(_) => return Group { requests, next: Next::Group },
            }
        }
    }

    /// Commits a group and answers each of its requests.
    fn settle(&mut self, group: Vec<Request>) {
        let begun_us = clock::now_us();
        self.writing.begun_us.set(u64::try_from(begun_us).unwrap_or(0));
        let committed = self.commit(&group);
        self.writing.commits_ms.observe(clock::millis_since(begun_us));
        self.writing.begun_us.set(0);
        if let Err(WriteError::Unfit(_)) = committed {
            return self.settle_apart(group, committed);
        }
        // Asked after the commit: what was removed before the answer is not acknowledged.
        let result =
            committed.and_then(|stored| if self.engine.is_there() { Ok(stored) } else { Err(WriteError::Removed) });
        self.tell(result.as_ref().err());
        // An error of `send`: the client has gone. What it sent is stored.
        match result {
            Ok(stored) => group.into_iter().zip(stored).for_each(|(request, stored)| {
                let _ = request.reply.send(Ok(stored));
            }),
            Err(error) => group.into_iter().for_each(|request| {
                let _ = request.reply.send(Err(error.clone()));
            }),
        }
    }

    /// Commits the requests of a group one by one, of which one can't be stored: it takes no other along, and is no trouble of the store's.
    fn settle_apart(&mut self, mut group: Vec<Request>, committed: Result<Vec<Stored>, WriteError>) {
        if group.len() > 1 {
            return group.into_iter().for_each(|request| self.settle(vec![request]));
        }
        if let (Some(request), Err(error)) = (group.pop(), committed) {
            let _ = request.reply.send(Err(error));
        }
    }

    /// Keeps what the last commit said. It is logged when it changes, not once a group: the disk may be full of logs.
    fn tell(&self, trouble: Option<&WriteError>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(trouble) if health.as_ref() != Some(trouble) => {
                tracing::error!(%trouble, "nothing can be stored; clients are told to come back until it can");
            }
            None if health.is_some() => tracing::warn!("events are stored again"),
            _ => {}
        }
        *health = trouble.cloned();
    }

    /// Has a group stored. When this returns it is on disk, or nothing of it is acknowledged.
    fn commit(&mut self, group: &[Request]) -> Result<Vec<Stored>, WriteError> {
        let requests: Vec<&[Indexed]> = group.iter().map(|request| &request.batches[..]).collect();
        let stored = self.engine.commit(&requests)?;
        // Told after the commit: whoever looks finds it.
        self.tell_standing();
        Ok(stored)
    }

    /// Tells how far the store is, and whether this process leads.
    fn tell_standing(&mut self) {
        self.leads.store(self.engine.leads(), Ordering::Relaxed);
        let newest = self.engine.newest();
        self.newest.send_if_modified(|known| newest.is_some_and(|newest| std::mem::replace(known, newest) != newest));
    }
}
