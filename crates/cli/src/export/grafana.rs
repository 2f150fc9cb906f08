//! A dashboard for Grafana.

use serde_json::{Value, json};

/// A panel: its title, the unit of its figures, and what is drawn, each with its legend.
struct Panel {
    title: &'static str,
    unit: &'static str,
    drawn: &'static [(&'static str, &'static str)],
}

/// The rows of the dashboard, each with its panels.
const ROWS: [(&str, &[Panel]); 6] = [
    (
        "Events",
        &[
            Panel {
                title: "Events stored",
                unit: "cps",
                drawn: &[(
                    "sum by (protocol) (rate(lastword_ingest_events_total{FILTER}[$__rate_interval]))",
                    "{{protocol}}",
                )],
            },
            Panel {
                title: "Not stored",
                unit: "cps",
                drawn: &[
                    (
                        "sum by (protocol) (rate(lastword_ingest_refused_total{FILTER}[$__rate_interval]))",
                        "{{protocol}}: events refused",
                    ),
                    (
                        "sum by (protocol, status) (rate(lastword_ingest_failed_by_status_total{FILTER}[$__rate_interval]))",
                        "{{protocol}}: requests {{status}}",
                    ),
                ],
            },
            Panel {
                title: "Sent before",
                unit: "cps",
                drawn: &[(
                    "sum by (protocol) (rate(lastword_ingest_duplicates_total{FILTER}[$__rate_interval]))",
                    "{{protocol}}",
                )],
            },
            Panel {
                title: "Bytes taken in",
                unit: "Bps",
                drawn: &[(
                    "sum by (protocol) (rate(lastword_ingest_bytes_total{FILTER}[$__rate_interval]))",
                    "{{protocol}}",
                )],
            },
        ],
    ),
    (
        "Disk",
        &[
            Panel {
                title: "Commits",
                unit: "ms",
                drawn: &[
                    (
                        "histogram_quantile(0.5, sum by (le) (rate(lastword_commit_duration_ms_bucket{FILTER}[$__rate_interval])))",
                        "p50",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le) (rate(lastword_commit_duration_ms_bucket{FILTER}[$__rate_interval])))",
                        "p99",
                    ),
                ],
            },
            Panel {
                title: "Waiting for the disk",
                unit: "short",
                drawn: &[
                    ("lastword_ingest_queue_depth{FILTER}", "requests"),
                    ("lastword_ingest_queue_age_seconds{FILTER}", "age, s"),
                ],
            },
            Panel {
                title: "Store",
                unit: "bytes",
                drawn: &[
                    ("lastword_store_bytes{FILTER}", "database"),
                    ("lastword_store_wal_bytes{FILTER}", "log"),
                    ("lastword_disk_free_bytes{FILTER}", "disk free"),
                ],
            },
        ],
    ),
    (
        "Stored",
        &[
            Panel {
                title: "Rows",
                unit: "short",
                drawn: &[
                    ("lastword_store_rows_total{FILTER}", "events"),
                    ("lastword_store_sessions{FILTER}", "sessions"),
                    ("lastword_store_exceptions{FILTER}", "groups of exceptions"),
                ],
            },
            Panel {
                title: "State",
                unit: "short",
                drawn: &[
                    ("lastword_store_broken{FILTER}", "nothing can be stored"),
                    ("lastword_live_streams{FILTER}", "live streams"),
                ],
            },
        ],
    ),
    (
        "Forwarding and alerts",
        &[
            Panel {
                title: "Forwarded",
                unit: "cps",
                drawn: &[("sum by (name) (rate(lastword_forward_events_total{FILTER}[$__rate_interval]))", "{{name}}")],
            },
            Panel { title: "Behind", unit: "short", drawn: &[("lastword_forward_lag_rows{FILTER}", "{{name}}: rows")] },
            Panel {
                title: "Not taken",
                unit: "cps",
                drawn: &[
                    (
                        "sum by (name) (rate(lastword_forward_failed_total{FILTER}[$__rate_interval]))",
                        "{{name}}: attempts failed",
                    ),
                    (
                        "sum by (name) (rate(lastword_forward_dropped_total{FILTER}[$__rate_interval]))",
                        "{{name}}: events refused",
                    ),
                ],
            },
            Panel {
                title: "Alerts",
                unit: "short",
                drawn: &[
                    ("lastword_alert_firing{FILTER} == 1", "{{name}} fires"),
                    ("lastword_alert_broken{FILTER} == 1", "{{name}} can't be evaluated"),
                ],
            },
        ],
    ),
    (
        "Requests",
        &[
            Panel {
                title: "Requests",
                unit: "reqps",
                drawn: &[(
                    "sum by (route, status) (rate(http_request_duration_ms_count{FILTER}[$__rate_interval]))",
                    "{{route}} {{status}}",
                )],
            },
            Panel {
                title: "How long they take, p95",
                unit: "ms",
                drawn: &[(
                    "histogram_quantile(0.95, sum by (route, le) (rate(http_request_duration_ms_bucket{FILTER}[$__rate_interval])))",
                    "{{route}}",
                )],
            },
            Panel {
                title: "Open",
                unit: "short",
                drawn: &[
                    ("http_active_requests{FILTER}", "requests"),
                    ("http_active_connections{FILTER}", "connections"),
                ],
            },
        ],
    ),
    (
        "Process",
        &[
            Panel {
                title: "CPU",
                unit: "percentunit",
                drawn: &[("rate(process_cpu_seconds_total{FILTER}[$__rate_interval])", "cores")],
            },
            Panel { title: "Memory", unit: "bytes", drawn: &[("process_resident_memory_bytes{FILTER}", "resident")] },
            Panel {
                title: "Runtime",
                unit: "short",
                drawn: &[
                    ("tokio_alive_tasks{FILTER}", "tasks"),
                    ("tokio_global_queue_depth{FILTER}", "waiting"),
                    ("process_open_fds{FILTER}", "file descriptors"),
                ],
            },
            Panel { title: "Event loop lag", unit: "s", drawn: &[("event_loop_lag_seconds{FILTER}", "lag")] },
        ],
    ),
];

