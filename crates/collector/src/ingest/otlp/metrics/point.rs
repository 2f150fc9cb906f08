//! A point of a metric, of whatever form: as it was sent, and what it says of its interval.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use super::super::model::{Any, Attributes, Id};
use super::super::raw::{Items, Raw};
use super::super::{json, value};
use super::proto;
use crate::ingest::{List, Object};

/// Set where a point says that there is no value.
pub(super) const NO_VALUE: u32 = 1;
pub(super) const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;

/// The form of a metric's points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Form {
    #[default]
    Gauge,
    Sum,
    Histogram,
    Exponential,
    Summary,
}

impl Form {
    /// Returns what OpenTelemetry calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Sum => "sum",
            Self::Histogram => "histogram",
            Self::Exponential => "exponential_histogram",
            Self::Summary => "summary",
        }
    }
}

/// A metric, without its points.
#[derive(Debug, Default)]
pub(super) struct Metric<'b> {
    pub(super) name: Cow<'b, str>,
    pub(super) description: Cow<'b, str>,
    pub(super) unit: Cow<'b, str>,
    pub(super) form: Form,
    pub(super) temporality: u64,
    pub(super) is_monotonic: bool,
}

/// A point: the fields of all forms.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Point<'b> {
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) attributes: Attributes<'b>,
    #[serde(deserialize_with = "json::uint")]
    pub(super) start_time_unix_nano: u64,
    #[serde(deserialize_with = "json::uint")]
    pub(super) time_unix_nano: u64,
    #[serde(deserialize_with = "json::float_if")]
    pub(super) as_double: Option<f64>,
    #[serde(deserialize_with = "json::int_if")]
    pub(super) as_int: Option<i64>,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) exemplars: Vec<Exemplar<'b>>,
    #[serde(deserialize_with = "json::uint32")]
    pub(super) flags: u32,
    #[serde(deserialize_with = "json::uint")]
    pub(super) count: u64,
    #[serde(deserialize_with = "json::float_if")]
    pub(super) sum: Option<f64>,
    #[serde(deserialize_with = "json::float_if")]
    pub(super) min: Option<f64>,
    #[serde(deserialize_with = "json::float_if")]
    pub(super) max: Option<f64>,
    #[serde(deserialize_with = "json::uints")]
    pub(super) bucket_counts: Vec<u64>,
    #[serde(deserialize_with = "json::floats")]
    pub(super) explicit_bounds: Vec<f64>,
    #[serde(deserialize_with = "json::int")]
    pub(super) scale: i64,
    #[serde(deserialize_with = "json::uint")]
    pub(super) zero_count: u64,
    #[serde(deserialize_with = "json::float")]
    pub(super) zero_threshold: f64,
    #[serde(deserialize_with = "json::or_default")]
    pub(super) positive: Buckets,
    #[serde(deserialize_with = "json::or_default")]
    pub(super) negative: Buckets,
    #[serde(deserialize_with = "json::or_default")]
    pub(super) quantile_values: Vec<Quantile>,
}

/// Buckets of an exponential histogram.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Buckets {
    #[serde(deserialize_with = "json::int")]
    pub(super) offset: i64,
    #[serde(deserialize_with = "json::uints")]
    pub(super) bucket_counts: Vec<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Quantile {
    #[serde(deserialize_with = "json::float")]
    pub(super) quantile: f64,
    #[serde(deserialize_with = "json::float")]
    pub(super) value: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Exemplar<'b> {
    #[serde(deserialize_with = "json::uint")]
    pub(super) time_unix_nano: u64,
    #[serde(deserialize_with = "json::float_if")]
    pub(super) as_double: Option<f64>,
    #[serde(deserialize_with = "json::int_if")]
    pub(super) as_int: Option<i64>,
    #[serde(deserialize_with = "json::id")]
    pub(super) trace_id: Id,
    #[serde(deserialize_with = "json::id")]
    pub(super) span_id: Id,
    #[serde(borrow, deserialize_with = "json::or_default")]
    pub(super) filtered_attributes: Attributes<'b>,
}

