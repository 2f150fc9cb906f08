//! Texts whose type says what is known of them.

use std::cell::Cell;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::event::Mark;
use crate::limits::SAFE_STR_CHARS_MAX;

/// A text is no [`SafeStr`]. It is not in the message: it may be what must not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSafe {
    /// It is too long.
    #[error("a safe text has at most {SAFE_STR_CHARS_MAX} characters, and this one has {0}")]
    TooLong(usize),
    /// It may be a path.
    #[error("a safe text has no `/` and no `\\`, and this one has one: say what of the path matters")]
    Separator,
    /// It is more than one line.
    #[error("a safe text is one line, without control characters, and this one is not")]
    LineBreak,
}

/// A text that was checked: no path separator, no line break, at most 128 characters. It names a thing of the program's.
///
/// ```
/// use lastword::privacy::{NotSafe, SafeStr};
/// assert_eq!(SafeStr::new("read_file")?.as_str(), "read_file");
/// assert_eq!(SafeStr::new("src/lib.rs"), Err(NotSafe::Separator));
/// # Ok::<(), NotSafe>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafeStr<'a>(&'a str);

impl<'a> SafeStr<'a> {
    /// Checks a text.
    ///
    /// # Errors
    ///
    /// It has a path separator, a line break or another control character, or more than 128 characters.
    ///
    /// ```
    /// use lastword::privacy::{NotSafe, SafeStr};
    /// assert_eq!(SafeStr::new("two\nlines"), Err(NotSafe::LineBreak));
    /// ```
    pub fn new(text: &'a str) -> Result<Self, NotSafe> {
        // Nearly all names: as many bytes as characters, and each tells for itself.
        if text.len() <= SAFE_STR_CHARS_MAX
            && text.bytes().all(|byte| matches!(byte, b' '..=b'~' if byte != b'/' && byte != b'\\'))
        {
            return Ok(Self(text));
        }
        // More bytes than so many characters can have: what is counted is bounded.
        let chars = text.chars().take(SAFE_STR_CHARS_MAX + 1).count();
        if chars > SAFE_STR_CHARS_MAX {
            return Err(NotSafe::TooLong(text.chars().count()));
        }
        if text.contains(['/', '\\']) {
            return Err(NotSafe::Separator);
        }
        if text.contains(|char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')) {
            return Err(NotSafe::LineBreak);
        }
        Ok(Self(text))
    }

    /// A text of this library's own.
    pub(super) const fn known(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the text.
    ///
    /// ```
    /// assert_eq!(lastword::privacy::SafeStr::new("bash").unwrap().as_str(), "bash");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl Serialize for SafeStr<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Mark::Safe.name(), self.0)
    }
}

impl fmt::Display for SafeStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A text of the program's own that goes to every sink where it passes the check, and is one like any other where it doesn't.
pub(crate) struct Checked<'a>(pub(crate) &'a str);

impl Serialize for Checked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match SafeStr::new(self.0) {
            Ok(safe) => safe.serialize(serializer),
            Err(_) => serializer.serialize_str(self.0),
        }
    }
}

/// A text about a person. It serialises as what it is; its `Debug` does not show it, and it has no `Display`.
///
/// What it is, is known as long as it is serialised by a reporter. Made into another value before, it is a text like any
/// other, which every sink is given that is given redacted texts: `serde_json::json!({"who": PiiStr::new("Ada")})` loses it,
/// `event!(reporter, "e", who = PiiStr::new("Ada"))` and a struct that is logged don't.
///
/// ```
/// use lastword::privacy::PiiStr;
/// let name = PiiStr::new("Ada Lovelace");
/// assert_eq!(format!("{name:?}"), "PiiStr(***)");
/// assert_eq!(name.reveal(), "Ada Lovelace");
/// assert_eq!(serde_json::to_string(&name)?, "\"Ada Lovelace\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PiiStr<'a>(&'a str);

impl<'a> PiiStr<'a> {
    /// Says that a text is about a person.
    ///
    /// ```
    /// assert_eq!(lastword::privacy::PiiStr::new("Ada").reveal(), "Ada");
    /// ```
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Returns the text.
    ///
    /// ```
    /// assert_eq!(lastword::privacy::PiiStr::new("Ada").reveal(), "Ada");
    /// ```
    #[must_use]
    pub const fn reveal(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for PiiStr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PiiStr").field(&format_args!("{MASK}")).finish()
    }
}

impl Serialize for PiiStr<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if ARE_MASKED.get() {
            return serializer.serialize_str(MASK);
        }
        serializer.serialize_newtype_struct(Mark::Personal.name(), self.0)
    }
}

/// What stands for a text about a person where it is not shown.
const MASK: &str = "***";

thread_local! {
    /// Texts about persons are written as a mask.
    static ARE_MASKED: Cell<bool> = const { Cell::new(false) };
}

/// Runs what serialises something on this thread into a form that doesn't keep what is known of a text: those about persons
/// are a mask in it.
pub(crate) fn without_persons<T>(run: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            ARE_MASKED.set(self.0);
        }
    }
    let _restore = Restore(ARE_MASKED.replace(true));
    run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safe_text_is_short_one_line_and_no_path() {
        for text in ["", "read_file", "gpt-4o: 12 tokens", &"ö".repeat(SAFE_STR_CHARS_MAX)] {
            assert_eq!(SafeStr::new(text).map(SafeStr::as_str), Ok(text));
        }
        assert_eq!(SafeStr::new(&"ö".repeat(SAFE_STR_CHARS_MAX + 1)), Err(NotSafe::TooLong(SAFE_STR_CHARS_MAX + 1)));
        for path in ["a/b", "a\\b", "/"] {
            assert_eq!(SafeStr::new(path), Err(NotSafe::Separator));
        }
        for lines in ["a\nb", "a\rb", "a\u{2028}b", "a\0b"] {
            assert_eq!(SafeStr::new(lines), Err(NotSafe::LineBreak));
        }
    }

    #[test]
    fn no_error_shows_the_text() {
        let error = SafeStr::new("secret/place").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
