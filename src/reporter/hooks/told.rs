//! Which panics were reported already: one panic is one event of a session, however many see it.
//!
//! The hook sees a panic first, on its thread, but not what it is caught with. Who catches it next on that thread knows
//! that it is this one. Who catches it later, up the stack or on another thread (from a task's handle), knows it by the
//! payload, which goes on as it is.
//!
//! A payload's address says nothing once the payload is gone. On one thread, what was noted is forgotten when something
//! new begins there. Between threads addresses are looked at only while the hook is in place: each new panic then says
//! for itself that it is one.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex};

use super::super::core::Core;
use super::super::process::Process;
use crate::limits::PANICS_REMEMBERED;
use crate::reporter::Reporter;
use crate::sync::panic_message;

/// What is known of the panic that is unwinding on this thread.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// The hook has reported it, and nobody has caught it since.
    ByHook,
    /// It was caught with this payload, is known to this session, and goes on.
    GoesOn { payload: usize, session: usize },
}

thread_local! {
    static TOLD: Cell<Option<Told>> = const { Cell::new(None) };
    /// Fatal captures that this thread is in.
    static FATAL: Cell<u32> = const { Cell::new(0) };
}

/// A panic that the hook has reported.
#[derive(Debug)]
struct Seen {
    says: u64,
    /// What it was caught with, once it was.
    payload: Option<usize>,
}

static SEEN: Mutex<VecDeque<Seen>> = Mutex::new(VecDeque::new());

/// Begins something that may panic.
#[inline]
pub(crate) fn begin() {
    if TOLD.get().is_some() && !std::thread::panicking() {
        TOLD.set(None);
    }
}

/// The hook has reported a panic of this thread.
pub(super) fn by_hook(payload: &(dyn Any + Send)) {
    TOLD.set(Some(Told::ByHook));
    // A lock that is held is not waited for here: in the worst case somebody reports the panic again.
    if let Ok(mut seen) = SEEN.try_lock() {
        if seen.len() >= PANICS_REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(Seen { says: says(payload), payload: None });
    }
}

/// Returns whether a panic that was caught with this payload is known to the session already.
pub(crate) fn is_told(reporter: &Reporter, payload: &(dyn Any + Send)) -> bool {
    let Some(core) = reporter.inner() else { return true };
    let is_hooked = Process::this().panics.has(core);
    match TOLD.take() {
        Some(Told::ByHook) => {
            claim(payload);
            is_hooked
        }
        Some(Told::GoesOn { payload: known, session }) if known == address(payload) && session == id(core) => true,
        _ => is_hooked && claim(payload),
    }
}

/// A panic that the session knows goes on to whoever catches it next.
pub(crate) fn goes_on(reporter: &Reporter, payload: &(dyn Any + Send)) {
    if let Some(core) = reporter.inner() {
        TOLD.set(Some(Told::GoesOn { payload: address(payload), session: id(core) }));
    }
}

/// Finds the panic that this payload belongs to among those that the hook has reported.
fn claim(payload: &(dyn Any + Send)) -> bool {
    let Ok(mut seen) = SEEN.try_lock() else { return false };
    let (says, address) = (says(payload), address(payload));
    let known = seen.iter().any(|seen| seen.says == says && seen.payload == Some(address));
    // The latest one that nobody has caught says the same: it is this one.
    match seen.iter_mut().rev().find(|seen| seen.says == says && seen.payload.is_none()) {
        Some(seen) => seen.payload = Some(address),
        None => return known,
    }
    true
}

/// The part of a fatal capture in which a panic is the session's last word.
pub(crate) struct Fatal;

impl Fatal {
    pub(crate) fn enter() -> Self {
        FATAL.set(FATAL.get() + 1);
        Self
    }
}

impl Drop for Fatal {
    fn drop(&mut self) {
        FATAL.set(FATAL.get() - 1);
    }
}

/// Returns whether this thread is in a fatal capture.
pub(super) fn is_fatal() -> bool {
    FATAL.get() > 0
}

fn address(payload: &(dyn Any + Send)) -> usize {
    std::ptr::from_ref(payload).cast::<()>().addr()
}

fn id(core: &Core) -> usize {
    Arc::as_ptr(&core.shared).addr()
}

/// What a panic says, or else of what type it is, as a number.
fn says(payload: &(dyn Any + Send)) -> u64 {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    panic_message(payload).map_or_else(|| hasher.hash_one(payload.type_id()), |text| hasher.hash_one(text))
}
