//! Points of metrics: what is added, what is measured, how it is spread.

use serde_json::{Value, json};

use super::Case;
use crate::fixture::Fixture;
use crate::questions;
use crate::send::{at, int, metric, nanos, text};

pub const CASES: [Case; 3] = [
    ("metrics of every kind come to the same points", kinds),
    ("points that come twice, late and of several programs", late),
    ("series that come at once are all there", at_once),
];

fn point(ms: i64, label: &str, more: &Value) -> Value {
    let mut point = json!({"startTimeUnixNano": nanos(ms - 1_000), "timeUnixNano": nanos(ms), "attributes": [text("queue", label), int("n", 7)]});
    point.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    point
}

fn sum(points: &[Value], temporality: u64, is_monotonic: bool) -> Value {
    json!({"aggregationTemporality": temporality, "isMonotonic": is_monotonic, "dataPoints": points})
}

/// Series that come in one request have no order among them: lists of them are not compared, and they go in the end.
fn at_once(fixture: &mut Fixture) {
    let many: Vec<Value> = (0..7).map(|label| point(0, &format!("q-{label}"), &json!({"asInt": "1"}))).collect();
    fixture.post("/v1/metrics", &metric("i-1", "many", "gauge", &json!({"dataPoints": many})));
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fixture.server().get(&format!("/api/series?limit=2&cursor={cursor}")).is(200).json();
        seen.extend(page["series"].as_array().unwrap().iter().filter_map(|series| series["id"].as_i64()));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7, "all are there on pages that end between them");
    fixture.send("DELETE", "/api/sessions/i-1", "").is(200);
}

/// Metrics of all kinds, over some minutes.
pub fn all(fixture: &mut Fixture) {
    let mut send = |name: &str, form: &str, body: Value| fixture.post("/v1/metrics", &metric("i-1", name, form, &body));
    for minute in 0..4 {
        let ms = minute * 60_000;
        let value = 1.5 * f64::from(u8::try_from(minute).unwrap());
        send(
            "jobs",
            "sum",
            sum(
                &[point(ms, "mail", &json!({"asDouble": value})), point(ms + 5_000, "mail", &json!({"asInt": "3"}))],
                1,
                true,
            ),
        );
        send("jobs", "sum", sum(&[point(ms, "web", &json!({"asInt": "1"}))], 1, true));
        send("open", "sum", sum(&[point(ms, "mail", &json!({"asDouble": value - 2.0}))], 2, false));
        send("total", "sum", sum(&[point(ms, "mail", &json!({"asInt": (minute * 10).to_string()}))], 2, true));
        send(
            "size",
            "gauge",
            json!({"dataPoints": [point(ms, "mail", &json!({"asDouble": -value})), point(ms + 1, "mail", &json!({"asInt": "9"}))]}),
        );
        let spread = json!({"count": "3", "sum": 6.0 + value, "min": 1.0, "max": 3.0, "bucketCounts": ["1", "2"], "explicitBounds": [1.5]});
        send("took", "histogram", json!({"aggregationTemporality": 1, "dataPoints": [point(ms, "mail", &spread)]}));
        let spread = json!({"count": "6", "sum": 9.5, "scale": 1, "zeroCount": "1", "positive": {"offset": -2, "bucketCounts": ["1", "2", "2"]}});
        send(
            "exponential",
            "exponentialHistogram",
            json!({"aggregationTemporality": 1, "dataPoints": [point(ms, "mail", &spread)]}),
        );
        let quantiles = json!({"count": "4", "sum": 8.0, "quantileValues": [{"quantile": 0.5, "value": 2.0}]});
        send("summary", "summary", json!({"dataPoints": [point(ms, "mail", &quantiles)]}));
    }
}

fn kinds(fixture: &mut Fixture) {
    all(fixture);
    let series = fixture.all("/api/series?name=jobs", "series");
    assert_eq!(series.len(), 2);
    let mail = series.iter().find(|series| series["labels"]["queue"] == "mail").unwrap();
    let told = fixture.ask_as("points of mail".to_owned(), &format!("/api/series/{}", mail["id"])).is(200).json();
    let minutes = told["minutes"].as_array().unwrap();
    assert_eq!((minutes.len(), &minutes[1]["count"], &minutes[1]["sum"]), (4, &json!(2), &json!(4.5)), "{told}");
    assert_eq!(
        (&minutes[1]["min"], &minutes[1]["max"], &minutes[1]["last"]),
        (&json!(1.5), &json!(3.0), &json!(3.0)),
        "{told}"
    );
    for (since, until) in [(0, 60_000), (60_000, 120_000), (59_999, 60_001), (180_000, 900_000)] {
        let range = format!("since={}&until={}", at(since), at(until));
        fixture.ask_as(format!("points of mail, {range}"), &format!("/api/series/{}?{range}", mail["id"]));
    }
    fixture.pages("/api/series", "series", 1);
    fixture.ask("/api/series/77").is(404);
    fixture.ask("/api/series/x").is(404);
    questions::parameters(fixture, "/series", 0);
}

fn late(fixture: &mut Fixture) {
    let gauge = |ms: i64, value: f64| json!({"dataPoints": [point(ms, "mail", &json!({"asDouble": value}))]});
    for (instance, ms, value) in
        [("i-1", 65_000, 4.0), ("i-2", 62_000, 3.0), ("i-1", 61_000, 2.0), ("i-1", 65_000, 4.0), ("i-1", 5_000, 1.0)]
    {
        fixture.post("/v1/metrics", &metric(instance, "size", "gauge", &gauge(ms, value)));
        fixture.all("/api/series", "series");
    }
    let series = fixture.all("/api/series", "series");
    assert_eq!(series.len(), 1, "the same for whatever session reports it");
    let told = fixture.ask_as("points".to_owned(), &format!("/api/series/{}", series[0]["id"])).json();
    assert_eq!((&told["minutes"][1]["count"], &told["minutes"][1]["max"]), (&json!(3), &json!(4.0)), "{told}");
    // What the session added is taken away, and the series stays for those who report it too. The least and the greatest of a minute
    // can't be taken back by every store, so it was neither.
    let sessions = fixture.all("/api/sessions", "sessions");
    fixture
        .send(
            "DELETE",
            &format!("/api/sessions/{}", crate::known::escaped(sessions[0]["session_id"].as_str().unwrap())),
            "",
        )
        .is(200);
    fixture.ask_as("points then".to_owned(), &format!("/api/series/{}", series[0]["id"]));
}
