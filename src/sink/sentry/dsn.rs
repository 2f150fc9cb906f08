//! Where a DSN leads, and the key in it.

use sentry_types::{Dsn, ParseDsnError, Scheme};

use crate::sink::SettingError;

/// What a right one looks like.
const LIKE: &str = "a DSN looks like https://<key>@o0.ingest.sentry.io/<project>";

/// Where envelopes are posted to, and who we are there.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) base_url: String,
    /// Below the base URL.
    pub(super) path: String,
    /// Who has it may send, and is counted as us.
    pub(super) key: String,
}

/// Reads a DSN.
///
/// # Errors
///
/// It is none. The error does not show it: whatever it is, there may be a key in it.
pub(super) fn read(dsn: &str) -> Result<Place, SettingError> {
    let dsn: Dsn = dsn.trim().parse().map_err(|error| {
        let what = match error {
            ParseDsnError::InvalidUrl => "is no URL",
            ParseDsnError::InvalidScheme => "starts with neither http:// nor https://",
            ParseDsnError::NoUsername => "has no key before an @",
            ParseDsnError::NoProjectId | ParseDsnError::InvalidProjectId(_) => "has no project after the last /",
        };
        SettingError::new("dsn", format!("it {what}: {LIKE}"))
    })?;
    let scheme = match dsn.scheme() {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let port = if dsn.port() == dsn.scheme().default_port() { String::new() } else { format!(":{}", dsn.port()) };
    Ok(Place {
        base_url: format!("{scheme}://{}{port}{}", dsn.host(), dsn.path().trim_end_matches('/')),
        path: format!("/api/{}/envelope/", dsn.project_id()),
        key: dsn.public_key().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_leads_to_the_envelopes_of_its_project() {
        for (dsn, base_url, path) in [
            ("https://k@o1.ingest.sentry.io/42", "https://o1.ingest.sentry.io", "/api/42/envelope/"),
            (" http://k:old@127.0.0.1:9000/7/ ", "http://127.0.0.1:9000", "/api/7/envelope/"),
            ("https://k@host:443/a/b/7", "https://host/a/b", "/api/7/envelope/"),
            ("http://k@[::1]:1/7", "http://[::1]:1", "/api/7/envelope/"),
        ] {
            let place = read(dsn).unwrap_or_else(|error| panic!("{dsn}: {error}"));
            assert_eq!((&*place.base_url, &*place.path, &*place.key), (base_url, path, "k"), "{dsn}");
        }
    }

    #[test]
    fn what_is_none_is_told_apart_and_not_shown() {
        for (dsn, said) in [
            ("", "is no URL"),
            ("sekret", "is no URL"),
            ("sekret@host/1", "is no URL"),
            ("ftp://sekret@host/1", "neither http:// nor"),
            ("https://o1.ingest.sentry.io/sekret", "no key"),
            ("https://sekret@o1.ingest.sentry.io", "no project"),
            ("https://sekret@o1.ingest.sentry.io/", "no project"),
        ] {
            let Err(error) = read(dsn) else { panic!("{dsn}") };
            let text = error.to_string();
            assert_eq!(error.field(), "dsn");
            assert!(
                text.contains(said) && text.contains("https://<key>@") && !text.contains("sekret"),
                "{dsn}: {text}"
            );
        }
    }
}
