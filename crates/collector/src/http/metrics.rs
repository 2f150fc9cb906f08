//! `GET /metrics` and `GET /api/metrics`: what the collector counts of itself, for Prometheus. With `?views=1` what was reported: the
//! views' own metrics, a page of its own, because programs may have given their metrics the names of ours.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use lastword::views::{Exposition, Family, MetricKind, PROMETHEUS_CONTENT_TYPE, PROMETHEUS_PREFIX};

use super::api::{Pairs, refuse, run_small};
use super::{Inner, Shared};
use crate::clock;
use crate::forward::Counts;
use crate::query::{ParamError, QueryError, Reader};
use crate::stats::{Ingest, Protocol};

/// `GET /metrics`
pub(super) async fn metrics(State(shared): State<Shared>, axum::extract::Query(pairs): Pairs) -> Response {
    let views = match wants_views(&pairs) {
        Ok(views) => views,
        Err(error) => return refuse(&error.into()),
    };
    let held = shared.clone();
    let text = run_small(&shared, move |reader| {
        if views { held.0.live.prometheus(reader, PROMETHEUS_PREFIX) } else { Ok(own(&held.0, reader)) }
    });
    match text.await {
        Ok(text) => ([(header::CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE)], text).into_response(),
        // A page without some of its figures is worth more than none.
        Err(QueryError::TooLong) if !views => {
            ([(header::CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE)], without_store(&shared.0)).into_response()
        }
        Err(error) => refuse(&error),
    }
}

fn wants_views(pairs: &[(String, String)]) -> Result<bool, ParamError> {
    let mut views = false;
    for (name, value) in pairs {
        views = match (name.as_str(), value.as_str()) {
            ("views", "1" | "true") => true,
            ("views", "0" | "false" | "") => false,
            ("views", value) => return Err(ParamError::value("views", value, "1 or 0")),
            (name, _) => {
                return Err(ParamError::Unknown { name: name.chars().take(64).collect(), known: "views".to_owned() });
            }
        };
    }
    Ok(views)
}

fn own(inner: &Inner, reader: &Reader) -> String {
    let mut out = Exposition::default();
    write_own(inner, &mut out);
    let facts = reader.facts();
    let mut page = Page(&mut out);
    page.gauge("lastword_store_bytes", "Size of the database.", facts.database_bytes);
    page.gauge("lastword_store_wal_bytes", "Size of the database's log.", facts.log_bytes);
    page.gauge("lastword_store_sessions", "Sessions that are stored.", facts.sessions);
    page.gauge("lastword_store_exceptions", "Groups of exceptions that are stored.", facts.exceptions);
    page.gauge("lastword_disk_bytes", "Size of the disk that the data is on.", facts.disk_bytes);
    page.gauge("lastword_disk_free_bytes", "What is free of it.", facts.disk_free_bytes);
    out.finish()
}

fn without_store(inner: &Inner) -> String {
    let mut out = Exposition::default();
    write_own(inner, &mut out);
    out.finish()
}

