//! What applies a reporter's settings to each text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use super::keys;
use super::scan::{self, Found};
use super::settings::{Privacy, Scrubbed};
use crate::event::{EncodeError, Screen, Shown, read_text};
use crate::limits::{REDACTION_ROUNDS_MAX, STRING_MARGIN_BYTES, STRING_REMARK_BYTES_MAX};

/// Applies the settings of a [`Privacy`] to each text of an event.
///
/// ```
/// let redactor = lastword::privacy::Privacy::new().redactor().unwrap();
/// let text = "GET https://ada:lovelace@example.com/?token=8f14e45fceea167a failed";
/// assert_eq!(redactor.redact(text), "GET https://[redacted:url]@example.com/?token=[redacted:secret] failed");
/// assert_eq!(redactor.redact("nothing to see"), "nothing to see");
/// ```
pub struct Redactor {
    privacy: Privacy,
    /// Texts shorter than this are not changed if there is nothing in them: nobody else is asked.
    plain_bytes_end: usize,
    /// Texts that are not as they were.
    changed: AtomicU64,
}

impl Redactor {
    pub(super) fn new(privacy: Privacy) -> Self {
        let is_plain = privacy.rules.is_empty() && privacy.scrub.is_none();
        let plain_bytes_end = if is_plain { privacy.string_bytes_max.map_or(usize::MAX, |max| max + 1) } else { 0 };
        Self { privacy, plain_bytes_end, changed: AtomicU64::new(0) }
    }

    /// Returns a text as it may leave: the scrubber is not asked, because it decides by names.
    ///
    /// A rule of the program's own that panics takes all of the text with it.
    ///
    /// ```
    /// let redactor = lastword::privacy::Privacy::new().redactor().unwrap();
    /// assert_eq!(redactor.redact("Authorization: Basic YWRhOmxvdmVsYWNl"), "Authorization: [redacted:authorization]");
    /// ```
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Ok(redacted) = self.redacted(text, |_| true) else { return Cow::Borrowed("[redacted]") };
        match self.cut(redacted.as_deref().unwrap_or(text), text).or(redacted) {
            Some(other) => Cow::Owned(other),
            None => Cow::Borrowed(text),
        }
    }

    /// Returns in how many texts of events something was taken out, replaced or cut.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// Takes out what must not leave; `None` if there is nothing.
    #[inline]
    fn redacted(&self, text: &str, goes: fn(&Found) -> bool) -> Result<Option<String>, EncodeError> {
        // What is cut off later is not looked at, but for a margin: a secret over the cut is still seen as one.
        let seen = self.seen_bytes(text);
        let is_whole = seen == text.len();
        let text = &text[..seen];
        let mut out = None;
        if self.privacy.redacts {
            out = without(text, goes);
        }
        for (name, search) in &self.privacy.rules {
            let ruled = out.as_deref().unwrap_or(text);
            if let Some(other) = guarded(|| by_rule(ruled, name, &**search))? {
                out = Some(other);
            }
        }
        if !is_whole {
            // What was found made it shorter: the last bytes of what is left are none the less those in which something may
            // have been cut in two.
            let mut kept = out.unwrap_or_else(|| text.to_owned());
            kept.truncate(kept.floor_char_boundary(kept.len().saturating_sub(STRING_MARGIN_BYTES)));
            return Ok(Some(kept));
        }
        Ok(out)
    }

    /// Returns how much of a text is looked at, and may stay.
    #[inline]
    fn seen_bytes(&self, text: &str) -> usize {
        match self.privacy.string_bytes_max {
            Some(max) if text.len() > max + STRING_MARGIN_BYTES => text.floor_char_boundary(max + STRING_MARGIN_BYTES),
            _ => text.len(),
        }
    }

    /// Cuts what is left of a text, if it is too long or was not looked at to its end; `None` otherwise.
    #[inline]
    fn cut(&self, text: &str, whole: &str) -> Option<String> {
        let max = self.privacy.string_bytes_max?;
        let bytes = whole.len();
        (text.len() > max || self.seen_bytes(whole) < bytes).then(|| {
            let kept = text.floor_char_boundary(max.saturating_sub(STRING_REMARK_BYTES_MAX));
            // No mark of what was taken out is cut in two.
            let kept = match text[..kept].rfind('[') {
                Some(mark) if text[mark..].starts_with("[redacted") && !text[mark..kept].contains(']') => mark,
                _ => kept,
            };
            format!("{}… (of {bytes} bytes)", &text[..kept])
        })
    }
}

