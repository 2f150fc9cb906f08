//! Where a store in ClickHouse is: `clickhouse://user:password@host:8123/database?cluster=NAME`.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::limits::{CLICKHOUSE_NAME_BYTES_MAX, CLICKHOUSE_PASSWORD_BYTES_MAX};

/// The variable of the environment that a password may be in, so that it is in no command line.
pub(crate) const PASSWORD_VARIABLE: &str = "LASTWORD_CLICKHOUSE_PASSWORD";
/// The variable that names the file of a password. A collector's settings have it as `clickhouse.password_file`; who has no settings reads it here.
const PASSWORD_FILE_VARIABLE: &str = "LASTWORD_CLICKHOUSE_PASSWORD_FILE";

/// How such a place is written.
const FORM: &str = "clickhouse://[user[:password]@]host[:port][/database][?cluster=NAME]";
/// The schemes: over TCP, and over TLS.
const SCHEMES: [(&str, bool); 2] = [("clickhouse", false), ("clickhouses", true)];
/// The database, where none is named.
const DATABASE: &str = "lastword";
/// Who asks, where nobody is named.
const USER: &str = "default";

/// Where a store is, and who is known there. Neither `Debug` nor `Display` tells the password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Location {
    /// `http://host:port/`.
    base: Url,
    user: String,
    password: Option<String>,
    database: String,
    cluster: Option<String>,
}

/// Why a place can't be read. What was given is not told: it may have a password in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocationError {
    /// It is no such URL.
    #[error("the store's URL can't be read ({0}): it must be like `{FORM}`, `clickhouses://` for TLS")]
    Url(String),
    /// It has another scheme.
    #[error(
        "the store's URL does not begin with `clickhouse://` but with `{0}`: it must be like `{FORM}`, `clickhouses://` for TLS"
    )]
    Scheme(String),
    /// A name can't be one.
    #[error(
        "the {0} of the store's URL can't be a name: letters, digits and `_`, in a cluster's `-` too, {CLICKHOUSE_NAME_BYTES_MAX} at most, none but a letter or `_` first"
    )]
    Name(&'static str),
    /// It has a parameter that is not known.
    #[error("the store's URL has the parameter `{0}`: only `cluster` is known, once")]
    Parameter(String),
    /// The file with the password can't be read.
    #[error("the password of ClickHouse can't be read from {}: {why}", file.display())]
    Password {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
}

impl Location {
    /// Whether a text is meant to be such a place, not a directory.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.split_once("://")
            .is_some_and(|(scheme, _)| SCHEMES.iter().any(|(known, _)| scheme.eq_ignore_ascii_case(known)))
    }

    /// Reads where a store is.
    ///
    /// # Errors
    ///
    /// It is none, or what it says can't be.
    pub(crate) fn parse(text: &str) -> Result<Self, LocationError> {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        if !Self::is_meant(text) {
            return Err(LocationError::Scheme(scheme.chars().filter(char::is_ascii_alphanumeric).take(16).collect()));
        }
        let url = Url::parse(text).map_err(|error| LocationError::Url(error.to_string()))?;
        let is_tls = SCHEMES.iter().any(|&(known, tls)| tls && known == url.scheme());
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| LocationError::Url("no host".to_owned()))?;
        let port = url.port().unwrap_or(if is_tls { 8443 } else { 8123 });
        let base = format!("{}://{host}:{port}/", if is_tls { "https" } else { "http" });
        let base = Url::parse(&base).map_err(|error| LocationError::Url(error.to_string()))?;
        let plain = |part: &str| {
            let text = percent_decode_str(part).decode_utf8();
            text.map(String::from).map_err(|_| LocationError::Url("what is percent-encoded is no UTF-8".to_owned()))
        };
        let user = Some(plain(url.username())?).filter(|user| !user.is_empty());
        let path = plain(url.path().trim_matches('/'))?;
        let database = if path.is_empty() { DATABASE.to_owned() } else { name("database", path)? };
        let mut cluster = None;
        for (key, value) in url.query_pairs() {
            if key != "cluster" || cluster.is_some() {
                return Err(LocationError::Parameter(key.chars().filter(|char| !char.is_control()).take(64).collect()));
            }
            cluster = Some(name("cluster", value.into_owned())?);
        }
        Ok(Self {
            base,
            user: user.unwrap_or_else(|| USER.to_owned()),
            password: url.password().map(plain).transpose()?,
            database,
            cluster,
        })
    }

    /// Takes the password from a file, where one is named here or by [`PASSWORD_FILE_VARIABLE`], else from [`PASSWORD_VARIABLE`]. One that stands
    /// in the URL stays.
    ///
    /// # Errors
    ///
    /// The file can't be read, or is none of a password.
    pub(crate) fn with_password_of(mut self, file: Option<&Path>) -> Result<Self, LocationError> {
        if self.password.is_none() {
            let named = std::env::var_os(PASSWORD_FILE_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
            self.password = match file.or(named.as_deref()) {
                Some(file) => Some(password_in(file)?),
                None => std::env::var(PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty()),
            };
        }
        Ok(self)
    }

    /// Where requests go: `http://host:port/`.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether it is over TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Whether the server is on this machine, which no proxy has to do with.
    pub(super) fn is_loopback(&self) -> bool {
        match self.base.host_str() {
            Some("localhost") => true,
            Some(host) => {
                host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            }
            None => false,
        }
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// The cluster, if it is one.
    pub(crate) fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }
}

