//! What Sentry asks not to be sent for a while, by category.
//!
//! The form is that of "Rate Limiting" in Sentry's documentation for those who write SDKs.

use std::sync::Mutex;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::clock::{Clock, Instant};
use crate::limits::{SENTRY_RATE_LIMIT_DEFAULT, SENTRY_RATE_LIMIT_MAX};
use crate::sync::lock;
use crate::wire;

const RATE_LIMITS: &str = "x-sentry-rate-limits";
const TOO_MANY_REQUESTS: u16 = 429;

/// What we send, as Sentry counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Error,
    Log,
    Session,
    Transaction,
}

impl Category {
    const ALL: [Self; 4] = [Self::Error, Self::Log, Self::Session, Self::Transaction];

    /// Returns the category with a name of Sentry's; `None` if we send nothing of the kind.
    fn named(name: &str) -> Option<Self> {
        match name.trim() {
            "error" | "default" => Some(Self::Error),
            "log_item" | "log_byte" => Some(Self::Log),
            "session" => Some(Self::Session),
            "transaction" => Some(Self::Transaction),
            _ => None,
        }
    }
}

/// The limits that are in force.
pub(super) struct Limits {
    clock: Clock,
    until: Mutex<[Option<Instant>; Category::ALL.len()]>,
}

impl Limits {
    pub(super) const fn new(clock: Clock) -> Self {
        Self { clock, until: Mutex::new([None; Category::ALL.len()]) }
    }

    /// Returns how long nothing of a category is to be sent.
    pub(super) fn wait(&self, category: Category) -> Option<Duration> {
        let until = lock(&self.until)[category as usize]?;
        Some(until.since(self.clock.instant())).filter(|wait| !wait.is_zero())
    }

    /// Notes what an answer says of limits, whatever its status is.
    pub(super) fn note(&self, status: u16, headers: &HeaderMap) {
        if headers.contains_key(RATE_LIMITS) {
            let limits = headers.get_all(RATE_LIMITS).into_iter().filter_map(|limits| limits.to_str().ok());
            limits.flat_map(|limits| limits.split(',')).for_each(|limit| self.note_limit(limit));
        } else if status == TOO_MANY_REQUESTS {
            let after = headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok());
            let asked = wire::retry_after(None, after, self.clock.now());
            self.limit(&Category::ALL, asked.unwrap_or(SENTRY_RATE_LIMIT_DEFAULT));
        }
    }

    /// Notes one limit: `<seconds>:<categories>:<scope>` and whatever else. One without categories is for all.
    fn note_limit(&self, limit: &str) {
        let mut parts = limit.split(':');
        let seconds = parts.next().and_then(|seconds| seconds.trim().parse::<f64>().ok());
        let Some(wait) = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) else { return };
        let names = parts.next().unwrap_or_default().trim();
        if names.is_empty() {
            self.limit(&Category::ALL, wait);
        } else {
            let categories: Vec<_> = names.split(';').filter_map(Category::named).collect();
            self.limit(&categories, wait);
        }
    }

    fn limit(&self, categories: &[Category], wait: Duration) {
        let end = self.clock.instant().after(wait.min(SENTRY_RATE_LIMIT_MAX));
        let mut until = lock(&self.until);
        for &category in categories {
            // The longest holds: a shorter one may be of another scope.
            let until = &mut until[category as usize];
            *until = Some(until.map_or(end, |before| before.max(end)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn limits() -> (Limits, Arc<AtomicU64>) {
        let nanos = Arc::new(AtomicU64::new(1_700_000_000_000_000_000));
        (Limits::new(Clock::manual(Arc::clone(&nanos))), nanos)
    }

    fn told(status: u16, headers: &[(&'static str, &'static str)]) -> [u64; 4] {
        let (limits, _) = limits();
        let mut map = HeaderMap::new();
        for &(name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        limits.note(status, &map);
        Category::ALL.map(|category| limits.wait(category).unwrap_or_default().as_secs())
    }

    #[test]
    fn each_category_is_held_as_long_as_the_header_says() {
        // Errors, logs, sessions, transactions.
        for (header, expected) in [
            ("60:error;transaction:organization", [60, 0, 0, 60]),
            ("60:transaction:key, 2700:default;error;security:organization", [2_700, 0, 0, 60]),
            ("60::organization,30:log_item:key:quota:more", [60, 60, 60, 60]),
            ("30:session;log_byte,60:session", [0, 30, 60, 0]),
            ("60:session,30:session", [0, 0, 60, 0]),
            ("60:replay;of_the_future:key", [0; 4]),
            ("1e9::key", [3_600; 4]),
            ("soon:error,-1:error,NaN::,,:,:::", [0; 4]),
        ] {
            assert_eq!(told(429, &[(RATE_LIMITS, header)]), expected, "{header}");
            assert_eq!(told(200, &[(RATE_LIMITS, header)]), expected, "{header}, said in time");
        }
    }

    #[test]
    fn a_429_without_the_header_holds_everything() {
        assert_eq!(told(429, &[("retry-after", "7")]), [7; 4]);
        assert_eq!(told(429, &[]), [60; 4]);
        assert_eq!(told(503, &[("retry-after", "7")]), [0; 4], "that is no limit");
        assert_eq!(told(200, &[(RATE_LIMITS, "9:log_item:key"), (RATE_LIMITS, "8:error:key")]), [8, 9, 0, 0]);
        assert_eq!(told(429, &[("retry-after", "7"), (RATE_LIMITS, "9:log_item:key")]), [0, 9, 0, 0]);
    }

    #[test]
    fn a_limit_ends() {
        let (limits, nanos) = limits();
        limits.note_limit("60:error:key");
        nanos.fetch_add(59_000_000_000, Ordering::Relaxed);
        assert_eq!(limits.wait(Category::Error), Some(Duration::from_secs(1)));
        nanos.fetch_add(1_000_000_000, Ordering::Relaxed);
        assert_eq!(limits.wait(Category::Error), None);
    }
}
