//! What looks at each text before it becomes part of an event: the place where a program's settings of privacy apply.
//!
//! This layer knows when to ask, not what is to be hidden: that is a [`Screen`]'s business.

use std::fmt;

use super::EncodeError;
use super::mark::Mark;
use super::pack::{write_formatted, write_text};

/// What stands for a value whose name says that it is a secret.
pub(super) const HIDDEN: &str = "[redacted]";

/// What becomes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It is written as it is.
    AsItIs,
    /// This is written in its place.
    Instead(String),
    /// Nothing is written in its place: nil.
    Nothing,
}

/// The name of a field, and whether it is known to be that of a secret: `event!` finds that out at compile time.
#[derive(Debug, Clone, Copy)]
pub struct Key<'k> {
    text: &'k str,
    is_secret: Option<bool>,
}

impl<'k> Key<'k> {
    /// Names a field of which it is known whether its name is that of a secret.
    #[must_use]
    pub const fn known(text: &'k str, is_secret: bool) -> Self {
        Self { text, is_secret: Some(is_secret) }
    }

    /// Returns the name.
    #[must_use]
    pub const fn text(self) -> &'k str {
        self.text
    }
}

impl<'k> From<&'k str> for Key<'k> {
    #[inline]
    fn from(text: &'k str) -> Self {
        Self { text, is_secret: None }
    }
}

impl<'k> From<&'k String> for Key<'k> {
    #[inline]
    fn from(text: &'k String) -> Self {
        Self::from(text.as_str())
    }
}

/// Decides what of an event is written. It is asked on the caller's thread, while the event is encoded.
pub trait Screen: Send + Sync {
    /// Returns whether the value of a field of this name is hidden, whatever it is.
    fn hides(&self, name: &str) -> bool;

    /// Returns whether more names are hidden than those that are known at compile time.
    fn has_names_of_its_own(&self) -> bool;

    /// Returns whether what tools were given is written.
    fn shows_input(&self) -> bool;

    /// Decides about a text. `name` is the innermost name that it stands under, encoded; [`read_text`] reads it. It is empty
    /// where the text is itself the key of a map.
    ///
    /// # Errors
    ///
    /// The event can't be taken.
    fn text(&self, name: &[u8], text: &str) -> Result<Shown, EncodeError>;

    /// The same for a text that is said to be about a person, and so reaches only sinks that ask for such texts.
    ///
    /// # Errors
    ///
    /// The event can't be taken.
    fn personal(&self, name: &[u8], text: &str) -> Result<Shown, EncodeError>;
}

/// The screen of an event, if it has one, and the name that is being looked at.
#[derive(Clone, Copy, Default)]
pub(super) struct Looks<'s> {
    pub(super) screen: Option<&'s dyn Screen>,
    /// Where the innermost name begins in what is written; [`Looks::NO_NAME`] for a key of a map.
    name_at: usize,
    /// The text is about a person, and said to be.
    is_personal: bool,
}

impl<'s> Looks<'s> {
    const NO_NAME: usize = usize::MAX;

    pub(super) const fn new(screen: Option<&'s dyn Screen>) -> Self {
        Self { screen, name_at: Self::NO_NAME, is_personal: false }
    }

    /// The same screen, under the name that begins there.
    #[inline]
    pub(super) const fn under(self, name_at: usize) -> Self {
        Self { screen: self.screen, name_at, is_personal: false }
    }

    /// The same, for a text that is said to be about a person.
    #[inline]
    pub(super) const fn at_person(self) -> Self {
        Self { is_personal: true, ..self }
    }

    #[inline]
    pub(super) const fn at_key(self) -> Self {
        self.under(Self::NO_NAME)
    }

    /// Returns whether the value under this name is not to be written.
    #[inline]
    pub(super) fn hides(&self, key: Key<'_>) -> bool {
        let Some(screen) = self.screen else { return false };
        match key.is_secret {
            Some(true) => true,
            Some(false) => screen.has_names_of_its_own() && screen.hides(key.text),
            None => screen.hides(key.text),
        }
    }

