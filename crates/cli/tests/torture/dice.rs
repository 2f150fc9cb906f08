//! Random numbers that a seed repeats. What the machine makes of the plan differs from run to run; the plan does not.

pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `SplitMix64` (Steele, Lea and Flood, 2014).
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub const fn one_in(&mut self, chances: u64) -> bool {
        self.next().is_multiple_of(chances)
    }

    /// A time of any order of magnitude from 1 to 30 ms: the beginning of a life is met as often as what follows.
    pub fn micros(&mut self) -> u64 {
        let least = 1_000 << self.between(0, 4);
        self.between(least, 2 * least).min(30_000)
    }
}
