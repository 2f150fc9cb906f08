//! Points of metrics, each with its own time and its own place in a trace: Sentry's SDKs add nothing up.

use lastword::Severity;
use lastword::event::names;
use serde_json::Value;

use super::super::read::{self, Fields, text};
use super::super::{Draft, Object, Refused, quote};
use super::origin::Origin;
use super::{Desk, RESOURCE, SESSION, log};

/// Adds the points of an item.
pub(super) fn metrics(desk: &mut Desk<'_>, item: &Fields) -> Result<(), Refused> {
    for point in read::list(item, "items") {
        let read = point.as_object().and_then(|point| {
            let (name, kind) = (text(point, &["name"])?, text(point, &["type"])?);
            Some((point, name, kind, point.get("value")?.as_f64()?))
        });
        match read {
            Some((point, name, kind, value)) => add(desk, point, (name, kind, value))?,
            None => {
                let reason =
                    format!("a metric is {}: it must have `name`, `type` and `value`", quote(&point.to_string()));
                desk.drafts.refuse(desk.place, None, reason);
            }
        }
    }
    Ok(())
}

fn add(desk: &mut Desk<'_>, point: &Fields, (name, kind, value): (&str, &str, f64)) -> Result<(), Refused> {
    let attributes = log::values(point);
    let time_us = point.get("timestamp").and_then(read::moment);
    let happened_us = time_us.unwrap_or(desk.now_us);
    let own = text(&attributes, &SESSION);
    let home = desk.home(own, &Origin::default(), &log::sender(&attributes), happened_us)?;
    let id = desk.seen.id(point, time_us, desk.now_us);
    let draft = Draft::generic(names::METRICS, &id, Severity::Info, happened_us);
    desk.drafts.add(home.session, desk.place, &draft, |data| {
        data.uint("interval_ms", 0);
        data.list("series", |list| {
            list.object(|series| {
                series.text("name", name);
                series.text_if("unit", text(point, &["unit"]));
                write_value(series, kind, value);
                series.object("labels", |labels| write_labels(labels, &attributes));
            });
        });
        log::place_in_trace(data, point, &attributes);
        data.text_if(RESOURCE, home.resource.as_deref());
        read::rest(data, point, &["timestamp", "name", "type", "value", "unit", "attributes", "trace_id", "span_id"]);
    })
}

fn write_value(series: &mut Object<'_>, kind: &str, value: f64) {
    match kind {
        "counter" => {
            series.text("type", "counter");
            series.float("value", value);
        }
        "distribution" => {
            series.text("type", "histogram");
            series.uint("count", 1);
            ["sum", "min", "max"].iter().for_each(|name| series.float(name, value));
            series.list("bounds", |_| {});
            series.list("buckets", |list| list.uint(1));
        }
        // Of any other kind the last value is the best that can be shown.
        other => {
            series.text("type", "gauge");
            series.float("value", value);
            series.uint("count", 1);
            ["min", "max"].iter().for_each(|name| series.float(name, value));
            series.text_if("sentry.type", Some(other).filter(|other| *other != "gauge"));
        }
    }
}

/// Writes the attributes but those of the sender, each as a text.
fn write_labels(labels: &mut Object<'_>, attributes: &Fields) {
    let texts = attributes.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), Value::from(text))
    });
    log::write_attributes(labels, &texts.collect(), &[]);
}
