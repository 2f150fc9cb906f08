//! Tags of an entry: a list with commas.

use crate::limits::{DATADOG_TAG_CHARS_MAX, DATADOG_TAGS_MAX};
use crate::sink::SettingError;

/// Tags that the sink sets on every entry: `event` and `version`.
const OWN_TAGS: usize = 2;

/// Tags that every entry has, as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Tags(Vec<(String, String)>);

impl Tags {
    pub(super) fn push(&mut self, key: String, value: String) {
        self.0.push((key, value));
    }

    pub(super) fn check(&self) -> Result<(), SettingError> {
        let wrong = |reason: String| Err(SettingError::new("tag", reason));
        let (count, max) = (self.0.len(), DATADOG_TAGS_MAX - OWN_TAGS);
        if count > max {
            return wrong(format!("there are {count}: use {max} at most"));
        }
        for (key, _) in &self.0 {
            let shown = key.escape_debug();
            if !key.starts_with(char::is_alphabetic) || !key.chars().all(is_of_key) {
                return wrong(format!("`{shown}` is no key: use a letter, then letters, digits and any of `_-./`"));
            }
            if key == "event" {
                return wrong(format!("`{shown}` is set by the sink itself"));
            }
        }
        Ok(())
    }

    /// Returns the tags that are the same for all events of a session, each after a comma.
    pub(super) fn of_session(&self, sdk_version: &str) -> String {
        let mut list = String::new();
        if self.0.iter().all(|(key, _)| key != "version") {
            push(&mut list, "version", sdk_version);
        }
        for (key, value) in &self.0 {
            push(&mut list, key, value);
        }
        list
    }
}

/// Appends a comma and a tag, whose value can't make a second tag of it.
fn push(list: &mut String, key: &str, value: &str) {
    list.push(',');
    push_tag(list, key, value);
}

/// Appends a tag: what no tag can have is `_`, as Datadog would make it.
pub(super) fn push_tag(list: &mut String, key: &str, value: &str) {
    let colon = if value.is_empty() { "" } else { ":" };
    let tag = key.chars().chain(colon.chars()).chain(value.chars()).take(DATADOG_TAG_CHARS_MAX);
    list.extend(tag.map(|character| if character == ':' || is_of_key(character) { character } else { '_' }));
}

fn is_of_key(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[(&str, &str)]) -> Tags {
        Tags(tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn no_value_makes_a_second_tag() {
        let tags = tags(&[("env", "a,event:b"), ("team", "two words\n"), ("flag", ""), ("url", "http://h")]);
        assert_eq!(tags.check(), Ok(()));
        assert_eq!(tags.of_session("1.0+x"), ",version:1.0_x,env:a_event:b,team:two_words_,flag,url:http://h");
    }

    #[test]
    fn a_version_of_ones_own_is_the_only_one() {
        assert_eq!(tags(&[("version", "7")]).of_session("1.0"), ",version:7");
    }

    #[test]
    fn a_tag_is_cut_at_the_length_that_datadog_keeps() {
        let mut tag = String::new();
        push_tag(&mut tag, "k", &"ü".repeat(500));
        assert_eq!(tag.chars().count(), DATADOG_TAG_CHARS_MAX);
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_so_are_too_many() {
        for key in ["", "1a", "a:b", "a,b", "a b", "_a", "event"] {
            assert_eq!(tags(&[(key, "v")]).check().unwrap_err().field(), "tag", "{key}");
        }
        assert_eq!(tags(&[("k", "v"); DATADOG_TAGS_MAX - OWN_TAGS]).check(), Ok(()));
        assert!(tags(&[("k", "v"); DATADOG_TAGS_MAX]).check().is_err());
    }
}
