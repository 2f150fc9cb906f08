//! Nothing to recover, where there is no spool.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::flush::Scope;
use super::lane::LaneSettings;
use super::report::{Recovered, SinkHealth};
use super::shared::Shared;
use crate::clock::Clock;
use crate::sink::Sink;
use crate::spool::{Spool, Trimmed};

/// A sink, and how it is dealt with.
pub(super) type Way = (Arc<dyn Sink>, LaneSettings);

/// What a reporter does about its spool: there is none.
#[derive(Clone)]
pub(super) struct Recovery(Spool);

impl Recovery {
    pub(super) fn new(spool: Spool, _: Vec<Way>, _: Clock, _: Duration, _: Scope) -> Self {
        Self(spool)
    }

    pub(super) async fn run(self: Arc<Self>, _: Weak<Shared>) {
        match self.0 {}
    }

    pub(super) async fn flush(self: Arc<Self>) {
        match self.0 {}
    }

    pub(super) fn is_done(&self) -> bool {
        match self.0 {}
    }

    pub(super) fn trouble(&self) -> Option<SinkHealth> {
        match self.0 {}
    }

    pub(super) fn recovered(&self) -> Recovered {
        match self.0 {}
    }

    pub(super) async fn settled(&self, _: Duration) {
        match self.0 {}
    }

    pub(super) fn note_removed(&self, _: &Shared, _: &Trimmed) {
        match self.0 {}
    }

    pub(super) fn stop(&self) {
        match self.0 {}
    }
}