/// A metric in JSON: its points are below the name of their form.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonMetric<'b> {
    #[serde(borrow, deserialize_with = "json::text")]
    name: Cow<'b, str>,
    #[serde(borrow, deserialize_with = "json::text")]
    description: Cow<'b, str>,
    #[serde(borrow, deserialize_with = "json::text")]
    unit: Cow<'b, str>,
    #[serde(borrow)]
    gauge: Option<&'b RawValue>,
    #[serde(borrow)]
    sum: Option<&'b RawValue>,
    #[serde(borrow)]
    histogram: Option<&'b RawValue>,
    #[serde(borrow)]
    exponential_histogram: Option<&'b RawValue>,
    #[serde(borrow)]
    summary: Option<&'b RawValue>,
}

/// What is below that name.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonData<'b> {
    #[serde(borrow)]
    data_points: Option<&'b RawValue>,
    #[serde(deserialize_with = "json::temporality")]
    aggregation_temporality: u64,
    is_monotonic: Option<bool>,
}

impl<'b> Metric<'b> {
    /// Reads a metric; its points stay unread.
    pub(super) fn read(raw: Raw<'b>) -> Result<(Self, Vec<Raw<'b>>), String> {
        let json = match raw {
            Raw::Protobuf(bytes) => return proto::metric(bytes).map_err(|error| error.to_string()),
            Raw::Json(json) => json,
        };
        let of: JsonMetric<'b> = serde_json::from_str(json.get()).map_err(|error| error.to_string())?;
        let forms = [
            (Form::Gauge, of.gauge),
            (Form::Sum, of.sum),
            (Form::Histogram, of.histogram),
            (Form::Exponential, of.exponential_histogram),
            (Form::Summary, of.summary),
        ];
        // A metric without any form has no points.
        let (form, data) = forms.into_iter().find(|(_, data)| data.is_some()).unwrap_or_default();
        let mut metric = Self { name: of.name, description: of.description, unit: of.unit, form, ..Self::default() };
        let mut points = Vec::new();
        if let Some(data) = data {
            let data: JsonData<'b> = serde_json::from_str(data.get()).map_err(|error| error.to_string())?;
            metric.temporality = data.aggregation_temporality;
            metric.is_monotonic = data.is_monotonic.unwrap_or(false);
            if let Some(list) = data.data_points {
                let items = Items { items: &mut points, full: &mut false };
                let read = items.deserialize(&mut serde_json::Deserializer::from_str(list.get()));
                read.map_err(|error| error.to_string())?;
            }
        }
        Ok((metric, points))
    }

    /// Reads a point.
    pub(super) fn point(&self, raw: Raw<'b>) -> Result<Point<'b>, String> {
        match self.form {
            Form::Gauge | Form::Sum => raw.read(proto::number),
            Form::Histogram => raw.read(proto::histogram),
            Form::Exponential => raw.read(proto::exponential),
            Form::Summary => raw.read(proto::summary),
        }
    }

    pub(super) fn name_bytes(&self) -> &'b [u8] {
        match &self.name {
            Cow::Borrowed(name) => name.as_bytes(),
            // It was repaired; its points tell it apart.
            Cow::Owned(_) => &[],
        }
    }

    /// Returns the type that views know it by.
    pub(super) const fn view_type(&self) -> &'static str {
        match self.form {
            Form::Sum if self.is_monotonic => "counter",
            Form::Gauge | Form::Sum => "gauge",
            Form::Histogram | Form::Exponential | Form::Summary => "histogram",
        }
    }

    pub(super) fn is_gauge(&self) -> bool {
        self.view_type() == "gauge"
    }

    pub(super) fn write_meta(&self, object: &mut Object<'_>) {
        object.text_if("unit", Some(&self.unit));
        object.text_if("description", Some(&self.description));
    }

    /// Returns the quantiles of a summary.
    pub(super) fn quantiles<'p>(&self, point: &'p Point<'_>) -> impl Iterator<Item = (f64, f64)> + 'p {
        point.quantile_values.iter().map(|one| (one.quantile, one.value))
    }

    /// Writes a point as it was sent, as far as what it says of the interval does not say it.
    pub(super) fn write_point(&self, object: &mut Object<'_>, point: &Point<'_>) {
        object.text_if(
            "temporality",
            match self.temporality {
                DELTA => Some("delta"),
                CUMULATIVE => Some("cumulative"),
                _ => None,
            },
        );
        if self.form == Form::Sum && !self.is_monotonic {
            object.bool("monotonic", false);
        }
        value::uint_if(object, "start_unix_nano", point.start_time_unix_nano);
        value::uint_if(object, "time_unix_nano", point.time_unix_nano);
        value::uint_if(object, "flags", point.flags);
        if !point.attributes.iter().all(|attribute| matches!(attribute.value, Any::Text(_))) {
            value::attributes_if(object, &point.attributes);
        }
        let is_told = self.temporality == DELTA && matches!(self.form, Form::Histogram)
            || self.temporality == DELTA && self.form == Form::Sum && self.is_monotonic
            || self.form == Form::Gauge;
        if !is_told {
            object.object("point", |object| point.write(object, self.form));
        }
        if !point.exemplars.is_empty() {
            object.list("exemplars", |list| point.exemplars.iter().for_each(|exemplar| exemplar.write(list)));
        }
    }
}

