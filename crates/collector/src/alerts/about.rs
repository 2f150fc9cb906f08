//! The exceptions that an alert is about: what people are told of each, so that they need not look for it.

use std::fmt;

use serde::Serialize;

use crate::limits::{ALERT_NAME_CHARS_MAX, ALERT_NAMED_MAX};
use crate::page::{Address, path};
use crate::query::Regressed;

/// An exception that an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct About {
    /// Its type.
    pub error_type: String,
    /// The first line of its message, cut.
    pub message: String,
    /// The version of the program that it was last received from, where that is known.
    pub version: Option<String>,
    /// The page of it: a path, or a URL where the rules say how the pages are reached.
    pub page: String,
    /// The session that it happened in, as long as its version was not looked up.
    #[serde(skip)]
    pub(super) session: Option<String>,
}

impl About {
    /// An exception of a type, with a message and a page.
    pub(super) fn new(error_type: &str, message: &str, page: String) -> Self {
        Self { error_type: first_line(error_type), message: first_line(message), version: None, page, session: None }
    }

    /// An exception that came again.
    pub(super) fn of_regressed(regressed: &Regressed) -> Self {
        let Regressed { fingerprint, error_type, message, version } = regressed;
        Self { version: version.clone(), ..Self::new(error_type, message, page_of(fingerprint)) }
    }

    /// Returns what of it may be kept when its events are removed: where it is, and nothing that a program said.
    pub(super) fn kept(&self) -> Self {
        Self { error_type: String::new(), message: String::new(), version: None, session: None, ..self.clone() }
    }

    /// Returns it as long as it stands in an alert, when events were removed and it may be of one of them.
    pub(super) fn forgotten(&self) -> Self {
        Self { error_type: "an exception".to_owned(), ..self.kept() }
    }

    /// Returns it for a page of ours, which has links.
    pub(super) fn linked(&self) -> Self {
        Self { page: String::new(), ..self.clone() }
    }

    /// Returns it with its page as people reach it.
    pub(super) fn under(&self, url: Option<&str>) -> Self {
        let url = url.unwrap_or_default().trim_end_matches('/');
        Self { page: format!("{url}{}", self.page), ..self.clone() }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { error_type, message, version, page, .. } = self;
        if error_type.is_empty() && message.is_empty() {
            return f.write_str(page);
        }
        f.write_str(error_type)?;
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        match (version, page.as_str()) {
            (Some(version), "") => write!(f, " ({version})"),
            (Some(version), page) => write!(f, " ({version}, {page})"),
            (None, "") => Ok(()),
            (None, page) => write!(f, " ({page})"),
        }
    }
}

/// Writes the exceptions that something is about, of which there are so many: some of them by name.
pub(super) fn spoken(about: &[About], count: f64) -> String {
    if about.is_empty() {
        return "none".to_owned();
    }
    let mut text = about.iter().take(ALERT_NAMED_MAX).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let named = about.len().min(ALERT_NAMED_MAX);
    #[allow(clippy::cast_precision_loss, reason = "it is small")]
    let further = count - named as f64;
    if further >= 1.0 {
        text.push_str(&format!("; and {further:.0} more"));
    }
    text
}

/// Returns the page of a group of exceptions.
pub(super) fn page_of(fingerprint: &str) -> String {
    path(&["exceptions", fingerprint])
}

/// Returns the page of an error that a program dealt with: of the event itself, or where such are, if its row is not known.
pub(super) fn page_of_event(row: Option<i64>, name: &str, session: &str) -> String {
    match row {
        Some(row) => path(&["events", &row.to_string()]),
        None => Address::of("/events", &[("name", name), ("session", session)]).link(),
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let mut cut: String = line.chars().filter(|c| !c.is_control()).take(ALERT_NAME_CHARS_MAX).collect();
    if line.chars().nth(ALERT_NAME_CHARS_MAX).is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_named_by_type_first_line_version_and_page() {
        let mut about = About::new("Timeout", "\n no answer\nafter 5 s", page_of("0011"));
        assert_eq!(about.to_string(), "Timeout: no answer (/exceptions/0011)");
        about.version = Some("1.2".to_owned());
        let about = about.under(Some("https://example.org/w/"));
        assert_eq!(about.to_string(), "Timeout: no answer (1.2, https://example.org/w/exceptions/0011)");
        assert_eq!(about.linked().to_string(), "Timeout: no answer (1.2)");
        let many = vec![about; ALERT_NAMED_MAX + 1];
        assert!(spoken(&many, 9.0).ends_with("; and 4 more") && spoken(&[], 0.0) == "none");
        assert_eq!(many[0].kept().to_string(), "https://example.org/w/exceptions/0011");
        let long = About::new("T", &"x".repeat(1_000), String::new());
        assert_eq!(long.message.chars().count(), ALERT_NAME_CHARS_MAX + 1);
    }
}
