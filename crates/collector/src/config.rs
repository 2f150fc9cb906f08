//! What an operator can set.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lastword::privacy::Privacy;

use crate::alerts::Rules;
use crate::limits;

/// How a collector is run. Everything but the data directory has a default, a constant of [`limits`].
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
    pub(crate) body_bytes_max: usize,
    pub(crate) ingest_bytes_max: usize,
    pub(crate) write_queue_requests: usize,
    pub(crate) store_bytes_max: Option<u64>,
    pub(crate) connections_max: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) shutdown_grace: Duration,
    pub(crate) query_timeout: Duration,
    pub(crate) silent_after: Duration,
    pub(crate) telemetry: bool,
    pub(crate) request_bounds_ms: Vec<f64>,
    pub(crate) alerts: Rules,
    pub(crate) privacy: Privacy,
}

impl Config {
    /// Describes a collector that keeps its data in `data_dir`, with every bound at its default.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            body_bytes_max: limits::BODY_BYTES_MAX,
            ingest_bytes_max: limits::INGEST_BYTES_MAX,
            write_queue_requests: limits::WRITE_QUEUE_REQUESTS,
            store_bytes_max: None,
            connections_max: limits::CONNECTIONS_MAX,
            head_timeout: limits::HEAD_TIMEOUT,
            body_timeout: limits::BODY_TIMEOUT,
            shutdown_grace: limits::SHUTDOWN_GRACE,
            query_timeout: limits::QUERY_TIMEOUT,
            silent_after: limits::SILENT_AFTER,
            telemetry: false,
            request_bounds_ms: limits::REQUEST_BOUNDS_MS.to_vec(),
            alerts: Rules::shipped(),
            privacy: Privacy::new(),
        }
    }

    /// Returns the directory that holds the data.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Sets the largest request body in bytes ([`limits::BODY_BYTES_MAX`]). It is at most 1 GiB, at least 1 byte.
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes.clamp(1, 1 << 30);
        self
    }

    /// Sets how many bytes of bodies may be in memory at once ([`limits::INGEST_BYTES_MAX`]).
    pub fn ingest_bytes_max(mut self, bytes: usize) -> Self {
        self.ingest_bytes_max = bytes.clamp(1, 1 << 40);
        self
    }

    /// Sets how many requests may wait for the disk ([`limits::WRITE_QUEUE_REQUESTS`]).
    pub fn write_queue_requests(mut self, requests: usize) -> Self {
        self.write_queue_requests = requests.clamp(1, 1 << 20);
        self
    }

    /// Sets how large the database file may become; without it the disk is the bound. A full store answers 503 and
    /// keeps what it has.
    pub fn store_bytes_max(mut self, bytes: u64) -> Self {
        self.store_bytes_max = Some(bytes);
        self
    }

    /// Sets how many connections may be open at once ([`limits::CONNECTIONS_MAX`]).
    pub fn connections_max(mut self, connections: usize) -> Self {
        self.connections_max = connections.clamp(1, 1 << 20);
        self
    }

    /// Sets how long a request's head may take to arrive ([`limits::HEAD_TIMEOUT`]).
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// Sets how long a request's body may take to arrive ([`limits::BODY_TIMEOUT`]).
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    /// Sets how long requests get to end when the collector stops ([`limits::SHUTDOWN_GRACE`]).
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.shutdown_grace = grace;
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

    /// Sets how long a query may take ([`limits::QUERY_TIMEOUT`]).
    pub fn query_timeout(mut self, timeout: Duration) -> Self {
        self.query_timeout = timeout;
        self
    }

    /// Sets after how much silence a session that didn't end is shown as silent ([`limits::SILENT_AFTER`]).
    pub fn silent_after(mut self, silence: Duration) -> Self {
        self.silent_after = silence;
        self
    }

    /// Sets whether the collector reports what is asked of it (`api.status`, `api.version`) as events of its own. It is off.
    pub fn telemetry(mut self, is_on: bool) -> Self {
        self.telemetry = is_on;
        self
    }

    /// Sets the buckets of `http_request_duration_ms` by their upper bounds in milliseconds
    /// ([`limits::REQUEST_BOUNDS_MS`]): at most [`limits::REQUEST_BOUNDS_MAX`] are taken, in rising order, without those that are
    /// no finite numbers.
    pub fn request_bounds_ms(mut self, bounds: impl IntoIterator<Item = f64>) -> Self {
        self.request_bounds_ms = bounds.into_iter().filter(|bound| bound.is_finite()).collect();
        self.request_bounds_ms.sort_by(f64::total_cmp);
        self.request_bounds_ms.dedup();
        self.request_bounds_ms.truncate(limits::REQUEST_BOUNDS_MAX);
        self
    }

    /// Sets the rules of alerts, instead of those that ship ([`Rules::shipped`]).
    pub fn alerts(mut self, rules: Rules) -> Self {
        self.alerts = rules;
        self
    }
}
