//! Writing JSON of what other protocols say, without a tree of values between.
//!
//! Whatever it is given, what it writes is JSON that every reader takes: a number that is none is a text, a name comes once in an
//! object, and what is nested deeper than readers go is left as a text of its JSON.

use std::collections::HashSet;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use crate::limits::{DRAFT_DEPTH_MAX, DRAFT_NAMES_LISTED};

/// Writes the fields of an object.
pub(crate) struct Object<'b> {
    out: &'b mut Vec<u8>,
    depth: usize,
    names: Names,
    first: usize,
}

/// Writes the elements of a list.
pub(crate) struct List<'b> {
    out: &'b mut Vec<u8>,
    depth: usize,
    is_empty: bool,
}

impl<'b> Object<'b> {
    /// Begins an object; [`end`](Self::end) ends it.
    pub(super) fn begin(out: &'b mut Vec<u8>, depth: usize) -> Self {
        out.push(b'{');
        Self { first: out.len() - 1, out, depth, names: Names::default() }
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    /// Writes a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        if self.key(name) {
            write_text(self.out, text);
        }
    }

    /// Writes a text where there is one.
    pub(crate) fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.text(name, text);
        }
    }

    /// Writes a whole number.
    pub(crate) fn int(&mut self, name: &str, number: i64) {
        self.field(name, &number);
    }

    /// Writes a whole number that is not negative.
    pub(crate) fn uint(&mut self, name: &str, number: u64) {
        self.field(name, &number);
    }

    /// Writes a number; `NaN` and the infinities, of which JSON has none, are texts.
    pub(crate) fn float(&mut self, name: &str, number: f64) {
        if self.key(name) {
            float(self.out, number);
        }
    }

    /// Writes `true` or `false`.
    pub(crate) fn bool(&mut self, name: &str, is: bool) {
        self.field(name, &is);
    }

    /// Writes a value.
    pub(crate) fn value(&mut self, name: &str, value: &Value) {
        if self.key(name) {
            write_value(self.out, self.depth + 1, value);
        }
    }

    /// Writes an object. What is too deep is a text of its JSON.
    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        if self.key(name) {
            nested(self.out, self.depth + 1, |out, depth| {
                let mut object = Object::begin(out, depth);
                fill(&mut object);
                object.end();
            });
        }
    }

    /// Writes a list. What is too deep is a text of its JSON.
    pub(crate) fn list(&mut self, name: &str, fill: impl FnOnce(&mut List<'_>)) {
        if self.key(name) {
            nested(self.out, self.depth + 1, |out, depth| List::write(out, depth, fill));
        }
    }

    /// Returns how many bytes are written of it by now.
    pub(crate) fn bytes(&self) -> usize {
        self.out.len() - self.first
    }

    /// Returns whether a field of this name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.has(name)
    }

    /// Notes that a name is taken, so that whatever has it from now on is called otherwise.
    pub(crate) fn reserve(&mut self, names: &[&str]) {
        for name in names {
            self.names.add(name);
        }
    }

    fn field(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        if self.key(name) {
            json(self.out, value);
        }
    }

    /// Writes a name. One that is taken becomes `data.<name>`, and nothing is written after that.
    fn key(&mut self, name: &str) -> bool {
        if self.names.add(name) {
            self.write_key(name);
            return true;
        }
        let other = format!("data.{name}");
        let is_new = self.names.add(&other);
        if is_new {
            self.write_key(&other);
        }
        is_new
    }

    fn write_key(&mut self, name: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        write_text(self.out, name);
        self.out.push(b':');
    }
}

