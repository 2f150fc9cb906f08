//! Tokens that are known by what they begin with: who issued them wrote it there, so that they can be found.

use super::scan::Found;

/// What may follow what a token begins with.
#[derive(Clone, Copy)]
enum Of {
    Hex,
    Upper,
    Alnum,
    /// Letters, digits, `_` and `-`.
    Word,
    /// The same, and `.`: several words.
    Dotted,
}

/// What a token begins with, what follows, at least how many of that, and the rule's name.
struct Shape(&'static str, Of, usize, &'static str);

use Of::{Alnum, Dotted, Hex, Upper, Word};

/// How long the first part of a JWT may be.
const JWT_HEAD_BYTES_MAX: usize = 1024;

/// In the order of their first bytes. What a prefix is the beginning of stands behind it.
const SHAPES: [Shape; 87] = [
    Shape("AKIA", Upper, 16, "aws"),
    Shape("ASIA", Upper, 16, "aws"),
    Shape("ABIA", Upper, 16, "aws"),
    Shape("AIza", Word, 30, "gcp"),
    Shape("AGE-SECRET-KEY-1", Alnum, 40, "age"),
    Shape("ATATT3", Word, 30, "atlassian"),
    Shape("ATCTT3", Word, 30, "atlassian"),
    Shape("EAAA", Word, 50, "square"),
    Shape("EAAC", Alnum, 50, "facebook"),
    Shape("GOCSPX-", Word, 20, "gcp"),
    Shape("HRKU-", Word, 30, "heroku"),
    Shape("NRAK-", Alnum, 20, "newrelic"),
    Shape("PMAK-", Word, 30, "postman"),
    Shape("SG.", Dotted, 40, "sendgrid"),
    Shape("SK", Hex, 32, "twilio"),
    Shape("cio", Alnum, 32, "crates_io"),
    Shape("dapi", Hex, 32, "databricks"),
    Shape("dckr_pat_", Word, 20, "docker"),
    Shape("dop_v1_", Hex, 40, "digitalocean"),
    Shape("doo_v1_", Hex, 40, "digitalocean"),
    Shape("dor_v1_", Hex, 40, "digitalocean"),
    Shape("dp.pt.", Alnum, 30, "doppler"),
    Shape("dp.st.", Dotted, 30, "doppler"),
    Shape("eyJ", Dotted, 30, "jwt"),
    Shape("figd_", Word, 30, "figma"),
    Shape("ghp_", Alnum, 30, "github"),
    Shape("gho_", Alnum, 30, "github"),
    Shape("ghu_", Alnum, 30, "github"),
    Shape("ghs_", Dotted, 30, "github"),
    Shape("ghr_", Alnum, 30, "github"),
    Shape("github_pat_", Word, 30, "github"),
    Shape("glpat-", Dotted, 20, "gitlab"),
    Shape("glptt-", Dotted, 20, "gitlab"),
    Shape("gldt-", Dotted, 20, "gitlab"),
    Shape("glrt-", Dotted, 20, "gitlab"),
    Shape("glcbt-", Dotted, 20, "gitlab"),
    Shape("glsoat-", Dotted, 20, "gitlab"),
    Shape("glsa_", Word, 30, "grafana"),
    Shape("glc_", Word, 30, "grafana"),
    Shape("gsk_", Alnum, 30, "groq"),
    Shape("hf_", Alnum, 30, "huggingface"),
    Shape("hvs.", Word, 20, "vault"),
    Shape("hvb.", Word, 20, "vault"),
    Shape("key-", Hex, 32, "mailgun"),
    Shape("lin_api_", Alnum, 30, "linear"),
    Shape("npm_", Alnum, 30, "npm"),
    Shape("ntn_", Alnum, 30, "notion"),
    Shape("pplx-", Alnum, 30, "perplexity"),
    Shape("pscale_tkn_", Dotted, 20, "planetscale"),
    Shape("pscale_pw_", Dotted, 20, "planetscale"),
    Shape("pul-", Hex, 40, "pulumi"),
    Shape("pypi-", Word, 40, "pypi"),
    Shape("r8_", Alnum, 30, "replicate"),
    Shape("rk_live_", Alnum, 10, "stripe"),
    Shape("rk_test_", Alnum, 10, "stripe"),
    Shape("rubygems_", Hex, 40, "rubygems"),
    Shape("sbp_", Hex, 40, "supabase"),
    Shape("secret_", Alnum, 40, "notion"),
    Shape("shpat_", Hex, 32, "shopify"),
    Shape("shpca_", Hex, 32, "shopify"),
    Shape("shppa_", Hex, 32, "shopify"),
    Shape("shpss_", Hex, 32, "shopify"),
    Shape("sk_live_", Alnum, 10, "stripe"),
    Shape("sk_test_", Alnum, 10, "stripe"),
    Shape("sk-ant-", Word, 20, "anthropic"),
    Shape("sk-proj-", Word, 20, "openai"),
    Shape("sk-svcacct-", Word, 20, "openai"),
    Shape("sk-admin-", Word, 20, "openai"),
    Shape("sk-or-v1-", Alnum, 20, "openrouter"),
    Shape("sk-", Alnum, 20, "openai"),
    Shape("sntrys_", Dotted, 30, "sentry"),
    Shape("sntryu_", Alnum, 30, "sentry"),
    Shape("sq0atp-", Word, 20, "square"),
    Shape("sq0csp-", Word, 30, "square"),
    Shape("tfp_", Word, 30, "typeform"),
    Shape("tskey-", Word, 15, "tailscale"),
    Shape("tvly-", Word, 20, "tavily"),
    Shape("whsec_", Alnum, 20, "stripe"),
    Shape("xai-", Alnum, 40, "xai"),
    Shape("xapp-", Word, 20, "slack"),
    Shape("xoxa-", Word, 15, "slack"),
    Shape("xoxb-", Word, 15, "slack"),
    Shape("xoxe-", Word, 15, "slack"),
    Shape("xoxe.xox", Word, 20, "slack"),
    Shape("xoxp-", Word, 15, "slack"),
    Shape("xoxs-", Word, 15, "slack"),
    Shape("ya29.", Word, 20, "gcp"),
];