impl Screen for Redactor {
    #[inline]
    fn hides(&self, name: &str) -> bool {
        (self.privacy.redacts && keys::is_secret(name)) || self.privacy.keys.iter().any(|own| keys::is_same(name, own))
    }

    #[inline]
    fn has_names_of_its_own(&self) -> bool {
        !self.privacy.keys.is_empty()
    }

    fn shows_input(&self) -> bool {
        self.privacy.tool_input
    }

    #[inline]
    fn text(&self, name: &[u8], text: &str) -> Result<Shown, EncodeError> {
        // Nearly all texts: not long, and there is nothing in them.
        if text.len() < self.plain_bytes_end && !(self.privacy.redacts && scan::has_something(text)) {
            return Ok(Shown::AsItIs);
        }
        self.shown(name, text, |_| true)
    }

    fn personal(&self, name: &[u8], text: &str) -> Result<Shown, EncodeError> {
        // What tells who somebody is stays: whether it may leave is decided by sink.
        self.shown(name, text, |found| !matches!(found.rule, "email" | "home" | "phone"))
    }
}

impl Redactor {
    #[cold]
    fn shown(&self, name: &[u8], text: &str, goes: fn(&Found) -> bool) -> Result<Shown, EncodeError> {
        let mut out = self.redacted(text, goes)?;
        if let Some(scrub) = &self.privacy.scrub
            && !name.is_empty()
        {
            // The key of a map may be a number.
            let name = read_text(name).unwrap_or_default();
            match guarded(|| scrub(name, out.as_deref().unwrap_or(text)))? {
                Scrubbed::Keep => {}
                Scrubbed::Replace(other) => out = Some(other),
                Scrubbed::Remove => {
                    self.changed.fetch_add(1, Ordering::Relaxed);
                    return Ok(Shown::Nothing);
                }
            }
        }
        let cut = self.cut(out.as_deref().unwrap_or(text), text);
        let Some(other) = cut.or(out) else { return Ok(Shown::AsItIs) };
        self.changed.fetch_add(1, Ordering::Relaxed);
        Ok(Shown::Instead(other))
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redactor").field(&self.privacy).finish()
    }
}

/// Runs code of the program's that decides what may leave.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, EncodeError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| EncodeError::Screen)
}

/// Writes a text without what is found in it and goes, and without what is only then to be seen as something: what stood right
/// before it may have hidden it.
#[cold]
fn without(text: &str, goes: fn(&Found) -> bool) -> Option<String> {
    let mut out = None;
    for _ in 0..REDACTION_ROUNDS_MAX {
        let text = out.as_deref().unwrap_or(text);
        let mut found = scan::find(text);
        found.retain(goes);
        if found.is_empty() {
            break;
        }
        out = Some(without_once(text, &found));
    }
    out
}

fn without_once(text: &str, found: &[Found]) -> String {
    let mut out = String::with_capacity(text.len() + 16 * found.len());
    let mut at = 0;
    for one in found {
        out.push_str(text.get(at..one.start).unwrap_or_default());
        push_marker(&mut out, one.rule);
        at = one.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn push_marker(out: &mut String, rule: &str) {
    // A home is named by what everybody names it by.
    if rule == "home" {
        return out.push('~');
    }
    out.push_str("[redacted:");
    out.push_str(rule);
    out.push(']');
}

fn by_rule(text: &str, name: &str, search: &dyn Fn(&str) -> Option<Range<usize>>) -> Option<String> {
    let mut out = None;
    let mut at = 0;
    while let Some(found) = search(&text[at..]) {
        let (start, end) = (
            text.floor_char_boundary(at.saturating_add(found.start)),
            text.ceil_char_boundary(at.saturating_add(found.end)),
        );
        if start < at || end <= start {
            break;
        }
        let out = out.get_or_insert_with(String::new);
        out.push_str(&text[at..start]);
        push_marker(out, name);
        at = end;
    }
    out.map(|out| out + &text[at..])
}
