//! Where clients put their key. Every SDK has a place of its own.

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use super::need::DATADOG_INPUT;

/// Headers that are a key and nothing else: of `tinker` and our reporter, of Datadog, and of those who name it themselves.
const PLAIN: [&str; 3] = ["x-api-key", "dd-api-key", "x-lastword-key"];

/// Parameters of the URL that are a key, where a client has no other way: Sentry's and Datadog's in browsers.
const PARAMETERS: [&str; 2] = ["sentry_key", "dd-api-key"];

/// Returns the keys that a request's head presents, the likeliest first. Most present one; Basic authentication is a name and
/// a password, of which either may be it.
pub(crate) fn of_head(headers: &HeaderMap, uri: &Uri) -> Vec<String> {
    let mut found = Vec::new();
    let mut take = |key: &str| {
        let key = key.trim();
        if !key.is_empty() && found.len() < 8 {
            found.push(key.to_owned());
        }
    };
    for value in headers.get_all(header::AUTHORIZATION) {
        let Ok(value) = value.to_str() else { continue };
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "token" => take(rest),
            // Langfuse sends `public:secret`, and a browser whatever its user was asked for.
            "basic" => {
                let pair = basic(rest).unwrap_or_default();
                let (name, password) = pair.split_once(':').unwrap_or((pair.as_str(), ""));
                take(password);
                take(name);
            }
            "sentry" => take(sentry(rest).unwrap_or_default()),
            _ => {}
        }
    }
    for name in PLAIN {
        take(headers.get(name).map(text).unwrap_or_default());
    }
    take(headers.get("x-sentry-auth").map(text).and_then(sentry).unwrap_or_default());
    // Datadog's old path ends with it.
    if let Some((above, key)) = uri.path().rsplit_once('/')
        && above.ends_with(DATADOG_INPUT)
    {
        take(key);
    }
    for pair in uri.query().unwrap_or_default().split('&') {
        if let Some((name, value)) = pair.split_once('=')
            && PARAMETERS.contains(&name)
        {
            take(value);
        }
    }
    found
}

/// Returns a path without the key that stands in it, where one may.
pub(crate) fn without_key(path: &str) -> &str {
    path.find(DATADOG_INPUT).map_or(path, |at| &path[..at + DATADOG_INPUT.len()])
}

/// Returns the key that a body presents, where a protocol has it there: PostHog's `api_key` or `token`, and the address (`dsn`)
/// in the first line of an envelope of Sentry's.
pub(crate) fn of_body(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(default)]
        api_key: Option<String>,
        #[serde(default)]
        token: Option<String>,
        #[serde(default)]
        dsn: Option<String>,
    }
    let of = |text: &[u8]| serde_json::from_slice::<Head>(text).ok();
    let head = of(body).or_else(|| of(body.split(|byte| *byte == b'\n').next().unwrap_or_default()))?;
    let of_dsn = |dsn: String| Some(dsn.split_once("://")?.1.split_once('@')?.0.split(':').next()?.to_owned());
    head.api_key.or(head.token).or_else(|| head.dsn.and_then(of_dsn))
}

/// `Sentry sentry_version=7, sentry_key=.., sentry_client=..`
fn sentry(value: &str) -> Option<&str> {
    let value = value.trim();
    let value = value.strip_prefix("Sentry ").unwrap_or(value);
    value.split(',').find_map(|pair| pair.trim().strip_prefix("sentry_key="))
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Decodes base64 in its usual alphabet, with or without padding.
fn basic(text: &str) -> Option<String> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in text.trim().trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap_or(0));
            held &= (1 << bits) - 1;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &'static str, value: &str, uri: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        if !name.is_empty() {
            headers.insert(name, value.parse().unwrap());
        }
        of_head(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn every_client_presents_its_key_where_it_is_used_to() {
        for (name, value) in [
            ("authorization", "Bearer k-1"),
            ("authorization", "bearer  k-1 "),
            ("x-api-key", "k-1"),
            ("dd-api-key", "k-1"),
            ("x-sentry-auth", "Sentry sentry_key=k-1, sentry_version=7"),
            ("x-sentry-auth", "Sentry sentry_version=7,sentry_client=a/1,sentry_key=k-1"),
            ("authorization", "Sentry sentry_version=7, sentry_key=k-1"),
        ] {
            assert_eq!(found(name, value, "/"), ["k-1"], "{name}: {value}");
        }
        assert_eq!(found("", "", "/api/1/envelope/?sentry_version=7&sentry_key=k-1"), ["k-1"]);
        assert_eq!(found("", "", "/v1/input/k-1"), ["k-1"]);
        // `pk-lf-1:sk-lf-2`
        assert_eq!(found("authorization", "Basic cGstbGYtMTpzay1sZi0y", "/"), ["sk-lf-2", "pk-lf-1"]);
        assert_eq!(found("authorization", "Basic OmstMQ==", "/"), ["k-1"]);
    }

    #[test]
    fn what_is_no_key_is_none() {
        for (name, value) in [
            ("", ""),
            ("authorization", "Bearer"),
            ("authorization", "Digest k"),
            ("authorization", "Basic %%"),
            ("x-api-key", " "),
        ] {
            assert_eq!(found(name, value, "/?key=k-1"), Vec::<String>::new(), "{name}: {value}");
        }
    }

    #[test]
    fn some_bodies_have_the_key() {
        assert_eq!(of_body(br#"{"api_key":"k-1","batch":[]}"#).as_deref(), Some("k-1"));
        assert_eq!(of_body(br#"{"token":"k-1","event":"x"}"#).as_deref(), Some("k-1"));
        assert_eq!(
            of_body(b"{\"dsn\":\"https://k-1@o1.example/2\"}\n{\"type\":\"event\"}\n{}").as_deref(),
            Some("k-1")
        );
        for body in [&b""[..], b"{}", b"[1]", b"no json\n{}", b"{\"api_key\":7}"] {
            assert_eq!(of_body(body), None);
        }
    }
}
