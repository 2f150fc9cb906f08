//! What is known of a span by names.

use std::borrow::Cow;

use serde_json::Value;

use super::context::Attribute;
use crate::event::names;
use crate::limits::SPAN_ATTRIBUTES_MAX;

/// What is known of a span by names.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(super) list: Vec<Attribute>,
    /// A bit for each that holds a name of the program's: every sink is given those.
    names: u128,
    /// A bit for each whose own name is one of the library's.
    known: u128,
    /// How many there was no room for.
    pub(super) dropped: u64,
}

/// There is room for as many at once: the call of a model has seven.
const ATTRIBUTES_USUAL: usize = 8;

const _: () = assert!(SPAN_ATTRIBUTES_MAX <= u128::BITS as usize, "each attribute has a bit");

/// One of them, and what is known of it.
#[derive(Debug, PartialEq)]
pub(super) struct Told<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a Value,
    pub(super) is_name: bool,
    pub(super) has_known_key: bool,
}

impl Attributes {
    /// Sets one of the program's.
    pub(crate) fn set(&mut self, key: &'static str, value: Value) {
        self.put(set_apart(key), value, false, false);
    }

    /// Sets one of the program's to a text that was checked.
    pub(super) fn set_safe(&mut self, key: &'static str, text: &str) {
        self.put(set_apart(key), text.into(), true, false);
    }

    /// Sets one of the library's own.
    pub(super) fn set_known(&mut self, key: &'static str, value: impl Into<Value>) {
        self.put(key, value.into(), false, true);
    }

    /// Sets one of the library's own to a name, or to a list of names.
    pub(super) fn set_name(&mut self, key: &'static str, value: impl Into<Value>) {
        self.put(key, value.into(), true, true);
    }

    /// Sets one, in the place of what it was.
    fn put(&mut self, key: &'static str, value: Value, is_name: bool, has_known_key: bool) {
        let place = self.list.iter().position(|(known, _)| known == key).unwrap_or(self.list.len());
        match self.list.get_mut(place) {
            Some((_, known)) => *known = value,
            None if place < SPAN_ATTRIBUTES_MAX => {
                if place == 0 {
                    self.list.reserve(ATTRIBUTES_USUAL);
                }
                self.list.push((Cow::Borrowed(key), value));
            }
            None => {
                self.dropped += 1;
                return;
            }
        }
        let bit = 1 << place;
        self.names = if is_name { self.names | bit } else { self.names & !bit };
        self.known = if has_known_key { self.known | bit } else { self.known & !bit };
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.list.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Told<'_>> {
        self.list.iter().enumerate().map(|(place, (key, value))| Told {
            key,
            value,
            is_name: self.names >> place & 1 == 1,
            has_known_key: self.known >> place & 1 == 1,
        })
    }
}

/// Returns the name of an attribute whose own is that of something that is said of every span.
fn set_apart(key: &'static str) -> &'static str {
    const TAKEN: [(&str, &str); 12] = [
        (names::TRACE_ID, "data.trace_id"),
        (names::SPAN_ID, "data.span_id"),
        (names::PARENT_SPAN_ID, "data.parent_span_id"),
        (names::SPAN_NAME, "data.span_name"),
        (names::SPAN_KIND, "data.span_kind"),
        (names::RUN_ID, "data.run_id"),
        (names::DURATION_MS, "data.duration_ms"),
        (names::STATUS, "data.status"),
        (names::ERROR_TYPE, "data.error.type"),
        (names::ERROR_MESSAGE, "data.error.message"),
        (names::SAMPLE_RATE, "data.sample_rate"),
        (names::ATTRIBUTES_DROPPED, "data.attributes_dropped"),
    ];
    TAKEN.iter().find(|(taken, _)| *taken == key).map_or(key, |(_, other)| other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attribute_is_set_in_the_place_of_what_it_was_and_what_is_too_much_is_counted() {
        let mut attributes = Attributes::default();
        attributes.set_name("a", "x");
        attributes.set("b", json!(0));
        attributes.set("a", json!(1));
        let told = |key, value| Told { key, value, is_name: false, has_known_key: false };
        assert_eq!(attributes.iter().collect::<Vec<_>>(), [told("a", &json!(1)), told("b", &json!(0))]);
        let keys: Vec<&'static str> = (0..200).map(|key| &*format!("k{key}").leak()).collect();
        keys.iter().for_each(|key| attributes.set_name(key, "y"));
        assert_eq!((attributes.list.len(), attributes.dropped), (SPAN_ATTRIBUTES_MAX, 74));
        assert!(attributes.iter().skip(2).all(|told| told.is_name && told.has_known_key));
    }

    #[test]
    fn no_attribute_takes_the_place_of_what_is_said_of_every_span() {
        let mut attributes = Attributes::default();
        attributes.set("status", json!(200));
        attributes.set("duration_ms", json!(0));
        assert_eq!(attributes.iter().map(|told| told.key).collect::<Vec<_>>(), ["data.status", "data.duration_ms"]);
    }
}
