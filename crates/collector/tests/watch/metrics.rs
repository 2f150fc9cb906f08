//! `/metrics`.

use crate::common::{Dir, Server, body, event, exception};

/// Returns the number of a sample.
#[track_caller]
fn sample(page: &str, sample: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {sample} in\n{page}")).parse().unwrap()
}

#[test]
fn the_page_is_prometheus_text_and_is_never_kept() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for path in ["/metrics", "/api/metrics"] {
        let page = server.get(path).is(200);
        assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        for line in page.body.lines().filter(|line| !line.starts_with('#')) {
            let (name, number) = line.rsplit_once(' ').unwrap();
            assert!(number.parse::<f64>().is_ok(), "{line}");
            let family = name.split('{').next().unwrap();
            let family =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| family.strip_suffix(end)).unwrap_or(family);
            for begin in ["# HELP", "# TYPE"] {
                assert!(page.body.contains(&format!("{begin} {family} ")), "{begin} {family}");
            }
        }
    }
}

#[test]
fn every_route_has_its_requests_counted_by_method_and_status_in_the_buckets_that_were_asked_for() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.get("/api/status").is(200);
    server.get("/api/events").is(200);
    server.get("/api/sessions/none").is(404);
    server.get("/no/such/path").is(404);
    server.telemetry(body("s", &[event(0)])).is(200);
    server.post("/prefix/api/v1/telemetry", "{").is(400);
    let page = server.get("/metrics").body;
    for labels in [
        "route=\"/api/status\",method=\"GET\",status=\"200\"",
        "route=\"/api/events\",method=\"GET\",status=\"200\"",
        "route=\"/api/sessions/{id}\",method=\"GET\",status=\"404\"",
        "route=\"other\",method=\"GET\",status=\"404\"",
        "route=\"*/api/v1/telemetry\",method=\"POST\",status=\"200\"",
        "route=\"*/api/v1/telemetry\",method=\"POST\",status=\"400\"",
    ] {
        assert_eq!(sample(&page, &format!("http_request_duration_ms_count{{{labels}}}")), 1.0, "{labels}");
        for bound in ["50", "100", "200", "300", "500", "1000", "2000", "+Inf"] {
            sample(&page, &format!("http_request_duration_ms_bucket{{{labels},le=\"{bound}\"}}"));
        }
        assert_eq!(sample(&page, &format!("http_response_size_bytes_count{{{labels}}}")), 1.0, "{labels}");
    }
    let dir = Dir::new();
    let own = Server::start(dir.config().request_bounds_ms([5.0, 1.0]));
    own.get("/api/status").is(200);
    let page = own.get("/metrics").body;
    let labels = "route=\"/api/status\",method=\"GET\",status=\"200\"";
    let of_status = page.lines().filter(|line| line.starts_with(&format!("http_request_duration_ms_bucket{{{labels}")));
    assert_eq!(of_status.count(), 3, "1, 5 and all");
}

#[test]
fn what_came_in_is_counted_by_protocol_and_what_failed_by_its_answer() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[event(0), event(1)])).is(200);
    server.telemetry(body("s", &[event(1), event(2).replace("INFO", "odd")])).is(200);
    server.telemetry("no").is(400);
    let page = server.get("/metrics").body;
    for (name, number) in [("requests", 3.0), ("failed", 1.0), ("events", 2.0), ("duplicates", 1.0), ("refused", 1.0)] {
        assert_eq!(sample(&page, &format!("lastword_ingest_{name}_total{{protocol=\"tinker\"}}")), number, "{name}");
    }
    let failed = "lastword_ingest_failed_by_status_total{protocol=\"tinker\",status=\"400\"}";
    assert_eq!(sample(&page, failed), 1.0);
    assert_eq!(sample(&page, "lastword_store_rows_total"), 2.0);
    assert_eq!(sample(&page, "lastword_store_sessions"), 1.0);
    assert_eq!(sample(&page, "lastword_ingest_queue_depth"), 0.0);
    assert_eq!(sample(&page, "http_active_requests"), 1.0, "this one");
    assert!(sample(&page, "http_active_connections") >= 1.0);
    assert!(sample(&page, "lastword_commit_duration_ms_count") >= 2.0);
    assert!(sample(&page, "lastword_store_bytes") > 0.0);
}

#[cfg(target_os = "linux")]
#[test]
fn process_and_runtime_are_there() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let page = server.get("/metrics").body;
    for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "tokio_workers"] {
        assert!(sample(&page, name) > 0.0, "{name}");
    }
    for name in ["event_loop_lag_seconds", "tokio_alive_tasks", "tokio_global_queue_depth", "lastword_disk_free_bytes"]
    {
        assert!(sample(&page, name) >= 0.0, "{name}");
    }
}

#[test]
fn the_views_are_a_page_of_their_own_and_each_event_is_folded_once() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s", &[event(0), exception(1, "ERROR", "TypeError", "x")])).is(200);
    for path in ["/metrics?views=1", "/api/metrics?views=1"] {
        let page = server.get(path).is(200).body;
        assert_eq!(sample(&page, "tinker_events_total"), 2.0);
        assert_eq!(sample(&page, "tinker_errors_total{type=\"TypeError\"}"), 1.0);
        assert!(!page.contains("process_"), "{page}");
    }
    server.telemetry(body("s", &[event(2)])).is(200);
    assert_eq!(sample(&server.get("/metrics?views=1").body, "tinker_events_total"), 3.0);
    assert!(server.get("/metrics?view=1").is(400).error().contains("`view`"));
}
