//! What an operator can set: by setters where the collector is a library, by file, environment and flags where it is a
//! program ([`Loaded`]).

mod example;
mod keys;
mod load;
mod settings;
mod targets;
#[cfg(test)]
mod tests;
pub(crate) mod values;

pub use example::example;
pub use keys::{KEYS, Key, Kind};
pub(crate) use load::in_one_line;
pub use load::{ConfigError, Loaded, Origin, Said};
pub(crate) use settings::Rate;
pub use settings::{Log, LogFormat, Settings, Tls};
pub use values::GrpcListen;
pub use values::{ParseDurationError, parse_duration};

use std::path::{Path, PathBuf};
use std::time::Duration;

use lastword::privacy::Privacy;

use crate::alerts::Rules;
use crate::auth;
use crate::forward::Target;
use crate::store::Retention;
use values::Bytes;

/// How a collector is run. Everything but the data directory has a default, a constant of [`limits`](crate::limits).
///
/// ```
/// use lastword_collector::Config;
/// let config = Config::new("state/telemetry").body_bytes_max(1 << 20);
/// assert_eq!(config.data_dir(), std::path::Path::new("state/telemetry"));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) privacy: Privacy,
    /// Keys that stand in no file.
    pub(crate) keys: Vec<auth::Key>,
    pub(crate) alerts: Rules,
}

