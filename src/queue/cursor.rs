//! Places between records.

/// A place between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    pub(super) units: u64,
    pub(super) seq: u64,
}

impl Cursor {
    /// Returns the number of the record that comes next.
    #[must_use]
    pub const fn seq(self) -> u64 {
        self.seq
    }

    /// Returns the halves of this place as one word.
    #[inline]
    pub(super) const fn pack(self) -> u64 {
        self.seq << 32 | self.units & 0xffff_ffff
    }

    /// Widens the halves of a place: it is at or behind this one, and not 2^32 away.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(super) const fn extend(self, packed: u64) -> Self {
        let units = self.units + (packed as u32).wrapping_sub(self.units as u32) as u64;
        let seq = self.seq + ((packed >> 32) as u32).wrapping_sub(self.seq as u32) as u64;
        Self { units, seq }
    }

    /// Returns what stands beside a stored place, so that one that was damaged or half written is known.
    #[inline]
    pub(super) const fn check(self) -> u64 {
        let mixed = self.units.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.seq.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        !(mixed ^ (mixed >> 29))
    }
}
