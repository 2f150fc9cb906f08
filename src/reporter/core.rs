//! What a handle is a handle to.

use std::sync::{Arc, Weak};

use tokio::runtime::Handle;

use super::recovery::Recovery;
use super::shared::Shared;

/// What a handle is a handle to. Holding one keeps no session from ending: see [`super::handle::Inner`].
#[derive(Clone)]
pub(super) struct Core {
    pub(super) shared: Arc<Shared>,
    pub(super) runtime: Handle,
    /// What delivers the rest of earlier processes; none without a spool.
    pub(super) recovery: Option<Arc<Recovery>>,
}

/// A [`Core`] that may be gone: nothing of it is left once its session has ended and was delivered or left in the spool.
#[derive(Clone)]
pub(super) struct WeakCore {
    shared: Weak<Shared>,
    runtime: Handle,
    recovery: Option<Weak<Recovery>>,
}

impl Core {
    pub(super) fn downgrade(&self) -> WeakCore {
        WeakCore {
            shared: Arc::downgrade(&self.shared),
            runtime: self.runtime.clone(),
            recovery: self.recovery.as_ref().map(Arc::downgrade),
        }
    }
}

impl WeakCore {
    pub(super) fn upgrade(&self) -> Option<Core> {
        let shared = self.shared.upgrade()?;
        let recovery = self.recovery.as_ref().and_then(Weak::upgrade);
        Some(Core { shared, runtime: self.runtime.clone(), recovery })
    }

    /// Returns whether this is the session of that core.
    pub(super) fn is(&self, core: &Core) -> bool {
        self.shared.as_ptr() == Arc::as_ptr(&core.shared)
    }
}
