//! How durations are spread: how many there are of about each length, bounded whatever they are, and added up by adding.

/// Each doubling is divided into this many parts, as a power of two: what is told of a duration is off by 6.25 % at most.
const PARTS_BITS: u32 = 3;
/// What is shorter than this is in one part: microseconds, as a power of two, 16 us.
const SHORTEST_BITS: u32 = 4;
/// What is longer than this is in one part: microseconds, as a power of two, 38 hours.
const LONGEST_BITS: u32 = 37;
/// The part of what is longer.
const LAST: u16 = (1 << PARTS_BITS) * 33 + 1;
const _: () = assert!(LONGEST_BITS - SHORTEST_BITS == 33);

/// Durations by parts of doublings: the number of the part and how many are in it, in rising order, none of them empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spread(Vec<(u16, u64)>);

impl Spread {
    /// Adds a duration.
    pub(crate) fn add(&mut self, micros: i64) {
        self.put(part_of(micros), 1);
    }

    fn put(&mut self, part: u16, count: u64) {
        match self.0.binary_search_by_key(&part, |(part, _)| *part) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(count),
            Err(at) => self.0.insert(at, (part, count)),
        }
    }

    /// Makes one of those that were counted by the number of their part, as [`Spread::part_sql`] has it.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn of_parts(parts: impl IntoIterator<Item = (u16, u64)>) -> Self {
        let mut spread = Self::default();
        let known = parts.into_iter().filter(|(part, count)| *part <= LAST && *count > 0);
        known.for_each(|(part, count)| spread.put(part, count));
        spread
    }

    /// Returns, as ClickHouse has it, the number of the part that the duration of a column is in. A double begins with its doubling, and then says which
    /// part of it: no logarithm is taken, which might be rounded to the next part.
    #[cfg(feature = "clickhouse")]
    pub(crate) fn part_sql(micros: &str) -> String {
        let bits = format!("bitShiftRight(reinterpretAsUInt64(toFloat64({micros})), {DOUBLE_BITS})");
        format!("toUInt16(if({micros} < {}, 0, least({bits} - {DOUBLE_BIAS}, {LAST})))", 1 << SHORTEST_BITS)
    }

    /// Adds those of another one.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(part, count)| self.put(*part, *count));
    }

    /// Takes those of another one away, as far as they are there.
    pub(super) fn take_away(&mut self, other: &Self) {
        for (part, count) in &other.0 {
            if let Ok(at) = self.0.binary_search_by_key(part, |(part, _)| *part) {
                self.0[at].1 = self.0[at].1.saturating_sub(*count);
            }
        }
        self.0.retain(|(_, count)| *count > 0);
    }

    /// Writes them as numbers of seven bits a byte: how far each part is from the one before, and how many are in it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 2);
        let mut before = 0;
        for (part, count) in &self.0 {
            number(&mut bytes, u64::from(part - before));
            number(&mut bytes, *count);
            before = *part;
        }
        bytes
    }

    /// Adds those that were written. What can't be read is passed over: the figures beside them are right without them.
    pub(crate) fn merge_encoded(&mut self, mut bytes: &[u8]) {
        let mut part = 0_u64;
        while let Some((gap, count)) = next(&mut bytes).zip(next(&mut bytes)) {
            part = part.saturating_add(gap);
            match u16::try_from(part) {
                Ok(part) if part <= LAST && count > 0 => self.put(part, count),
                _ => return,
            }
        }
    }

    /// Returns the duration, in microseconds, that this part of them (0 to 1) is at most, by nearest rank; `None` where there is none.
    pub(crate) fn percentile_us(&self, part: f64) -> Option<i64> {
        let rank = lastword::views::nearest_rank(part, self.count());
        let mut below = 0_u64;
        let found = self.0.iter().find(|(_, count)| {
            below = below.saturating_add(*count);
            below >= rank
        });
        found.map(|(part, _)| {
            let (from, to) = bounds_us(*part);
            from.midpoint(to)
        })
    }

    /// Returns what none of them is shorter than, and what none is longer than; nothing of none.
    pub(super) fn range_us(&self) -> (i64, i64) {
        let shortest = self.0.first().map_or(0, |(part, _)| bounds_us(*part).0);
        let longest =
            self.0.last().map_or(0, |(part, _)| if *part == LAST { i64::MAX } else { bounds_us(*part).1 - 1 });
        (shortest, longest)
    }

    /// Returns how many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Returns from where to where the parts go, in microseconds, and how many are in each, from the shortest that has some to the longest.
    pub(crate) fn parts(&self) -> Vec<(i64, i64, u64)> {
        let (first, last) =
            (self.0.first().map_or(0, |(part, _)| *part), self.0.last().map_or(0, |(part, _)| *part + 1));
        let count = |part| self.0.binary_search_by_key(&part, |(part, _)| *part).map_or(0, |at| self.0[at].1);
        let told = |part| {
            let (from, to) = bounds_us(part);
            (from, to, count(part))
        };
        (first..last).map(told).collect()
    }
}

fn number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [byte, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return;
        }
        bytes.push(byte | 0x80);
    }
}

