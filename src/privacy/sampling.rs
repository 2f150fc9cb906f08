//! Which share of the events of a name is reported.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What becomes of an event whose name is sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// All events of its name are reported.
    All,
    /// This one stands for others too: it is one of this share of them.
    Of(f64),
    /// It is left out.
    None,
}

/// Keeps shares of events, by their names. A name that ends with `*` stands for all that begin so; a name of its own goes
/// before that, and a longer beginning before a shorter one.
///
/// Which events are kept is random: a sample of events that come at a regular pace is none of every fourth.
///
/// ```
/// use lastword::privacy::{Sampler, Share};
///
/// let sampler = Sampler::new([("cache.hit", 0.25), ("debug.*", 0.0)], 17);
/// let kept = (0..100_000).filter(|_| sampler.share("cache.hit") == Share::Of(0.25)).count();
/// assert!((24_500..=25_500).contains(&kept), "{kept}");
/// assert_eq!((sampler.share("debug.frame"), sampler.share("query")), (Share::None, Share::All));
/// ```
pub struct Sampler {
    names: HashMap<String, f64>,
    /// The longest first.
    beginnings: Vec<(String, f64)>,
    seed: u64,
    count: AtomicU64,
}

impl Sampler {
    /// Makes a sampler of shares between 0 and 1: 1 keeps all, 0 none. What is no such number keeps all.
    #[must_use]
    pub fn new<N: Into<String>>(shares: impl IntoIterator<Item = (N, f64)>, seed: u64) -> Self {
        let (mut names, mut beginnings) = (HashMap::new(), Vec::new());
        for (name, share) in shares {
            let name = name.into();
            match name.strip_suffix('*') {
                Some(beginning) => beginnings.push((beginning.to_owned(), share)),
                None => drop(names.insert(name, share)),
            }
        }
        beginnings.sort_by_key(|(beginning, _)| std::cmp::Reverse(beginning.len()));
        Self { names, beginnings, seed, count: AtomicU64::new(0) }
    }

    /// Decides about the next event of a name.
    #[must_use]
    pub fn share(&self, name: &str) -> Share {
        self.share_at(name, || self.draw())
    }

    /// Decides about an event of a name by where it lies among all, from 0 to 1.
    pub(crate) fn share_at(&self, name: &str, place: impl FnOnce() -> f64) -> Share {
        let begins = || self.beginnings.iter().find(|(beginning, _)| name.starts_with(beginning.as_str()));
        match self.names.get(name).copied().or_else(|| begins().map(|(_, share)| *share)) {
            Some(0.0) => Share::None,
            Some(share) if share > 0.0 && share < 1.0 => {
                if place() < share {
                    Share::Of(share)
                } else {
                    Share::None
                }
            }
            _ => Share::All,
        }
    }

    /// Draws a number of at least 0 and less than 1.
    #[allow(clippy::cast_precision_loss)]
    fn draw(&self) -> f64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // The finaliser of `SplitMix64`, over a counter.
        let mut bits = self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // As many bits as the fraction of a double has.
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Returns where a trace lies among all, from 0 to 1: whoever samples traces by it, here or in another process, takes or leaves
/// the same ones.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn place_of_trace(trace_id: u128) -> f64 {
    // The 56 bits that are random in every trace id, by "Trace Context Level 2" of the W3C.
    (trace_id & 0xff_ffff_ffff_ffff) as f64 / (1_u64 << 56) as f64
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler")
            .field("names", &self.names)
            .field("beginnings", &self.beginnings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_kept_as_often_as_it_says_and_says_so() {
        for seed in 0..20 {
            let sampler = Sampler::new([("e", 0.25)], seed);
            let kept = (0..100_000).filter(|_| sampler.share("e") == Share::Of(0.25)).count();
            assert!((24_500..=25_500).contains(&kept), "{kept} of seed {seed}");
        }
    }

    #[test]
    fn nothing_is_sampled_that_is_not_named_and_what_is_no_share_keeps_all() {
        let sampler = Sampler::new([("one", 1.0), ("more", 2.0), ("less", -1.0), ("nan", f64::NAN), ("none", 0.0)], 0);
        for name in ["one", "more", "less", "nan", "other", ""] {
            assert_eq!(sampler.share(name), Share::All, "{name}");
        }
        assert_eq!(sampler.share("none"), Share::None);
    }

    #[test]
    fn a_name_goes_before_a_beginning_and_a_longer_beginning_before_a_shorter_one() {
        let sampler = Sampler::new([("a*", 0.0), ("a.b*", 1.0), ("a.b.c", 0.0)], 0);
        assert_eq!(
            ["a", "a.b", "a.b.d", "a.b.c"].map(|name| sampler.share(name) == Share::None),
            [true, false, false, true]
        );
    }
}
