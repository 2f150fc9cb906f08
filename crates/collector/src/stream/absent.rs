//! What stands for the stream in a program that is built without it: it can't be opened.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{OpenStreamError, StreamSettings};
use crate::admin::Finding;
use crate::ingest::Intake;
use crate::stats::Streaming;
use crate::store::Queue;

/// A connection that there is none of.
#[derive(Clone)]
pub(crate) struct Link(Infallible);

impl Link {
    pub(crate) async fn open(_: &str, _: &StreamSettings) -> Result<Self, OpenStreamError> {
        Err(OpenStreamError::NotBuilt)
    }

    pub(super) fn absent<T>(&self) -> T {
        match self.0 {}
    }

    pub(crate) async fn is_there(&self, _: Duration) -> bool {
        match self.0 {}
    }
}

/// Would look at the stream.
pub(crate) async fn inspect(_: &str, _: &StreamSettings, _: Option<&str>) -> Result<Vec<Finding>, OpenStreamError> {
    Err(OpenStreamError::NotBuilt)
}

/// What would be taken out of events.
pub(crate) type TakeOut = Box<dyn Fn(&mut Intake) + Send + Sync>;

/// Would look how much there is in the stream.
pub(crate) async fn watch(Link(never): Link, _: Arc<Streaming>, _: watch::Receiver<bool>) {
    match never {}
}

/// What would write what is in the stream.
pub(crate) struct Consumer(Infallible);

impl Consumer {
    pub(crate) fn new(Link(never): Link, _: Queue, _: Arc<Streaming>, _: TakeOut, _: String) -> Self {
        match never {}
    }

    pub(crate) async fn run(self, _: watch::Receiver<bool>) {
        match self.0 {}
    }
}