/// Writes all that is known without asking the store.
fn write_own(inner: &Inner, out: &mut Exposition) {
    inner.process.write(out);
    runtime(inner, out);
    inner.stats.requests.write(out);
    ingest(inner, out);
    let mut page = Page(out);
    let stats = &inner.stats;
    page.gauge("http_active_connections", "Connections that are open.", Some(stats.connections.get()));
    page.gauge(
        "lastword_unread_answer_bytes",
        "Answers that those who asked have not read.",
        Some(stats.unread_bytes.get()),
    );
    page.gauge("lastword_live_streams", "Live streams that are open.", Some(stats.streams.get()));
    let (waiting, max) = inner.queue.depth();
    page.gauge("lastword_ingest_queue_depth", "Requests that wait for the disk.", Some(waiting as u64));
    page.gauge("lastword_ingest_queue_max", "Requests that may wait for the disk.", Some(max as u64));
    let age_us = inner.queue.age_us(clock::now_us());
    page.seconds("lastword_ingest_queue_age_seconds", "How long the oldest of them waits, at most.", age_us);
    let newest = u64::try_from(*inner.queue.newest().borrow()).unwrap_or(0);
    page.counter("lastword_store_rows_total", "Rows that were given to events.", newest);
    if let Some(sent) = inner.reader.statements() {
        let help = "Statements that were sent to the server of the store to answer questions.";
        page.counter("lastword_store_statements_total", help, sent);
    }
    let broken = u64::from(inner.queue.trouble().is_some());
    page.gauge("lastword_store_broken", "1 while nothing can be stored, else 0.", Some(broken));
    page.counter(
        "lastword_unrecorded_total",
        "Events of the collector itself that were not stored.",
        stats.unrecorded.get(),
    );
    stream(inner, out);
    blobs(inner, out);
    forwards(inner, out);
    alerts(inner, out);
    let mut commits = Family::new(MetricKind::Histogram);
    commits.histogram(&[], inner.queue.writing().commits_ms.counted());
    out.add("lastword_commit_duration_ms", "How long commits took until they were on disk, in milliseconds.", &commits);
    let mut build = Family::new(MetricKind::Gauge);
    build.number(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    out.add("lastword_build_info", "The version that runs.", &build);
}

#[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
fn runtime(inner: &Inner, out: &mut Exposition) {
    let mut page = Page(out);
    page.seconds("event_loop_lag_seconds", "By how much the runtime's timer was late.", inner.stats.lag_us.get());
    // A page that is asked for outside of a runtime has no figures of one.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let metrics = runtime.metrics();
    page.gauge("tokio_workers", "Threads that run tasks.", Some(metrics.num_workers() as u64));
    page.gauge("tokio_alive_tasks", "Tasks that have not ended.", Some(metrics.num_alive_tasks() as u64));
    let waiting = metrics.global_queue_depth() as u64;
    page.gauge("tokio_global_queue_depth", "Tasks that wait for any thread.", Some(waiting));
}

/// A family of one protocol's counters: its name, its help, and which counter it is.
type OfProtocol = (&'static str, &'static str, fn(&Ingest) -> u64);

#[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
fn ingest(inner: &Inner, out: &mut Exposition) {
    let families: [OfProtocol; 6] = [
        ("lastword_ingest_requests_total", "Requests that brought events.", |counted| counted.requests.get()),
        ("lastword_ingest_failed_total", "Requests of which nothing was stored.", |counted| counted.failed.get()),
        ("lastword_ingest_bytes_total", "Bytes of their bodies, as they were sent.", |counted| counted.bytes.get()),
        ("lastword_ingest_events_total", "Events that were stored.", |counted| counted.accepted.get()),
        ("lastword_ingest_duplicates_total", "Events that were there before.", |counted| counted.duplicates.get()),
        ("lastword_ingest_refused_total", "Events that were refused alone.", |counted| counted.refused.get()),
    ];
    for (name, help, count) in families {
        let mut family = Family::new(MetricKind::Counter);
        for protocol in Protocol::ALL {
            family.number(&[("protocol", protocol.as_str())], count(inner.stats.ingest(protocol)) as f64);
        }
        out.add(name, help, &family);
    }
    let mut failed = Family::new(MetricKind::Counter);
    for protocol in Protocol::ALL {
        for (status, count) in inner.stats.ingest(protocol).failed_by_status() {
            failed.number(&[("protocol", protocol.as_str()), ("status", &status.to_string())], count as f64);
        }
    }
    out.add("lastword_ingest_failed_by_status_total", "Requests of which nothing was stored, by answer.", &failed);
    let mut redacted = Family::new(MetricKind::Counter);
    for (rule, count) in inner.redaction.counts() {
        redacted.number(&[("rule", &rule)], count as f64);
    }
    out.add("lastword_redacted_total", "What was taken out of events before they were stored, by rule.", &redacted);
}

#[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
fn forwards(inner: &Inner, out: &mut Exposition) {
    let newest = *inner.queue.newest().borrow();
    type Figure<'f> = &'f dyn Fn(&Counts) -> u64;
    let families: [(&str, &str, MetricKind, Figure<'_>); 5] = [
        ("lastword_forward_events_total", "Events that a target has taken.", MetricKind::Counter, &|one| {
            one.sent.get()
        }),
        ("lastword_forward_dropped_total", "Events that a target refused for ever.", MetricKind::Counter, &|one| {
            one.dropped.get()
        }),
        ("lastword_forward_failed_total", "Attempts that failed and are made again.", MetricKind::Counter, &|one| {
            one.failed.get()
        }),
        ("lastword_forward_lag_rows", "Rows that a target has not come to.", MetricKind::Gauge, &|one| one.lag(newest)),
        ("lastword_forward_broken", "1 while a target takes nothing, else 0.", MetricKind::Gauge, &|one| {
            one.broken.get()
        }),
    ];
    if inner.forwards.is_empty() {
        return;
    }
    for (name, help, kind, figure) in families {
        let mut family = Family::new(kind);
        inner.forwards.iter().for_each(|one| family.number(&[("name", &one.name)], figure(one) as f64));
        out.add(name, help, &family);
    }
    let mut failed_at = Family::new(MetricKind::Gauge);
    for one in &inner.forwards {
        failed_at.number(&[("name", &one.name)], one.failed_at_us.get() as f64 / 1e6);
    }
    let help = "When a target last failed or refused an event, in seconds since 1970; 0 if never.";
    out.add("lastword_forward_last_failure_timestamp_seconds", help, &failed_at);
}

fn alerts(inner: &Inner, out: &mut Exposition) {
    let (mut firing, mut broken) = (Family::new(MetricKind::Gauge), Family::new(MetricKind::Gauge));
    let standings = inner.watcher.standings();
    for (name, (fires, is_broken)) in &standings {
        firing.number(&[("name", name)], f64::from(u8::from(*fires)));
        broken.number(&[("name", name)], f64::from(u8::from(*is_broken)));
    }
    if !standings.is_empty() {
        out.add("lastword_alert_firing", "1 while an alert of the collector's own fires, else 0.", &firing);
        out.add("lastword_alert_broken", "1 while an alert can't be evaluated, else 0.", &broken);
    }
}

/// What goes through the stream, if there is one.
fn stream(inner: &Inner, out: &mut Exposition) {
    if !inner.outlet.is_streaming() {
        return;
    }
    let counted = inner.outlet.counted();
    let mut page = Page(out);
    page.counter(
        "lastword_stream_published_total",
        "Events that the stream has acknowledged.",
        counted.published.get(),
    );
    let failed = counted.publish_failed.get();
    page.counter(
        "lastword_stream_publish_failed_total",
        "Attempts to publish that failed and were made again.",
        failed,
    );
    page.counter("lastword_stream_written_total", "Events out of the stream that were stored.", counted.written.get());
    page.counter(
        "lastword_stream_known_total",
        "Events out of the stream that were there before.",
        counted.known.get(),
    );
    page.counter("lastword_stream_postponed_total", "Messages that were left for later.", counted.postponed.get());
    let help = "Messages that can't be stored, and were put aside.";
    page.counter("lastword_stream_dead_total", help, counted.dead.get());
    page.gauge("lastword_stream_waiting", "Messages that wait in the stream.", Some(counted.waiting.get()));
    let help = "Messages that writers have and did not acknowledge.";
    page.gauge("lastword_stream_taken", help, Some(counted.taken.get()));
}

/// What is kept in an object store, if something is.
fn blobs(inner: &Inner, out: &mut Exposition) {
    let Some(keeping) = inner.queue.keeping() else { return };
    let counted = keeping.blobs.counted();
    let mut page = Page(out);
    page.counter("lastword_blob_puts_total", "Large values that were put into the object store.", counted.puts.get());
    page.counter("lastword_blob_put_bytes_total", "Their bytes.", counted.put_bytes.get());
    let help = "Large values that could not be put into the object store.";
    page.counter("lastword_blob_put_failed_total", help, counted.put_failed.get());
    page.counter("lastword_blob_gets_total", "Large values that were read.", counted.gets.get());
    let help = "Large values that could not be read, are missing or were changed.";
    page.counter("lastword_blob_get_failed_total", help, counted.get_failed.get());
    page.counter("lastword_blob_deletes_total", "Large values that were deleted.", counted.deletes.get());
}

/// Adds families of one sample.
struct Page<'o>(&'o mut Exposition);

#[allow(clippy::cast_precision_loss, reason = "a metric is a float")]
impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, number: Option<u64>) {
        self.one(MetricKind::Gauge, name, help, number.map(|number| number as f64));
    }

    fn counter(&mut self, name: &str, help: &str, number: u64) {
        self.one(MetricKind::Counter, name, help, Some(number as f64));
    }

    fn seconds(&mut self, name: &str, help: &str, micros: u64) {
        self.one(MetricKind::Gauge, name, help, Some(micros as f64 / 1e6));
    }

    fn one(&mut self, kind: MetricKind, name: &str, help: &str, number: Option<f64>) {
        let mut family = Family::new(kind);
        number.into_iter().for_each(|number| family.number(&[], number));
        self.0.add(name, help, &family);
    }
}
