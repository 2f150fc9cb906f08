//! Who may do what: keys with scopes.
//!
//! A key is known by its SHA-256, in the file of the keys and in memory. That is no weak hash here: what makes slow hashes
//! necessary is that people choose passwords which can be guessed, and a key is 244 random bits that nobody guesses, however
//! fast. It has to be fast, for it is computed once a request.
//!
//! Invariants:
//! - A key is in no log, no answer, no `Debug` and no file of ours. Keys have names, and these are shown.
//! - A key that is presented is compared with every known one in a time that does not depend on how much of it is right.
//! - A file that is changed is taken over within a second; one that is wrong then changes nothing and is warned about.
//! - While no key is known, nobody is asked for one; whoever serves then sees to it that only this machine is.

pub(crate) mod credential;
mod file;
pub(crate) mod need;

pub use file::{KeyFile, KeyFileError, NewKey};

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::clock;
use crate::limits::{KEY_CHARS_MIN, KEYS_MAX, KEYS_POLL};

/// What a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// To send events.
    Ingest,
    /// To ask and to look.
    Read,
    /// Everything, to change and to remove what is stored among it.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Read, Self::Admin];

    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

/// Some scopes.
///
/// ```
/// use lastword_collector::auth::{Scope, Scopes};
/// let scopes: Scopes = "ingest,read".parse().unwrap();
/// assert!(scopes.allow(Scope::Read) && !scopes.allow(Scope::Admin));
/// assert!("admin".parse::<Scopes>().unwrap().allow(Scope::Ingest));
/// assert_eq!(scopes.to_string(), "ingest,read");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Returns whether they allow what needs this scope. `admin` allows everything.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        self.0 & ((1 << scope as u8) | (1 << Scope::Admin as u8)) != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | (1 << scope as u8)))
    }
}

impl FromStr for Scopes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "use ingest, read or admin, several with commas between";
        let known = |name: &str| Scope::ALL.into_iter().find(|scope| scope.as_str() == name.trim()).ok_or(WRONG);
        text.split([',', '+']).map(known).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = Scope::ALL.into_iter().filter(|scope| self.0 & (1 << *scope as u8) != 0).map(Scope::as_str);
        f.write_str(&held.collect::<Vec<_>>().join(","))
    }
}

/// A key as it is known: by its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    name: Arc<str>,
    scopes: Scopes,
    digest: [u8; 32],
}

/// The key that was given can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It can be guessed.
    #[error(
        "the key `{0}` is too short: a key has at least {KEY_CHARS_MIN} characters, and random ones; `lastword keys new` makes one"
    )]
    TooShort(String),
    /// It is not said what it is for.
    #[error("the key number {0} says no scopes: write `SCOPES:KEY`, as `ingest:..` or `read+ingest:..`")]
    NoScopes(usize),
}

impl Key {
    /// Takes a key as its holder has it. What is kept is a hash.
    ///
    /// # Errors
    ///
    /// It is so short that it can be guessed.
    pub fn of_secret(name: &str, scopes: Scopes, secret: &str) -> Result<Self, KeyError> {
        if secret.chars().count() < KEY_CHARS_MIN {
            return Err(KeyError::TooShort(name.to_owned()));
        }
        Ok(Self { name: name.into(), scopes, digest: digest(secret) })
    }

