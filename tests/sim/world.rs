//! What there is outside of the reporter: a server that remembers, and what the program itself knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lastword::EventKind;
use lastword::sink::{Ack, Batch, Closing, Delivery, Policy, SettingError, Sink, SinkError};
use uuid::Uuid;

/// What the server does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// It fails, and nothing is stored.
    Fails,
    /// It stores, and its answer gets lost.
    LosesAnswers,
    Slow(Duration),
    Hangs,
    /// It does not know the key.
    Refuses,
    /// It panics, once.
    Panics,
}

/// A server, by whatever name a sink has for it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    name: &'static str,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    stored: BTreeMap<String, Stored>,
}

/// What a server has of one session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    /// The id under which each number arrived.
    pub(crate) ids: HashMap<u64, Uuid>,
    pub(crate) ends: BTreeSet<u64>,
    /// Numbers that arrived under another id than before.
    pub(crate) renamed: u64,
}

impl Server {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, state: Arc::new(Mutex::new(State { mood: Mood::Well, stored: BTreeMap::new() })) }
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.lock().mood = mood;
    }

    pub(crate) fn stored(&self) -> BTreeMap<String, Stored> {
        self.lock().stored.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, batch: &Batch) {
        let mut state = self.lock();
        let stored = state.stored.entry(batch.session().id.to_string()).or_default();
        for event in batch.events() {
            let view = event.view().unwrap();
            let id = event.id(&view);
            if stored.ids.insert(event.index(), id).is_some_and(|before| before != id) {
                stored.renamed += 1;
            }
            if view.kind() == EventKind::SessionEnd {
                stored.ends.insert(event.index());
            }
        }
    }
}

impl Sink for Server {
    fn name(&self) -> &'static str {
        self.name
    }

    fn policy(&self) -> Policy {
        Policy::default()
    }

    fn open(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Delivery<'a> {
        let mood = self.lock().mood;
        Box::pin(async move {
            match mood {
                Mood::Well => {}
                Mood::Fails => return Err(SinkError::Transient { reason: "it fails".into(), retry_after: None }),
                Mood::LosesAnswers => {
                    self.store(batch);
                    return Err(SinkError::Transient { reason: "no answer".into(), retry_after: None });
                }
                Mood::Slow(wait) => tokio::time::sleep(wait).await,
                Mood::Hangs => std::future::pending().await,
                Mood::Refuses => return Err(SinkError::Unauthorized { reason: "who is it?".into() }),
                Mood::Panics => {
                    self.set(Mood::Well);
                    std::panic::panic_any("injected");
                }
            }
            self.store(batch);
            Ok(Ack::all())
        })
    }

    fn close(&self) -> Closing<'_> {
        Box::pin(async {})
    }
}
