//! A client of ClickHouse's HTTP, for threads that may block.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Body, Response};
use serde::de::DeserializeOwned;

use super::{Error, Location, RowBinary, Sql};
use crate::limits::{
    CLICKHOUSE_ANSWER_BYTES_MAX, CLICKHOUSE_ANSWER_GRACE, CLICKHOUSE_CHANGE_TIMEOUT, CLICKHOUSE_CONNECT_TIMEOUT,
    CLICKHOUSE_IDLE_MAX, CLICKHOUSE_INSERT_TIMEOUT, CLICKHOUSE_REFUSAL_BYTES,
};

/// What every request says. An answer is begun when all of it is there, so that its status is true.
const SETTINGS: [(&str, &str); 5] = [
    ("wait_end_of_query", "1"),
    // We make large blocks ourselves, and an acknowledgement is of the disk.
    ("async_insert", "0"),
    // A change of how long events are kept is made by the next merges, not by writing everything anew at once.
    ("materialize_ttl_after_modify", "0"),
    ("http_write_exception_in_output_format", "0"),
    // Lists of ids are long.
    ("max_query_size", "16777216"),
];
/// What those in a cluster say too.
const CLUSTER_SETTINGS: [(&str, &str); 11] = [
    // What was acknowledged is on most replicas of its shard.
    ("distributed_foreground_insert", "1"),
    ("insert_quorum", "auto"),
    // In milliseconds; less than an insert may take, whose limit does not count this waiting.
    ("insert_quorum_timeout", "15000"),
    // Rows go to the shard of their key, also where those that they are made of lie on another.
    ("parallel_distributed_insert_select", "0"),
    // Questions go to the replica that writers write to, whichever server is asked. `select_sequential_consistency` does nothing beside inserts
    // in parallel, so one that is behind, as after a restart, is not asked at all.
    ("load_balancing", "in_order"),
    ("prefer_localhost_replica", "0"),
    ("max_replica_delay_for_distributed_queries", REPLICA_DELAY_MAX),
    ("fallback_to_stale_replicas_for_distributed_queries", "0"),
    // A list that another question has is that of all shards.
    ("distributed_product_mode", "global"),
    // What is removed is said by other tables. A replica that finds something else than the first one did takes the part of that one.
    ("allow_nondeterministic_mutations", "1"),
    ("distributed_ddl_output_mode", "none"),
];
/// How many seconds a replica may be behind that is asked.
pub(super) const REPLICA_DELAY_MAX: &str = "5";
/// How answers are written.
const ANSWER_SETTINGS: &str = "output_format_json_quote_64bit_integers = 0, output_format_json_quote_denormals = 0, \
                               output_format_json_named_tuples_as_objects = 0";

/// A client. Copies share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Client(Arc<Inner>, Duration);

#[derive(Debug)]
struct Inner {
    http: reqwest::blocking::Client,
    location: Location,
}

impl Client {
    /// Makes a client. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// The system's certificates can't be read, which matters for TLS only.
    pub(crate) fn new(location: Location, patience: Duration) -> Result<Self, Error> {
        let mut builder = reqwest::blocking::Client::builder()
            .connect_timeout(CLICKHOUSE_CONNECT_TIMEOUT)
            .pool_idle_timeout(CLICKHOUSE_IDLE_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true);
        if location.is_loopback() {
            builder = builder.no_proxy();
        }
        if location.is_tls() {
            // It fails only where there is one already.
            _ = rustls::crypto::ring::default_provider().install_default();
        } else {
            builder = builder.tls_backend_preconfigured(no_tls(&location)?);
        }
        // The client has a runtime of its own, which may not be started within another.
        let built = std::thread::scope(|scope| scope.spawn(|| builder.build()).join());
        let away = |why: &str| Error::Away(format!("{location}: the HTTP client can't be built: {why}"));
        let http = built.map_err(|_| away("its thread ended"))?.map_err(|error| away(&innermost(error)))?;
        Ok(Self(Arc::new(Inner { http, location }), patience))
    }

    /// Returns one whose questions may take no longer than this.
    pub(crate) fn patient(&self, patience: Duration) -> Self {
        Self(Arc::clone(&self.0), self.1.min(patience))
    }

    /// Where it asks.
    pub(crate) fn location(&self) -> &Location {
        &self.0.location
    }