    /// [`Looks::hides`] for a key that was just written.
    pub(super) fn hides_written(&self, out: &[u8], key_at: usize) -> bool {
        let Some(screen) = self.screen else { return false };
        out.get(key_at..).and_then(read_text).is_some_and(|key| screen.hides(key))
    }

    pub(super) fn shows_input(&self) -> bool {
        self.screen.is_none_or(Screen::shows_input)
    }

    /// Appends a text, or what stands for it.
    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>, text: &str) -> Result<(), EncodeError> {
        match self.screen {
            None => write_text(out, text),
            Some(screen) => match self.ask(screen, self.name(out), text)? {
                Shown::AsItIs => write_text(out, text),
                Shown::Instead(other) => write_text(out, &other),
                Shown::Nothing => self.nothing(out),
            },
        }
        Ok(())
    }

    /// Appends text whose length is known only afterwards, or what stands for it.
    pub(super) fn write_formatted(&self, out: &mut Vec<u8>, text: fmt::Arguments<'_>) -> Result<(), EncodeError> {
        let start = out.len();
        write_formatted(out, text)?;
        let Some(screen) = self.screen else { return Ok(()) };
        let shown = match read_text(&out[start..]) {
            Some(text) => self.ask(screen, self.name(&out[..start]), text),
            None => return Ok(()),
        };
        match shown {
            Ok(Shown::AsItIs) => return Ok(()),
            Ok(Shown::Instead(other)) => {
                out.truncate(start);
                write_text(out, &other);
            }
            Ok(Shown::Nothing) => {
                out.truncate(start);
                self.nothing(out);
            }
            Err(error) => {
                out.truncate(start);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Returns what stands for bytes in which there are texts that must not leave; `None` if they may leave as they are.
    pub(super) fn bytes(&self, out: &[u8], bytes: &[u8]) -> Result<Option<Vec<u8>>, EncodeError> {
        let Some(screen) = self.screen else { return Ok(None) };
        let mut shown = Vec::new();
        let mut is_changed = false;
        for chunk in bytes.utf8_chunks() {
            match self.ask(screen, self.name(out), chunk.valid())? {
                Shown::AsItIs => shown.extend_from_slice(chunk.valid().as_bytes()),
                Shown::Instead(other) => {
                    is_changed = true;
                    shown.extend_from_slice(other.as_bytes());
                }
                Shown::Nothing => is_changed = true,
            }
            shown.extend_from_slice(chunk.invalid());
        }
        Ok(is_changed.then_some(shown))
    }

    #[inline]
    fn ask(&self, screen: &dyn Screen, name: &[u8], text: &str) -> Result<Shown, EncodeError> {
        if self.is_personal { screen.personal(name, text) } else { screen.text(name, text) }
    }

    /// The key of a map is a text, whatever is taken out of it.
    fn nothing(&self, out: &mut Vec<u8>) {
        if self.name_at == Self::NO_NAME {
            write_text(out, "");
        } else {
            out.push(0xc0);
        }
    }

    #[inline]
    fn name<'o>(&self, out: &'o [u8]) -> &'o [u8] {
        out.get(self.name_at..).unwrap_or_default()
    }
}

impl fmt::Debug for Looks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looks").field("screened", &self.screen.is_some()).finish_non_exhaustive()
    }
}

/// Reads the text that these bytes begin with, whatever its type says of it; `None` if they begin with something else.
#[must_use]
pub fn read_text(bytes: &[u8]) -> Option<&str> {
    let number = |from: usize, to: usize| {
        let length = bytes.get(from..to)?.iter().fold(0_usize, |number, &byte| number << 8 | usize::from(byte));
        Some((to, length))
    };
    let bytes = Mark::inner(bytes).unwrap_or(bytes);
    let (start, length) = match *bytes.first()? {
        short @ 0xa0..=0xbf => (1, usize::from(short & 0x1f)),
        0xd9 => number(1, 2)?,
        0xda => number(1, 3)?,
        0xdb => number(1, 5)?,
        _ => return None,
    };
    std::str::from_utf8(bytes.get(start..start.checked_add(length)?)?).ok()
}
