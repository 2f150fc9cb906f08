//! What each of many bytes is, found for all of them at once.
//!
//! A byte below 128 is looked up by its two halves: what it is are the bits that both tables say. The processor looks
//! up 32 bytes at a time where it can (AVX2), which is what makes a look at every text that leaves affordable.

/// How many bytes are looked up at once: one bit each in a word.
pub(crate) const LINE_BYTES: usize = 64;

/// What looks at the lines of a text.
pub(crate) trait Look {
    /// Looks at the line that begins there: for each class there is a word with the bits of the bytes that are of it, the
    /// first byte's the lowest. To be marked `inline(always)`: it becomes part of code for more than one processor.
    fn look(&mut self, at: usize, planes: [u64; 8]);
}

/// Eight classes of bytes.
#[derive(Debug)]
pub(crate) struct Classes {
    /// For the lower four bits of a byte, the classes that it may be of.
    low: [u8; 16],
    /// For the upper four bits.
    high: [u8; 16],
    /// Both, for each byte.
    whole: [u8; 256],
}

impl Classes {
    /// Makes classes, each of the bytes whose upper and lower halves are set in two words: `(1 << 3, 0x3ff)` are the digits.
    /// The byte zero is of none.
    pub(crate) const fn new(classes: [(u16, u16); 8]) -> Self {
        let (mut low, mut high, mut whole) = ([0; 16], [0; 16], [0; 256]);
        let mut class = 0;
        while class < classes.len() {
            let mut half = 0;
            while half < 16 {
                high[half] |= ((classes[class].0 >> half & 1) as u8) << class;
                low[half] |= ((classes[class].1 >> half & 1) as u8) << class;
                half += 1;
            }
            class += 1;
        }
        let mut byte = 0;
        while byte < 128 {
            whole[byte] = low[byte & 15] & high[byte >> 4];
            byte += 1;
        }
        Self { low, high, whole }
    }

    /// Goes through a text in lines of 64 bytes, and returns what has looked at them: as a value, it can stay in registers.
    /// Behind the end of the text no byte is of any class.
    #[inline]
    pub(crate) fn lines<L: Look>(&self, text: &[u8], look: L) -> L {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
        {
            // SAFETY: the processor has what the function needs.
            #[allow(unsafe_code)]
            return unsafe { self.lines_by_32(text, look) };
        }
        each_line(text, |line| self.of_each(line), look)
    }

    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    fn lines_by_32<L: Look>(&self, text: &[u8], look: L) -> L {
        use std::arch::x86_64::{
            __m256i, _mm256_and_si256, _mm256_movemask_epi8, _mm256_set_epi64x, _mm256_set1_epi8, _mm256_shuffle_epi8,
            _mm256_slli_epi16, _mm256_srli_epi16,
        };
        // These loads of four words become one.
        let word = |bytes: &[u8], at: usize| -> i64 {
            bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, i64::from_le_bytes)
        };
        let load = |bytes: &[u8], places: [usize; 4]| -> __m256i {
            let [first, second, third, fourth] = places.map(|at| word(bytes, at));
            _mm256_set_epi64x(fourth, third, second, first)
        };
        // Each half of a register looks up in a table of its own.
        let (low, high) = (load(&self.low, [0, 8, 0, 8]), load(&self.high, [0, 8, 0, 8]));
        let classes = |bytes: __m256i| {
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
            // A byte with its highest bit set looks up nothing.
            _mm256_and_si256(_mm256_shuffle_epi8(low, bytes), _mm256_shuffle_epi8(high, upper))
        };
        let of = |line: &[u8; LINE_BYTES]| {
            let halves = [classes(load(line, [0, 8, 16, 24])), classes(load(line, [32, 40, 48, 56]))];
            // The highest bits of all bytes are one word: each class is moved there in its turn.
            macro_rules! planes {
                ($($shift:literal)*) => {
                    [$({
                        let [first, second] =
                            halves.map(|half| _mm256_movemask_epi8(_mm256_slli_epi16::<$shift>(half)));
                        u64::from(first.cast_unsigned()) | u64::from(second.cast_unsigned()) << 32
                    }),*]
                };
            }
            planes!(7 6 5 4 3 2 1 0)
        };
        each_line(text, of, look)
    }

    /// The same, byte by byte.
    fn of_each(&self, line: &[u8; LINE_BYTES]) -> [u64; 8] {
        let mut planes = [0; 8];
        for (eight, place) in line.as_chunks::<8>().0.iter().zip((0..).step_by(8)) {
            let classes = transposed(u64::from_le_bytes(eight.map(|byte| self.whole[usize::from(byte)])));
            for (plane, bits) in planes.iter_mut().zip(classes.to_le_bytes()) {
                *plane |= u64::from(bits) << place;
            }
        }
        planes
    }
}

