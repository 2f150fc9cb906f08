//! Large values of events that are kept elsewhere: each left `null` in the body of its event.

use std::sync::PoisonError;
use std::time::Instant;

use super::Remote;
use super::events::Stored;
use crate::limits::BLOB_NONE_KNOWN_FOR;
use crate::query::QueryError;
use crate::store::outside::{Wrong, not_now};
use crate::store::{outside_place, put_parts_back};

/// The bytes of an event's JSON, wherever they are.
pub(super) const BYTES: &str = "length(body) + arraySum(`parts.bytes`)";

/// How much of an event's text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// Nothing.
    Left,
    /// All of it.
    Whole,
    /// As much of it as can be read now.
    Shown,
    /// As much of it as can be read without asking the object store.
    Told,
}

/// The values of an event that are elsewhere: where in its body they were, by which names they are found, and how long they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'s> {
    pub(super) at: &'s [u32],
    pub(super) hash: &'s [Box<str>],
    pub(super) bytes: &'s [usize],
}

impl<'s> Parts<'s> {
    fn wanted(self) -> impl Iterator<Item = (Box<str>, usize)> + use<'s> {
        self.hash.iter().cloned().zip(self.bytes.iter().copied())
    }
}

impl Remote {
    /// Returns whether values of this store may be elsewhere.
    pub(super) fn has_outside(&self) -> Result<bool, QueryError> {
        if self.outside.is_opened() {
            return Ok(true);
        }
        let mut has_none = self.has_none.lock().unwrap_or_else(PoisonError::into_inner);
        if has_none.is_some_and(|at| at.elapsed() < BLOB_NONE_KNOWN_FOR) {
            return Ok(false);
        }
        self.go_on()?;
        let has_some = outside_place(&self.client)?.is_some();
        *has_none = (!has_some).then(Instant::now);
        Ok(has_some)
    }

    /// Reads values.
    fn texts(&self, wanted: Vec<(Box<str>, usize)>) -> Result<Vec<String>, Wrong> {
        self.outside.texts(|| outside_place(&self.client).map_err(|error| error.to_string()), wanted)
    }
}

/// Puts large values back into the bodies of events, as far as they are wanted; they are read together. Where the object store turns out to be away
/// it is not waited for again.
///
/// # Errors
///
/// The object store does not answer and all is wanted, or a value is lost where that is an error.
pub(super) fn put_back<'s>(
    remote: &Remote,
    events: impl IntoIterator<Item = (&'s mut String, Parts<'s>)>,
    text: &mut Text,
) -> Result<(), Wrong> {
    let events: Vec<_> = events.into_iter().filter(|(_, parts)| !parts.at.is_empty()).collect();
    if events.is_empty() || *text == Text::Left {
        return Ok(());
    }
    let wanted: Vec<_> = events.iter().flat_map(|(_, parts)| parts.wanted()).collect();
    let instead: Vec<_> = wanted.iter().map(|(_, bytes)| not_now(*bytes)).collect();
    let texts = if *text == Text::Told { instead } else { read(remote, wanted, instead, text)? };
    let mut rest = &texts[..];
    for (body, parts) in events {
        let (mine, others) = rest.split_at_checked(parts.at.len()).unwrap_or((rest, &[]));
        rest = others;
        let places = parts.at.iter().map(|at| usize::try_from(*at).unwrap_or(usize::MAX));
        let whole = put_parts_back(body, places.zip(mine.iter().map(String::as_str)));
        *body = whole.ok_or_else(|| Wrong::Lost("the parts of an event do not fit it".to_owned()))?;
    }
    Ok(())
}

/// Reads values, or returns what is told instead of them, for who is to see the rest.
fn read(
    remote: &Remote,
    wanted: Vec<(Box<str>, usize)>,
    instead: Vec<String>,
    text: &mut Text,
) -> Result<Vec<String>, Wrong> {
    match remote.texts(wanted) {
        Err(Wrong::Away(why)) if *text == Text::Shown => {
            tracing::warn!(%why, "events are shown without their large values");
            *text = Text::Told;
            Ok(instead)
        }
        read => read,
    }
}

/// Keeps those of some events that have a text in what is here of them, or in one of their values that are elsewhere.
///
/// # Errors
///
/// The object store does not answer.
pub(super) fn keep_with(remote: &Remote, all: &mut Vec<Stored>, text: &str) -> Result<(), QueryError> {
    let text = text.to_ascii_lowercase();
    let has = |of: &str| of.to_ascii_lowercase().contains(&text);
    let is_open: Vec<bool> = all.iter().map(|stored| !stored.parts().at.is_empty() && !has(&stored.body)).collect();
    let open = all.iter().zip(&is_open).filter(|(_, is_open)| **is_open);
    let wanted: Vec<_> = open.flat_map(|(stored, _)| stored.parts().wanted()).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut texts = remote.texts(wanted)?.into_iter();
    let mut is_open = is_open.into_iter();
    all.retain(|stored| {
        // Each takes its own, whether one of them has it or not.
        let is_open = is_open.next().unwrap_or_default();
        !is_open || texts.by_ref().take(stored.parts().at.len()).filter(|value| has(value)).count() > 0
    });
    Ok(())
}
