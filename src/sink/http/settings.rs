//! The settings of an endpoint, checked.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::Asked;
use crate::sink::{Destination, SettingError};
use crate::wire::IDEMPOTENCY_KEY_HEADER;

/// Headers that a protocol or the connection needs as they are, beside the one with the key.
const OWN_HEADERS: [&str; 9] = [
    IDEMPOTENCY_KEY_HEADER,
    "accept",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
];

/// What of the settings a request needs.
pub(super) struct Settings {
    /// Where to post to.
    pub(super) endpoint: Url,
    /// The same, as it may be shown.
    pub(super) shown: String,
    /// What every request has.
    pub(super) headers: HeaderMap,
    /// How long one attempt may take.
    pub(super) timeout: Duration,
    /// What must not be seen in any text that leaves the sink.
    secrets: Vec<String>,
    /// What was appended to the base URL.
    path: String,
}

impl Settings {
    pub(super) fn check(asked: &Asked) -> Result<Self, SettingError> {
        let Asked { base_url, path, key, headers, timeout, .. } = asked;
        let endpoint = endpoint(base_url, path)?;
        if timeout.is_zero() {
            return Err(SettingError::new("http_timeout", "it is zero, and no answer comes in no time"));
        }
        let mut secrets: Vec<String> = headers.iter().map(|(_, value)| value.clone()).collect();
        secrets.extend(key.clone());
        secrets.extend(endpoint.password().map(str::to_owned));
        secrets.retain(|secret| !secret.is_empty());
        // The longest first: one may be a part of another.
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        let shown = shown(endpoint.as_str());
        let headers = all_headers(asked)?;
        Ok(Self { endpoint, shown, headers, timeout: *timeout, secrets, path: path.clone() })
    }

    /// Returns whether the other side is this machine, which no proxy has anything to do with.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.endpoint.host_str().unwrap_or_default();
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        ip.map_or_else(|_| host == "localhost" || host.ends_with(".localhost"), |ip| ip.is_loopback())
    }

    /// Returns the server, and who we are to it: by the key, and by what the address itself says.
    pub(super) fn destination(&self, asked: &Asked) -> Destination {
        let user = Some(self.endpoint.username()).filter(|user| !user.is_empty());
        // Where a protocol has no header of its own for a key, it is in one of the others.
        let others = asked.headers.iter().filter(|_| asked.key_header.is_empty());
        let headers = others.flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let own = [asked.key.as_deref(), user, self.endpoint.password()].into_iter().flatten();
        let secrets: Vec<&str> = own.chain(headers).collect();
        Destination::new(self.shown.strip_suffix(&self.path).unwrap_or(&self.shown), &secrets)
    }

    /// Takes the secrets out of a text that somebody else has written.
    pub(super) fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

fn endpoint(base_url: &str, path: &str) -> Result<Url, SettingError> {
    let wrong = |reason: String| SettingError::new("base_url", reason);
    let shown = shown(base_url);
    let url = Url::parse(base_url.trim())
        .map_err(|error| wrong(format!("`{shown}` is no URL ({error}): it should look like http://127.0.0.1:4318")))?;
    match url.scheme() {
        "http" => {}
        "https" if cfg!(feature = "rustls") => {}
        "https" => {
            return Err(wrong(format!("`{shown}` needs TLS, and lastword was built without its feature `rustls`")));
        }
        _ => {
            return Err(wrong(format!(
                "`{shown}` starts with neither http:// nor https://: it should look like http://127.0.0.1:4318"
            )));
        }
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(format!("`{shown}` must not have a query or a fragment: it ends with a path")));
    }
    let mut endpoint = url;
    // Without a path to append, it is posted to as it is.
    if !path.is_empty() {
        let path = format!("{}{path}", endpoint.path().trim_end_matches('/'));
        endpoint.set_path(&path);
    }
    Ok(endpoint)
}

/// Returns a URL as it may be shown: without user, password and query.
pub(in crate::sink) fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    // A path may hold an `@` too; hiding all that is before it hides too much, never too little.
    let (hidden, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("***@", rest));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{hidden}{rest}")
}

