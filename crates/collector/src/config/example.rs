//! The configuration as a file with comments, every key at its default.

use std::fmt::Write;

use toml::Table;

use super::keys::{KEYS, Key};
use super::load::get;
use super::settings::Settings;

/// Returns a configuration with all keys and what they mean. As it stands it changes nothing: every key is a comment.
///
/// ```
/// let example = lastword_collector::config::example();
/// assert!(example.contains("\n#listen = \"127.0.0.1:4318\"\n"));
/// ```
#[must_use]
pub fn example() -> String {
    let defaults = Table::try_from(Settings::default()).unwrap_or_default();
    let mut text = String::from(
        "# The configuration of `lastword serve`. A key that is a comment has its default.\n\
         # A flag (--log-level) beats a variable (LASTWORD_LOG_LEVEL), which beats this file.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (own, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if own != section {
            // Writing to a String can't fail.
            let _ = writeln!(text, "\n[{own}]");
            section = own;
        } else if own.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "# {}.", key.about.trim_end_matches('.'));
        let _ = writeln!(text, "#{name} = {}", shown(&defaults, key));
    }
    text
}

fn shown(defaults: &Table, key: &Key) -> String {
    match get(defaults, key.path) {
        Some(value) if key.sample.is_empty() => value.to_string(),
        _ if key.sample.starts_with('[') => key.sample.to_owned(),
        _ => toml::Value::from(key.sample).to_string(),
    }
}
