//! How much one client may send: a bucket of tokens for its requests and one for its events.
//!
//! A bucket holds [`RATE_BURST`] of its rate, so that a client which sends little may send a lot at once. How many events a
//! request has is known when it is decoded, so a request is let in while anything is left, and what it takes beyond that is a
//! debt that has to be made up for first.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;
use crate::limits::{RATE_BURST, RATE_CLIENTS_MAX};

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// Holders of one key, by its name.
    Key(Arc<str>),
    /// An address. Of IPv6 it is the network that one customer is given.
    Address(IpAddr),
    /// All those for whom there is no place.
    Others,
}

impl Client {
    /// Returns the client of an address.
    pub(crate) fn of_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::Address(address.into()),
            IpAddr::V6(address) => Self::Address(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
        }
    }
}

/// How much of its requests a client has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// What it may send at once.
    pub(crate) limit: u64,
    /// What of that is left.
    pub(crate) remaining: u64,
    /// When all of it is there again, if nothing is sent.
    pub(crate) reset: Duration,
}

/// A client has sent too much: how long it should wait, and what it has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMuch {
    pub(crate) wait: Duration,
    pub(crate) left: Left,
}

/// The buckets of all clients.
pub(crate) struct Rates(Mutex<Inner>);

struct Inner {
    rate: Rate,
    clients: HashMap<Client, Buckets>,
}

#[derive(Clone, Copy)]
struct Buckets {
    requests: Bucket,
    events: Bucket,
}

#[derive(Clone, Copy)]
struct Bucket {
    level: f64,
    at: Instant,
}

impl Bucket {
    const fn full(rate: u32, now: Instant) -> Self {
        Self { level: capacity(rate), at: now }
    }

    fn fill(&mut self, rate: u32, now: Instant) {
        let grown = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(rate);
        self.level = (self.level + grown).min(capacity(rate));
        self.at = now;
    }

    /// Returns how much is left, and how long it takes until a whole token is there.
    fn left(&self, rate: u32) -> (Left, Duration) {
        let seconds = |tokens: f64| Duration::from_secs_f64((tokens / f64::from(rate.max(1))).max(0.0));
        let reset = seconds(capacity(rate) - self.level);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is no less than 0")]
        let whole = |tokens: f64| tokens.max(0.0) as u64;
        (Left { limit: whole(capacity(rate)), remaining: whole(self.level), reset }, seconds(1.0 - self.level))
    }
}

const fn capacity(rate: u32) -> f64 {
    rate as f64 * RATE_BURST.as_secs() as f64
}

impl Rates {
    pub(crate) fn new(rate: Rate) -> Self {
        Self(Mutex::new(Inner { rate, clients: HashMap::new() }))
    }