    /// Returns the rows of a question, each read from an array of its columns.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or refuses, or a row is something else.
    pub(crate) fn rows<T: DeserializeOwned>(&self, sql: &Sql) -> Result<Vec<T>, Error> {
        self.rows_in(Some(self.0.location.database()), sql)
    }

    /// As [`Client::rows`], of a question that needs no database: ours may not be there yet.
    pub(super) fn rows_outside<T: DeserializeOwned>(&self, sql: &Sql) -> Result<Vec<T>, Error> {
        self.rows_in(None, sql)
    }

    fn rows_in<T: DeserializeOwned>(&self, database: Option<&str>, sql: &Sql) -> Result<Vec<T>, Error> {
        let answer = self.ask(database, sql)?;
        let rows = serde_json::Deserializer::from_slice(&answer).into_iter::<T>();
        rows.collect::<Result<_, _>>().map_err(|error| Error::Garbled(error.to_string()))
    }

    /// Returns the first row of a question, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Client::rows`].
    pub(crate) fn row<T: DeserializeOwned>(&self, sql: &Sql) -> Result<Option<T>, Error> {
        let answer = self.ask(Some(self.0.location.database()), sql)?;
        let first = serde_json::Deserializer::from_slice(&answer).into_iter::<T>().next();
        first.transpose().map_err(|error| Error::Garbled(error.to_string()))
    }

    /// Returns what is answered to a question whose language has no place for a format, and which needs no database.
    pub(super) fn text_of(&self, sql: &Sql) -> Result<String, Error> {
        let answer = self.send(self.url(None, self.1), Body::from(sql.as_str().to_owned()), self.1)?;
        Ok(String::from_utf8_lossy(&self.read(answer)?).trim().to_owned())
    }

    /// Runs a statement that answers nothing, and returns once it is done.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or refuses.
    pub(crate) fn run(&self, sql: &Sql) -> Result<(), Error> {
        self.run_within(sql, CLICKHOUSE_CHANGE_TIMEOUT)
    }

    /// As [`Client::run`], of what has to be done sooner.
    ///
    /// # Errors
    ///
    /// As [`Client::run`], and it took longer.
    pub(crate) fn run_within(&self, sql: &Sql, patience: Duration) -> Result<(), Error> {
        self.change(sql, Some(self.0.location.database()), patience)
    }

    /// Inserts rows, with their columns in this order; they are on disk when it returns. What has the same `token` is inserted once.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or refuses. Some of the rows may be in then, or all.
    pub(crate) fn insert(
        &self,
        table: &str,
        columns: &[&str],
        rows: &RowBinary,
        token: Option<&str>,
    ) -> Result<(), Error> {
        let mut url = self.url(Some(self.0.location.database()), CLICKHOUSE_INSERT_TIMEOUT);
        let query = format!("INSERT INTO {table} (`{}`) FORMAT RowBinary", columns.join("`, `"));
        url.query_pairs_mut().append_pair("query", &query);
        if let Some(token) = token {
            url.query_pairs_mut().append_pair("insert_deduplication_token", token);
        }
        self.send(url, Body::from(rows.as_bytes().to_vec()), CLICKHOUSE_INSERT_TIMEOUT).map(drop)
    }

    /// Returns the name of a table in statements that change it: in a cluster it is changed on every server.
    pub(crate) fn changed(&self, table: &str) -> String {
        match self.0.location.cluster() {
            Some(cluster) => format!("{table}_local ON CLUSTER `{cluster}`"),
            None => table.to_owned(),
        }
    }

    /// Returns what stands behind `FROM` for the parts of the store's tables: those of one replica of each shard.
    pub(crate) fn parts(&self) -> String {
        self.of_tables("system.parts", "active")
    }

    /// Likewise for the changes of what is in tables that have not come to their end.
    pub(crate) fn mutations(&self) -> String {
        self.of_tables("system.mutations", "NOT is_done")
    }

    fn of_tables(&self, known: &str, which: &str) -> String {
        let location = &self.0.location;
        let known = match location.cluster() {
            Some(cluster) => format!("cluster(`{cluster}`, {known})"),
            None => known.to_owned(),
        };
        // As tables are called that are asked.
        let table = "replaceRegexpOne(table, '_local$', '') AS table";
        let database = location.database();
        format!("(SELECT * REPLACE ({table}) FROM {known} WHERE database = '{database}' AND {which})")
    }

