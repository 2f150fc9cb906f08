//! Where a listing comes from: a running collector, or a directory.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use lastword_collector::without_login;
use reqwest::Url;

/// The collector that is asked when nothing else is said.
const URL_DEFAULT: &str = "http://127.0.0.1:4318";
/// Names the collector to ask. Read here and not by clap, so that `--data` can win over it without a conflict.
const URL_VARIABLE: &str = "LASTWORD_URL";

/// Clap would write these two itself if it read the environment.
const URL_HELP: &str = "Ask the collector at this URL [env: LASTWORD_URL] [default: http://127.0.0.1:4318]";

/// Where to read.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Ask the collector at this URL
    #[arg(long, value_name = "URL", help = URL_HELP, conflicts_with = "data", help_heading = "Where to read")]
    url: Option<BaseUrl>,
    /// Read this data directory, whether or not a collector runs on it; nothing stored is changed
    #[arg(long, value_name = "DIR", help_heading = "Where to read")]
    data: Option<PathBuf>,
    /// Read this store in ClickHouse, as `serve --store` has it, with the password of `LASTWORD_CLICKHOUSE_PASSWORD_FILE` or `LASTWORD_CLICKHOUSE_PASSWORD`
    #[arg(long, value_name = "URL", conflicts_with_all = ["url", "data"], help_heading = "Where to read")]
    store: Option<String>,
}

/// Which collector: what is asked of it stands in no directory.
#[derive(Debug, Args)]
pub(crate) struct CollectorArgs {
    /// Ask the collector at this URL
    #[arg(long, value_name = "URL", help = URL_HELP)]
    url: Option<BaseUrl>,
}

/// Where to read events: files of JSON lines too.
#[derive(Debug, Args)]
pub(crate) struct FeedArgs {
    #[command(flatten)]
    store: SourceArgs,
    /// Read these files of JSON lines, each with its rotated ones; `-` is standard input
    #[cfg(unix)]
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["url", "data", "store"], help_heading = "Where to read")]
    jsonl: Vec<PathBuf>,
}

/// What was chosen of these.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A collector, or its data directory.
    Store(Place),
    /// Files of JSON lines.
    #[cfg(unix)]
    Lines(Vec<PathBuf>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(Place::Url(url)) => url.fmt(f),
            Self::Store(Place::Directory(directory)) => directory.display().fmt(f),
            Self::Store(Place::Store(store)) => f.write_str(&without_login(store)),
            #[cfg(unix)]
            Self::Lines(paths) => {
                let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
                let first = if first == "-" { "standard input" } else { &first };
                match paths.len() {
                    0 | 1 => f.write_str(first),
                    several => write!(f, "{first} and {} more", several - 1),
                }
            }
        }
    }
}

impl FeedArgs {
    /// Decides, as [`SourceArgs::place`] does.
    ///
    /// # Errors
    ///
    /// The environment names no URL.
    pub(crate) fn origin(&self) -> Result<Origin, ParseUrlError> {
        #[cfg(unix)]
        if !self.jsonl.is_empty() {
            return Ok(Origin::Lines(self.jsonl.clone()));
        }
        self.store.place().map(Origin::Store)
    }

    /// Takes the last word out of the files if it is no file and can be read as what is wanted: `--jsonl` takes every word
    /// behind it. One word is left to be a file.
    pub(crate) fn take_last<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        #[cfg(unix)]
        if let [_, .., last] = self.jsonl.as_slice()
            && !last.exists()
            && let Some(wanted) = last.to_str().and_then(read)
        {
            self.jsonl.pop();
            return Some(wanted);
        }
        None
    }
}

/// The place that was chosen.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A collector that answers here.
    Url(BaseUrl),
    /// A collector's data directory.
    Directory(PathBuf),
    /// A store in ClickHouse.
    Store(String),
}

impl SourceArgs {
    /// Decides: flags win over the environment, which wins over the default.
    ///
    /// # Errors
    ///
    /// The environment names no URL.
    pub(crate) fn place(&self) -> Result<Place, ParseUrlError> {
        if let Some(directory) = &self.data {
            return Ok(Place::Directory(directory.clone()));
        }
        if let Some(store) = &self.store {
            return Ok(Place::Store(store.clone()));
        }
        url_of(self.url.as_ref()).map(Place::Url)
    }
}

impl CollectorArgs {
    /// Decides: the flag wins over the environment, which wins over the default.
    ///
    /// # Errors
    ///
    /// The environment names no URL.
    pub(crate) fn url(&self) -> Result<BaseUrl, ParseUrlError> {
        url_of(self.url.as_ref())
    }
}

/// Returns the collector that is asked where no flag names one; `None` where the environment names no URL.
pub(crate) fn usual_url() -> Option<BaseUrl> {
    url_of(None).ok()
}

fn url_of(flag: Option<&BaseUrl>) -> Result<BaseUrl, ParseUrlError> {
    if let Some(url) = flag {
        return Ok(url.clone());
    }
    let text = env::var(URL_VARIABLE).ok().filter(|text| !text.trim().is_empty());
    text.as_deref().unwrap_or(URL_DEFAULT).parse()
}

/// A collector's URL, perhaps with a path under which it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl(Url);

/// The text is no URL of a collector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no URL of a collector: use one like {URL_DEFAULT}")]
pub(crate) struct ParseUrlError {
    text: String,
}

impl BaseUrl {
    /// Returns the URL of a path below this one.
    pub(crate) fn below(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}{path}"));
        url
    }

    /// Returns whether it is on this machine, so that no proxy may stand between.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        // Both fail for URLs without a host only, and such a URL is refused. A password is not for a message.
        let _ = shown.set_password(None);
        let _ = shown.set_username("");
        f.write_str(shown.as_str().trim_end_matches('/'))
    }
}

impl FromStr for BaseUrl {
    type Err = ParseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUrlError { text: text.to_owned() };
        let mut url = Url::parse(text.trim()).map_err(|_| error())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(error());
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_put_below_the_prefix_of_the_url() {
        let plain: BaseUrl = "http://127.0.0.1:4318".parse().unwrap();
        assert_eq!(plain.below("/api/events").as_str(), "http://127.0.0.1:4318/api/events");
        let prefixed: BaseUrl = "https://example.org/services/words/?x=1".parse().unwrap();
        assert_eq!(prefixed.below("/api/events").as_str(), "https://example.org/services/words/api/events");
    }

    #[test]
    fn a_password_in_the_url_is_not_shown() {
        let url: BaseUrl = "http://me:secret@example.org/x/".parse().unwrap();
        assert_eq!(url.to_string(), "http://example.org/x");
    }

    #[test]
    fn what_is_no_url_of_http_is_refused() {
        for text in ["", "127.0.0.1:4318", "ftp://example.org", "http://", "unix:///tmp/x"] {
            assert!(text.parse::<BaseUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for text in ["http://127.0.0.1:4318", "http://localhost", "http://[::1]:1"] {
            assert!(text.parse::<BaseUrl>().unwrap().is_loopback(), "{text}");
        }
        assert!(!"http://example.org".parse::<BaseUrl>().unwrap().is_loopback());
    }
}
