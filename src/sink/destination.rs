//! Which server, and who we are to it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The server that a sink delivers to and the key that it does so with, as far as either may be known to others.
///
/// What was spooled is delivered by a later process only to the server, and under the key, that it was meant for: two
/// programs may share a directory and not an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    address: String,
    key: Option<String>,
}

impl Destination {
    /// Describes a server by an address that may be shown, and the secrets that are sent to it, of which only a
    /// fingerprint is kept.
    ///
    /// ```
    /// use lastword::sink::Destination;
    ///
    /// let destination = Destination::new("http://127.0.0.1:4318", &["tml-key"]);
    /// assert_eq!(destination, Destination::new("http://127.0.0.1:4318", &["tml-key"]));
    /// assert_ne!(destination, Destination::new("http://127.0.0.1:4318", &["another"]));
    /// assert_eq!(destination.address(), "http://127.0.0.1:4318");
    /// assert!(!format!("{destination:?}").contains("tml-key"));
    /// ```
    #[must_use]
    pub fn new(address: impl Into<String>, secrets: &[&str]) -> Self {
        let address = address.into();
        let key = (!secrets.is_empty()).then(|| fingerprint(&address, secrets));
        Self { address, key }
    }

    /// Restores what was written down.
    #[must_use]
    pub const fn restored(address: String, key: Option<String>) -> Self {
        Self { address, key }
    }

    /// Returns the server's address, without passwords.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the fingerprint of the key; none where there is no key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// The first 16 bytes of a SHA-256 over the address and the secrets, each with its length.
fn fingerprint(address: &str, secrets: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in std::iter::once(&address).chain(secrets) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a text can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
