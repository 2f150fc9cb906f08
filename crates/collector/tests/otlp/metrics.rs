//! Points of metrics as series that views add up.

use lastword::views::{Event, Metrics, View};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;
use serde_json::{Value, json};

use crate::common::{Dir, Server};
use crate::{JSON, PROTOBUF, fixture, post};

/// Returns what views make of all that is stored: of each series its sum, its last value, its count.
fn seen(server: &Server) -> Vec<(String, f64, Option<f64>, u64)> {
    let mut metrics = Metrics::default();
    for event in server.events("name=metrics") {
        metrics.apply(&Event::from_json(&event).unwrap());
    }
    let series = metrics.iter().map(|(name, series)| {
        let count = series.buckets().1.iter().sum();
        (name.name.to_owned(), series.sum(), series.last().map(|(_, value)| value), count)
    });
    let mut series: Vec<_> = series.collect();
    series.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)));
    series
}

/// Returns what Python's SDK sends, of a program that began in 1970.
fn of_old(name: &str) -> Vec<u8> {
    let mut request = ExportMetricsServiceRequest::decode(&*fixture(name)).unwrap();
    for metric in request.resource_metrics.iter_mut().flat_map(|r| &mut r.scope_metrics).flat_map(|s| &mut s.metrics) {
        match metric.data.as_mut().unwrap() {
            Data::Sum(sum) => sum.data_points.iter_mut().for_each(|point| point.start_time_unix_nano = 1),
            Data::Histogram(histogram) => {
                histogram.data_points.iter_mut().for_each(|point| point.start_time_unix_nano = 1);
            }
            other => panic!("{other:?}"),
        }
    }
    request.encode_to_vec()
}

/// Sends a sum of jobs that began so many seconds after 2026-11-20 at this second; a negative start is none.
fn send(server: &Server, form: &str, body: &Value) {
    let metric = json!({"name": "jobs", "unit": "1", "description": "done", form: body});
    let body = json!({"resourceMetrics": [{"resource": {"attributes": [{"key": "service.instance.id",
        "value": {"stringValue": "i-1"}}]}, "scopeMetrics": [{"scope": {"name": "m"}, "metrics": [metric]}]}]});
    post(server, "/v1/metrics", JSON, body.to_string().as_bytes()).is(200);
}

/// Nanoseconds of a moment so many seconds after now, as text: what began before the collector did is told apart from what did not.
fn at(seconds: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    format!("{}000000000", i64::try_from(now).unwrap() + seconds)
}

fn jobs(server: &Server, temporality: u64, start: &str, time: &str, total: f64) {
    let point = json!({"startTimeUnixNano": start, "timeUnixNano": time, "asDouble": total, "attributes": [
        {"key": "queue", "value": {"stringValue": "mail"}}, {"key": "n", "value": {"intValue": "7"}}]});
    send(server, "sum", &json!({"aggregationTemporality": temporality, "isMonotonic": true, "dataPoints": [point]}));
}

#[test]
fn what_python_counts_is_what_views_add_up_to() {
    // The program began long before the collector, so it counts from its second export.
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for name in ["python-metrics-1.bin", "python-metrics-2.bin", "python-metrics-2.bin", "python-metrics-1.bin"] {
        post(&server, "/v1/metrics", PROTOBUF, &of_old(name)).is(200);
    }
    let events = server.events("name=metrics");
    assert_eq!(events.len(), 2, "sent again, stored once");
    assert_eq!(seen(&server), [("jobs".to_owned(), 4.0, None, 0), ("open".to_owned(), 0.0, Some(-2.0), 0)]);
    let [first, second] = [&events[0], &events[1]].map(|event| &event["event_data"]["series"]);
    assert_eq!((first[0].get("value"), &first[0]["point"]["value"]), (None, &json!(3)));
    assert_eq!((&second[0]["value"], &second[0]["point"]["value"]), (&json!(4.0), &json!(7)));
    assert_eq!((&first[0]["labels"], &first[0]["temporality"]), (&json!({"q": "a"}), &json!("cumulative")));
    assert_eq!((&first[0]["exemplars"][0]["value"], first[0].get("type")), (&json!(3), None));
    assert_eq!((&first[1]["form"], &first[1]["point"]["sum"]), (&json!("histogram"), &json!(7.5)));
}

