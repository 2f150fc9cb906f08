//! Points, aggregated into one event an interval.

use std::time::{Duration, Instant};

use lastword::metrics::Metrics;
use lastword::testing::MemorySink;
use lastword::{Reporter, limits};
use serde_json::{Value, json};

use crate::{PATIENCE, Recorded, events};

#[test]
fn many_points_are_one_event_which_says_what_changed() {
    let recorded = Recorded::start();
    let metrics = &recorded.metrics;
    let requests = metrics.counter("requests");
    metrics.describe("requests", "1", "Requests that came in.");
    for amount in [1.0, 1.0, 5.0] {
        requests.add(amount, &[]);
    }
    let depth = metrics.gauge("depth");
    [3.0, 9.0, 4.0].into_iter().for_each(|value| depth.set(value, &[]));
    let duration = metrics.histogram_with("duration", &[50.0, 100.0]);
    [12.0, 2_500.0].into_iter().for_each(|value| duration.record(value, &[]));
    recorded.clock.advance(Duration::from_millis(2_500));
    let expected = json!({"interval_ms": 2_500, "series": [
        {"name": "depth", "type": "gauge", "value": 4.0, "count": 3, "min": 3.0, "max": 9.0},
        {"name": "duration", "type": "histogram", "count": 2, "sum": 2_512.0, "min": 12.0, "max": 2_500.0,
         "bounds": [50.0, 100.0], "buckets": [1, 0, 1]},
        {"name": "requests", "type": "counter", "unit": "1", "description": "Requests that came in.", "value": 7.0},
    ]});
    assert_eq!(recorded.end_in_one(), expected);
}

#[test]
fn each_set_of_labels_is_a_series_in_whatever_order_they_are_given() {
    let recorded = Recorded::start();
    let messages = recorded.metrics.counter("messages");
    messages.add(1.0, &[("role", "user"), ("lang", "en")]);
    messages.with(&[("lang", "en"), ("role", "user")]).add(1.0);
    messages.add(1.0, &[("role", "tool")]);
    messages.add(1.0, &[("role", "tool"), ("role", "user")]);
    let data = recorded.end_in_one();
    let series: Vec<_> =
        data["series"].as_array().unwrap().iter().map(|series| (&series["labels"], &series["value"])).collect();
    let expected = [(&json!({"lang": "en", "role": "user"}), &json!(2.0)), (&json!({"role": "tool"}), &json!(2.0))];
    assert_eq!(series, expected);
}

#[test]
fn what_was_told_is_not_told_again_and_a_gauge_goes_on_from_where_it_stands() {
    let recorded = Recorded::start();
    let (count, depth) = (recorded.metrics.counter("count"), recorded.metrics.gauge("depth").with(&[]));
    count.add(2.0, &[]);
    depth.set(7.0);
    recorded.metrics.flush();
    recorded.metrics.flush();
    depth.add(-2.0);
    let events = recorded.end();
    let values: Vec<_> = events.iter().map(|(_, data)| data["series"][0]["value"].clone()).collect();
    assert_eq!(values, [2.0, 5.0], "the second flush had nothing to say: {events:?}");
}

#[test]
fn a_metric_that_is_named_and_described_again_goes_on_from_where_it_stands() {
    let recorded = Recorded::start();
    for description in ["At first.", "Later."] {
        recorded.metrics.counter("count").add(2.0, &[]);
        recorded.metrics.gauge("depth").add(3.5, &[]);
        recorded.metrics.describe("count", "1", description);
    }
    let data = recorded.end_in_one();
    let told = |at: usize| (&data["series"][at]["name"], &data["series"][at]["value"]);
    assert_eq!([told(0), told(1)], [(&json!("count"), &json!(4.0)), (&json!("depth"), &json!(7.0))]);
}

#[test]
fn a_name_without_a_type_is_a_gauge_if_recorded_and_a_counter_if_incremented() {
    let recorded = Recorded::start();
    let metrics = &recorded.metrics;
    metrics.record("unknown", 3.0, &[]);
    metrics.increment("counted", 1.0, &[]);
    metrics.increment("counted", 1.0, &[]);
    metrics.increment("unknown", 1.0, &[]);
    metrics.record("counted", 5.0, &[]);
    let data = recorded.end_in_one();
    assert_eq!((&data["series"][0]["type"], &data["series"][0]["value"]), (&json!("counter"), &json!(7.0)));
    assert_eq!((&data["series"][1]["type"], &data["series"][1]["value"]), (&json!("gauge"), &json!(4.0)));
}

