use serde_json::{Value, json};

use super::*;
use crate::views::samples::{NOW, fold_data};

fn gauge(value: u64) -> Value {
    json!({"series": [{"name": "depth", "type": "gauge", "value": value, "count": 2, "min": value, "max": value + 1}]})
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_nanos(NOW + second * 1_000_000_000)
}

#[test]
fn the_latest_thousand_points_are_kept_and_all_observations_are_counted() {
    let metrics: Metrics = fold_data("metrics", (0..1_500).map(gauge));
    let (_, depth) = metrics.named("depth").next().unwrap();
    let points: Vec<f64> = depth.history(Timestamp::from_unix_nanos(0)).map(|point| point.value).collect();
    assert_eq!((points.len(), points[0], points[999]), (1_000, 500.0, 1_499.0));
    assert_eq!((depth.count(), depth.min(), depth.max()), (3_000, Some(0.0), Some(1_500.0)));
    assert_eq!(depth.last(), Some((at(1_499), 1_499.0)));
}

#[test]
fn a_history_is_from_a_moment_on_that_moment_too_and_from_zero_it_is_all() {
    let metrics: Metrics = fold_data("metrics", (0..5).map(gauge));
    let (_, depth) = metrics.named("depth").next().unwrap();
    let since = |time| depth.history(time).map(|point| point.value).collect::<Vec<_>>();
    assert_eq!(since(at(3)), [3.0, 4.0]);
    assert_eq!(since(Timestamp::from_unix_nanos(0)).len(), 5);
}

#[test]
fn what_is_no_series_says_nothing_and_its_neighbours_count() {
    let odd = json!({"series": [7, {"name": "a"}, {"name": "b", "type": "sum", "value": 1}, {"type": "counter", "value": 1},
        {"name": "c", "type": "counter", "value": -1}, {"name": "d", "type": "counter", "value": "1"},
        {"name": "ok", "type": "counter", "value": 1}], "series_dropped": 3});
    let metrics: Metrics = fold_data("metrics", [odd, json!({"series": "none"})]);
    let names: Vec<&str> = metrics.iter().map(|(name, _)| name.name).collect();
    assert_eq!((names, metrics.dropped(), metrics.intervals()), (vec!["ok"], 3, 2));
}

#[test]
fn histograms_with_other_bounds_are_added_without_losing_an_observation_in_any_order() {
    let spread = |bounds: &[u64], buckets: &[u64]| json!({"series": [{"name": "h", "type": "histogram", "sum": 1, "bounds": bounds, "buckets": buckets}]});
    let data =
        [spread(&[1, 2], &[1, 1, 1]), spread(&[5], &[4, 4]), spread(&[1, 2], &[1, 0, 0]), spread(&[3, 1], &[9, 9, 9])];
    let forth: Metrics = fold_data("metrics", data.clone());
    let back: Metrics = fold_data("metrics", data.into_iter().rev());
    let buckets = |metrics: &Metrics| {
        let (_, series) = metrics.iter().next().unwrap();
        let (bounds, buckets) = series.buckets();
        (bounds.to_vec(), buckets.to_vec(), series.count())
    };
    assert_eq!(buckets(&forth), (vec![1.0, 2.0], vec![2, 1, 36], 39));
    assert_eq!(buckets(&forth), buckets(&back));
}

#[test]
fn series_without_end_are_bounded_and_so_are_their_points() {
    let many = |interval: u64| {
        let series: Vec<Value> = (0..100).map(|n| json!({"name": "m", "type": "counter", "value": 1, "labels": {"id": (interval * 50 + n).to_string()}})).collect();
        json!({"series": series})
    };
    let metrics: Metrics = fold_data("metrics", (0..60).map(many));
    assert_eq!(metrics.iter().len(), VIEW_SERIES_MAX);
    let kept: u64 = metrics.iter().map(|(_, series)| series.count()).sum();
    assert_eq!(kept + metrics.folded(), 6_000, "none is lost");
    let points: usize = metrics.iter().map(|(_, series)| series.points.len()).sum();
    assert!(points <= VIEW_POINTS_TOTAL_MAX);
}
