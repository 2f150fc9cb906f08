//! What is found by a byte in its middle: `@`, `=`, `:`, `+`, `<`, a backslash, two dashes, the words before a header's value,
//! and some of these as they stand in a URL: `%40`.
//!
//! A look to the left goes no further than a bound; one to the right either ends at a bound or ends what was found.

use super::digits;
use super::scan::Found;
use super::shapes;
use super::values;

/// How far a name, an address or the user of a URL may reach.
const REACH: usize = 64;
/// How far the user and the password of a URL may reach.
const USER_REACH: usize = 512;

/// What stands for what was taken out already.
pub(super) const MARKER: &[u8] = b"[redacted";

/// Ends of file names and of units, which are no top-level domains that anybody has an address in.
const NO_DOMAINS: [&str; 18] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "mjs", "css", "json", "map", "html", "service", "socket",
    "timer", "mount", "target",
];

/// Returns whether something may be anchored at this byte, as far as the next one tells.
#[inline(always)]
pub(super) fn may_be(bytes: &[u8], at: usize) -> bool {
    let next = || bytes.get(at + 1).copied().unwrap_or_default();
    match bytes.get(at) {
        Some(b'/') => matches!(next(), b'h' | b'u' | b'U' | b'v' | b'm'),
        Some(b'B' | b'b') => matches!(next() | 0x20, b'e' | b'a'),
        Some(b'%') => {
            let last = bytes.get(at + 2).copied().unwrap_or_default() | 0x20;
            matches!((next(), last), (b'4', b'0') | (b'2', b'b') | (b'3', b'd'))
        }
        _ => true,
    }
}

/// Returns what is anchored at this byte, which may be in a line that must not leave to its end.
#[inline(never)]
pub(super) fn at(bytes: &[u8], at: usize, is_in_line: bool) -> Option<Found> {
    match bytes[at] {
        b'@' => user_of_url(bytes, at).or_else(|| user_of_dsn(bytes, at)).or_else(|| email(bytes, at, 1)),
        b'%' => match bytes.get(at + 1..at + 3)? {
            b"40" => email(bytes, at, 3),
            b"2b" | b"2B" => digits::phone_at(bytes, at, 3),
            b"3d" | b"3D" => values::encoded(bytes, at),
            _ => None,
        },
        b'<' => values::element(bytes, at),
        b'=' | b':' => {
            if bytes[at] == b':' && bytes[at + 1..].starts_with(b"//") {
                return webhook(bytes, at + 3);
            }
            values::assigned(bytes, at, is_in_line).or_else(|| telegram(bytes, at))
        }
        b'+' => digits::phone_at(bytes, at, 1),
        b'/' => home_of_root(bytes, at),
        // Behind an escape (`\n`) something begins in the middle of a word.
        b'\\' => home(bytes, at).or_else(|| match bytes.get(at + 2)? {
            b'/' => home_of_root(bytes, at + 2),
            b'+' => digits::phone_at(bytes, at + 2, 1),
            b'0'..=b'9' => digits::card_at(bytes, at + 2),
            b'B' | b'b' => scheme(bytes, at + 2),
            _ => shapes::token_at(bytes, at + 2),
        }),
        b'~' => shapes::azure_at(bytes, at),
        b'-' if bytes.get(at + 1) == Some(&b'-') => private_key(bytes, at).or_else(|| values::flag(bytes, at)),
        b'B' | b'b' => scheme(bytes, at),
        _ => None,
    }
}

/// Returns the byte before a place, unless an escape (`\n`) ends there.
pub(super) fn before_of(bytes: &[u8], at: usize) -> Option<u8> {
    match bytes.get(..at)? {
        [.., b'\\', b'n' | b'r' | b't'] => None,
        [.., last] => Some(*last),
        [] => None,
    }
}

/// Counts the bytes before a place, up to a bound, that belong together.
pub(super) fn before(bytes: &[u8], at: usize, bound: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let first = at.saturating_sub(bound);
    bytes[first..at].iter().rev().take_while(|byte| belongs(**byte)).count()
}

/// Counts the bytes from a place on, up to a bound, that belong together.
pub(super) fn after(bytes: &[u8], at: usize, bound: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take(bound).take_while(|byte| belongs(**byte)).count()
}