#[test]
fn what_is_no_point_is_counted_and_told_and_loses_nothing_else() {
    let recorded = Recorded::start();
    let metrics = &recorded.metrics;
    let count = metrics.counter("count");
    for amount in [f64::NAN, f64::INFINITY, -1.0, 1.0] {
        count.add(amount, &[]);
    }
    metrics.gauge("count").set(5.0, &[]);
    count.add(1.0, &[("a", "b"); limits::METRIC_LABELS_MAX + 1]);
    let data = recorded.end_in_one();
    assert_eq!((&data["series_dropped"], &data["series"][0]["value"]), (&json!(5), &json!(1.0)));
    assert_eq!(data["series"].as_array().unwrap().len(), 1);
}

#[test]
fn series_and_metrics_are_bounded_together_and_what_is_beyond_is_counted() {
    let recorded = Recorded::start_with(|builder| builder, |metrics| metrics.series_max(5));
    let metrics = &recorded.metrics;
    let count = metrics.counter("count");
    for label in 0..10 {
        count.add(1.0, &[("label", &label.to_string())]);
    }
    metrics.record("another", 1.0, &[]);
    count.add(1.0, &[("label", "3")]);
    let data = recorded.end_in_one();
    let series = data["series"].as_array().unwrap();
    // The metric takes the room of one.
    assert_eq!((series.len(), &series[3]["value"], &data["series_dropped"]), (4, &json!(2.0), &json!(7)));
}

#[test]
fn texts_of_any_length_are_cut_and_the_fullest_series_are_taken() {
    let recorded = Recorded::start();
    let metrics = &recorded.metrics;
    let long = |place: usize| format!("{place}{}", "é".repeat(100_000));
    let names: Vec<_> = (0..limits::METRIC_LABELS_MAX).map(long).collect();
    let bounds: Vec<_> = (0..1_000).map(f64::from).collect();
    for series in 0..limits::METRICS_SERIES_PER_EVENT {
        let labels: Vec<_> = names.iter().map(|name| (&**name, &**name)).collect();
        let name = long(series);
        metrics.histogram_with(&name, &bounds).record(1.0, &labels);
        metrics.describe(&name, &name, &name);
    }
    let events = recorded.end();
    assert!(events.len() > 1 && events.iter().all(|(name, _)| name == "metrics"), "so much takes several events");
    let series: Vec<_> = events.iter().flat_map(|(_, data)| data["series"].as_array().unwrap()).collect();
    assert_eq!(series.len(), limits::METRICS_SERIES_PER_EVENT);
    assert!(series.iter().all(|series| series["bounds"].as_array().unwrap().len() == limits::METRIC_BOUNDS_MAX));
}

#[test]
fn more_series_than_an_event_holds_are_several_events() {
    let recorded = Recorded::start();
    let count = recorded.metrics.counter("count");
    for label in 0..limits::METRICS_SERIES_PER_EVENT * 2 + 1 {
        count.add(1.0, &[("label", &label.to_string())]);
    }
    let lengths: Vec<_> = recorded.end().iter().map(|(_, data)| data["series"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [limits::METRICS_SERIES_PER_EVENT, limits::METRICS_SERIES_PER_EVENT, 1]);
}

#[test]
fn points_that_find_the_queue_full_leave_later_and_none_is_lost() {
    let reporter = Reporter::builder("s").enabled(true).sinks_later().max_queue_size(4).start().unwrap();
    let metrics = Metrics::builder(&reporter).interval(Duration::from_secs(3600)).start();
    let count = metrics.counter("count");
    while reporter.log("filler", ()).is_accepted() {}
    count.add(2.0, &[]);
    metrics.flush();
    count.add(3.0, &[]);
    let sink = MemorySink::new();
    reporter.attach(sink.clone()).unwrap();
    assert!(reporter.blocking_flush(PATIENCE).is_drained());
    metrics.flush();
    assert!(reporter.blocking_stop(PATIENCE).is_drained());
    let told: Vec<_> = events(&sink).into_iter().filter(|(name, _)| name == "metrics").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1["series"][0]["value"], 5.0);
}