    /// Reads keys as the environment has them: `SCOPES:KEY`, several with commas between, the scopes of one with `+`. They are
    /// named by their number.
    ///
    /// # Errors
    ///
    /// One of them has no scopes or is too short.
    pub fn of_environment(text: &str) -> Result<Vec<Self>, KeyError> {
        let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
        let read = |(index, part): (usize, &str)| {
            let (scopes, secret) = part.split_once(':').ok_or(KeyError::NoScopes(index + 1))?;
            let scopes = scopes.parse().map_err(|_| KeyError::NoScopes(index + 1))?;
            Self::of_secret(&format!("environment-{}", index + 1), scopes, secret)
        };
        parts.enumerate().map(read).collect()
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells two keys of one name apart, and tells nobody what they are.
    pub(crate) fn mark(&self) -> String {
        self.digest[..8].iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    /// Returns what it is good for.
    #[must_use]
    pub const fn scopes(&self) -> Scopes {
        self.scopes
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("scopes", &self.scopes.to_string())
            .finish_non_exhaustive()
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The keys that are known, from a file that may change and from elsewhere.
pub(crate) struct Keyring {
    path: Option<PathBuf>,
    /// Keys that are in no file.
    fixed: Vec<Key>,
    known: RwLock<Known>,
    looked_us: AtomicI64,
}

#[derive(Default)]
struct Known {
    keys: Arc<[Key]>,
    /// When the file that they are from was changed, and how long it is.
    version: Option<(SystemTime, u64)>,
}

impl Keyring {
    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// The file can't be read or is wrong.
    pub(crate) fn open(path: Option<&Path>, fixed: &[Key]) -> Result<Self, KeyFileError> {
        let ring = Self {
            path: path.map(Path::to_owned),
            fixed: fixed.to_vec(),
            known: RwLock::default(),
            looked_us: AtomicI64::new(clock::now_us()),
        };
        ring.reload()?;
        Ok(ring)
    }

    /// Reads the file again.
    ///
    /// # Errors
    ///
    /// It can't be read or is wrong; the keys are those of before.
    pub(crate) fn reload(&self) -> Result<(), KeyFileError> {
        let (mut keys, mut seen) = (self.fixed.clone(), None);
        if let Some(path) = &self.path {
            // Before the text: a change in between is found by the next look.
            seen = version(path);
            keys.extend(KeyFile::read(path)?.into_keys());
        }
        keys.truncate(KEYS_MAX);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { keys: keys.into(), version: seen };
        Ok(())
    }

    /// Returns whether keys are asked for: there are some, or a file for them.
    pub(crate) fn asks(&self) -> bool {
        self.path.is_some() || !self.fixed.is_empty()
    }

    /// Returns all keys, as they are now.
    pub(crate) fn all(&self) -> Arc<[Key]> {
        self.look();
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).keys)
    }

    /// Returns the key that this is, if it is one.
    pub(crate) fn find(&self, secret: &str) -> Option<Key> {
        let keys = self.all();
        let presented = digest(secret);
        // All of them, whichever it is.
        keys.iter()
            .fold(None, |found, key| if bool::from(key.digest.ct_eq(&presented)) { Some(key.clone()) } else { found })
    }

    /// Takes over a file that was changed, looking at it once in a while.
    fn look(&self) {
        let Some(path) = &self.path else { return };
        let now_us = clock::now_us();
        let before_us = self.looked_us.load(Ordering::Relaxed);
        // A clock that was set back is a reason to look, too.
        if now_us.abs_diff(before_us) < KEYS_POLL.as_micros().try_into().unwrap_or(u64::MAX)
            || self.looked_us.compare_exchange(before_us, now_us, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let seen = version(path);
        if self.known.read().unwrap_or_else(PoisonError::into_inner).version == seen {
            return;
        }
        match self.reload() {
            Ok(()) => tracing::info!(path = %path.display(), "the file of the keys was changed and is taken over"),
            Err(error) => {
                // Said once for each state that the file is in.
                self.known.write().unwrap_or_else(PoisonError::into_inner).version = seen;
                tracing::warn!(%error, "the file of the keys was changed and can't be used; those of before go on");
            }
        }
    }
}

fn version(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Nobody is asked for a key.
    Anyone,
    /// The holder of a key.
    Holder(Key),
    /// Somebody whose key may stand in the body, where their protocol has it. Who reads the body has to look.
    Unproven,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "lw_0123456789abcdef0123456789abcdef";

    #[test]
    fn a_key_allows_what_its_scopes_say_and_admin_everything() {
        let key = |scopes: &str| Key::of_secret("k", scopes.parse().unwrap(), SECRET).unwrap().scopes();
        assert!(key("ingest").allow(Scope::Ingest) && !key("ingest").allow(Scope::Read));
        assert!(key("read").allow(Scope::Read) && !key("read").allow(Scope::Admin));
        assert!(Scope::ALL.into_iter().all(|scope| key("admin").allow(scope)));
        for wrong in ["", "write", "ingest,", "Ingest"] {
            assert!(wrong.parse::<Scopes>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_of_the_environment_say_their_scopes() {
        let keys = Key::of_environment(&format!("ingest:{SECRET}, read+ingest:{SECRET}x,")).unwrap();
        assert_eq!(keys[0].scopes().to_string(), "ingest");
        assert_eq!(keys[1].scopes().to_string(), "ingest,read");
        assert_eq!(Key::of_environment(SECRET), Err(KeyError::NoScopes(1)));
        assert!(matches!(Key::of_environment("read:short"), Err(KeyError::TooShort(_))));
    }

    #[test]
    fn a_key_is_found_by_all_of_it_and_shows_itself_to_nobody() {
        let key = Key::of_secret("ci", "ingest".parse().unwrap(), SECRET).unwrap();
        let ring = Keyring::open(None, std::slice::from_ref(&key)).unwrap();
        assert_eq!(ring.find(SECRET), Some(key.clone()));
        for wrong in ["", &SECRET[1..], &SECRET[..34], &SECRET.to_uppercase()] {
            assert_eq!(ring.find(wrong), None, "{wrong}");
        }
        let shown = format!("{key:?}");
        assert!(shown.contains("ci") && !shown.contains("0123456789"), "{shown}");
    }

    #[test]
    fn nobody_is_asked_for_a_key_while_there_is_none_to_know() {
        assert!(!Keyring::open(None, &[]).unwrap().asks());
    }
}
