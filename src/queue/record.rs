//! The form of a record: see the layout in the module's documentation.

/// Words before the payload.
pub(super) const HEADER_WORDS: u64 = 3;
/// The longest payload that the length field can say.
pub(super) const PAYLOAD_BYTES_MAX: usize = (1 << 22) - 1;

const TAG_BITS: u32 = 40;
const STATE_RESERVED: u64 = 1;
const STATE_COMMITTED: u64 = 2;
const STATE_PADDING: u64 = 3;

/// One record, as the reader finds it: what it is, not what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Its number in its session.
    pub seq: u64,
    /// What the one who pushed it said that it is.
    pub kind: u32,
    /// Bytes of its payload.
    pub len: usize,
    pub(super) units: u64,
    pub(super) crc: u32,
}

/// What the first word of a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Committed { len: usize },
    Padding,
    Other,
}

/// Returns how many words a record with that payload takes.
#[inline]
pub(super) const fn words_of(len: usize) -> u64 {
    HEADER_WORDS + len.div_ceil(8) as u64
}

#[inline]
const fn first(units: u64, len: usize, state: u64) -> u64 {
    units << (64 - TAG_BITS) | (len as u64) << 2 | state
}

#[inline]
pub(super) const fn reserved(units: u64, len: usize) -> u64 {
    first(units, len, STATE_RESERVED)
}

#[inline]
pub(super) const fn committed(units: u64, len: usize) -> u64 {
    first(units, len, STATE_COMMITTED)
}

#[inline]
pub(super) const fn padding(units: u64) -> u64 {
    first(units, 0, STATE_PADDING)
}

/// Reads the first word of the record that stands at `units`, if one does.
pub(super) const fn parse(word: u64, units: u64) -> First {
    // What doesn't carry the record's own position is left from an earlier lap, or payload.
    if (word ^ first(units, 0, 0)) >> (64 - TAG_BITS) != 0 {
        return First::Other;
    }
    match word & 3 {
        // The length field is 22 bits.
        #[allow(clippy::cast_possible_truncation)]
        STATE_COMMITTED => First::Committed { len: ((word >> 2) & (PAYLOAD_BYTES_MAX as u64)) as usize },
        STATE_PADDING => First::Padding,
        _ => First::Other,
    }
}

/// Returns whether a record was being written at `units`, by what stands there as its first word.
pub(super) const fn is_reserved(word: u64, units: u64) -> bool {
    (word ^ first(units, 0, 0)) >> (64 - TAG_BITS) == 0 && word & 3 == STATE_RESERVED
}

/// Returns the position that the first word of a record carries.
#[inline]
pub(super) const fn units(word: u64) -> u64 {
    word >> (64 - TAG_BITS)
}

/// Reads the second word of a record: its kind, and its checksum.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub(super) const fn halves(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

/// Where the checksum of a record begins: everything about it that is not its payload goes in.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub(super) const fn crc_seed(nonce: u64, units: u64, seq: u64, kind: u32, len: usize) -> u32 {
    let mut seed = nonce ^ units.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    seed = (seed ^ seq).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    seed ^= ((kind as u64) << 32 | len as u64).wrapping_mul(0x94d0_49bb_1331_11eb);
    (seed ^ (seed >> 32)) as u32
}
