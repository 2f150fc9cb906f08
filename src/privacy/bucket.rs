//! Buckets of users: how many there are can be told, who they are can't.
//!
//! "One user a hundred times" and "a hundred users once" differ in how many buckets are seen, and no id leaves the machine.

use std::fmt;

use sha2::{Digest, Sha256};

/// How many buckets there are.
pub const BUCKETS: u32 = 30;

/// Returns the bucket of a user: the first four bytes of the SHA-256 of the id, big-endian, modulo [`BUCKETS`].
///
/// ```
/// use lastword::privacy::user_bucket;
/// assert_eq!(user_bucket("alice"), 1);
/// assert_eq!(user_bucket("user-123"), 25);
/// ```
#[must_use]
pub fn user_bucket(user_id: &str) -> u32 {
    user_bucket_salted("", user_id)
}

/// [`user_bucket`] with a salt before the id, so that who knows an id can't look up its bucket. Without a salt it is the same.
///
/// ```
/// use lastword::privacy::{user_bucket, user_bucket_salted};
/// assert_eq!(user_bucket_salted("", "alice"), user_bucket("alice"));
/// assert!(user_bucket_salted("pepper", "alice") < 30);
/// ```
#[must_use]
pub fn user_bucket_salted(salt: &str, user_id: &str) -> u32 {
    let digest = Sha256::new().chain_update(salt).chain_update(user_id).finalize();
    digest.iter().take(4).fold(0_u32, |number, &byte| number << 8 | u32::from(byte)) % BUCKETS
}

/// How many users there are, as far as that can be told from buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimate {
    /// About so many.
    About(f64),
    /// Every bucket was seen: there are at least so many, and no more can be told.
    AtLeast(u32),
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::About(users) => write!(f, "{users:.0}"),
            Self::AtLeast(users) => write!(f, ">= {users}"),
        }
    }
}

/// Estimates how many users there are, by how many buckets were seen: `-30·ln(1 - b/30)`.
///
/// ```
/// use lastword::privacy::{Estimate, estimate_users};
/// assert_eq!(estimate_users(0), Estimate::About(0.0));
/// assert_eq!(estimate_users(15).to_string(), "21");
/// assert_eq!(estimate_users(30).to_string(), ">= 100");
/// ```
#[must_use]
pub fn estimate_users(buckets_seen: u32) -> Estimate {
    if buckets_seen >= BUCKETS {
        return Estimate::AtLeast(100);
    }
    let buckets = f64::from(BUCKETS);
    // `0 -` and not `-`: no users are zero users, and not minus zero.
    Estimate::About(0.0 - buckets * (1.0 - f64::from(buckets_seen) / buckets).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_other_implementations() {
        for (user, bucket) in [
            ("", 20),
            ("alice", 1),
            ("user_abc123", 28),
            ("user-123", 25),
            ("00000000-0000-0000-0000-000000000000", 22),
            (concat!("bob", "@example.com"), 15),
        ] {
            assert_eq!(user_bucket(user), bucket, "{user}");
        }
    }

    #[test]
    fn a_salt_is_off_unless_given_and_changes_the_bucket_of_most() {
        let users = || (0..100).map(|number| format!("user-{number}"));
        assert!(users().all(|user| user_bucket_salted("", &user) == user_bucket(&user)));
        assert!(users().filter(|user| user_bucket_salted("pepper", user) != user_bucket(user)).count() > 80);
    }

    #[test]
    fn users_are_estimated_beyond_the_number_of_buckets_and_a_full_house_says_so() {
        let Estimate::About(one) = estimate_users(1) else { panic!("one bucket is not all") };
        assert!((one - 1.017).abs() < 0.001, "{one}");
        let Estimate::About(nearly_all) = estimate_users(29) else { panic!("29 buckets are not all") };
        assert!((nearly_all - 102.036).abs() < 0.001, "{nearly_all}");
        assert_eq!(estimate_users(30), Estimate::AtLeast(100));
        assert_eq!(estimate_users(31).to_string(), ">= 100");
    }
}
