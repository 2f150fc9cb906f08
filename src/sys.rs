//! What can be asked of memory and of the system only in `unsafe` words: words of zeroed or of mapped memory, and code
//! that runs at a fork, at the exit, in a fatal signal.
//!
//! **Invariant: the only `unsafe` of the library is in this file.** Each block says why it is sound. What is offered to
//! the other files is safe whatever they do with it.

use std::io;
use std::ptr::NonNull;
#[cfg(unix)]
use std::sync::Arc;
use std::sync::OnceLock;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU64 as Counter, Ordering};

use crate::sync::AtomicU64;

/// Blocks of this many words and more come from the system and not from the allocator.
#[cfg(all(unix, not(miri), not(lastword_loom)))]
const WORDS_MAPPED_MIN: usize = 1 << 16;

/// A block of 64-bit words, which any number of threads, and of processes where it is a mapped file, read and write as
/// atomics.
#[derive(Debug)]
pub struct Block {
    words: NonNull<AtomicU64>,
    len: usize,
    memory: Memory,
}

/// Where the words of a block are, and so what becomes of them at its end.
#[derive(Debug)]
enum Memory {
    Heap,
    #[cfg(all(unix, not(lastword_loom)))]
    Mapped(memmap2::MmapRaw),
}

// SAFETY: a block is a slice of atomics that it owns: on the heap, or in a mapping that stays until the block is dropped.
#[allow(unsafe_code)]
unsafe impl Send for Block {}
// SAFETY: the words are atomics, and nothing else of a block ever changes.
#[allow(unsafe_code)]
unsafe impl Sync for Block {}

impl Block {
    /// Takes a block of zeroed words of this process alone. Its pages are only asked for: memory that is never written to is
    /// never used.
    #[cfg(not(lastword_loom))]
    #[must_use]
    #[allow(unsafe_code)]
    pub fn zeroed(words: usize) -> Self {
        // From the system itself: an allocator that has had such a block before clears it by hand.
        #[cfg(all(unix, not(miri)))]
        if words >= WORDS_MAPPED_MIN
            && let Ok(block) = Self::anonymous(words)
        {
            return block;
        }
        let block = Box::<[AtomicU64]>::new_zeroed_slice(words);
        // SAFETY: `AtomicU64` has the same representation as `u64`, for which all bytes zero is the value 0.
        Self::of_box(unsafe { block.assume_init() })
    }

    /// Takes such a block from the system, which may refuse as much.
    #[cfg(all(unix, not(lastword_loom)))]
    pub(crate) fn anonymous(words: usize) -> io::Result<Self> {
        Self::of_mapping(memmap2::MmapOptions::new().len(words * size_of::<AtomicU64>()).map_anon()?.into(), words)
    }

    /// Takes a block of zeroed words, for a model of few.
    #[cfg(lastword_loom)]
    #[must_use]
    pub fn zeroed(words: usize) -> Self {
        Self::of_box((0..words).map(|_| AtomicU64::new(0)).collect())
    }

    fn of_box(block: Box<[AtomicU64]>) -> Self {
        let len = block.len();
        Self { words: NonNull::from(Box::leak(block)).cast(), len, memory: Memory::Heap }
    }

    /// Maps the first so many words of a file, shared with every process that maps it.
    ///
    /// A word of the mapping that the file does not have, because somebody made it shorter, is fatal to the process that
    /// touches it (SIGBUS): the caller sees to it that the file is there as a whole, and that nobody else can change it.
    ///
    /// # Errors
    ///
    /// The file is shorter, or can't be mapped.
    #[cfg(all(unix, not(lastword_loom)))]
    pub fn of_file(file: &std::fs::File, words: usize) -> io::Result<Self> {
        let bytes = words * size_of::<AtomicU64>();
        if file.metadata()?.len() < bytes as u64 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Self::of_mapping(memmap2::MmapOptions::new().len(bytes).map_raw(file)?, words)
    }

    /// Takes the first words of a mapping that has as many.
    #[cfg(all(unix, not(lastword_loom)))]
    fn of_mapping(mapping: memmap2::MmapRaw, words: usize) -> io::Result<Self> {
        let start = NonNull::new(mapping.as_mut_ptr()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { words: start.cast(), len: words, memory: Memory::Mapped(mapping) })
    }

