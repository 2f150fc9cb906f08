//! Values behind a name that says that they are secret: `password=…`, `"api_key": "…"`, `Authorization: …`, `--token …`.

use super::anchors::{MARKER, after, before};
use super::keys;
use super::scan::Found;

/// How long such a name may be.
const NAME_BYTES_MAX: usize = 64;
/// How many blanks may stand where names and values are in columns.
const BLANKS_MAX: usize = 32;
/// How long the attributes of an element may be.
const ATTRIBUTES_BYTES_MAX: usize = 256;
/// How long a value of a few digits may be.
const PIN_BYTES_MAX: usize = 12;
/// How deep a value may stand in what shows it, how long the name of each of that may be, and how long the letters right
/// before a quote that say what kind of text it is.
const OPENERS_MAX: usize = 4;
const OPENER_BYTES_MAX: usize = 32;
const PREFIX_BYTES_MAX: usize = 3;
/// Values that are none: words for that there is one or not, and for its type.
const NO_VALUES: [&str; 15] = [
    "null",
    "nil",
    "none",
    "true",
    "false",
    "undefined",
    "required",
    "missing",
    "invalid",
    "enabled",
    "disabled",
    "string",
    "option",
    "&str",
    "str",
];

/// What is known of a value by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One word, or what stands in quotes.
    Secret,
    /// A name that has other meanings: the value must look like it too.
    Doubtful,
    /// A few digits, or what stands in quotes.
    Digits,
    /// The rest of the line.
    Header(&'static str),
}

fn kind_of(whole: &[u8]) -> Option<Kind> {
    let name = keys::without_number(whole);
    let ends_with = |end: &str| keys::before_name(name, end.as_bytes()).is_some();
    let is = |other: &str| keys::before_name(name, other.as_bytes()) == Some(0);
    if !keys::is_secret_bytes(whole) {
        // Names that are known only from the queries of URLs.
        let is_signature = matches!(name.last(), Some(b'g' | b'G' | b'e' | b'E'))
            && (is("sig") || ends_with("amzsignature") || ends_with("googsignature"));
        return is_signature.then_some(Kind::Secret);
    }
    Some(if ends_with("authorization") {
        Kind::Header("authorization")
    } else if ends_with("cookie") {
        Kind::Header("cookie")
    } else if ["token", "secret", "auth", "bearer"].into_iter().any(is) {
        Kind::Doubtful
    } else if is("pin") {
        Kind::Digits
    } else {
        Kind::Secret
    })
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns the value behind an `=` or a `:`, if the name before it says that it is secret.
pub(super) fn assigned(bytes: &[u8], sign: usize, is_in_line: bool) -> Option<Found> {
    // A path of a program's names has two colons, and a time has digits.
    if bytes[sign] == b':' && (bytes.get(sign + 1) == Some(&b':') || bytes[..sign].ends_with(b":")) {
        return None;
    }
    let is_mark = |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b']' | b'!' | b':');
    let marks = before(bytes, sign, BLANKS_MAX, is_mark);
    let end = sign - marks;
    let name = &bytes[end - before(bytes, end, NAME_BYTES_MAX, is_of_name)..end];
    let kind = kind_of(name)?;
    let mut start = sign + 1 + after(bytes, sign + 1, 2, |byte| matches!(byte, b'=' | b'>'));
    let blanks = after(bytes, start, BLANKS_MAX, |byte| matches!(byte, b' ' | b'\t'));
    start += blanks;
    if is_in_line && matches!(kind, Kind::Header(_)) {
        // The rest of the line is taken already, but for what is in quotes and goes on behind it.
        let quote = behind_openers(bytes, start);
        let quote = quote + after(bytes, quote, 3, |byte| byte == b'\\');
        if !matches!(bytes.get(quote), Some(b'"' | b'\'' | b'`')) {
            return None;
        }
    }
    value(bytes, start, kind, blanks == 0 && marks == 0)
}

/// Returns the value behind an `=` of a URL within a URL: `token%3D…`.
pub(super) fn encoded(bytes: &[u8], sign: usize) -> Option<Found> {
    let length = before(bytes, sign, NAME_BYTES_MAX, is_of_name);
    let is_escaped = length > 2 && bytes[..sign - length].ends_with(b"%");
    let kind = kind_of(&bytes[sign - length + if is_escaped { 2 } else { 0 }..sign])?;
    let found = value(bytes, sign + 3, kind, true)?;
    let text = &bytes[found.start..found.end];
    let next = text.windows(3).position(|three| three == b"%26").unwrap_or(text.len());
    (next > 0).then_some(Found { end: found.start + next, ..found })
}

