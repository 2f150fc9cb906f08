//! Where large values are kept, as an operator writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::OpenBlobsError;

/// How S3 is reached, beside what the variables `AWS_*` say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct S3Settings {
    /// The URL of a server that speaks S3 and is not Amazon's.
    pub(crate) endpoint: Option<String>,
}

/// A place for large values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A bucket, and what all names in it begin with.
    S3 { bucket: String, prefix: String },
    /// A directory.
    Directory(PathBuf),
}

impl FromStr for Address {
    type Err = OpenBlobsError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let wrong = || OpenBlobsError::Setting {
            key: "blobs",
            // A URL that is wrong may have a password in it.
            value: url.split('@').next_back().unwrap_or_default().chars().take(128).collect(),
            right: "use `s3://bucket/prefix`, or `file:///directory`",
        };
        if let Some(path) = url.strip_prefix("file://") {
            // `file:///C:/values` is `C:/values`.
            let path = if cfg!(windows) { path.trim_start_matches('/') } else { path };
            let path = PathBuf::from(path);
            return if path.is_absolute() { Ok(Self::Directory(path)) } else { Err(wrong()) };
        }
        let rest = url.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let prefix = prefix.trim_end_matches('/');
        let parts_are_good = prefix.is_empty()
            || prefix
                .split('/')
                .all(|part| !part.is_empty() && part.bytes().all(is_name) && part != "." && part != "..");
        if bucket.is_empty() || !bucket.bytes().all(is_name) || !parts_are_good {
            return Err(wrong());
        }
        Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Directory(path) => write!(f, "file://{}", path.display()),
        }
    }
}

/// Checks the URL of a server that speaks S3.
pub(super) fn check_endpoint(endpoint: Option<&str>) -> Result<(), OpenBlobsError> {
    let Some(endpoint) = endpoint else { return Ok(()) };
    let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    // Whoever asks is said by the variables `AWS_*`, which are shown to nobody.
    if host.is_some_and(|host| !host.is_empty() && !host.contains('@')) {
        return Ok(());
    }
    Err(OpenBlobsError::Setting {
        key: "s3.endpoint",
        value: endpoint.split('@').next_back().unwrap_or_default().chars().take(128).collect(),
        right: "use the URL of the server, without a name or a password: `http://127.0.0.1:9000`",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_bucket_with_a_prefix_or_a_directory_and_nothing_else() {
        let s3 = |bucket: &str, prefix: &str| Address::S3 { bucket: bucket.into(), prefix: prefix.into() };
        assert_eq!("s3://b".parse::<Address>().unwrap(), s3("b", ""));
        assert_eq!("s3://my-bucket/a/b/".parse::<Address>().unwrap(), s3("my-bucket", "a/b"));
        assert_eq!(s3("b", "x").to_string(), "s3://b/x");
        if cfg!(unix) {
            assert_eq!("file:///var/blobs".parse::<Address>().unwrap(), Address::Directory("/var/blobs".into()));
        }
        for wrong in
            ["", "s3://", "s3:///x", "s3://b/../c", "s3://b//c", "s3://b/a b", "file://var", "/var/x", "http://b/x"]
        {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
        let told = "s3://key:secret@bucket".parse::<Address>().unwrap_err().to_string();
        assert_eq!(told, "`blobs` can't be `bucket`: use `s3://bucket/prefix`, or `file:///directory`");
    }

    #[test]
    fn an_endpoint_is_a_url_without_a_login() {
        assert!(check_endpoint(None).is_ok() && check_endpoint(Some("https://s3.example")).is_ok());
        for wrong in ["", "http://", "s3.example:9000", "http://key:secret@s3.example"] {
            let told = check_endpoint(Some(wrong)).unwrap_err().to_string();
            assert!(!told.contains("secret"), "{told}");
        }
    }
}