    /// Has the pages of some words ready for writing, so that nobody waits for them later, and so that a page that can't
    /// be had is an error here instead of a signal there.
    ///
    /// # Errors
    ///
    /// A page can't be had. A system that can't do this beforehand (Linux before 5.14) is no error.
    #[cfg(all(unix, not(lastword_loom)))]
    pub fn populate(&self, words: std::ops::Range<usize>) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        self.advise(words.start..words.end.min(self.len), memmap2::Advice::PopulateWrite)?;
        let _ = words;
        Ok(())
    }

    /// Reads the whole file behind the block into memory, so that a part that can't be read is an error here instead of a
    /// signal there.
    ///
    /// # Errors
    ///
    /// As those of [`populate`](Self::populate).
    #[cfg(all(unix, not(lastword_loom)))]
    pub fn read_in(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        self.advise(0..self.len, memmap2::Advice::PopulateRead)?;
        Ok(())
    }

    /// Tells the system what will be done to mapped words. An advice that it does not know is no error.
    #[cfg(all(unix, not(lastword_loom)))]
    fn advise(&self, words: std::ops::Range<usize>, advice: memmap2::Advice) -> io::Result<()> {
        let Memory::Mapped(mapping) = &self.memory else { return Ok(()) };
        let (start, bytes) = (words.start * size_of::<AtomicU64>(), words.len() * size_of::<AtomicU64>());
        let unknown = |error: io::Error| if error.kind() == io::ErrorKind::InvalidInput { Ok(()) } else { Err(error) };
        mapping.advise_range(advice, start, bytes).or_else(unknown)
    }

    /// Lets go of the file: from here on, what is written to the words is this process's alone. Whoever is writing to one
    /// meanwhile writes either to the file or not. What is only read may go on to be as the file has it.
    ///
    /// # Errors
    ///
    /// The system refuses; nothing has changed then.
    #[cfg(all(unix, not(lastword_loom)))]
    pub fn detach(&self, file: &std::fs::File) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        let Memory::Mapped(mapping) = &self.memory else { return Ok(()) };
        // Where the system counts what it has promised, it says so here: over the mapping it would say so too late.
        drop(memmap2::MmapOptions::new().len(mapping.len()).no_reserve_swap().map_anon()?);
        // SAFETY: it is the whole of this block's mapping, and in it nobody has a reference to anything but atomics.
        #[allow(unsafe_code)]
        let over = |flags| unsafe { map_over(mapping.as_mut_ptr(), mapping.len(), flags, file.as_raw_fd()) };
        // A shared mapping is promised nothing, so there is no reason to refuse to have it back.
        over(libc::MAP_PRIVATE | libc::MAP_NORESERVE).inspect_err(|_| drop(over(libc::MAP_SHARED)))
    }

    /// Says that the words will be used here and there: the system then reads nothing in beside what is used.
    #[cfg(all(unix, not(lastword_loom)))]
    pub fn expect_scattered_use(&self) {
        // Where the advice is not taken, the first use of a page takes longer.
        let _ = self.advise(0..self.len, memmap2::Advice::Random);
    }

    /// Returns the words.
    #[inline]
    #[must_use]
    #[allow(unsafe_code)]
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: `words` is the start of `len` initialised words, aligned to pages or as a box has them, which live as
        // long as the block: they are let go of in its `drop` alone. Whoever else writes to them, here or in another
        // process, does so by atomics.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr(), self.len) }
    }
}

/// Puts other memory in the place of some, in one step. Where the system refuses for want of memory, none may be there
/// afterwards (Linux before 6.12).
///
/// # Safety
///
/// It is some pages of a mapping, in which nobody has a reference to anything whose value must not change.
#[cfg(unix)]
#[allow(unsafe_code)]
unsafe fn map_over(place: *mut u8, bytes: usize, flags: i32, file: i32) -> io::Result<()> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: as the caller says; the memory there belongs to the mapping, and does so afterwards.
    let mapped = unsafe { libc::mmap(place.cast(), bytes, protection, flags | libc::MAP_FIXED, file, 0) };
    if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

impl Drop for Block {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if matches!(self.memory, Memory::Heap) {
            let block = std::ptr::slice_from_raw_parts_mut(self.words.as_ptr(), self.len);
            // SAFETY: it was a box of this many words, leaked by `of_box`, and nobody else lets go of it.
            drop(unsafe { Box::from_raw(block) });
        }
    }
}

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

/// Returns whether a signal is ignored.
#[cfg(unix)]
pub(crate) fn is_ignored(signal: i32) -> bool {
    disposition(signal, None).is_ok_and(|found| found.sa_sigaction == libc::SIG_IGN)
}

/// Returns what a signal does, and sets it, where there is something to set.
#[cfg(unix)]
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