fn all_headers(asked: &Asked) -> Result<HeaderMap, SettingError> {
    let mut headers = HeaderMap::new();
    // An answer is in the form of its request.
    headers.insert(ACCEPT, HeaderValue::from_static(asked.content_type));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asked.content_type));
    if let Some(key) = &asked.key {
        headers.insert(HeaderName::from_static(asked.key_header), key_value(asked.key_prefix, key)?);
    }
    for (name, value) in &asked.headers {
        let wrong = |reason: &str| SettingError::new("header", format!("`{}` {reason}", name.escape_debug()));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("is no name that a header can have"))?;
        if name == asked.key_header || OWN_HEADERS.contains(&name.as_str()) {
            return Err(wrong("is set by the sink itself"));
        }
        let mut value =
            HeaderValue::from_str(value).map_err(|_| wrong("has a value with characters that no header can have"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn key_value(prefix: &str, key: &str) -> Result<HeaderValue, SettingError> {
    let wrong = |reason: String| SettingError::new("api_key", reason);
    if key.is_empty() {
        return Err(wrong("it is empty: leave it out to send none".into()));
    }
    if let Some(at) = key.bytes().position(|byte| !byte.is_ascii_graphic()) {
        let reason =
            format!("a key consists of visible ASCII characters, and byte {at} of this one is none (a line end?)");
        return Err(wrong(reason));
    }
    let mut value =
        HeaderValue::from_str(&format!("{prefix}{key}")).map_err(|_| wrong("it can't be sent in a header".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(base_url: &str) -> Asked {
        Asked {
            base_url: base_url.to_owned(),
            path: "/api/v1/telemetry".to_owned(),
            content_type: "application/json",
            key_header: "x-api-key",
            key_prefix: "",
            key: None,
            headers: Vec::new(),
            timeout: Duration::from_secs(1),
        }
    }

    fn check(base_url: &str) -> Result<Settings, SettingError> {
        Settings::check(&asked(base_url))
    }

    #[test]
    fn the_path_is_appended_to_whatever_prefix_there_is() {
        let endpoint = |base_url: &str| check(base_url).unwrap().endpoint.to_string();
        assert_eq!(endpoint("http://127.0.0.1:4318"), "http://127.0.0.1:4318/api/v1/telemetry");
        assert_eq!(endpoint(" http://127.0.0.1:4318/ "), "http://127.0.0.1:4318/api/v1/telemetry");
        assert_eq!(endpoint("http://host/a/b//"), "http://host/a/b/api/v1/telemetry");
        assert_eq!(endpoint("HTTP://[::1]:1/p"), "http://[::1]:1/p/api/v1/telemetry");
    }

    #[test]
    fn without_a_path_the_url_is_posted_to_as_it_is() {
        let as_it_is = |url: &str| {
            let asked = Asked { path: String::new(), ..asked(url) };
            let settings = Settings::check(&asked).unwrap();
            (settings.endpoint.to_string(), settings.destination(&asked).address().to_owned())
        };
        for url in ["http://host/v1/logs", "http://host/a/b/", "http://host/"] {
            assert_eq!(as_it_is(url), (url.to_owned(), url.to_owned()));
        }
        assert_eq!(as_it_is("http://host").0, "http://host/");
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_value_and_what_would_be_right() {
        let error = |result: Result<Settings, SettingError>| result.err().map(|e| (e.field(), e.to_string())).unwrap();
        for (url, said) in [
            ("", "is no URL"),
            ("127.0.0.1:4318", "is no URL"),
            ("localhost:4318", "neither http:// nor"),
            ("ftp://host", "neither http:// nor"),
            ("unix:///run/x", "neither http:// nor"),
            ("http://", "is no URL"),
            ("http://host:99999", "is no URL"),
            ("http://host/?key=1", "a query or a fragment"),
            ("http://host/#top", "a query or a fragment"),
        ] {
            let (field, text) = error(check(url));
            assert_eq!(field, "base_url", "{url}");
            assert!(text.contains(said), "{url}: {text}");
        }
        let url = "http://h";
        assert_eq!(error(Settings::check(&Asked { timeout: Duration::ZERO, ..asked(url) })).0, "http_timeout");
        for key in ["", "two words", "k-line\n", "schlüssel"] {
            let (field, text) = error(Settings::check(&Asked { key: Some(key.to_owned()), ..asked(url) }));
            assert_eq!(field, "api_key");
            assert!(key.is_empty() || !text.contains(key.trim()), "{text}");
        }
        for (name, value) in [("a b", "v"), ("x", "v\n"), ("Host", "v"), ("X-Api-Key", "v")] {
            let headers = vec![(name.to_owned(), value.to_owned())];
            assert_eq!(error(Settings::check(&Asked { headers, ..asked(url) })).0, "header");
        }
    }

    #[test]
    fn a_password_in_the_url_is_never_shown() {
        for url in [
            "http://user:pass@host/p",
            "http://user:p@ss/word@host",
            "http://user:p?ass@host",
            "http:user:pass@host",
            "user:pass@host",
            "http://user:pass@host:99999",
            "http://user:pass@host/?token=pass",
            "ftp://user:pass@host",
        ] {
            let text = shown(url) + &check(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!text.contains("pass") && !text.contains("user") && !text.contains("ss"), "{text}");
        }
        let settings = check("http://user:sekret@host").unwrap();
        assert_eq!(settings.shown, "http://***@host/api/v1/telemetry");
        assert_eq!(settings.redact("you sent sekret"), "you sent ***");
    }

    #[test]
    fn a_destination_leads_where_its_sink_does() {
        for url in ["http://host", "http://host/p", "http://host/api/v1/telemetry", "http://host/p/api/v1/telemetry/"] {
            let settings = check(url).unwrap();
            let destination = settings.destination(&asked(url));
            let again = check(destination.address()).unwrap();
            assert_eq!((&again.endpoint, again.destination(&asked(url))), (&settings.endpoint, destination), "{url}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        let loopback = |url: &str| check(url).unwrap().is_loopback();
        for url in
            ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1", "http://localhost:1", "http://a.localhost"]
        {
            assert!(loopback(url), "{url}");
        }
        for url in ["http://10.0.0.1", "http://localhost.example.org", "http://[2001:db8::1]"] {
            assert!(!loopback(url), "{url}");
        }
    }
}
