//! All settings, as they stand in the file: one struct a section, and every field with its default.
//!
//! A part that has settings of its own defines a struct beside its module (`Default`, serde, `deny_unknown_fields`), becomes
//! a field of [`Settings`] here, and names its keys in [`super::keys`]. Flags, variables, the example and the check of
//! unknown keys follow from that; a test holds the two together.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lastword::privacy::Privacy;
use serde::{Deserialize, Serialize};

use super::keys::{KEYS, Key};
use super::load::get;
use super::values::{Bytes, GrpcListen, Network, address, span};
use crate::blobs::S3Settings;
use crate::forward::{self, Target};
use crate::limits;
use crate::store::Retention;
use crate::store::trail::{InForce, What};
use crate::stream::{Role, StreamSettings, without_login};

/// Everything that an operator can set. What is left out has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The address to listen on.
    #[serde(with = "address")]
    pub listen: SocketAddr,
    /// Where OTLP is taken over gRPC; if nothing is said, on its usual port of the loopback address, where that is free.
    pub grpc_listen: Option<GrpcListen>,
    /// The file of what tokens cost, by model, if there is one.
    pub prices: Option<PathBuf>,
    /// The data directory, if one is named.
    pub data: Option<PathBuf>,
    /// Where events are stored, if not in the data directory.
    pub store: Option<String>,
    /// Where large values of events are kept, if it is not the store.
    pub blobs: Option<String>,
    /// The parts of the work that this process does; none named is all.
    pub role: Vec<Role>,
    /// The servers of the stream that events go into, if there is one.
    pub stream: Option<String>,
    /// The file of the keys, if there is one.
    pub keys: Option<PathBuf>,
    /// Whether an address that others can reach may be served without keys.
    pub insecure_public: bool,
    /// Names by which clients may call this machine while no keys are asked for, beside the loopback's own.
    pub hosts: Vec<String>,
    /// Whether a client is believed that says that its user has agreed to be known, for the event that says it.
    pub client_opt_in: bool,
    /// Proxies that are believed when they say whom they ask for.
    pub(crate) trusted_proxies: Vec<Network>,
    /// After how much silence a session that didn't end is shown as silent.
    #[serde(with = "span")]
    pub silent_after: Duration,
    /// The file of the rules of alerts, if there is one instead of those that ship.
    pub alerts: Option<PathBuf>,
    /// Where what is stored is sent on to.
    #[serde(deserialize_with = "forward::targets")]
    pub forward: Vec<Target>,
    /// Whether the collector reports what is asked of it as events of its own.
    pub telemetry: bool,
    /// How long requests get to end when the collector stops.
    #[serde(with = "span")]
    pub shutdown_grace: Duration,
    /// Certificate and key, for TLS.
    pub tls: Tls,
    /// The collector's own log.
    pub log: Log,
    /// Bounds.
    pub(crate) limits: Limits,
    /// How much one client may send.
    pub(crate) rate: Rate,
    /// How the stream is set up.
    pub(crate) nats: StreamSettings,
    /// Who we are at the server that events are stored in.
    pub(crate) clickhouse: ClickHouseSettings,
    /// How the place of large values is reached.
    pub(crate) s3: S3Settings,
    /// What is counted, and how.
    pub(crate) metrics: Metrics,
    /// How long events are kept.
    pub(crate) retention: Retention,
}

/// Who we are at the server that events are stored in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClickHouseSettings {
    /// The file of the password, which then stands in no command line.
    pub(crate) password_file: Option<PathBuf>,
}