impl List<'_> {
    fn write(out: &mut Vec<u8>, depth: usize, fill: impl FnOnce(&mut List<'_>)) {
        out.push(b'[');
        fill(&mut List { out, depth, is_empty: true });
        out.push(b']');
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        write_text(self.next(), text);
    }

    /// Adds a whole number.
    pub(crate) fn int(&mut self, number: i64) {
        json(self.next(), &number);
    }

    /// Adds a whole number that is not negative.
    pub(crate) fn uint(&mut self, number: u64) {
        json(self.next(), &number);
    }

    /// Adds a number, as [`Object::float`] writes it.
    pub(crate) fn float(&mut self, number: f64) {
        float(self.next(), number);
    }

    /// Adds `true` or `false`.
    pub(crate) fn bool(&mut self, is: bool) {
        json(self.next(), &is);
    }

    /// Adds nothing, which has a place all the same.
    pub(crate) fn null(&mut self) {
        self.next().extend_from_slice(b"null");
    }

    /// Adds an object. What is too deep is a text of its JSON.
    pub(crate) fn object(&mut self, fill: impl FnOnce(&mut Object<'_>)) {
        let depth = self.depth + 1;
        nested(self.next(), depth, |out, depth| {
            let mut object = Object::begin(out, depth);
            fill(&mut object);
            object.end();
        });
    }

    /// Adds a list. What is too deep is a text of its JSON.
    pub(crate) fn list(&mut self, fill: impl FnOnce(&mut List<'_>)) {
        let depth = self.depth + 1;
        nested(self.next(), depth, |out, depth| List::write(out, depth, fill));
    }

    fn next(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        self.out
    }
}

/// Writes what has a level of its own: as it is, or as a text where readers would not follow.
fn nested(out: &mut Vec<u8>, depth: usize, write: impl FnOnce(&mut Vec<u8>, usize)) {
    if depth != DRAFT_DEPTH_MAX {
        write(out, depth);
        return;
    }
    let mut deep = Vec::new();
    // Within the text there is no bound but that of who sent it: a text is not nested.
    write(&mut deep, depth + 1);
    json(out, &*String::from_utf8_lossy(&deep));
}

fn write_value(out: &mut Vec<u8>, depth: usize, value: &Value) {
    match value {
        Value::Object(fields) => nested(out, depth, |out, depth| {
            let mut object = Object::begin(out, depth);
            fields.iter().for_each(|(name, value)| object.value(name, value));
            object.end();
        }),
        Value::Array(items) => nested(out, depth, |out, depth| {
            List::write(out, depth, |list| {
                for item in items {
                    let depth = list.depth + 1;
                    write_value(list.next(), depth, item);
                }
            });
        }),
        plain => json(out, plain),
    }
}

fn float(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        json(out, &number);
    } else {
        let text = if number.is_nan() { "NaN" } else { ["Infinity", "-Infinity"][usize::from(number < 0.0)] };
        json(out, text);
    }
}

/// Writes a text. Nearly all have nothing in them that JSON has to escape.
fn write_text(out: &mut Vec<u8>, text: &str) {
    if has_escapes(text.as_bytes()) {
        return json(out, text);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Returns whether JSON has to escape any of these bytes: eight are looked at as one word, the last eight may overlap others.
fn has_escapes(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes.iter().any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'));
    };
    bytes.as_chunks::<8>().0.iter().chain([last]).any(|word| {
        let word = u64::from_le_bytes(*word);
        // The highest bit of a byte is set where it was less than what is subtracted, if no bit above told so before.
        let less = |word: u64, than: u64| word.wrapping_sub(ONES * than) & !word;
        let quotes = less(word ^ (ONES * u64::from(b'"')), 1);
        let backslashes = less(word ^ (ONES * u64::from(b'\\')), 1);
        (less(word, 0x20) | quotes | backslashes) & (ONES << 7) != 0
    })
}

/// Writes a value; nothing that is given here can't be written.
pub(super) fn json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let begin = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(begin);
        let _ = out.write_all(b"null");
    }
}

/// The names of an object's fields, by their hashes: two that look alike are taken for the same, which costs the second its name.
#[derive(Default)]
struct Names {
    /// A bit for some of each hash: where it is not set, the name is not there.
    some: [u64; 4],
    few: Vec<u64>,
    many: HashSet<u64>,
}

impl Names {
    /// Returns whether the name is new.
    fn add(&mut self, name: &str) -> bool {
        let hash = hash_of(name);
        if self.knows(hash) {
            return false;
        }
        let (word, bit) = bit_of(hash);
        self.some[word] |= bit;
        if self.few.len() < DRAFT_NAMES_LISTED {
            if self.few.is_empty() {
                self.few.reserve(DRAFT_NAMES_LISTED);
            }
            self.few.push(hash);
        } else {
            self.many.insert(hash);
        }
        true
    }

    fn has(&self, name: &str) -> bool {
        self.knows(hash_of(name))
    }

    fn knows(&self, hash: u64) -> bool {
        let (word, bit) = bit_of(hash);
        self.some[word] & bit != 0 && (self.few.contains(&hash) || self.many.contains(&hash))
    }
}

fn bit_of(hash: u64) -> (usize, u64) {
    ((hash >> 6) as usize % 4, 1 << (hash % 64))
}

fn hash_of(name: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fill: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out, 0);
        fill(&mut object);
        object.end();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_name_comes_once_in_an_object() {
        let json = written(|object| {
            object.reserve(&["id"]);
            object.text("id", "theirs");
            object.text("id", "theirs again");
            object.int("n", 1);
            object.float("n", f64::NAN);
        });
        assert_eq!(json, r#"{"data.id":"theirs","n":1,"data.n":"NaN"}"#);
    }

    #[test]
    fn many_names_are_told_apart() {
        let json = written(|object| (0..2000).for_each(|n| object.int(&format!("n{}", n % 1000), n)));
        let fields: serde_json::Map<String, Value> = serde_json::from_str(&json).unwrap();
        assert_eq!((fields.len(), &fields["n999"], &fields["data.n999"]), (2000, &999.into(), &1999.into()));
    }

    #[test]
    fn texts_are_written_as_serde_writes_them() {
        for (at, behind) in (0..20).flat_map(|at| [(at, 0), (at, 1), (at, 9)]) {
            for special in (0..0x80_u8).map(char::from).chain("é\u{80}\u{2028}😀".chars()) {
                let text = format!("{}{special}{}", "a".repeat(at), "é".repeat(behind));
                let mut out = Vec::new();
                write_text(&mut out, &text);
                assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn what_is_nested_deeper_than_readers_go_is_a_text_of_its_json() {
        let mut deep = Value::from("x");
        for _ in 0..500 {
            deep = Value::from(vec![deep]);
        }
        let json = written(|object| object.value("deep", &deep));
        assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
        assert!(json.contains("\"[[["), "{json}");
    }

    #[test]
    fn values_are_written_as_they_are() {
        let value = serde_json::json!({"a": [1, -2, 3.5, "é\u{1}", null, {"b": true}], "c": {}});
        let json = written(|object| {
            object.value("v", &value);
            object.list("l", |list| {
                list.text("t");
                list.null();
                list.object(|object| object.bool("b", false));
                list.list(|list| list.uint(u64::MAX));
            });
        });
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read, serde_json::json!({"v": value, "l": ["t", null, {"b": false}, [u64::MAX]]}));
    }
}
