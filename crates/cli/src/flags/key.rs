//! The key that a server knows us by. It is in no message, no `Debug` and no output.

use std::env;
use std::fmt;

/// Names the key. Read here and not by clap, which would show it.
const VARIABLE: &str = "LASTWORD_API_KEY";

/// A key, as it was given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(String);

impl ApiKey {
    #[cfg(unix)]
    /// Takes a key as it stands on the command line. What is wrong with it is found by the sink, which does not show it.
    #[allow(clippy::unnecessary_wraps, reason = "clap asks for a parser that may fail")]
    pub(crate) fn parse(text: &str) -> Result<Self, std::convert::Infallible> {
        Ok(Self(text.to_owned()))
    }

    /// Returns the key of the environment, if it has one.
    pub(crate) fn of_environment() -> Option<Self> {
        env::var(VARIABLE).ok().filter(|key| !key.is_empty()).map(Self)
    }

    /// Returns the key itself, for the one who sends it.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_itself_to_nobody_but_its_sender() {
        let key = ApiKey::parse("tml-secret").unwrap();
        assert_eq!((format!("{key:?}").as_str(), key.secret()), ("ApiKey(***)", "tml-secret"));
    }
}