#[test]
fn points_leave_by_themselves_when_the_interval_is_over() {
    let sink = MemorySink::new();
    let reporter = Reporter::builder("s").enabled(true).sink(sink.clone()).flush_interval(Duration::from_millis(10));
    let reporter = reporter.start().unwrap();
    let metrics = Metrics::builder(&reporter).interval(Duration::from_millis(100)).start();
    metrics.counter("count").add(1.0, &[]);
    let begun = Instant::now();
    while events(&sink).is_empty() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(events(&sink)[0].0, "metrics");
}

#[test]
fn the_last_interval_leaves_however_the_session_ends() {
    type End = fn(Reporter);
    let ends: [(&str, End); 3] = [
        ("stop", |reporter| assert!(reporter.blocking_stop(PATIENCE).is_drained())),
        ("guard", |reporter| drop(reporter.guard(PATIENCE))),
        ("fatal", |reporter| assert!(reporter.blocking_log_fatal(&std::io::Error::other("the end")).is_drained())),
    ];
    for (how, end) in ends {
        let recorded = Recorded::start();
        recorded.metrics.counter("count").add(1.0, &[]);
        end(recorded.reporter.clone());
        let names = recorded.sink.events();
        let named = |event: &Value| event["event_name"].as_str().unwrap_or(event["event"].as_str().unwrap()).to_owned();
        let names: Vec<_> = names.iter().map(named).collect();
        assert_eq!(names.iter().filter(|name| *name == "metrics").count(), 1, "{how}: {names:?}");
        assert_eq!(names.last().unwrap(), "SESSION_END", "{how}");
    }
}

#[test]
fn points_of_many_threads_are_all_there() {
    let recorded = Recorded::start();
    let count = recorded.metrics.counter("count");
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let (count, metrics) = (count.clone(), recorded.metrics.clone());
            std::thread::spawn(move || {
                for i in 0..1_000 {
                    count.add(1.0, &[("thread", &thread.to_string())]);
                    if i % 300 == 0 {
                        metrics.flush();
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let events = recorded.end();
    let series = events.iter().flat_map(|(_, data)| data["series"].as_array().unwrap());
    assert!((series.map(|series| series["value"].as_f64().unwrap()).sum::<f64>() - 4_000.0).abs() < f64::EPSILON);
}

#[test]
fn where_telemetry_is_off_nothing_is_kept() {
    let metrics = Metrics::new(&Reporter::disabled());
    metrics.counter("count").add(1.0, &[]);
    metrics.record("gauge", 1.0, &[]);
    metrics.flush();
    assert!(!metrics.record_error("E", "m", ()).is_accepted());
    assert!(format!("{metrics:?}").contains("series: None"));
}

#[test]
fn a_sum_that_no_number_can_say_is_the_largest_there_is() {
    let recorded = Recorded::start();
    let (counter, gauge) = (recorded.metrics.counter("c"), recorded.metrics.gauge("g"));
    let histogram = recorded.metrics.histogram("h");
    for _ in 0..3 {
        counter.add(f64::MAX, &[]);
        gauge.add(f64::MIN, &[]);
        histogram.record(f64::MAX, &[]);
    }
    let data = recorded.end_in_one();
    let series = &data["series"];
    assert_eq!((&series[0]["value"], &series[1]["value"]), (&f64::MAX.into(), &f64::MIN.into()));
    assert_eq!(series[2]["sum"], f64::MAX);
}

#[test]
fn series_that_say_as_much_as_they_may_are_told_all_of_them() {
    let recorded = Recorded::start();
    let bounds: Vec<f64> = (0..64).map(|bound| f64::from(bound) + 0.1).collect();
    // What stands in the place of a person's address is longer than the address.
    let long = "a@b.co ".repeat(60);
    let names: Vec<String> = (0..16).map(|label| format!("{label:02}{long}")).collect();
    let labels: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
    for number in 0..100 {
        let name = format!("{number} {long}");
        recorded.metrics.histogram_with(&name, &bounds).record(1.0, &labels);
        recorded.metrics.describe(&name, &long, &long);
    }
    let events = recorded.end();
    assert!(events.len() > 1 && events.iter().all(|(name, _)| name == "metrics"), "nothing was dropped on the way");
    let told: usize = events.iter().map(|(_, data)| data["series"].as_array().unwrap().len()).sum();
    assert_eq!(told, 100);
}