const fn is_of_url(byte: u8) -> bool {
    !matches!(byte, 0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
}

/// `scheme://user:password@host`, of which the user and the password.
fn user_of_url(bytes: &[u8], at: usize) -> Option<Found> {
    // What is before another `@` was looked at with that one.
    let start = at - before(bytes, at, USER_REACH, |byte| is_of_url(byte) && byte != b'@');
    let front = &bytes[start..at];
    let user = match front.windows(3).rposition(|three| three == b"://") {
        Some(sign) => start + sign + 3,
        // As some write a slash in JSON.
        None => {
            let slashes = start - before(bytes, start, 16, |byte| matches!(byte, b'\\' | b'/'));
            let is_sign = bytes[..slashes].ends_with(b":")
                && bytes[slashes..start].iter().filter(|byte| **byte == b'/').count() == 1;
            if !is_sign || !front.starts_with(b"/") {
                return None;
            }
            start + 1
        }
    };
    // A password may hold an `@`: the last one before the path is it.
    let rest = after(bytes, at, USER_REACH, |byte| is_of_url(byte) && !matches!(byte, b'/' | b'?' | b'#' | b','));
    let end = at + bytes[at..at + rest].iter().rposition(|&byte| byte == b'@')?;
    let text = &bytes[user..at];
    if let Some(slash) = text.iter().position(|&byte| matches!(byte, b'/' | b'?' | b'#')) {
        // A path with an `@` in it, unless what looks like its port is the start of a password.
        let colon = text[..slash].iter().position(|&byte| byte == b':')?;
        if text[colon + 1..slash].iter().all(u8::is_ascii_digit) {
            return None;
        }
    }
    (end > user && !text.starts_with(MARKER)).then_some(Found { start: user, end, rule: "url" })
}

/// `user:password@tcp(host)`, of which the password.
fn user_of_dsn(bytes: &[u8], at: usize) -> Option<Found> {
    let rest = &bytes[at + 1..];
    if !(rest.starts_with(b"tcp(") || rest.starts_with(b"unix(") || rest.starts_with(b"(")) {
        return None;
    }
    let start = at - before(bytes, at, USER_REACH, is_of_url);
    let colon = start + bytes[start..at].iter().position(|&byte| byte == b':')?;
    let is_new = !bytes[colon + 1..].starts_with(MARKER);
    (colon + 1 < at && is_new).then_some(Found { start: colon + 1, end: at, rule: "url" })
}

/// An address around this `@`, which is so many bytes.
fn email(bytes: &[u8], at: usize, sign: usize) -> Option<Found> {
    let of_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-') || byte >= 0x80;
    let of_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || byte >= 0x80;
    let start = at - before(bytes, at, REACH, of_name);
    let start = start + after(bytes, start, at - start, |byte| (0x80..0xc0).contains(&byte) || byte == b'.');
    let host = at + sign;
    let domain = &bytes[host..host + after(bytes, host, 4 * REACH, of_domain)];
    let end = host + end_of_domain(domain)?;
    // `git@host` is how everybody names a repository, and nobody.
    let is_somebody = start < at && &bytes[start..at] != b"git";
    (is_somebody && is_boundary(bytes, end)).then_some(Found { start, end, rule: "email" })
}

/// Returns where a domain ends that begins there and has a top-level domain; what goes on behind a dash, or as the number
/// of something, is none of it.
fn end_of_domain(mut domain: &[u8]) -> Option<usize> {
    while let [rest @ .., b'.' | b'-'] = domain {
        domain = rest;
    }
    let dot = domain.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0)?;
    let (front, top) = (&domain[..dot], &domain[dot + 1..]);
    let letters = top.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80).count();
    // Versions stand behind an `@` too.
    let is_named = || front.iter().any(u8::is_ascii_alphabetic);
    if letters == 0 && top.iter().all(u8::is_ascii_digit) && is_named() {
        return end_of_domain(front).filter(|end| *end == front.len());
    }
    if top.len() > 4 && top[..4].eq_ignore_ascii_case(b"xn--") {
        return Some(domain.len());
    }
    let is_top = letters >= 2 && !NO_DOMAINS.iter().any(|none| top[..letters].eq_ignore_ascii_case(none.as_bytes()));
    let is_whole = letters == top.len() || (top[letters] == b'-' && is_named());
    (is_top && is_whole).then_some(dot + 1 + letters)
}

/// Whether no character is cut in two there.
fn is_boundary(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| !(0x80..0xc0).contains(byte))
}

/// Addresses that whoever knows them may write to.
fn webhook(bytes: &[u8], host: usize) -> Option<Found> {
    const HOOKS: [&str; 5] = [
        "hooks.slack.com/services/",
        "hooks.slack.com/workflows/",
        "discord.com/api/webhooks/",
        "discordapp.com/api/webhooks/",
        "outlook.office.com/webhook/",
    ];
    let hook = HOOKS.iter().find(|hook| bytes[host..].starts_with(hook.as_bytes()))?;
    let start = host + hook.len();
    let end =
        start + bytes[start..].iter().take_while(|byte| is_of_url(**byte) && **byte != b'[' && byte.is_ascii()).count();
    (end > start).then_some(Found { start, end, rule: "webhook" })
}

/// The token of a bot: a number, a colon, and 35 characters that begin with `AA`.
fn telegram(bytes: &[u8], colon: usize) -> Option<Found> {
    let number = before(bytes, colon, 11, |byte| byte.is_ascii_digit());
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let rest = after(bytes, colon + 1, REACH, of_token);
    ((8..=10).contains(&number) && rest == 35 && bytes[colon + 1..].starts_with(b"AA")).then_some(Found {
        start: colon - number,
        end: colon + 1 + rest,
        rule: "telegram",
    })
}

/// A home on this slash, or behind a folder in which homes are on some systems.
#[inline]
fn home_of_root(bytes: &[u8], at: usize) -> Option<Found> {
    match bytes.get(at + 1)? {
        b'h' | b'u' | b'U' => home(bytes, at),
        b'v' if bytes[at..].starts_with(b"/var/") => home(bytes, at + 4),
        b'm' if bytes[at..].starts_with(b"/mnt/c/") => home(bytes, at + 6),
        _ => None,
    }
}