/// Cuts a text into lines.
#[inline(always)]
fn each_line<L: Look>(text: &[u8], of: impl Fn(&[u8; LINE_BYTES]) -> [u64; 8], mut look: L) -> L {
    for at in (0..text.len()).step_by(LINE_BYTES) {
        let planes = match (text.get(at..).and_then(|rest| rest.first_chunk()), text.last_chunk()) {
            (Some(line), _) => of(line),
            // The last line lies over the one before it, so that it is whole.
            (None, Some(last)) => of(last).map(|plane| plane >> (at + LINE_BYTES - text.len())),
            (None, None) => of(&padded(text)),
        };
        look.look(at, planes);
    }
    look
}

/// A short text, and zeros behind it. Pieces of fixed lengths, which lie over one another, are copied faster than one of
/// any length.
#[inline(always)]
fn padded(text: &[u8]) -> [u8; LINE_BYTES] {
    let mut line = [0; LINE_BYTES];
    let is_copied = two::<32>(text, &mut line)
        || two::<16>(text, &mut line)
        || two::<8>(text, &mut line)
        || two::<4>(text, &mut line);
    if !is_copied {
        for (to, from) in line.iter_mut().zip(text) {
            *to = *from;
        }
    }
    line
}

/// Copies the first and the last so many bytes, which are all if they are twice as many; `false` if there are fewer.
#[inline(always)]
fn two<const COUNT: usize>(text: &[u8], line: &mut [u8; LINE_BYTES]) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<COUNT>(), text.last_chunk::<COUNT>()) else { return false };
    if let Some(to) = line.first_chunk_mut::<COUNT>() {
        *to = *first;
    }
    if let Some(to) = line.get_mut(text.len() - COUNT..).and_then(|rest| rest.first_chunk_mut::<COUNT>()) {
        *to = *last;
    }
    true
}

/// Turns a matrix of eight by eight bits about its diagonal.
const fn transposed(matrix: u64) -> u64 {
    let mut matrix = matrix;
    let mut swapped = (matrix ^ (matrix >> 7)) & 0x00aa_00aa_00aa_00aa;
    matrix ^= swapped ^ (swapped << 7);
    swapped = (matrix ^ (matrix >> 14)) & 0x0000_cccc_0000_cccc;
    matrix ^= swapped ^ (swapped << 14);
    swapped = (matrix ^ (matrix >> 28)) & 0x0000_0000_f0f0_f0f0;
    matrix ^ swapped ^ (swapped << 28)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Seen(Vec<(usize, [u64; 8])>);

    impl Look for Seen {
        fn look(&mut self, at: usize, planes: [u64; 8]) {
            self.0.push((at, planes));
        }
    }

    proptest! {
        #[test]
        fn every_way_finds_what_the_two_tables_say(
            text in prop::collection::vec(any::<u8>(), 0..200),
            classes: [(u16, u16); 8],
        ) {
            // Zero is of no class: it stands behind the end.
            let classes = classes.map(|(high, low)| (high & !1, low));
            let expected = text.chunks(LINE_BYTES).map(|line| classes.map(|(high, low)| {
                let is_of = |byte: u8| byte < 128 && high >> (byte >> 4) & 1 == 1 && low >> (byte & 15) & 1 == 1;
                line.iter().rev().fold(0_u64, |plane, &byte| plane << 1 | u64::from(is_of(byte)))
            }));
            let expected: Vec<_> = (0..).step_by(LINE_BYTES).zip(expected).collect();
            let table = Classes::new(classes);
            prop_assert_eq!(&table.lines(&text, Seen::default()).0, &expected);
            prop_assert_eq!(each_line(&text, |line| table.of_each(line), Seen::default()).0, expected);
        }
    }
}