/// Returns what is in an element of XML: `<password>…</password>`.
pub(super) fn element(bytes: &[u8], at: usize) -> Option<Found> {
    let length = after(bytes, at + 1, NAME_BYTES_MAX, |byte| is_of_name(byte) || byte == b':');
    kind_of(&bytes[at + 1..at + 1 + length])?;
    let close = at + 1 + length;
    let close = close + after(bytes, close, ATTRIBUTES_BYTES_MAX, |byte| !matches!(byte, b'<' | b'>' | b'/'));
    let rest = bytes.get(close..)?.strip_prefix(b">")?;
    let (text, start) = match rest.strip_prefix(b"<![CDATA[") {
        Some(text) => (text, close + 10),
        None => (rest, close + 1),
    };
    let length = text.iter().take_while(|byte| **byte != b'<').count();
    // What is cut off has no end.
    let is_cut = || {
        text[length..].starts_with("<…".as_bytes()) || text[..length].windows(5).any(|five| five == "… (".as_bytes())
    };
    let is_closed = text[length..].starts_with(b"</") || is_cut();
    let is_new = length > 0 && !text.starts_with(MARKER) && !is_template(text);
    (is_closed && is_new).then_some(Found { start, end: start + length, rule: "secret" })
}

/// Returns the value of a flag on a command line: `--password …`, or, with each word in quotes, `"--password", "…"`.
pub(super) fn flag(bytes: &[u8], dashes: usize) -> Option<Found> {
    let start = dashes + 2;
    // A line of dashes is no flag.
    if !bytes.get(start).is_some_and(u8::is_ascii_alphabetic) || bytes[..dashes].ends_with(b"-") {
        return None;
    }
    let end = start + after(bytes, start, NAME_BYTES_MAX, is_of_name);
    let kind = kind_of(&bytes[start..end])?;
    let closing = after(bytes, end, 3, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    let comma = if closing > 0 { after(bytes, end + closing, 1, |byte| byte == b',') } else { 0 };
    let between = closing + comma;
    let at = end + between + after(bytes, end + between, BLANKS_MAX, |byte| byte == b' ');
    let is_next = at > end + closing && bytes.get(at) != Some(&b'-');
    let is_quoted = matches!(bytes.get(at), Some(b'"' | b'\'' | b'\\'));
    if is_next && (closing == 0 || is_quoted) { value(bytes, at, kind, false) } else { None }
}

fn value(bytes: &[u8], first: usize, kind: Kind, is_close: bool) -> Option<Found> {
    let start = behind_openers(bytes, first);
    let escapes = after(bytes, start, 3, |byte| byte == b'\\');
    let quote = bytes.get(start + escapes).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    let start = match quote {
        Some(quote) => start + escapes + quotes(bytes, start + escapes, quote),
        None => start,
    };
    let rest = bytes.get(start..).unwrap_or_default();
    // What was taken out or cut off already, and what is filled in elsewhere.
    if rest.starts_with(MARKER) || rest.starts_with("… (of ".as_bytes()) || is_template(rest) {
        return None;
    }
    let length = match (quote, kind) {
        (Some(quote), _) => quoted(rest, quote, escapes),
        (None, Kind::Header(_)) => line(rest),
        (None, Kind::Secret | Kind::Doubtful) => word(rest),
        // Of what is none, no more is looked at: many may stand in one word.
        (None, Kind::Digits) => after(rest, 0, PIN_BYTES_MAX + 1, |byte| byte.is_ascii_alphanumeric()),
    };
    let length = match quote {
        Some(quote) if bytes[first] == b'[' => listed(rest, length, quote, escapes),
        _ => length,
    };
    let text = &rest[..length];
    let is_none = text.is_empty()
        || NO_VALUES.iter().any(|none| text.eq_ignore_ascii_case(none.as_bytes()))
        || text.iter().all(|&byte| matches!(byte, b'*' | b'.' | b'?' | b'}' | b')' | b'{' | b'('));
    let digits = || text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let looks_like_it = match kind {
        Kind::Doubtful => {
            let digits = digits();
            let is_long = text.len() >= 8 && (digits > 0 || text.len() >= 16) && digits < text.len();
            is_long || ((is_close || quote.is_some()) && text.len() >= 4 && digits < text.len())
        }
        Kind::Digits => (4..=PIN_BYTES_MAX).contains(&text.len()) && (digits() == text.len() || quote.is_some()),
        Kind::Secret => true,
        Kind::Header(_) => text.len() >= 4,
    };
    let rule = if let Kind::Header(rule) = kind { rule } else { "secret" };
    (!is_none && looks_like_it).then_some(Found { start, end: start + length, rule })
}

/// To the last of several texts in a list, of which the first is so long.
fn listed(rest: &[u8], mut length: usize, quote: u8, escapes: usize) -> usize {
    loop {
        let behind = length + escapes + 1;
        let comma = after(rest, behind, 1, |byte| byte == b',');
        let next = behind + comma + after(rest, behind + comma, BLANKS_MAX, |byte| byte.is_ascii_whitespace());
        let more = next + after(rest, next, escapes, |byte| byte == b'\\');
        if comma == 0 || rest.get(more) != Some(&quote) {
            return length;
        }
        length = more + 1 + quoted(&rest[more + 1..], quote, escapes);
    }
}

/// Goes behind what stands before the quotes of a text where languages show values: `Some("…")`, `["…"]`, `b"…"`, `r#"…"#`.
fn behind_openers(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    for _ in 0..OPENERS_MAX {
        let word =
            after(bytes, at, OPENER_BYTES_MAX, |byte| is_of_name(byte) || matches!(byte, b'&' | b':' | b'#' | b'@'));
        let opens = matches!(bytes.get(at + word), Some(b'(' | b'['));
        let blanks = if opens { blanks(bytes, at + word + 1) } else { 0 };
        let next = at + word + usize::from(opens) + blanks;
        let escapes = after(bytes, next, 3, |byte| byte == b'\\');
        let is_quote = matches!(bytes.get(next + escapes), Some(b'"' | b'\''));
        if is_quote && (opens || word <= PREFIX_BYTES_MAX) {
            return next;
        }
        if !opens {
            break;
        }
        at = next;
    }
    start
}

/// Counts blanks and breaks of lines, which may be escaped.
fn blanks(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at - start < BLANKS_MAX {
        at += match &bytes[at.min(bytes.len())..] {
            [b'\\', b'n' | b'r' | b't', ..] => 2,
            [byte, ..] if byte.is_ascii_whitespace() => 1,
            _ => break,
        };
    }
    at - start
}

/// Counts the quotes that a text begins with: there may be three, or two of which the second begins it.
fn quotes(bytes: &[u8], at: usize, quote: u8) -> usize {
    match after(bytes, at, 3, |byte| byte == quote) {
        2 if !bytes.get(at + 2).is_some_and(u8::is_ascii_alphanumeric) => 1,
        many => many,
    }
}

/// Whether what stands there is filled in elsewhere: `$NAME`, `${NAME}`, `%s`, `%NAME%`, `{}`.
fn is_template(rest: &[u8]) -> bool {
    let name = after(rest, 1, NAME_BYTES_MAX, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let behind = rest.get(1 + name).copied();
    match rest {
        [b'{', ..] | [b'$' | b'%', b'{' | b'(', ..] => true,
        [b'$' | b'%'] => true,
        // A hash of a password begins with the name of what it was made with: `$2b$`.
        [b'$', first, ..] => {
            (!first.is_ascii_digit() || name == 1) && !matches!(behind, Some(b'$' | b'!' | b'@' | b'#'))
        }
        [b'%', ..] => behind == Some(b'%') || name <= 1,
        _ => false,
    }
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

/// To the end of the line, or of the quotes that the line is in; values of parameters are in quotes of their own.
fn line(rest: &[u8]) -> usize {
    let (mut at, mut is_inside) = (0, false);
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\n' | b'\r' => break,
            b'"' if is_inside => is_inside = false,
            b'"' if rest[..at].ends_with(b"=") || rest[..at].ends_with(b"=\\") => is_inside = true,
            b'\\' if is_inside || rest[..at].ends_with(b"=") => {}
            b'"' | b'\'' | b'\\' | b'`' if !is_inside => break,
            _ => {}
        }
        at += 1;
    }
    rest[..at].iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1)
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
                    || (byte != b'.' && names_follow(rest, at + 1, byte == b';'))
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

/// Whether the next word, or the next words, are the name of another value.
fn names_follow(rest: &[u8], at: usize, has_words: bool) -> bool {
    let length = after(rest, at, NAME_BYTES_MAX, |byte| is_of_name(byte) || (has_words && byte == b' '));
    length > 0 && matches!(rest.get(at + length), Some(b'=' | b':'))
}
