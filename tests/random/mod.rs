//! Numbers that repeat.

// Each test binary uses a part of this.
#![allow(dead_code, unreachable_pub)]

/// A line of numbers that is the same each time it begins with the same one (an LCG with the constants of Knuth's MMIX).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Seeds that are neighbours begin lines that are not.
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.below(2);
        random
    }

    /// Returns the next number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Returns true once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