impl Point<'_> {
    /// Returns the number of a sum or gauge.
    #[allow(clippy::cast_precision_loss, reason = "views add up doubles; the point keeps the whole number")]
    pub(super) fn number(&self) -> Option<f64> {
        self.as_double.or_else(|| self.as_int.map(|number| number as f64)).filter(|_| self.flags & NO_VALUE == 0)
    }

    pub(super) fn write_labels(&self, object: &mut Object<'_>, more: Option<(&str, &str)>) {
        if self.attributes.is_empty() && more.is_none() {
            return;
        }
        object.object("labels", |labels| {
            for attribute in &self.attributes {
                labels.text(&attribute.key, &value::label(&attribute.value));
            }
            if let Some((name, value)) = more {
                labels.text(name, value);
            }
        });
    }

    fn write(&self, object: &mut Object<'_>, form: Form) {
        match form {
            Form::Gauge | Form::Sum => match (self.as_int, self.as_double) {
                (Some(number), _) => object.int("value", number),
                (None, Some(number)) => object.float("value", number),
                (None, None) => {}
            },
            _ => {
                object.uint("count", self.count);
                for (name, number) in [("sum", self.sum), ("min", self.min), ("max", self.max)] {
                    if let Some(number) = number {
                        object.float(name, number);
                    }
                }
            }
        }
        match form {
            Form::Histogram => {
                object.list("bounds", |list| self.explicit_bounds.iter().for_each(|bound| list.float(*bound)));
                object.list("buckets", |list| self.bucket_counts.iter().for_each(|count| list.uint(*count)));
            }
            Form::Exponential => {
                object.int("scale", self.scale);
                value::uint_if(object, "zero_count", self.zero_count);
                if self.zero_threshold != 0.0 {
                    object.float("zero_threshold", self.zero_threshold);
                }
                for (name, buckets) in [("positive", &self.positive), ("negative", &self.negative)] {
                    if !buckets.bucket_counts.is_empty() {
                        object.object(name, |object| {
                            object.int("offset", buckets.offset);
                            object.list("buckets", |list| {
                                buckets.bucket_counts.iter().for_each(|count| list.uint(*count))
                            });
                        });
                    }
                }
            }
            Form::Gauge | Form::Sum | Form::Summary => {}
        }
    }
}

impl Exemplar<'_> {
    fn write(&self, list: &mut List<'_>) {
        list.object(|object| {
            match (self.as_int, self.as_double) {
                (Some(number), _) => object.int("value", number),
                (None, Some(number)) => object.float("value", number),
                (None, None) => {}
            }
            value::uint_if(object, "time_unix_nano", self.time_unix_nano);
            value::id_if(object, "trace_id", self.trace_id);
            value::id_if(object, "span_id", self.span_id);
            value::attributes_if(object, &self.filtered_attributes);
        });
    }
}

/// Returns what is the same of all points of a series, whatever the order of its attributes.
pub(super) fn key(of: &[&str], metric: &Metric<'_>, point: &Point<'_>) -> u128 {
    let mut hash = Xxh3::new();
    let mut add = |text: &str| {
        hash.update(&text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    of.iter().for_each(|text| add(text));
    add(&metric.name);
    add(&metric.unit);
    add(metric.view_type());
    let mut labels: Vec<_> = point.attributes.iter().map(|one| (&*one.key, value::label(&one.value))).collect();
    labels.sort_unstable();
    for (name, value) in labels {
        add(name);
        add(&value);
    }
    hash.digest128()
}
