//! What runs at a fork and at the exit of the process.

use std::io;
#[cfg(unix)]
use std::sync::Arc;
use std::sync::OnceLock;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU64 as Counter, Ordering};

/// How many forks lie between this process and the one that began to watch for them.
static GENERATION: Counter = Counter::new(0);
/// See [`fork_flag`].
#[cfg(unix)]
static FORKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Returns a number that is another one in a fork of this process than here, once [`watch_for_forks`] was called.
#[inline]
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Begins to notice forks.
pub(crate) fn watch_for_forks() {
    #[cfg(unix)]
    {
        static WATCHED: std::sync::Once = std::sync::Once::new();
        WATCHED.call_once(|| {
            // Where it is refused, for want of memory, a fork is not noticed.
            // SAFETY: the handlers live as long as the process, write to atomics and to what their thread has for itself,
            // and call what may be called in a fork of a process with many threads.
            #[allow(unsafe_code)]
            let _ = unsafe { libc::pthread_atfork(Some(before_a_fork), Some(after_a_fork), Some(in_the_fork)) };
        });
    }
}

#[cfg(unix)]
thread_local! {
    /// The signals that a thread had blocked before it forked.
    static BLOCKED: std::cell::Cell<Option<libc::sigset_t>> = const { std::cell::Cell::new(None) };
}

/// Has signals wait while a fork does not know yet that it is one: what it would do with them is its parent's.
#[cfg(unix)]
extern "C" fn before_a_fork() {
    if FORKED.get().is_none() {
        return;
    }
    let (mut all, mut before) = (std::mem::MaybeUninit::uninit(), std::mem::MaybeUninit::uninit());
    // SAFETY: both places are of the right type; the first is filled in before it is read, the second by the call that
    // has succeeded.
    #[allow(unsafe_code)]
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        if libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr()) == 0 {
            BLOCKED.set(Some(before.assume_init()));
        }
    }
}

#[cfg(unix)]
extern "C" fn after_a_fork() {
    if let Some(before) = BLOCKED.take() {
        // SAFETY: it sets what was set before.
        #[allow(unsafe_code)]
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        }
    }
}

#[cfg(unix)]
extern "C" fn in_the_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    if let Some(flag) = FORKED.get() {
        flag.store(true, Ordering::Release);
    }
    after_a_fork();
}

/// Returns a flag that is up in every fork of this process that is made from now on, until somebody takes it down there.
#[cfg(unix)]
pub(crate) fn fork_flag() -> Arc<AtomicBool> {
    watch_for_forks();
    Arc::clone(FORKED.get_or_init(Arc::default))
}

/// Has something run at the end of the process: at `exit`, or after `main` has returned. Called again, it does nothing.
///
/// # Errors
///
/// The system is out of memory.
pub(crate) fn at_exit(run: fn()) -> io::Result<()> {
    static RUN: OnceLock<fn()> = OnceLock::new();
    extern "C" fn run_it() {
        if let Some(run) = RUN.get() {
            // Nobody is left to whom a panic could be said.
            let _ = std::panic::catch_unwind(run);
        }
    }
    if RUN.set(run).is_err() {
        return Ok(());
    }
    // SAFETY: the handler is a function of the program's and so lives as long; it lets no panic out.
    #[allow(unsafe_code)]
    match unsafe { libc::atexit(run_it) } {
        0 => Ok(()),
        _ => Err(io::ErrorKind::OutOfMemory.into()),
    }
}