impl Settings {
    /// Returns the parts of the work that this process does.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        if self.role.is_empty() { Role::ALL.to_vec() } else { self.role.clone() }
    }

    /// Returns the file of the password for the server of the store.
    #[must_use]
    pub fn clickhouse_password_file(&self) -> Option<&Path> {
        self.clickhouse.password_file.as_deref()
    }

    /// Returns the server that this process stores events in, or reads them from; `None` if it is the data directory. Who only takes events in
    /// needs no store but the stream.
    pub(crate) fn remote_store(&self) -> Option<&str> {
        let uses = self.roles().iter().any(|role| *role != Role::Ingest);
        self.store.as_deref().filter(|_| uses)
    }

    /// Returns them without who we are at other servers.
    pub(super) fn without_logins(&self) -> Self {
        let shown = |url: &Option<String>| url.as_deref().map(without_login);
        Self { stream: shown(&self.stream), store: shown(&self.store), ..self.clone() }
    }

    /// Returns the settings as the audit trail knows them, without secrets; only those that a running collector takes over where it is so asked.
    pub(crate) fn in_force(&self, live: bool) -> Vec<InForce> {
        let forward = self.forward.iter().map(Target::without_secrets).collect();
        let table = toml::Table::try_from(Self { forward, ..self.without_logins() }).unwrap_or_default();
        let keys = KEYS.iter().filter(|key| key.live || !live);
        // A URL may have a password in it.
        let redactor = Privacy::new().redactor();
        let without_secrets =
            |text: String| redactor.as_ref().map(|redactor| redactor.redact(&text).into_owned()).unwrap_or(text);
        let value =
            |key: &Key| get(&table, key.path).map_or("unset".to_owned(), |value| without_secrets(value.to_string()));
        keys.map(|key| InForce { what: What::Setting, name: key.path.to_owned(), value: value(key) }).collect()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, limits::LISTEN_PORT)),
            grpc_listen: None,
            prices: None,
            data: None,
            store: None,
            blobs: None,
            role: Vec::new(),
            stream: None,
            keys: None,
            insecure_public: false,
            hosts: Vec::new(),
            client_opt_in: true,
            trusted_proxies: Vec::new(),
            silent_after: limits::SILENT_AFTER,
            alerts: None,
            forward: Vec::new(),
            telemetry: false,
            shutdown_grace: limits::SHUTDOWN_GRACE,
            tls: Tls::default(),
            log: Log::default(),
            limits: Limits::default(),
            rate: Rate::default(),
            nats: StreamSettings::default(),
            clickhouse: ClickHouseSettings::default(),
            s3: S3Settings::default(),
            metrics: Metrics::default(),
            retention: Retention::default(),
        }
    }
}

/// TLS, which is spoken if both files are named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Tls {
    /// The certificate and those that vouch for it, in PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key: Option<PathBuf>,
}

/// What the collector says of itself, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Log {
    /// The least severe level that is written. A text, for one that is unknown is no reason to stay silent or to stop.
    pub level: Option<String>,
    /// The form of a line.
    pub format: LogFormat,
    /// Whether what is no warning goes to standard output, after the first line.
    pub stdout: bool,
}

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// As people read it on a terminal, else one JSON object a line.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// As people read it.
    Pretty,
}

/// Bounds of requests, connections, queries and the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) body_bytes_max: Bytes,
    pub(crate) ingest_bytes_max: Bytes,
    pub(crate) write_queue_requests: usize,
    pub(crate) store_bytes_max: Option<Bytes>,
    pub(crate) connections_max: usize,
    #[serde(with = "span")]
    pub(crate) head_timeout: Duration,
    #[serde(with = "span")]
    pub(crate) body_timeout: Duration,
    pub(crate) answers_bytes_max: Bytes,
    #[serde(with = "span")]
    pub(crate) answer_timeout: Duration,
    #[serde(with = "span")]
    pub(crate) query_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: Bytes(limits::BODY_BYTES_MAX as u64),
            ingest_bytes_max: Bytes(limits::INGEST_BYTES_MAX as u64),
            write_queue_requests: limits::WRITE_QUEUE_REQUESTS,
            store_bytes_max: None,
            connections_max: limits::CONNECTIONS_MAX,
            head_timeout: limits::HEAD_TIMEOUT,
            body_timeout: limits::BODY_TIMEOUT,
            answer_timeout: limits::ANSWER_UNREAD_MAX,
            answers_bytes_max: Bytes(limits::ANSWERS_BYTES_MAX as u64),
            query_timeout: limits::QUERY_TIMEOUT,
        }
    }
}

/// How much one client may send a second; 0 is as much as it likes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rate {
    pub(crate) requests: u32,
    pub(crate) events: u32,
}

/// How what is counted is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    /// Upper bounds of the buckets of `http_request_duration_ms`, in milliseconds.
    pub(crate) buckets_ms: Vec<f64>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { buckets_ms: limits::REQUEST_BOUNDS_MS.to_vec() }
    }
}
