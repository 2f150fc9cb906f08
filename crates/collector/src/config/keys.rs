//! Every key of the configuration, once: its place in the file, its flag, its variable, what it means.
//!
//! `lastword serve --help`, `lastword config example` and the table of the guide are made of it.

/// How the value of a key is written in a flag or a variable, where there are no quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A text as it is: names, paths, addresses, times, sizes.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`; as a flag without a value it is `true`.
    Switch,
    /// Texts with commas between them.
    List,
    /// A value of TOML: tables, lists of tables.
    Toml,
}

/// A key.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Key {
    /// Its place in the file: `log.level` is `level` in the section `[log]`.
    pub path: &'static str,
    /// How its value is written.
    pub kind: Kind,
    /// What stands for a value in a help text.
    pub value: &'static str,
    /// What it means.
    pub about: &'static str,
    /// A value to show where there is no default.
    pub sample: &'static str,
    /// Whether a change of it is taken over by SIGHUP.
    pub live: bool,
}

impl Key {
    /// Returns the flag that sets it, without the dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.path.replace(['.', '_'], "-")
    }

    /// Returns the variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        // `LASTWORD_KEYS` is the keys themselves.
        let name = if self.path == "keys" { "keys_file" } else { self.path };
        format!("LASTWORD_{}", name.replace('.', "_").to_uppercase())
    }

    const fn new(path: &'static str, kind: Kind, value: &'static str, about: &'static str) -> Self {
        Self { path, kind, value, about, sample: "", live: false }
    }

    const fn sample(mut self, sample: &'static str) -> Self {
        self.sample = sample;
        self
    }

    const fn live(mut self) -> Self {
        self.live = true;
        self
    }
}

use Kind::{List, Number, Switch, Text, Toml};

