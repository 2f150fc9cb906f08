//! Where things stand in the block of a queue: see the layout in the module's documentation.

/// What every block begins with: `lastword` as its bytes stand in the file, on a machine that is little-endian.
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"lastword");
/// The version of the format. Another one is nobody's to read but its own writer's.
pub(super) const VERSION: u64 = 2;

/// Words before the data.
#[cfg(not(lastword_loom))]
pub(super) const HEADER_WORDS: usize = 2048;
#[cfg(lastword_loom)]
pub(super) const HEADER_WORDS: usize = 10;

/// Counters that the host keeps in a queue.
pub const COUNTERS: usize = 64;
/// Readers whose places a queue remembers.
pub const READERS_MAX: usize = 16;
/// Bytes of the text that says whose queue it is.
#[cfg(not(lastword_loom))]
pub(super) const LABEL_BYTES_MAX: usize = (HEADER_WORDS - at::LABEL) * 8;

// Words that are written by different sides stand on cache lines of their own.
#[cfg(not(lastword_loom))]
pub(super) mod at {
    pub(in crate::queue) const MAGIC: usize = 0;
    pub(in crate::queue) const VERSION: usize = 1;
    pub(in crate::queue) const NONCE: usize = 2;
    pub(in crate::queue) const DATA_WORDS: usize = 3;
    pub(in crate::queue) const LABEL_SIZE: usize = 4;
    pub(in crate::queue) const HEAD: usize = 64;
    pub(in crate::queue) const TAIL_UNITS: usize = 128;
    pub(in crate::queue) const TAIL_SEQ: usize = 129;
    pub(in crate::queue) const FULL_AT: usize = 130;
    /// Each three words: units, sequence, check.
    pub(in crate::queue) const TAILS_SAVED: [usize; 2] = [136, 140];
    pub(in crate::queue) const WAKE_AT: usize = 192;
    pub(in crate::queue) const COUNTERS: usize = 256;
    pub(in crate::queue) const READERS: usize = 320;
    /// The signal that ended the process, where it said so.
    pub(in crate::queue) const CAUSE: usize = 384;
    pub(in crate::queue) const LABEL: usize = 512;
}
#[cfg(lastword_loom)]
pub(super) mod at {
    pub(in crate::queue) const MAGIC: usize = 0;
    pub(in crate::queue) const VERSION: usize = 1;
    pub(in crate::queue) const NONCE: usize = 2;
    pub(in crate::queue) const DATA_WORDS: usize = 3;
    pub(in crate::queue) const HEAD: usize = 4;
    pub(in crate::queue) const TAIL_UNITS: usize = 5;
    pub(in crate::queue) const TAIL_SEQ: usize = 6;
    pub(in crate::queue) const FULL_AT: usize = 7;
    pub(in crate::queue) const WAKE_AT: usize = 8;
    pub(in crate::queue) const COUNTERS: usize = 9;
}

#[cfg(test)]
#[cfg(not(lastword_loom))]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/spool-format.md");

    /// The byte at which the document says that something of the header stands, and how many bytes it has.
    fn documented(name: &str) -> (usize, usize) {
        let row = DOCUMENT.lines().find(|line| line.contains(&format!("| `{name}` |"))).expect(name);
        let mut cells = row.split('|').skip(1).map(|cell| cell.trim().parse::<usize>());
        (cells.next().unwrap().unwrap(), cells.next().unwrap().unwrap())
    }

    #[test]
    fn the_document_says_of_everything_in_the_header_where_it_stands() {
        let [first, second] = at::TAILS_SAVED;
        for (name, word, words) in [
            ("magic", at::MAGIC, 1),
            ("version", at::VERSION, 1),
            ("nonce", at::NONCE, 1),
            ("data_words", at::DATA_WORDS, 1),
            ("head", at::HEAD, 1),
            ("tail_units", at::TAIL_UNITS, 1),
            ("tail_seq", at::TAIL_SEQ, 1),
            ("full_at", at::FULL_AT, 1),
            ("tail_saved_1", first, 3),
            ("tail_saved_2", second, 3),
            ("wake_at", at::WAKE_AT, 1),
            ("counters", at::COUNTERS, COUNTERS),
            ("readers", at::READERS, 2 * READERS_MAX),
            ("cause", at::CAUSE, 1),
            ("label", at::LABEL, LABEL_BYTES_MAX / 8),
        ] {
            assert_eq!(documented(name), (word * 8, words * 8), "{name}");
        }
        // Two halves of one word.
        assert_eq!(documented("label_bytes"), (at::LABEL_SIZE * 8, 4));
        assert_eq!(documented("label_crc"), (at::LABEL_SIZE * 8 + 4, 4));
        assert!(DOCUMENT.contains(&format!("This is version {VERSION}. ")));
        assert!(DOCUMENT.contains("A header of 16,384 bytes") && HEADER_WORDS * 8 == 16_384);
    }
}
