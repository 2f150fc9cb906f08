//! What signals do, and what runs in one that is the end.

use std::io;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, AtomicU64 as Counter, Ordering};

#[cfg(target_os = "linux")]
use super::block::map_over;
#[cfg(target_os = "linux")]
use super::process::generation;

/// Returns whether a signal is ignored.
pub(crate) fn is_ignored(signal: i32) -> bool {
    disposition(signal, None).is_ok_and(|found| found.sa_sigaction == libc::SIG_IGN)
}

/// Returns what a signal does, and sets it, where there is something to set.
fn disposition(signal: i32, to: Option<&libc::sigaction>) -> io::Result<libc::sigaction> {
    let mut found = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    let to = to.map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: what is set is a value of the right type, whose handler, if it has one, is a function of the program's; what
    // was there is written to a place of the right type, and is read only where the call has filled it in.
    #[allow(unsafe_code)]
    unsafe {
        if libc::sigaction(signal, to, found.as_mut_ptr()) == 0 {
            Ok(found.assume_init())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// The signals of a program that can't go on.
#[cfg(target_os = "linux")]
const CRASHES: [i32; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];
/// What each of them did before.
#[cfg(target_os = "linux")]
static BEFORE: [OnceLock<libc::sigaction>; CRASHES.len()] = [const { OnceLock::new() }; CRASHES.len()];

/// Pages that a handler may write to whenever it runs: each is one of a file, or of nothing.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(crate) struct CrashPages {
    pages: memmap2::MmapRaw,
    page_bytes: usize,
    generation: u64,
    taken: [AtomicBool; Self::MAX],
}

#[cfg(target_os = "linux")]
static CRASH_PAGES: OnceLock<CrashPages> = OnceLock::new();

#[cfg(target_os = "linux")]
impl CrashPages {
    /// Files that there may be at once.
    pub(crate) const MAX: usize = 16;
    /// The word of a file that the signal is written to, in its first page.
    pub(crate) const WORD: usize = 384;

    /// Returns those of this process, which are asked for when the first is needed.
    ///
    /// # Errors
    ///
    /// The system refuses, or this is a fork of the process that has them.
    pub(crate) fn of_this_process() -> io::Result<&'static Self> {
        let pages = match CRASH_PAGES.get() {
            Some(pages) => pages,
            None => {
                let page_bytes = rustix::param::page_size();
                let pages = memmap2::MmapOptions::new().len(page_bytes * Self::MAX).map_anon()?.into();
                let taken = [const { AtomicBool::new(false) }; Self::MAX];
                CRASH_PAGES.get_or_init(|| Self { pages, page_bytes, generation: generation(), taken })
            }
        };
        if pages.generation == generation() {
            Ok(pages)
        } else {
            Err(io::Error::other("a fork can't mark its crashes"))
        }
    }

    /// Takes a page, and has a crash written to the first page of a file; `None` where all are taken.
    ///
    /// # Errors
    ///
    /// The system refuses the mapping or a handler.
    pub(crate) fn take(&self, file: &std::fs::File) -> io::Result<Option<usize>> {
        use std::os::fd::AsRawFd;
        let Some(page) = self.taken.iter().position(|taken| !taken.swap(true, Ordering::AcqRel)) else {
            return Ok(None);
        };
        let watched = self.map(page, libc::MAP_SHARED, file.as_raw_fd()).and_then(|()| watch_for_crashes());
        watched.map(|()| Some(page)).inspect_err(|_| self.give_back(page))
    }

    /// Gives a page back: no crash is written to its file any more.
    pub(crate) fn give_back(&self, page: usize) {
        if self.map(page, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1).is_ok() {
            self.taken[page].store(false, Ordering::Release);
        }
    }

    /// Puts other memory in the place of a page.
    fn map(&self, page: usize, flags: i32, file: i32) -> io::Result<()> {
        let place = self.pages.as_mut_ptr().wrapping_add(page * self.page_bytes);
        // SAFETY: it is a page of these, in which nobody has a reference to anything but atomics.
        #[allow(unsafe_code)]
        unsafe {
            map_over(place, self.page_bytes, flags, file)
        }
    }

    /// Goes through the words that a crash is written to.
    fn words(&self) -> impl Iterator<Item = &'static Counter> {
        let places = (0..Self::MAX).map(|page| page * self.page_bytes + Self::WORD * 8);
        places.map(|place| {
            let word = self.pages.as_mut_ptr().wrapping_add(place).cast::<Counter>();
            // SAFETY: the pages are those of a static, and in each there is an aligned word, which is an atomic for all who
            // know it: the handler, and whoever has mapped the same file.
            #[allow(unsafe_code)]
            let word = unsafe { &*word };
            word
        })
    }
}