    /// Sets other rates. What clients have left begins anew.
    pub(crate) fn set(&self, rate: Rate) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.rate != rate {
            *inner = Inner { rate, clients: HashMap::new() };
        }
    }

    /// Takes one request of a client; `None` where requests have no rate.
    pub(crate) fn request(&self, client: &Client, now: Instant) -> Result<Option<Left>, TooMuch> {
        self.within(client, now, |rate, buckets| {
            if rate.requests == 0 {
                return Ok(None);
            }
            buckets.requests.fill(rate.requests, now);
            let (left, wait) = buckets.requests.left(rate.requests);
            if buckets.requests.level < 1.0 {
                return Err(TooMuch { wait, left });
            }
            buckets.requests.level -= 1.0;
            Ok(Some(buckets.requests.left(rate.requests).0))
        })
        .unwrap_or(Ok(None))
    }

    /// Takes the events of a request, all or none.
    pub(crate) fn events(&self, client: &Client, events: usize, now: Instant) -> Result<(), TooMuch> {
        self.within(client, now, |rate, buckets| {
            if rate.events == 0 {
                return Ok(());
            }
            buckets.events.fill(rate.events, now);
            let (left, wait) = buckets.events.left(rate.events);
            if buckets.events.level < 1.0 {
                return Err(TooMuch { wait, left });
            }
            buckets.events.level -= events as f64;
            Ok(())
        })
        .unwrap_or(Ok(()))
    }

    /// Looks at the buckets of a client; `None` where nothing has a rate.
    fn within<T>(&self, client: &Client, now: Instant, look: impl FnOnce(&Rate, &mut Buckets) -> T) -> Option<T> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { rate, clients } = &mut *inner;
        if rate.requests == 0 && rate.events == 0 {
            return None;
        }
        if clients.len() >= RATE_CLIENTS_MAX && !clients.contains_key(client) {
            // A client that has all is one that was never seen.
            clients.retain(|_, buckets| {
                buckets.requests.fill(rate.requests, now);
                buckets.events.fill(rate.events, now);
                let has_all = |bucket: &Bucket, rate: u32| bucket.level >= capacity(rate);
                !(has_all(&buckets.requests, rate.requests) && has_all(&buckets.events, rate.events))
            });
        }
        let client =
            if clients.len() >= RATE_CLIENTS_MAX && !clients.contains_key(client) { &Client::Others } else { client };
        let fresh = Buckets { requests: Bucket::full(rate.requests, now), events: Bucket::full(rate.events, now) };
        let buckets = clients.entry(client.clone()).or_insert(fresh);
        Some(look(rate, buckets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Client {
        Client::of_address(IpAddr::from([10, 0, 0, last]))
    }

    #[test]
    fn a_client_may_send_its_burst_and_then_its_rate() {
        let rates = Rates::new(Rate { requests: 2, events: 0 });
        let begun = Instant::now();
        for left in (0..20).rev() {
            assert_eq!(rates.request(&client(1), begun).unwrap().unwrap().remaining, left);
        }
        let refused = rates.request(&client(1), begun).unwrap_err();
        assert_eq!((refused.wait, refused.left.limit), (Duration::from_millis(500), 20));
        assert!(rates.request(&client(2), begun).is_ok(), "another client has a bucket of its own");
        let later = begun + Duration::from_secs(1);
        assert!(rates.request(&client(1), later).is_ok() && rates.request(&client(1), later).is_ok());
        assert!(rates.request(&client(1), later).is_err());
    }

    #[test]
    fn events_beyond_what_is_left_are_a_debt() {
        let rates = Rates::new(Rate { requests: 0, events: 10 });
        let begun = Instant::now();
        assert!(rates.events(&client(1), 150, begun).is_ok(), "the burst is 100, and a request is taken as a whole");
        let refused = rates.events(&client(1), 1, begun).unwrap_err();
        assert_eq!(refused.wait, Duration::from_millis(5_100));
        assert!(rates.events(&client(1), 1, begun + Duration::from_millis(5_100)).is_ok());
        assert_eq!(rates.request(&client(1), begun), Ok(None));
    }

    #[test]
    fn nobody_is_counted_where_there_is_no_rate() {
        let rates = Rates::new(Rate::default());
        assert_eq!(rates.request(&client(1), Instant::now()), Ok(None));
        assert!(rates.0.lock().unwrap().clients.is_empty());
    }

    #[test]
    fn clients_beyond_the_bound_share_a_bucket_and_idle_ones_make_room() {
        let rates = Rates::new(Rate { requests: 1, events: 0 });
        let begun = Instant::now();
        let nth = |n: usize| Client::Address(IpAddr::from(u32::try_from(n).unwrap().to_be_bytes()));
        for n in 0..RATE_CLIENTS_MAX + 5 {
            rates.request(&nth(n), begun).unwrap();
        }
        let known = || rates.0.lock().unwrap().clients.len();
        assert_eq!(known(), RATE_CLIENTS_MAX + 1);
        rates.request(&nth(RATE_CLIENTS_MAX + 6), begun + RATE_BURST).unwrap();
        assert_eq!(known(), 1);
    }

    #[test]
    fn addresses_of_one_customer_are_one_client() {
        let of = |text: &str| Client::of_address(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