impl Config {
    /// Describes a collector that keeps its data in `data_dir`, with every bound at its default.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self::bare(data_dir.into(), Settings::default())
    }

    /// Describes a collector by all of its settings. Those that name a data directory and an address to listen on are for
    /// whoever starts it.
    pub fn with_settings(data_dir: impl Into<PathBuf>, settings: Settings) -> Self {
        let limits = settings.limits.clone();
        // By the setters, so that no value is out of its range.
        let buckets_ms = settings.metrics.buckets_ms.clone();
        Self::bare(data_dir.into(), settings)
            .request_bounds_ms(buckets_ms)
            .body_bytes_max(limits.body_bytes_max.len())
            .ingest_bytes_max(limits.ingest_bytes_max.len())
            .write_queue_requests(limits.write_queue_requests)
            .connections_max(limits.connections_max)
    }

    fn bare(data_dir: PathBuf, settings: Settings) -> Self {
        Self { data_dir, settings, privacy: Privacy::new(), keys: Vec::new(), alerts: Rules::shipped() }
    }

    /// Returns the directory that holds the data.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns all settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns how many connections may be open at once.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.settings.limits.connections_max
    }

    /// Adds a key that clients may have, beside those of the file that the settings name. Without any, nobody is asked for
    /// one.
    pub fn key(mut self, key: auth::Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Returns whether this address can be reached by others while nobody is asked for a key and nobody has said that this
    /// is meant.
    #[must_use]
    pub fn is_open_to_others(&self, address: std::net::SocketAddr) -> bool {
        !(address.ip().to_canonical().is_loopback() || self.asks_for_keys() || self.settings.insecure_public)
    }

    /// Returns whether clients need a key: there is one, or a file for them.
    #[must_use]
    pub fn asks_for_keys(&self) -> bool {
        self.settings.keys.is_some() || !self.keys.is_empty()
    }

    /// Sets the largest request body in bytes ([`crate::limits::BODY_BYTES_MAX`]). It is at most 1 GiB, at least 1 byte.
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.limits.body_bytes_max = Bytes(bytes.clamp(1, 1 << 30) as u64);
        self
    }

    /// Sets how many bytes of bodies may be in memory at once ([`crate::limits::INGEST_BYTES_MAX`]).
    pub fn ingest_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.limits.ingest_bytes_max = Bytes(bytes.clamp(1, 1 << 40) as u64);
        self
    }

    /// Sets how many requests may wait for the disk ([`crate::limits::WRITE_QUEUE_REQUESTS`]).
    pub fn write_queue_requests(mut self, requests: usize) -> Self {
        self.settings.limits.write_queue_requests = requests.clamp(1, 1 << 20);
        self
    }

    /// Sets that events are stored in ClickHouse, and not in the data directory: `clickhouse://USER@HOST:8123/DATABASE`.
    pub fn store(mut self, url: impl Into<String>) -> Self {
        self.settings.store = Some(url.into());
        self
    }

    /// Sets how large the database file may become; without it the disk is the bound. A full store answers 503 and
    /// keeps what it has.
    pub fn store_bytes_max(mut self, bytes: u64) -> Self {
        self.settings.limits.store_bytes_max = Some(Bytes(bytes));
        self
    }

    /// Sets where large values of events are kept instead of the database: `s3://bucket/prefix`, as whom the variables `AWS_*` say, or
    /// `file:///directory`. It needs the feature `s3`.
    pub fn blobs(mut self, url: impl Into<String>) -> Self {
        self.settings.blobs = Some(url.into());
        self
    }

    /// Sets how long events are kept ([`limits::RETENTION_DAYS`](crate::limits::RETENTION_DAYS)).
    pub fn retention(mut self, retention: Retention) -> Self {
        self.settings.retention = retention;
        self
    }

    /// Sets how many connections may be open at once ([`crate::limits::CONNECTIONS_MAX`]).
    pub fn connections_max(mut self, connections: usize) -> Self {
        self.settings.limits.connections_max = connections.clamp(1, 1 << 20);
        self
    }

    /// Sets how long a request's head may take to arrive ([`crate::limits::HEAD_TIMEOUT`]).
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.settings.limits.head_timeout = timeout;
        self
    }

    /// Sets how long a request's body may take to arrive ([`crate::limits::BODY_TIMEOUT`]).
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.settings.limits.body_timeout = timeout;
        self
    }

    /// Sets how long requests get to end when the collector stops ([`crate::limits::SHUTDOWN_GRACE`]).
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.settings.shutdown_grace = grace;
        self
    }

    /// Sets what is taken out of events before they are stored: what the library takes out, unless set. Texts are not cut.
    ///
    /// ```
    /// use lastword::privacy::Privacy;
    /// let config = lastword_collector::Config::new("state").privacy(Privacy::new().key("employee_number"));
    /// ```
    pub fn privacy(mut self, privacy: Privacy) -> Self {
        self.privacy = privacy;
        self
    }

    /// Sets whether the collector reports what is asked of it (`api.status`, `api.version`) as events of its own. It is off.
    pub fn telemetry(mut self, is_on: bool) -> Self {
        self.settings.telemetry = is_on;
        self
    }

    /// Sets the buckets of `http_request_duration_ms` by their upper bounds in milliseconds
    /// ([`crate::limits::REQUEST_BOUNDS_MS`]): at most [`crate::limits::REQUEST_BOUNDS_MAX`] are taken, in rising order, without
    /// those that are no finite numbers.
    pub fn request_bounds_ms(mut self, bounds: impl IntoIterator<Item = f64>) -> Self {
        let mut bounds: Vec<f64> = bounds.into_iter().filter(|bound| bound.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds.truncate(crate::limits::REQUEST_BOUNDS_MAX);
        self.settings.metrics.buckets_ms = bounds;
        self
    }

    /// Sets the rules of alerts, instead of those that ship ([`Rules::shipped`]).
    pub fn alerts(mut self, rules: Rules) -> Self {
        self.alerts = rules;
        self
    }

    /// Adds a system that what is stored is sent on to.
    pub fn forward(mut self, target: Target) -> Self {
        self.settings.forward.push(target);
        self
    }

    /// Sets how long a client may take nothing of its answer ([`crate::limits::ANSWER_UNREAD_MAX`]).
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.settings.limits.answer_timeout = timeout;
        self
    }

    /// Sets how many bytes of answers may be kept for those who have not read them
    /// ([`crate::limits::ANSWERS_BYTES_MAX`]); while it is more, further queries are told to come back.
    pub fn answers_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.limits.answers_bytes_max = Bytes(bytes as u64);
        self
    }

    /// Sets how long a query may take ([`crate::limits::QUERY_TIMEOUT`]).
    pub fn query_timeout(mut self, timeout: Duration) -> Self {
        self.settings.limits.query_timeout = timeout;
        self
    }

    /// Sets the file that says what tokens cost, by model (docs/ingest-otlp.md): by it the cost of calls is estimated that say none.
    /// Without it a small table that is built in counts.
    pub fn prices(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.prices = Some(file.into());
        self
    }

    /// Sets after how much silence a session that didn't end is shown as silent ([`crate::limits::SILENT_AFTER`]).
    pub fn silent_after(mut self, silence: Duration) -> Self {
        self.settings.silent_after = silence;
        self
    }
}
