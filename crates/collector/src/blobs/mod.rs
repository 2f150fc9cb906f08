//! Large values outside of the store: each is an object of an object store, under its SHA-256.
//!
//! ```text
//! <prefix>/store-<its name>/<first two digits>/<64 hexadecimal digits>
//! <prefix>/store-<its name>/<six digits of an hour>/<64 hexadecimal digits>      where several processes write the store
//! ```
//!
//! # Invariants
//!
//! - A value is an object before anything names it: a request is stored when all of its values are there.
//! - What is named is not deleted. Whoever brings a value holds it ([`Pins`]) until what names it is stored; whoever deletes one has it alone
//!   ([`Doomed`]), asks then whether it is named, and those who would bring it meanwhile wait.
//! - Where several processes write, none knows what the others hold. There the name begins with the hour in which the value is put: none is named
//!   anew when its hour is over for long, so one of such an hour that no event names is named by none ever after (see [`hour_of`]).
//! - What is read is what was put: it has the length and the hash by which it is named, or it is not told as the value.
//!
//! A process that is killed between the two leaves an object that nothing names. Such orphans are found by a list of all, and are deleted when
//! they are a day old. Nothing here knows what kind of store it is that names them.

#[cfg(not(feature = "s3"))]
mod absent;
mod address;
#[cfg(feature = "s3")]
mod advice;
#[cfg_attr(not(feature = "s3"), allow(dead_code, reason = "there is no object store then"))]
mod guard;
#[cfg(feature = "s3")]
mod remote;

#[cfg(not(feature = "s3"))]
pub(crate) use absent::Blobs;
pub(crate) use address::{Address, S3Settings};
pub(crate) use guard::{Doomed, Pins};
#[cfg(feature = "s3")]
pub(crate) use remote::Blobs;

use sha2::{Digest as _, Sha256};

use crate::config::Settings;

/// A value that is to be kept.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "s3"), allow(dead_code, reason = "there is no object store then"))]
pub(crate) struct Value {
    /// See [`hash_of`].
    pub(crate) hash: Box<str>,
    pub(crate) text: Box<str>,
}

/// The object store could not do it. It may when it is asked again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found}: {advice}")]
pub(crate) struct Away {
    /// Which one, and what it said.
    pub(crate) found: String,
    /// What to do about it.
    pub(crate) advice: &'static str,
}

/// Why a value is not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(feature = "s3"), allow(dead_code, reason = "there is no object store then"))]
pub(crate) enum Unread {
    /// There is no such object.
    #[error("is missing in the object store")]
    Missing,
    /// The object has other bytes than were put there.
    #[error("is another one in the object store: its object was changed")]
    Changed,
    /// It is not known, because the object store does not say.
    #[error(transparent)]
    Away(#[from] Away),
}

/// Why large values can't be kept where they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenBlobsError {
    /// What is set is no place for them.
    #[error("`{key}` can't be `{value}`: {right}")]
    Setting {
        /// The key.
        key: &'static str,
        /// What it is.
        value: String,
        /// What would be right.
        right: &'static str,
    },
    /// This program can't.
    #[error("`blobs` is set, and this program is built without it: build it with `--features s3`")]
    NotBuilt,
    /// The place can't be used.
    #[error("the large values can't be kept at {at}: {what}")]
    Unusable {
        /// The place.
        at: String,
        /// What is wrong.
        what: String,
    },
}

/// Checks what is set of large values.
///
/// # Errors
///
/// It can't be, or this program is built without it.
pub(crate) fn check(settings: &Settings) -> Result<(), OpenBlobsError> {
    let Some(url) = &settings.blobs else { return Ok(()) };
    let _: Address = url.parse()?;
    if settings.store.is_some() && settings.remote_store().is_none() {
        let (key, value) = ("blobs", url.chars().take(128).collect());
        return Err(OpenBlobsError::Setting {
            key,
            value,
            right: "leave it out: who only takes events in stores none",
        });
    }
    address::check_endpoint(settings.s3.endpoint.as_deref())?;
    if cfg!(feature = "s3") { Ok(()) } else { Err(OpenBlobsError::NotBuilt) }
}

/// Returns the name of a value: its SHA-256 in 64 hexadecimal digits.
pub(crate) fn hash_of(text: &str) -> Box<str> {
    use std::fmt::Write as _;

    let mut hash = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        // A text takes whatever is written to it.
        let _ = write!(hash, "{byte:02x}");
    }
    hash.into()
}

/// Digits of a hash.
const HASH_DIGITS: usize = 64;
/// Digits of an hour.
#[cfg_attr(not(feature = "s3"), allow(dead_code, reason = "nothing is named then"))]
const HOUR_DIGITS: usize = 6;

/// Returns the name of a value of this hash that is put in an hour, which is counted from 1970.
pub(crate) fn named_in(hour: i64, hash: &str) -> Box<str> {
    format!("{hour:06x}{hash}").into()
}

/// Returns the hour in which a value of this name was put, if the name has it.
#[cfg_attr(not(feature = "clickhouse"), allow(dead_code, reason = "one process writes then"))]
pub(crate) fn hour_of(name: &str) -> Option<i64> {
    let (hour, _) = name.split_at_checked(name.len().checked_sub(HASH_DIGITS)?)?;
    i64::from_str_radix(hour, 16).ok()
}

/// Returns the hash in a name.
#[cfg_attr(not(feature = "s3"), allow(dead_code, reason = "nothing is read then"))]
fn hash_in(name: &str) -> &str {
    name.get(name.len().saturating_sub(HASH_DIGITS)..).unwrap_or(name)
}

/// Returns the folder of a value of this name, and its file.
#[cfg_attr(not(feature = "s3"), allow(dead_code, reason = "nothing is put then"))]
fn path_of(name: &str) -> (&str, &str) {
    let hash = hash_in(name);
    match name.strip_suffix(hash) {
        Some(hour) if !hour.is_empty() => (hour, hash),
        _ => (hash.get(..2).unwrap_or_default(), hash),
    }
}

/// Returns the name of a value that is in this file of this folder, if it is one.
#[cfg_attr(not(feature = "s3"), allow(dead_code, reason = "nothing is listed then"))]
fn name_in(folder: &str, file: &str) -> Option<Box<str>> {
    let are_digits = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let name = if folder.len() == HOUR_DIGITS { format!("{folder}{file}") } else { file.to_owned() };
    (file.len() == HASH_DIGITS && are_digits(&name) && path_of(&name) == (folder, file)).then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_again_in_its_path_and_what_is_no_path_of_a_value_has_none() {
        let hash = hash_of("x");
        for name in [hash.clone(), named_in(498_797, &hash)] {
            let (folder, file) = path_of(&name);
            assert_eq!((file, name_in(folder, file)), (&*hash, Some(name.clone())));
            assert_eq!(hash_in(&name), &*hash);
        }
        assert_eq!((hour_of(&named_in(498_797, &hash)), hour_of(&hash), hour_of("a")), (Some(498_797), None, None));
        for (folder, file) in [("zz", &*hash), ("ab", "notes.txt"), ("", &*hash), ("00000g", &*hash)] {
            assert_eq!(name_in(folder, file), None, "{folder}/{file}");
        }
    }
}