    /// Asks whether the server is there and knows us.
    ///
    /// # Errors
    ///
    /// It isn't, or does not.
    pub(crate) fn ping(&self) -> Result<(), Error> {
        self.run_outside(&Sql::new("SELECT 1"))
    }

    /// Runs a statement that needs no database: ours may not be there yet.
    pub(super) fn run_outside(&self, sql: &Sql) -> Result<(), Error> {
        self.change(sql, None, CLICKHOUSE_CHANGE_TIMEOUT)
    }

    fn change(&self, sql: &Sql, database: Option<&str>, patience: Duration) -> Result<(), Error> {
        let mut text = sql.as_str().trim_end().to_owned();
        if text.starts_with("ALTER TABLE") || text.starts_with("DELETE FROM") {
            // Done when it returns: 1 is this server, 2 all replicas.
            let sync = if self.0.location.cluster().is_some() { 2 } else { 1 };
            text.push_str(&format!(" SETTINGS mutations_sync = {sync}, materialize_ttl_after_modify = 0"));
        }
        self.send(self.url(database, patience), Body::from(text), patience).map(drop)
    }

    fn ask(&self, database: Option<&str>, sql: &Sql) -> Result<Vec<u8>, Error> {
        let patience = self.1;
        let text = format!(
            "{} SETTINGS max_execution_time = {}, {ANSWER_SETTINGS} FORMAT JSONCompactEachRow",
            sql.as_str().trim_end(),
            seconds(patience),
        );
        self.read(self.send(self.url(database, patience), Body::from(text), patience)?)
    }

    fn read(&self, answer: Response) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let mut limited = answer.take(CLICKHOUSE_ANSWER_BYTES_MAX + 1);
        let away = |error: std::io::Error| Error::Away(format!("{}: {error}", self.0.location));
        limited.read_to_end(&mut bytes).map_err(away)?;
        if bytes.len() as u64 > CLICKHOUSE_ANSWER_BYTES_MAX {
            return Err(Error::Garbled(format!("it is larger than {CLICKHOUSE_ANSWER_BYTES_MAX} bytes")));
        }
        Ok(bytes)
    }

    fn url(&self, database: Option<&str>, patience: Duration) -> Url {
        let location = &self.0.location;
        let mut url = location.base().clone();
        {
            let mut pairs = url.query_pairs_mut();
            if let Some(database) = database {
                pairs.append_pair("database", database);
            }
            pairs.append_pair("max_execution_time", &seconds(patience).to_string());
            pairs.extend_pairs(SETTINGS);
            if location.cluster().is_some() {
                pairs.extend_pairs(CLUSTER_SETTINGS);
            }
        }
        url
    }

    fn send(&self, url: Url, body: Body, patience: Duration) -> Result<Response, Error> {
        let Inner { http, location, .. } = &*self.0;
        let request = http.post(url).basic_auth(location.user(), location.password()).body(body);
        let sent = request.timeout(patience.saturating_add(CLICKHOUSE_ANSWER_GRACE)).send();
        let answer = sent.map_err(|error| Error::Away(format!("{location}: {}", innermost(error))))?;
        let status = answer.status();
        let code = answer.headers().get("X-ClickHouse-Exception-Code");
        let code = code.and_then(|code| code.to_str().ok()).and_then(|code| code.trim().parse().ok());
        if status.is_success() && code.is_none() {
            return Ok(answer);
        }
        let mut said = Vec::new();
        // What can't be read of it is not told; that it refused is known.
        _ = answer.take(CLICKHOUSE_REFUSAL_BYTES).read_to_end(&mut said);
        Err(Error::of_answer(&location.to_string(), status.as_u16(), code, &String::from_utf8_lossy(&said)))
    }
}

fn seconds(patience: Duration) -> u64 {
    patience.as_secs().max(1)
}

/// TLS that trusts nobody, for who uses none: no store of certificates is read for that.
fn no_tls(location: &Location) -> Result<rustls::ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Error::Away(format!("{location}: {error}")))?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

/// The innermost reason: `connection refused` says more than `error sending request`.
fn innermost(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut reason: &dyn std::error::Error = &error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    let reason = reason.to_string();
    if reason.contains("corrupt message") {
        return format!("{reason}: it may not speak TLS there; `clickhouse://` is without");
    }
    if reason.contains("peer certificate") {
        return format!("{reason}: `SSL_CERT_FILE=FILE` names certificates that are to be trusted");
    }
    reason
}
