//! Words of zeroed or of mapped memory.

use std::io;
use std::ptr::NonNull;

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
pub(super) unsafe fn map_over(place: *mut u8, bytes: usize, flags: i32, file: i32) -> io::Result<()> {
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