/// Which collectors a panel shows.
const FILTER: &str = r#"job=~"$job",instance=~"$instance""#;
/// Grafana's grid has 24 columns.
const COLUMNS: usize = 24;
const HEIGHT: usize = 8;

/// Returns the dashboard, as Grafana imports it.
pub(crate) fn dashboard() -> Value {
    let mut panels = Vec::new();
    let mut top = 0;
    for (row, of_row) in ROWS {
        panels.push(json!({
            "id": panels.len() + 1, "type": "row", "title": row, "collapsed": false, "panels": [],
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
        }));
        let width = COLUMNS / of_row.len();
        for (place, panel) in of_row.iter().enumerate() {
            let at = json!({"h": HEIGHT, "w": width, "x": place * width, "y": top + 1});
            panels.push(written(panel, panels.len() + 1, &at));
        }
        top += HEIGHT + 1;
    }
    json!({
        "title": "lastword",
        "uid": "lastword-collector",
        "description": "A collector of lastword: what comes in, what is stored, how it is.",
        "tags": ["lastword"],
        "schemaVersion": 39,
        "editable": true,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
            variable("job", "label_values(lastword_build_info, job)"),
            variable("instance", "label_values(lastword_build_info{job=~\"$job\"}, instance)"),
        ]},
        "panels": panels,
    })
}

fn variable(name: &str, query: &str) -> Value {
    json!({
        "name": name, "type": "query", "query": query, "datasource": source(), "refresh": 2, "includeAll": true,
        "multi": true, "current": {"text": "All", "value": "$__all"},
    })
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn written(panel: &Panel, id: usize, at: &Value) -> Value {
    let target = |(place, (expr, legend)): (usize, &(&str, &str))| {
        json!({
            "refId": char::from(b'A' + u8::try_from(place).unwrap_or(0)).to_string(),
            "expr": expr.replace("FILTER", FILTER), "legendFormat": legend, "datasource": source(),
        })
    };
    let targets: Vec<Value> = panel.drawn.iter().enumerate().map(target).collect();
    json!({
        "id": id, "type": "timeseries", "title": panel.title, "gridPos": at, "datasource": source(), "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    })
}