/// The home of a user: `/home/ada`, `/Users/ada`, `C:\Users\ada`.
fn home(bytes: &[u8], at: usize) -> Option<Found> {
    let rest = &bytes[at..];
    let slashes = after(bytes, at, 2, |byte| byte == b'\\').max(1);
    let folder = &rest[slashes..];
    let name_of = |word: &[u8]| folder.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let is_separator = |at: usize| matches!(bytes.get(at), Some(b'/' | b'\\'));
    let drive = before(bytes, at, 2, |byte| byte == b':' || byte.is_ascii_alphabetic());
    let has_drive =
        drive == 2 && bytes[at - 1] == b':' && before(bytes, at - 1, 2, |byte| byte.is_ascii_alphanumeric()) == 1;
    let (start, length) = if name_of(b"users") && has_drive {
        (at - 2, 5)
    } else if bytes[at] == b'/' && (folder.starts_with(b"home") || folder.starts_with(b"Users")) && is_root(bytes, at) {
        (at, if folder.starts_with(b"home") { 4 } else { 5 })
    } else {
        return None;
    };
    let behind = at + slashes + length;
    if !is_separator(behind) {
        return None;
    }
    let name = behind + after(bytes, behind, 2, |byte| matches!(byte, b'/' | b'\\'));
    let of_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'+') || byte >= 0x80;
    let mut end = name + bytes[name..].iter().take_while(|byte| of_name(**byte)).count();
    if has_drive && bytes.get(end) == Some(&b' ') {
        // A name of several words, if a folder of theirs follows.
        let words = end + after(bytes, end, REACH, |byte| of_name(byte) || byte == b' ');
        end = if is_separator(words) { words } else { end };
    }
    let is_cut = bytes[name..].starts_with("…".as_bytes());
    (end > name && !is_cut && &bytes[name..end] != b"Shared").then_some(Found { start, end, rule: "home" })
}

/// Whether a slash is that of the root, and not one within a path or a URL.
fn is_root(bytes: &[u8], slash: usize) -> bool {
    let front = &bytes[..slash];
    let is_inside = front.last().is_some_and(|&last| {
        last.is_ascii_alphanumeric() || matches!(last, b'_' | b'-' | b'.' | b'~' | b'}') || last >= 0x80
    });
    let escaped =
        front.len() >= 2 && front[front.len() - 2] == b'\\' && matches!(front.last(), Some(b'n' | b't' | b'r'));
    !is_inside || escaped || front.ends_with(b"/var") || front.ends_with(b"/mnt/c")
}

/// A private key in the text form (RFC 7468), to its end or that of the text. More dashes than are needed stay.
pub(super) fn private_key(bytes: &[u8], dashes: usize) -> Option<Found> {
    let at = dashes + bytes[dashes..].iter().take_while(|byte| **byte == b'-').count().saturating_sub(5);
    let rest = bytes[at..].strip_prefix(b"-----BEGIN ")?;
    let head = &rest[..rest.len().min(REACH)];
    if !head.windows(11).any(|words| words == b"PRIVATE KEY") {
        return None;
    }
    let end = rest.windows(9).position(|nine| nine == b"-----END ").and_then(|last| {
        let label = last + 9;
        let dashes = rest[label..].windows(5).position(|five| five == b"-----")?;
        Some(at + 11 + label + dashes + 5)
    });
    Some(Found { start: at, end: end.unwrap_or(bytes.len()), rule: "private_key" })
}

/// `Bearer` or `Basic`, and what follows.
fn scheme(bytes: &[u8], at: usize) -> Option<Found> {
    let is_at =
        |word: &str| bytes.get(at..at + word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
    let is_bearer = is_at("bearer");
    let start = at
        + if is_bearer {
            6
        } else if is_at("basic") {
            5
        } else {
            return None;
        };
    let begins_a_word = before_of(bytes, at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let blanks = after(bytes, start, 4, |byte| matches!(byte, b' ' | b':'));
    let escaped = if bytes[start..].starts_with(b"%20") { 3 } else { 0 };
    if blanks.max(escaped) == 0 || !begins_a_word {
        return None;
    }
    let start = start + blanks.max(escaped);
    let of_token =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    let mut end = start + bytes[start..].iter().take_while(|byte| of_token(**byte)).count();
    while end > start && bytes[end - 1] == b'.' {
        end -= 1;
    }
    let token = &bytes[start..end];
    // Words of a language have their capital letters at the front, and no digits.
    let is_mixed = token.iter().any(|byte| byte.is_ascii_digit() || *byte == b'=')
        || token.iter().skip(1).filter(|byte| byte.is_ascii_uppercase()).count() >= 2;
    let is_whole = is_bearer || token.len().is_multiple_of(4) || token.len() >= 16;
    (token.len() >= 8 && is_mixed && is_whole).then_some(Found {
        start,
        end,
        rule: if is_bearer { "bearer" } else { "basic" },
    })
}