fn next(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Returns the number of the part that a duration is in.
#[allow(clippy::cast_possible_truncation, reason = "there are fewer than 300 parts")]
fn part_of(micros: i64) -> u16 {
    let micros = u64::try_from(micros).unwrap_or(0);
    if micros >> SHORTEST_BITS == 0 {
        return 0;
    }
    let doubling = micros.ilog2();
    if doubling >= LONGEST_BITS {
        return LAST;
    }
    let part = (micros >> (doubling - PARTS_BITS)) & ((1 << PARTS_BITS) - 1);
    (u64::from((doubling - SHORTEST_BITS) << PARTS_BITS) + part + 1) as u16
}

/// The bits of a double behind its exponent, without those that tell the parts of a doubling apart.
#[cfg(feature = "clickhouse")]
const DOUBLE_BITS: u32 = f64::MANTISSA_DIGITS - 1 - PARTS_BITS;
/// What the bits before those are for the number before that of the first part that is divided: the exponent has a bias.
#[cfg(feature = "clickhouse")]
const DOUBLE_BIAS: u64 = ((1023 + SHORTEST_BITS as u64) << PARTS_BITS) - 1;

/// Returns from where to where a part goes, in microseconds.
const fn bounds_us(part: u16) -> (i64, i64) {
    let Some(number) = part.checked_sub(1) else { return (0, 1 << SHORTEST_BITS) };
    if part >= LAST {
        return (1 << LONGEST_BITS, 1 << LONGEST_BITS);
    }
    let (doubling, part) = (SHORTEST_BITS + (number as u32 >> PARTS_BITS), number as i64 & ((1 << PARTS_BITS) - 1));
    let step = 1_i64 << (doubling - PARTS_BITS);
    let from = (1 << doubling) + part * step;
    (from, from + step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(durations: impl IntoIterator<Item = i64>) -> Spread {
        let mut spread = Spread::default();
        durations.into_iter().for_each(|micros| spread.add(micros));
        spread
    }

    fn read(bytes: &[u8]) -> Spread {
        let mut spread = Spread::default();
        spread.merge_encoded(bytes);
        spread
    }

    #[test]
    fn what_is_told_of_a_duration_is_off_by_a_sixteenth_at_most() {
        let mut micros = 16_i64;
        while micros < 1 << LONGEST_BITS {
            for exact in [micros, micros + 1, micros * 9 / 8 - 1] {
                let told = spread([exact]).percentile_us(0.5).unwrap();
                assert!((told - exact).abs() * 16 <= exact, "{exact}: {told}");
                let (from, to) = bounds_us(part_of(exact));
                assert!(from <= exact && (exact < to || part_of(exact) == LAST), "{exact}: {from} to {to}");
            }
            micros = micros * 9 / 8 + 1;
        }
        assert_eq!((part_of(-1), part_of(0), part_of(i64::MAX)), (0, 0, LAST));
    }

    #[cfg(feature = "clickhouse")]
    #[test]
    fn a_double_says_itself_in_which_part_it_is() {
        for doubling in SHORTEST_BITS..45 {
            let step = 1_i64 << (doubling - PARTS_BITS);
            for exact in
                (0..1 << PARTS_BITS).flat_map(|part| [-1, 0, 1].map(|by| (1_i64 << doubling) + part * step + by))
            {
                let bits = (exact as f64).to_bits() >> DOUBLE_BITS;
                let part = if exact < 16 { 0 } else { (bits - DOUBLE_BIAS).min(LAST.into()) };
                assert_eq!(part, u64::from(part_of(exact)), "{exact}");
            }
        }
        let sql = "toUInt16(if(d < 16, 0, least(bitShiftRight(reinterpretAsUInt64(toFloat64(d)), 49) - 8215, 265)))";
        assert_eq!(Spread::part_sql("d"), sql);
        let (one, other) = (spread([1, 900, 900]), spread([5_000_000]));
        let mut both = one.clone();
        both.merge(&other);
        assert_eq!(Spread::of_parts(both.0.clone()), both);
    }

    #[test]
    fn what_was_written_is_read_again_and_can_be_added_and_taken_away() {
        let (one, other) = (spread([1, 900, 900, 5_000_000]), spread([900, 70_000, i64::MAX]));
        assert_eq!(read(&one.encode()), one);
        let mut both = one.clone();
        both.merge_encoded(&other.encode());
        assert_eq!(both, spread([1, 900, 900, 5_000_000, 900, 70_000, i64::MAX]));
        both.take_away(&other);
        assert_eq!(both, one);
        both.take_away(&spread([1, 1, 17]));
        assert_eq!(both, spread([900, 900, 5_000_000]));
        assert!(one.encode().len() <= 8, "{:?}", one.encode());
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let hundred = spread((1..=100).map(|ms| ms * 1000));
        for (part, exact) in [(0.5, 50_000), (0.95, 95_000), (0.99, 99_000), (1.0, 100_000)] {
            let told = hundred.percentile_us(part).unwrap();
            assert!((told - exact).abs() * 16 <= exact, "{part}: {told}");
        }
        assert_eq!(Spread::default().percentile_us(0.5), None);
    }

    #[test]
    fn parts_go_from_the_shortest_to_the_longest_without_gaps() {
        let parts = spread([16, 17, 23]).parts();
        assert_eq!(parts, [(16, 18, 2), (18, 20, 0), (20, 22, 0), (22, 24, 1)]);
        assert_eq!(Spread::default().parts(), []);
    }

    #[test]
    fn torn_and_foreign_bytes_are_passed_over() {
        let bytes = spread([1, 900, 900, 5_000_000]).encode();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).count() <= 4);
        }
        assert_eq!(read(&[0xff; 64]), Spread::default());
        assert_eq!(read(&[0xff, 0x7f, 1]), Spread::default());
    }
}