#[test]
fn a_series_that_began_after_the_collector_counts_from_its_start_and_json_is_as_protobuf() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let (start, first, second) = (at(5), at(10), at(20));
    jobs(&server, 2, &start, &first, 5.0);
    jobs(&server, 2, &start, &second, 7.0);
    jobs(&server, 2, &start, &second, 7.0);
    assert_eq!(seen(&server), [("jobs".to_owned(), 7.0, None, 0)]);
    let series = &server.events("name=metrics")[0]["event_data"]["series"][0];
    assert_eq!(series["labels"], json!({"queue": "mail", "n": "7"}));
    assert_eq!(series["attributes"], json!({"queue": "mail", "n": 7}));
    assert_eq!((&series["unit"], &series["description"]), (&json!("1"), &json!("done")));
}

#[test]
fn a_collector_that_starts_again_counts_nothing_twice() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let start = at(0);
    // It begins a moment after the collector, so all of it counts; within the second that is too close to say.
    jobs(&server, 1, &start, &at(10), 5.0);
    server.stop().unwrap();
    let server = Server::start(dir.config());
    let begun = at(-3_600);
    jobs(&server, 2, &begun, &at(20), 500.0);
    jobs(&server, 2, &begun, &at(30), 507.0);
    assert_eq!(seen(&server), [("jobs".to_owned(), 12.0, None, 0)], "5 before, 7 after, and none of the 500");
}

#[test]
fn deltas_are_what_they_are() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    for (start, time, value) in [(1, 2, 3.0), (2, 3, 4.0)] {
        jobs(&server, 1, &format!("{start}000000000"), &format!("{time}000000000"), value);
    }
    let point = json!({"startTimeUnixNano": "1", "timeUnixNano": "2000000000", "count": "3", "sum": 6.0, "min": 1.0, "max": 3.0,
        "bucketCounts": ["1", "2"], "explicitBounds": [1.5]});
    send(
        &server,
        "histogram",
        &json!({"aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA", "dataPoints": [point]}),
    );
    assert_eq!(seen(&server), [("jobs".to_owned(), 7.0, None, 0), ("jobs".to_owned(), 6.0, None, 3)]);
}

#[test]
fn an_exponential_histogram_and_a_summary_are_seen_too() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let point = json!({"startTimeUnixNano": "1", "timeUnixNano": "2000000000", "count": "6", "sum": 9.5, "scale": 1, "zeroCount": "1",
        "positive": {"offset": -2, "bucketCounts": ["1", "2", "2"]}});
    send(&server, "exponentialHistogram", &json!({"aggregationTemporality": 1, "dataPoints": [point]}));
    let point = json!({"timeUnixNano": "2000000000", "count": "4", "sum": 8.0, "quantileValues": [{"quantile": 0.5, "value": 2.0}]});
    send(&server, "summary", &json!({"dataPoints": [point]}));
    let series = server.events("name=metrics");
    let exponential = &series[0]["event_data"]["series"][0];
    assert_eq!((&exponential["form"], &exponential["point"]["scale"]), (&json!("exponential_histogram"), &json!(1)));
    assert_eq!(exponential["point"]["positive"], json!({"offset": -2, "buckets": [1, 2, 2]}));
    let summary = &series[1]["event_data"]["series"];
    assert_eq!((&summary[0]["form"], &summary[0]["point"]["count"]), (&json!("summary"), &json!(4)));
    assert_eq!(seen(&server), [("jobs".to_owned(), 9.5, None, 6), ("jobs.quantile".to_owned(), 0.0, Some(2.0), 0),]);
}

#[test]
fn many_points_are_several_events_and_a_bad_point_harms_no_other() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    let mut points: Vec<Value> = (0..450)
        .map(|n| json!({"timeUnixNano": "2000000000", "asInt": "1", "attributes": [{"key": "n", "value": {"intValue": n}}]}))
        .collect();
    points[7]["timeUnixNano"] = json!("soon");
    let metric = json!({"name": "size", "gauge": {"dataPoints": points}});
    let body = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).to_string();
    let answer = post(&server, "/v1/metrics", JSON, body.as_bytes()).is(200).json();
    assert_eq!(answer["partialSuccess"]["rejectedDataPoints"], "1");
    let events = server.events("name=metrics");
    let series: Vec<usize> = events.iter().map(|e| e["event_data"]["series"].as_array().unwrap().len()).collect();
    assert_eq!(series, [200, 200, 49]);
}
