//! Values behind a name that says that they are secret: `password=…`, `"api_key": "…"`, `Authorization: …`, `--token …`.

use super::anchors::{MARKER, after, before};
use super::keys;
use super::scan::Found;

/// How long such a name may be.
const NAME_BYTES_MAX: usize = 64;
/// Values that are none.
const NO_VALUES: [&str; 9] = ["null", "nil", "none", "true", "false", "undefined", "required", "missing", "invalid"];

/// What is known of a value by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One word, or what stands in quotes.
    Secret,
    /// A name that has other meanings: the value must look like it too.
    Doubtful,
    /// The rest of the line.
    Header(&'static str),
}

fn kind_of(name: &[u8]) -> Option<Kind> {
    let ends_with = |end: &str| keys::before_name(name, end.as_bytes()).is_some();
    let is = |whole: &str| keys::before_name(name, whole.as_bytes()) == Some(0);
    if !keys::is_secret_bytes(name) {
        // Names that are known only from the queries of URLs.
        let is_signature = matches!(name.last(), Some(b'g' | b'G' | b'e' | b'E'))
            && (is("sig") || ends_with("amzsignature") || ends_with("googsignature"));
        return is_signature.then_some(Kind::Secret);
    }
    Some(if ends_with("authorization") {
        Kind::Header("authorization")
    } else if ends_with("cookie") {
        Kind::Header("cookie")
    } else if ["token", "secret", "auth", "pin", "bearer"].into_iter().any(is) {
        Kind::Doubtful
    } else {
        Kind::Secret
    })
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns the value behind an `=` or a `:`, if the name before it says that it is secret.
pub(super) fn assigned(bytes: &[u8], sign: usize) -> Option<Found> {
    // A path of a program's names has two colons, and a time has digits.
    if bytes[sign] == b':' && (bytes.get(sign + 1) == Some(&b':') || bytes[..sign].ends_with(b":")) {
        return None;
    }
    let marks = before(bytes, sign, 4, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b']' | b'!' | b':'));
    let end = sign - marks;
    let name = &bytes[end - before(bytes, end, NAME_BYTES_MAX, is_of_name)..end];
    let kind = kind_of(name)?;
    let mut start = sign + 1 + after(bytes, sign + 1, 2, |byte| matches!(byte, b'=' | b'>'));
    let blanks = after(bytes, start, 8, |byte| matches!(byte, b' ' | b'\t'));
    start += blanks;
    value(bytes, start, kind, blanks == 0 && marks == 0)
}

/// Returns the value of a flag on a command line: `--password …`.
pub(super) fn flag(bytes: &[u8], dashes: usize) -> Option<Found> {
    let start = dashes + 2;
    // A line of dashes is no flag.
    if !bytes.get(start).is_some_and(u8::is_ascii_alphabetic) || bytes[..dashes].ends_with(b"-") {
        return None;
    }
    let length = after(bytes, start, NAME_BYTES_MAX, is_of_name);
    let kind = kind_of(&bytes[start..start + length])?;
    let value_at = start + length + 1;
    let is_next = bytes.get(value_at - 1) == Some(&b' ') && bytes.get(value_at) != Some(&b'-');
    if is_next { value(bytes, value_at, kind, false) } else { None }
}

fn value(bytes: &[u8], mut start: usize, kind: Kind, is_close: bool) -> Option<Found> {
    let escapes = after(bytes, start, 3, |byte| byte == b'\\');
    let quote = bytes.get(start + escapes).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    if quote.is_some() {
        start += escapes + 1;
    }
    let rest = bytes.get(start..).unwrap_or_default();
    // What was taken out or cut off already, and what is filled in elsewhere.
    if rest.starts_with(MARKER) || rest.starts_with("… (of ".as_bytes()) || matches!(rest, [b'$' | b'%' | b'{', ..]) {
        return None;
    }
    let length = match (quote, kind) {
        (Some(quote), _) => quoted(rest, quote, escapes),
        (None, Kind::Header(_)) => line(rest),
        (None, Kind::Secret | Kind::Doubtful) => word(rest),
    };
    let text = &rest[..length];
    let is_none = text.is_empty()
        || NO_VALUES.iter().any(|none| text.eq_ignore_ascii_case(none.as_bytes()))
        || text.iter().all(|&byte| matches!(byte, b'*' | b'.' | b'?' | b'}' | b')' | b'{' | b'('));
    let looks_like_it = match kind {
        Kind::Doubtful => {
            let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
            let is_long = text.len() >= 8 && (digits > 0 || text.len() >= 16) && digits < text.len();
            is_long || ((is_close || quote.is_some()) && text.len() >= 4 && digits < text.len())
        }
        Kind::Secret => true,
        Kind::Header(_) => text.len() >= 4,
    };
    let rule = if let Kind::Header(rule) = kind { rule } else { "secret" };
    (!is_none && looks_like_it).then_some(Found { start, end: start + length, rule })
}

/// To the quote that ends it: one with as many backslashes before it as the one that began it.
fn quoted(rest: &[u8], quote: u8, escapes: usize) -> usize {
    let mut at = 0;
    while let Some(next) = rest[at..].iter().position(|&byte| byte == quote || byte == b'\\' || byte == b'\n') {
        at += next;
        let backslashes = rest[at..].iter().take_while(|byte| **byte == b'\\').count();
        match rest.get(at + backslashes) {
            Some(b'\n') => return at,
            Some(&byte) if byte == quote && backslashes <= escapes => return at,
            _ => at = (at + backslashes + 1).min(rest.len()),
        }
    }
    rest.len()
}

/// To the end of the line, or of the quotes that the line is in.
fn line(rest: &[u8]) -> usize {
    let length = rest.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'\\' | b'`')).count();
    rest[..length].iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1)
}

/// To the end of the word: a mark of punctuation ends it only if it looks as if something else begins behind it.
fn word(rest: &[u8]) -> usize {
    let is_end = |byte: u8| matches!(byte, 0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>');
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        let next = rest.get(at + 1).copied();
        let ends = match byte {
            _ if is_end(byte) => true,
            b'\\' => matches!(next, Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\')),
            b',' | b';' | b'&' | b'|' | b')' | b']' | b'}' | b'.' | b':' | b'?' | b'!' => {
                next.is_none_or(|next| is_end(next) || matches!(next, b',' | b';' | b')' | b']' | b'}'))
                    || (byte != b'.' && names_follow(rest, at + 1))
            }
            _ => false,
        };
        if ends {
            return at;
        }
        at += 1;
    }
    at
}

/// Whether the next word is the name of another value.
fn names_follow(rest: &[u8], at: usize) -> bool {
    let length = after(rest, at, NAME_BYTES_MAX, |byte| is_of_name(byte) || byte == b' ');
    length > 0 && matches!(rest.get(at + length), Some(b'=' | b':'))
}
