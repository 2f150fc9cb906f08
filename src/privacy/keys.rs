//! Names of fields whose value is a secret, whatever it looks like.
//!
//! Names are compared without case and without separators, from their end: `X-Api-Key`, `apiKey` and `stripe_api_key` all
//! end with the same name. All of it is `const`, so that a name that is known at compile time costs nothing at run time.

/// A name, and whether more may stand before it.
struct Name(&'static str, Before);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Anything,
    Nothing,
}

use Before::{Anything, Nothing};

macro_rules! names {
    ($($before:ident: $($name:literal)*;)*) => {
        &[$($(Name($name, $before),)*)*]
    };
}

/// The names that end with that letter.
const fn ending_with(last: u8) -> &'static [Name] {
    match last {
        b'c' => names!(Nothing: "cvc";),
        b'd' => names!(Anything: "password" "passwd" "pwd" "accesskeyid";),
        b'e' => names!(Anything: "passphrase" "passcode" "cookie" "secretvalue";),
        b'g' => names!(Anything: "connectionstring";),
        b'h' => names!(Anything: "passwordhash" "basicauth"; Nothing: "auth" "httpauth";),
        b'l' => names!(Anything: "credential";),
        b'm' => names!(Anything: "passwordconfirm";),
        b'n' => names!(Anything: "token" "authorization" "passwordconfirmation"; Nothing: "ssn" "pin";),
        b'p' => names!(Nothing: "otp" "totp";),
        b'r' => names!(Anything: "cardnumber"; Nothing: "bearer";),
        b's' => names!(Anything: "credentials" "secrets" "passwords" "cookies" "apikeys" "dbpass" "userpass" "smtppass"
            "sshpass" "mysqlpass";),
        b't' => names!(Anything: "secret"; Nothing: "jwt";),
        b'v' => names!(Nothing: "cvv";),
        b'w' => names!(Nothing: "pw";),
        b'y' => names!(
            Anything: "apikey" "privatekey" "accesskey" "secretkey" "signingkey" "encryptionkey" "masterkey" "sharedkey"
                "accountkey" "authkey" "sshkey" "appkey" "applicationkey" "servicekey" "deploykey";
        ),
        _ => &[],
    }
}

/// Returns whether the value of a field of this name is a secret.
pub(super) const fn is_secret(key: &str) -> bool {
    is_secret_bytes(key.as_bytes())
}

/// [`is_secret`] of a name that may be any bytes.
pub(super) const fn is_secret_bytes(key: &[u8]) -> bool {
    let end = before_separators(key, key.len());
    if end == 0 {
        return false;
    }
    if key[end - 1].is_ascii_digit() {
        return is_numbered(key);
    }
    let last = key[end - 1].to_ascii_lowercase();
    if !may_end(key, end, last) {
        return false;
    }
    let names = ending_with(last);
    let mut at = 0;
    while at < names.len() {
        let Name(name, before) = &names[at];
        if let Some(rest) = before_name(key, name.as_bytes())
            && (matches!(before, Anything) || before_separators(key, rest) == 0)
        {
            return true;
        }
        at += 1;
    }
    false
}

/// Returns whether a name that ends with a number is one of those before which anything may stand: `password2`, but not `pin2`.
const fn is_numbered(key: &[u8]) -> bool {
    let name = without_number(key);
    let end = before_separators(name, name.len());
    if end == 0 {
        return false;
    }
    let names = ending_with(name[end - 1].to_ascii_lowercase());
    let mut at = 0;
    while at < names.len() {
        if matches!(names[at].1, Anything) && before_name(name, names[at].0.as_bytes()).is_some() {
            return true;
        }
        at += 1;
    }
    false
}

/// Returns a name without the number at its end.
pub(super) const fn without_number(key: &[u8]) -> &[u8] {
    let mut end = before_separators(key, key.len());
    while end > 0 && key[end - 1].is_ascii_digit() {
        end -= 1;
    }
    key.split_at(end).0
}

/// Returns whether a name may be one of those that end with that letter, as far as the letter before it tells.
const fn may_end(key: &[u8], end: usize, last: u8) -> bool {
    if !last.is_ascii_lowercase() {
        return false;
    }
    let (letters, shortest) = BEFORE_LAST[(last - b'a') as usize];
    if end < 2 || !key[end - 2].is_ascii_alphabetic() {
        return true;
    }
    end >= shortest && letters >> (key[end - 2].to_ascii_lowercase() - b'a') & 1 == 1
}

/// For each last letter of a name, the letters before it, a bit each, and how long the shortest name is: they tell most names
/// from those of secrets.
const BEFORE_LAST: [(u32, usize); 26] = before_last();

const fn before_last() -> [(u32, usize); 26] {
    let mut letters = [(0, usize::MAX); 26];
    let mut last = 0;
    while last < 26 {
        let names = ending_with(b'a' + last);
        let mut at = 0;
        while at < names.len() {
            let name = names[at].0.as_bytes();
            let known = &mut letters[last as usize];
            known.0 |= 1 << (name[name.len() - 2] - b'a');
            known.1 = if name.len() < known.1 { name.len() } else { known.1 };
            at += 1;
        }
        last += 1;
    }
    letters
}

/// Returns whether two names are one, but for case and separators.
pub(super) fn is_same(key: &str, name: &str) -> bool {
    before_name(key.as_bytes(), name.as_bytes()).is_some_and(|rest| before_separators(key.as_bytes(), rest) == 0)
}

/// Returns whether a name ends with another, and how long is what stands before it.
pub(super) const fn before_name(key: &[u8], name: &[u8]) -> Option<usize> {
    let (mut end, mut left) = (key.len(), name.len());
    while left > 0 {
        end = before_separators(key, end);
        if end == 0 || key[end - 1].to_ascii_lowercase() != name[left - 1] {
            return None;
        }
        end -= 1;
        left -= 1;
    }
    Some(end)
}

const fn before_separators(key: &[u8], mut end: usize) -> usize {
    while end > 0 && matches!(key[end - 1], b'_' | b'-' | b'.' | b' ' | b'[' | b']' | b':') {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_separators() {
        for key in
            ["password", "PASSWORD", "db_password", "api_key", "apikey", "api-key", "X-Api-Key", "apiKey", "Set-Cookie"]
        {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "private.key",
            "access_key",
            "clientSecret",
            "session_token",
            "credential",
            "AWS_ACCESS_KEY_ID",
            "pin",
            "password2",
            "API_KEY_1",
        ] {
            assert!(is_secret(key), "{key}");
        }
    }

    #[test]
    fn names_that_only_sound_like_it_are_left_alone() {
        for key in [
            "tokens",
            "max_tokens",
            "token_count",
            "key",
            "cache_key",
            "author",
            "passed",
            "compass",
            "secretary",
            "monkey",
        ] {
            assert!(!is_secret(key), "{key}");
        }
        for key in [
            "",
            "_",
            "7",
            "_1",
            "pin2",
            "md5",
            "sha256",
            "key1",
            "tokens2",
            "spin",
            "oauth_version",
            "cookies_enabled",
            "keyboard",
            "primary_key",
            "session_id",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn a_name_of_the_programs_own_is_compared_the_same_way() {
        assert!(is_same("Employee-Number", "employeenumber"));
        assert!(!is_same("old_employee_number", "employeenumber"));
    }
}
