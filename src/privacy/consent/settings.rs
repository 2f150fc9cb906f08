//! What a settings file says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Level;

/// What a user has said, for all programs that use this library.
///
/// ```
/// use lastword::privacy::Level;
/// use lastword::privacy::consent::UserSettings;
///
/// let mut settings: UserSettings = serde_json::from_str(r#"{"consent": "essential", "colour": "blue"}"#)?;
/// assert_eq!(settings.consent(), Some(Level::Essential));
/// settings.set_consent(Level::None);
/// settings.set_user("ada", true);
/// assert_eq!((settings.user("ada"), settings.user("bob")), (Some(true), None));
///
/// let text = serde_json::to_string(&settings)?;
/// assert!(text.contains("blue"), "what it does not know, it keeps");
/// assert!(!text.contains("ada"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent: Option<Level>,
    /// By the SHA-256 of their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    users: BTreeMap<String, Word>,
    /// What other versions and other programs keep here.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Whether an id may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Allow,
    Deny,
}

impl UserSettings {
    /// Returns how much may be reported at the most, if the user has said so.
    #[must_use]
    pub const fn consent(&self) -> Option<Level> {
        self.consent
    }

    /// Says how much may be reported at the most.
    pub const fn set_consent(&mut self, level: Level) {
        self.consent = Some(level);
    }

    /// Returns whether the id of this user may leave, if that was said.
    #[must_use]
    pub fn user(&self, id: &str) -> Option<bool> {
        self.users.get(&hash(id)).map(|word| *word == Word::Allow)
    }

    /// Says whether the id of this user may leave. Only its SHA-256 is kept.
    pub fn set_user(&mut self, id: &str, allowed: bool) {
        self.users.insert(hash(id), if allowed { Word::Allow } else { Word::Deny });
    }

    /// Returns of how many users it was said that their id may leave, and of how many that it may not.
    #[must_use]
    pub fn users(&self) -> (usize, usize) {
        let allowed = self.users.values().filter(|word| **word == Word::Allow).count();
        (allowed, self.users.len() - allowed)
    }
}

/// The SHA-256 of an id, in lower-case hexadecimal digits.
fn hash(id: &str) -> String {
    let digest = Sha256::digest(id);
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        for nibble in [byte >> 4, byte & 0xf] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> serde_json::Result<UserSettings> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_user_is_known_by_the_sha_256_of_the_id() {
        // As `printf ada | sha256sum` prints it.
        let json = r#"{"users":{"fdee430d40bd57deeac186cd9790033d0f06f909a8806e7ce6e717ab7c7d5029":"deny"}}"#;
        assert_eq!((read(json).unwrap().users(), read(json).unwrap().user("ada")), ((0, 1), Some(false)));
        let mut settings = UserSettings::default();
        settings.set_user("abc", true);
        assert_eq!(settings.user("abc"), Some(true));
        settings.set_user("abc", false);
        assert_eq!((settings.user("abc"), settings.users()), (Some(false), (0, 1)));
        assert!(!format!("{settings:?}").contains("abc\""));
    }

    #[test]
    fn what_is_no_word_of_ours_is_an_error_and_not_ignored() {
        for json in [
            r#"{"consent":"some"}"#,
            r#"{"consent":1}"#,
            r#"{"consent":"full","consent":"none"}"#,
            r#"{"users":{"a":"maybe"}}"#,
            r#"{"users":["a"]}"#,
            "[]",
            "null",
            "",
            "{",
            r#"{"consent":"none"} x"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        assert_eq!(read("{}").unwrap(), UserSettings::default());
    }

    #[test]
    fn a_field_of_somebody_elses_comes_out_as_it_went_in() {
        let json = r#"{"a":[1,{"b":null}],"consent":"full","z":18446744073709551615}"#;
        let mut settings = read(json).unwrap();
        settings.set_consent(Level::None);
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(text, r#"{"consent":"none","a":[1,{"b":null}],"z":18446744073709551615}"#);
    }
}
