//! What is collected rather than said: a source is asked for its events at an interval, and once more before the session
//! ends.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Serialize;

use super::handle::{Inner, Reporter};
use super::report::{Admission, DropReason};
use super::shared::{Gate, Shared};
use crate::clock::Instant;
use crate::event::{EventKind, Severity, Tag, names};
use crate::queue::Class;
use crate::sync::lock;

/// Who has something to say when it is asked.
pub(crate) trait Source: Send + Sync {
    /// Says what there is to say. Called on the reporter's thread, and on that of whoever ends the session.
    fn collect(&self, log: &Log<'_>);
}

/// Takes what a source says.
pub(crate) struct Log<'s>(&'s Shared);

impl Log<'_> {
    /// Returns the moment on the reporter's clock, for durations.
    pub(crate) fn instant(&self) -> Instant {
        self.0.clock.instant()
    }

    /// Takes an event of severity `INFO`.
    pub(crate) fn log<T: Serialize>(&self, name: &str, data: &T) -> Admission {
        self.0.log(Severity::Info, name, data)
    }
}

impl Shared {
    /// Takes an event: a name, and anything that serialises to an object.
    #[inline]
    pub(super) fn log<T: Serialize>(&self, severity: Severity, name: &str, data: &T) -> Admission {
        let share = match self.pass(name) {
            Ok(share) => share,
            Err(refused) => return refused,
        };
        self.admit(Class::Ordinary, Tag::new(EventKind::Generic, severity), |encoder| {
            encoder.name_of_any(name);
            let start = encoder.data(data)?;
            if let Some(share) = share {
                encoder.one_more_field(start, names::SAMPLE_RATE, &share);
            }
            Ok(())
        })
    }

    /// Asks all sources, before the session ends.
    pub(super) fn collect(&self) {
        // The list is not locked while a source speaks: it may be as slow as it likes, and add others.
        let sources = lock(&self.sources).clone();
        sources.iter().filter_map(Weak::upgrade).for_each(|source| source.collect(&Log(self)));
    }
}

impl Reporter {
    /// Asks a source at an interval, and before the session ends, for as long as somebody holds it.
    pub(crate) fn attach_source(&self, source: &Arc<dyn Source>, interval: Duration) {
        let Some(inner) = self.collected() else { return };
        {
            let mut sources = lock(&inner.shared.sources);
            sources.retain(|source| source.strong_count() > 0);
            sources.push(Arc::downgrade(source));
        }
        let (shared, source) = (Arc::downgrade(&inner.shared), Arc::downgrade(source));
        inner.runtime.spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                let (Some(shared), Some(source)) = (shared.upgrade(), source.upgrade()) else { return };
                if shared.gate() > Gate::Keeping || shared.is_foreign() {
                    return;
                }
                source.collect(&Log(&shared));
            }
        });
    }

    /// The reporter, where what sources say is wanted, and is not another process's.
    fn collected(&self) -> Option<&Inner> {
        self.takes_all().filter(|inner| !inner.shared.is_foreign())
    }

    /// Takes what a source has to say, now.
    pub(crate) fn collect_from(&self, source: &dyn Source) {
        if let Some(inner) = self.collected() {
            source.collect(&Log(&inner.shared));
        }
    }
}

impl Admission {
    /// Returns whether there was no room, which there may be later.
    pub(crate) const fn is_full(self) -> bool {
        matches!(self, Self::Dropped(DropReason::QueueFull))
    }

    /// Returns whether an event could not be taken because of what it says, and could be with less.
    pub(crate) const fn is_too_much(self) -> bool {
        matches!(self, Self::Dropped(DropReason::TooLarge | DropReason::InvalidData))
    }
}