/// Puts a handler of ours before what the signals of a crash do now, once.
#[cfg(target_os = "linux")]
fn watch_for_crashes() -> io::Result<()> {
    static WATCHED: std::sync::Mutex<bool> = std::sync::Mutex::new(false);
    let mut is_watched = crate::sync::lock(&WATCHED);
    if *is_watched {
        return Ok(());
    }
    for (signal, before) in CRASHES.into_iter().zip(&BEFORE) {
        let before = before.get_or_init(|| disposition(signal, None).unwrap_or(DEFAULT));
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_crash;
        // On the stack that is there for it, if one is: the other one may be what has overflowed.
        let flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let ours = libc::sigaction { sa_sigaction: handler as usize, sa_flags: flags, ..*before };
        disposition(signal, Some(&ours))?;
    }
    *is_watched = true;
    Ok(())
}

/// What a signal does that nobody has asked for.
#[cfg(target_os = "linux")]
// SAFETY: integers, and pointers that may be null: zeroes are a value of it.
#[allow(unsafe_code)]
const DEFAULT: libc::sigaction = unsafe { std::mem::zeroed() };

/// Writes down which signal it was, and passes it on. Does nothing else than what a handler may do.
#[cfg(target_os = "linux")]
extern "C" fn on_crash(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let number = u64::from(signal.unsigned_abs());
    let pages = CRASH_PAGES.get().filter(|pages| pages.generation == generation());
    // The first cause is the cause: a fault may end in an abort.
    let marks = |from: u64, to: u64| {
        for word in pages.into_iter().flat_map(CrashPages::words) {
            let _ = word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
        }
    };
    marks(0, number);
    let place = CRASHES.into_iter().position(|crash| crash == signal);
    let before = place.and_then(|place| BEFORE[place].get()).unwrap_or(&DEFAULT);
    if matches!(before.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) {
        // SAFETY: the system gives the handler a pointer to what it says of the signal.
        #[allow(unsafe_code)]
        let is_sent = unsafe { (*info).si_code <= 0 };
        if is_sent && before.sa_sigaction == libc::SIG_IGN {
            return marks(number, 0);
        }
        let _ = disposition(signal, Some(&DEFAULT));
        if is_sent {
            // What was caused comes again by itself.
            // SAFETY: to raise a signal is allowed in a handler; it comes when this one has returned.
            #[allow(unsafe_code)]
            let _ = unsafe { libc::raise(signal) };
        }
        return;
    }
    // SAFETY: it was installed as a handler of this form, which its flags tell, and is called as one.
    #[allow(unsafe_code)]
    unsafe {
        if before.sa_flags & libc::SA_SIGINFO == 0 {
            std::mem::transmute::<usize, extern "C" fn(i32)>(before.sa_sigaction)(signal);
        } else {
            let handler = std::mem::transmute::<usize, extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void)>(
                before.sa_sigaction,
            );
            handler(signal, info, context);
        }
    }
    // It has dealt with it, and the program lives on; or it has left the rest to the system.
    if disposition(signal, None).is_ok_and(|now| now.sa_sigaction != libc::SIG_DFL) {
        marks(number, 0);
    }
}