/// All keys, in the order in which they are shown: those of a section stand together.
pub const KEYS: &[Key] = &[
    Key::new("listen", Text, "ADDRESS", "Address and port to listen on; port 0 takes a free one"),
    Key::new("grpc_listen", Text, "ADDRESS", "Address and port to take OTLP over gRPC on, or `off` [default: 127.0.0.1:4317, if it is free]")
        .sample("127.0.0.1:4317"),
    Key::new("prices", Text, "FILE", "What tokens cost, by model, in JSON: the cost of calls that say none is estimated by it")
        .sample("/etc/lastword/prices.json"),
    Key::new(
        "data",
        Text,
        "DIR",
        "Directory of the stored events, made if missing [default: the platform's directory for state, `lastword` in it]",
    )
    .sample("/var/lib/lastword"),
    Key::new(
        "store",
        Text,
        "URL",
        "Store events in ClickHouse instead of the data directory: `clickhouse://USER@HOST:8123/DATABASE`, `clickhouses://` for TLS, `?cluster=NAME` for a cluster",
    )
    .sample("clickhouse://127.0.0.1:8123/lastword"),
    Key::new("blobs", Text, "URL", "Where values of events beyond 16 KiB are kept: `s3://bucket/prefix`, as whom AWS_* says, or `file:///directory` [default: in the store]")
        .sample("s3://telemetry/lastword"),
    Key::new("role", List, "ROLES", "The parts of the work that this process does, of a fleet with a stream: ingest, write, query [default: all]")
        .sample("[\"ingest\"]"),
    Key::new(
        "stream",
        Text,
        "URL",
        "Servers of NATS JetStream: events go into a stream there, and are answered when it has them; those who write take them out",
    )
    .sample("nats://127.0.0.1:4222"),
    Key::new("keys", Text, "FILE", "File of the keys that clients need; `lastword keys new` adds one")
        .sample("/etc/lastword/keys"),
    Key::new(
        "insecure_public",
        Switch,
        "BOOL",
        "Listen on an address that others can reach without asking for keys: whoever reaches it reads and writes",
    ),
    Key::new(
        "hosts",
        List,
        "NAMES",
        "Names by which this machine may be called while no keys are asked for, beside localhost and addresses",
    )
    .sample("[\"telemetry.internal\"]"),
    Key::new(
        "client_opt_in",
        Switch,
        "BOOL",
        "Keep the user's id in a `session.user`, by which a client says that its user has agreed; without it only an opt-in at the collector counts",
    ),
    Key::new("trusted_proxies", List, "NETWORKS", "Proxies that are believed when they say whom they ask for")
        .sample("[\"10.0.0.0/8\"]"),
    Key::new(
        "silent_after",
        Text,
        "TIME",
        "Show a session as silent that neither ended nor said anything for so long",
    ),
    Key::new("alerts", Text, "FILE", "Rules of alerts, instead of those that `lastword alerts defaults` prints")
        .sample("/etc/lastword/alerts.toml"),
    Key::new("forward", Toml, "TARGETS", "Systems that what is stored is sent on to: a list of tables, in the file `[[forward]]` for each")
        .sample("[{ name = \"siem\", to = \"syslog\", url = \"tcp://127.0.0.1:514\" }]"),
    Key::new("telemetry", Switch, "BOOL", "Report calls of /api/status and /api/version as events of the collector's own"),
    Key::new("shutdown_grace", Text, "TIME", "How long open requests get to end when the collector stops"),
    Key::new("tls.cert", Text, "FILE", "Certificate in PEM, with those that vouch for it; its renewal is taken over by SIGHUP")
        .sample("/etc/lastword/tls/fullchain.pem"),
    Key::new("tls.key", Text, "FILE", "The certificate's private key in PEM").sample("/etc/lastword/tls/privkey.pem"),
    Key::new(
        "log.level",
        Text,
        "LEVEL",
        "The least severe level that is written: fatal, error, warn, info, debug, trace, or silent [default: LOG_LEVEL, else info]",
    )
    .sample("info")
    .live(),
    Key::new("log.format", Text, "FORMAT", "json, pretty, or auto: pretty on a terminal, json elsewhere"),
    Key::new(
        "log.stdout",
        Switch,
        "BOOL",
        "Write info, debug and trace to standard output, after its first line, instead of standard error",
    ),
    Key::new("limits.body_bytes_max", Text, "SIZE", "The largest body of a request, as it is sent"),
    Key::new("limits.ingest_bytes_max", Text, "SIZE", "Memory of all bodies that are read or wait for the disk"),
    Key::new("limits.write_queue_requests", Number, "N", "Requests that may wait for the disk"),
    Key::new(
        "limits.store_bytes_max",
        Text,
        "SIZE",
        "How large the database may become; without it the disk is the bound",
    )
    .sample("50GiB"),
    Key::new("limits.connections_max", Number, "N", "Connections that are open at once"),
    Key::new("limits.head_timeout", Text, "TIME", "How long a request's head may take, and a connection be idle"),
    Key::new("limits.body_timeout", Text, "TIME", "How long a request's body may take to arrive"),
    Key::new("limits.answer_timeout", Text, "TIME", "How long a client may take nothing of its answer"),
    Key::new("limits.answers_bytes_max", Text, "SIZE", "Memory of all answers that those who asked have not read yet"),
    Key::new("limits.query_timeout", Text, "TIME", "How long a query may take"),
    Key::new(
        "rate.requests",
        Number,
        "N",
        "Requests a second of one key, or of one address where no key is asked for; 0 is no limit",
    )
    .live(),
    Key::new("rate.events", Number, "N", "Events a second of one key or address; 0 is no limit").live(),
    Key::new("nats.name", Text, "NAME", "The name of the stream, which is made if it is not there"),
    Key::new("nats.replicas", Number, "N", "How many servers have a copy of it; 0 is as many as `stream` names, 3 at most"),
    Key::new("nats.bytes_max", Text, "SIZE", "How large it may become; beyond, clients are told to come back"),
    Key::new("clickhouse.password_file", Text, "FILE", "The file of the password for `store`; without it LASTWORD_CLICKHOUSE_PASSWORD of the environment counts")
        .sample("/etc/lastword/clickhouse.password"),
    Key::new("s3.endpoint", Text, "URL", "Server of `blobs` that speaks S3 and is not Amazon's [default: AWS_ENDPOINT_URL]")
        .sample("http://127.0.0.1:9000"),
    Key::new("metrics.buckets_ms", Toml, "BOUNDS", "Upper bounds of the buckets of http_request_duration_ms, in milliseconds"),
    Key::new("retention.events_days", Number, "DAYS", "How long events are kept that are none of the others; 0 is for ever"),
    Key::new("retention.spans_days", Number, "DAYS", "How long spans are kept; 0 is for ever"),
    Key::new("retention.logs_days", Number, "DAYS", "How long logs are kept; 0 is for ever"),
    Key::new("retention.metrics_days", Number, "DAYS", "How long metrics are kept; 0 is for ever"),
    Key::new("retention.exceptions_days", Number, "DAYS", "How long exceptions and errors are kept; 0 is for ever"),
    Key::new("retention.audit_days", Number, "DAYS", "How long the audit trail is kept; 0 is for ever"),
    Key::new(
        "retention.bytes_max",
        Text,
        "SIZE",
        "Size of the database beyond which the oldest events are removed, whatever they are; 0 is no bound",
    ),
];

/// Returns the key at a place.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Returns the key that is spelled most like this, if one is near.
pub(super) fn nearest(path: &str) -> Option<&'static str> {
    let leaf = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    let score = |known: &'static str| {
        // Somebody may know the name and not the section.
        let alone = path.rsplit('.').next().map_or(0.0, |said| strsim::jaro_winkler(said, leaf(known)) - 0.02);
        strsim::jaro_winkler(path, known).max(alone)
    };
    let best = KEYS.iter().map(|key| (score(key.path), key.path)).max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(score, _)| *score > 0.8).map(|(_, path)| path)
}

/// Returns the section that is spelled most like this, if one is near.
pub(super) fn nearest_section(name: &str) -> Option<&'static str> {
    let sections = KEYS.iter().filter_map(|key| key.path.split_once('.').map(|(section, _)| section));
    let scored = sections.map(|section| (strsim::jaro_winkler(name, section), section));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(score, _)| *score > 0.8).map(|(_, section)| section)
}