/// For each first byte, where its shapes begin and end.
const PLACES: [(u8, u8); 128] = places();

#[allow(clippy::cast_possible_truncation)]
const fn places() -> [(u8, u8); 128] {
    let mut places = [(0, 0); 128];
    let mut at = 0;
    while at < SHAPES.len() {
        let place = &mut places[SHAPES[at].0.as_bytes()[0] as usize];
        if place.1 == 0 {
            place.0 = at as u8;
        }
        place.1 = at as u8 + 1;
        at += 1;
    }
    places
}

/// For each first byte, the second and the third ones that there are, by their lower six bits: they tell nearly all words
/// from a token.
const HEADS: [[u64; 2]; 128] = heads();

const fn heads() -> [[u64; 2]; 128] {
    let mut heads = [[0; 2]; 128];
    let mut at = 0;
    while at < SHAPES.len() {
        let prefix = SHAPES[at].0.as_bytes();
        let [second, third] = &mut heads[prefix[0] as usize];
        *second |= 1 << (prefix[1] & 63);
        *third |= if prefix.len() > 2 { 1 << (prefix[2] & 63) } else { u64::MAX };
        at += 1;
    }
    heads
}

/// Returns whether a token may begin there, as far as three bytes tell.
#[inline(always)]
pub(super) fn may_begin(bytes: &[u8], at: usize) -> bool {
    let Some(&[first, second, third]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return false };
    let [seconds, thirds] = HEADS[usize::from(first & 127)];
    (seconds >> (second & 63)) & (thirds >> (third & 63)) & 1 == 1
}

/// Returns the token that begins there, if one does.
#[inline(never)]
pub(super) fn token_at(bytes: &[u8], at: usize) -> Option<Found> {
    let (first, end) = PLACES.get(usize::from(*bytes.get(at)?)).copied()?;
    SHAPES.get(usize::from(first)..usize::from(end))?.iter().find_map(|shape| shape.found(bytes, at))
}

/// Returns the secret of an application that Azure issued, by the `Q~` in its middle.
pub(super) fn azure_at(bytes: &[u8], tilde: usize) -> Option<Found> {
    let start = tilde.checked_sub(5)?;
    let head = bytes.get(start..tilde)?;
    let of_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~');
    let rest = bytes[tilde + 1..].iter().take_while(|byte| of_token(byte)).count();
    let is_shape = head[..3].iter().all(of_token) && head[3].is_ascii_digit() && head[4] == b'Q' && rest >= 31;
    is_shape.then_some(Found { start, end: tilde + 1 + rest, rule: "azure" })
}

impl Shape {
    fn found(&self, bytes: &[u8], start: usize) -> Option<Found> {
        let Self(prefix, of, count_min, rule) = self;
        let rest = bytes[start..].strip_prefix(prefix.as_bytes())?;
        // A failure looks at no more than is asked for, so that many beginnings in one word stay cheap.
        if rest.len() < *count_min || !rest[..*count_min].iter().all(|byte| of.has(*byte)) {
            return None;
        }
        if *rule == "jwt" && !bytes[start..bytes.len().min(start + JWT_HEAD_BYTES_MAX)].contains(&b'.') {
            return None;
        }
        let count = rest.iter().take_while(|byte| of.has(**byte)).count();
        let end = start + prefix.len() + count;
        // The head of a token is short; a search to the end of every long word would not be.
        let is_jwt = || bytes[start..end.min(start + JWT_HEAD_BYTES_MAX)].contains(&b'.');
        let goes_on = bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        let is_whole = match *rule {
            "jwt" => is_jwt(),
            "aws" | "twilio" => count == *count_min && !goes_on,
            _ => !goes_on,
        };
        is_whole.then_some(Found { start, end, rule })
    }
}

impl Of {
    #[inline]
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::TOKEN_BYTES_MIN;
    use super::*;

    #[test]
    fn shapes_of_one_first_byte_stand_together() {
        for (at, shape) in SHAPES.iter().enumerate() {
            let (first, end) = PLACES[usize::from(shape.0.as_bytes()[0])];
            assert!((usize::from(first)..usize::from(end)).contains(&at), "{}", shape.0);
            assert!(shape.0.len() + shape.2 >= TOKEN_BYTES_MIN, "{}", shape.0);
            let same = &SHAPES[usize::from(first)..usize::from(end)];
            assert!(same.iter().all(|other| other.0.as_bytes()[0] == shape.0.as_bytes()[0]), "{}", shape.0);
        }
    }
}