/// As it may be shown: without the password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = SCHEMES.iter().find(|&&(_, tls)| tls == self.is_tls()).map_or("", |&(scheme, _)| scheme);
        let host = self.base.host_str().unwrap_or_default();
        // Only a port that `http` or `https` has by itself is not kept.
        let port = self.base.port_or_known_default().unwrap_or_default();
        let user = if self.user == USER { String::new() } else { format!("{}@", self.user) };
        write!(f, "{scheme}://{user}{host}:{port}/{}", self.database)?;
        match &self.cluster {
            Some(cluster) => write!(f, "?cluster={cluster}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

/// A name that needs no quotes anywhere; that of a cluster is always in quotes.
fn name(of: &'static str, name: String) -> Result<String, LocationError> {
    let may_have = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' && of == "cluster";
    let is_name = name.len() <= CLICKHOUSE_NAME_BYTES_MAX
        && name.bytes().all(may_have)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if is_name { Ok(name) } else { Err(LocationError::Name(of)) }
}

fn password_in(file: &Path) -> Result<String, LocationError> {
    use std::io::Read;

    let failed = |why: String| LocationError::Password { file: file.to_owned(), why };
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|error| failed(error.to_string()))?;
    let bytes = opened.take(CLICKHOUSE_PASSWORD_BYTES_MAX + 1).read_to_string(&mut text);
    if bytes.map_err(|error| failed(error.to_string()))? as u64 > CLICKHOUSE_PASSWORD_BYTES_MAX {
        return Err(failed(format!(
            "it is larger than {CLICKHOUSE_PASSWORD_BYTES_MAX} bytes, and must be the password alone"
        )));
    }
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(failed("it is empty, and must be the password alone".to_owned()));
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Location, LocationError};

    #[test]
    fn what_is_not_said_of_a_place_has_a_default() {
        let place = Location::parse("clickhouse://ch.example").unwrap();
        assert_eq!(place.base().as_str(), "http://ch.example:8123/");
        assert_eq!(
            (place.user(), place.password(), place.database(), place.cluster()),
            ("default", None, "lastword", None)
        );
        let place = Location::parse("clickhouses://[::1]/").unwrap();
        assert_eq!(place.base().as_str(), "https://[::1]:8443/");
        assert!(place.is_tls() && place.is_loopback());
    }

    #[test]
    fn all_that_a_place_may_say_is_read() {
        let place = Location::parse("clickhouse://an%40a:p%40s%20s@10.0.0.1:80/tele_1?cluster=main-1").unwrap();
        assert_eq!((place.user(), place.password()), ("an@a", Some("p@s s")));
        assert_eq!((place.database(), place.cluster()), ("tele_1", Some("main-1")));
        assert!(!place.is_tls() && !place.is_loopback());
        assert_eq!(place.to_string(), "clickhouse://an@a@10.0.0.1:80/tele_1?cluster=main-1");
    }

    #[test]
    fn the_user_is_shown_and_the_password_is_not() {
        let place = Location::parse("clickhouse://somebody:sekret@h/db").unwrap();
        for shown in [place.to_string(), format!("{place:?}")] {
            assert!(!shown.contains("sekret") && shown.contains("somebody@h"), "{shown}");
        }
        // The URL itself is shown likewise.
        for text in ["clickhouse://ada:sekret@h:1/db", "clickhouses://default:sekret@h:1/db", "clickhouse://h:1/db"] {
            assert_eq!(Location::parse(text).unwrap().to_string(), crate::without_login(text));
        }
        for text in ["clickhouse://u:sekret@h:port/db", "clickhouse://u:sekret@", "postgres://u:sekret@h", "u:sekret@h"]
        {
            let error = Location::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("sekret"), "{error}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_would_be_right() {
        for (text, part) in [
            ("http://h", "but with `http`"),
            ("state/telemetry", "does not begin with `clickhouse://`"),
            ("clickhouse://", "no host"),
            ("clickhouse://h:99999", "port"),
            ("clickhouse://h/a-b", "database"),
            ("clickhouse://h/1a", "database"),
            ("clickhouse://h/a?cluster=-x", "cluster"),
            ("clickhouse://h/a?cluster=x`y", "cluster"),
            ("clickhouse://h/a/b", "database"),
            ("clickhouse://h/a?cluster=x'y", "cluster"),
            ("clickhouse://h/a?cluster=", "cluster"),
            ("clickhouse://h/a?cluster=x&cluster=y", "once"),
            ("clickhouse://h/a?clutser=x", "`clutser`"),
        ] {
            let error = Location::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_password_is_read_from_a_file_without_its_last_line_end() {
        let file = std::env::temp_dir().join(format!("lastword-password-{}", std::process::id()));
        let of = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Location::parse("clickhouse://h").unwrap().with_password_of(Some(&file))
        };
        assert_eq!(of(" pass word\r\n").unwrap().password(), Some(" pass word"));
        assert!(matches!(of("\n"), Err(LocationError::Password { .. })));
        assert!(of(&"x".repeat(5000)).unwrap_err().to_string().contains("4096"));
        let named = Location::parse("clickhouse://u:inline@h").unwrap().with_password_of(Some(&file)).unwrap();
        assert_eq!(named.password(), Some("inline"));
        std::fs::remove_file(file).unwrap();
    }
}
