//! Families of metrics in Prometheus' text format: each once, with all that belongs to it.
//!
//! The format: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::views::MetricKind;

/// Metrics in Prometheus' text format, version 0.0.4, family by family. Names and labels are made valid.
///
/// ```
/// use lastword::views::{Exposition, Family, MetricKind};
///
/// let mut requests = Family::new(MetricKind::Counter);
/// requests.number(&[("route", "/")], 3.0);
/// let mut text = Exposition::default();
/// text.add("requests_total", "Requests.", &requests);
/// assert_eq!(text.finish(), "# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total{route=\"/\"} 3\n");
/// ```
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
    /// Names of families and of samples that are taken.
    taken: BTreeSet<String>,
}

/// The samples of one family of an [`Exposition`].
#[derive(Debug)]
pub struct Family {
    kind: MetricKind,
    /// By labels, as they are written: no two samples of a family have the same.
    samples: BTreeMap<String, Sample>,
}

#[derive(Debug)]
enum Sample {
    Number(f64),
    Histogram(Histogram),
}

/// What a histogram counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper bounds, rising, without the infinite one.
    pub bounds: Vec<f64>,
    /// How many are in each bucket alone; one more than there are bounds.
    pub buckets: Vec<u64>,
    /// The sum of all values.
    pub sum: f64,
}

impl Family {
    /// Makes one without samples.
    #[must_use]
    pub const fn new(kind: MetricKind) -> Self {
        Self { kind, samples: BTreeMap::new() }
    }

    /// Adds a number. What has the same labels, because they were cut or made valid, is one sample.
    pub fn number(&mut self, labels: &[(&str, &str)], number: f64) {
        let at = self.samples.entry(write_labels(labels)).or_insert(Sample::Number(0.0));
        match at {
            Sample::Number(sum) if self.kind == MetricKind::Counter => *sum += number,
            sample => *sample = Sample::Number(number),
        }
    }

    /// Adds a histogram; of two with the same labels the first stays.
    pub fn histogram(&mut self, labels: &[(&str, &str)], histogram: Histogram) {
        self.samples.entry(write_labels(labels)).or_insert(Sample::Histogram(histogram));
    }
}

impl Exposition {
    /// Appends a family, if it has samples; under another name if its own is taken.
    pub fn add(&mut self, name: &str, help: &str, family: &Family) {
        if family.samples.is_empty() {
            return;
        }
        let name = self.take_name(name, family.kind);
        // Writing to a `String` does not fail.
        let _ = writeln!(self.text, "# HELP {name} {}", escape_help(help));
        let _ = writeln!(self.text, "# TYPE {name} {}", family.kind);
        for (labels, sample) in &family.samples {
            match sample {
                Sample::Number(number) => self.sample(&name, labels, None, *number),
                Sample::Histogram(histogram) => self.histogram(&name, labels, histogram),
            }
        }
    }

    /// Returns the text: each line of it ends.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    fn take_name(&mut self, name: &str, kind: MetricKind) -> String {
        let mut name = valid_name(name, ':');
        if kind == MetricKind::Counter && !name.ends_with("_total") {
            name.push_str("_total");
        }
        let samples = |name: &str| match kind {
            MetricKind::Histogram => {
                vec![name.to_owned(), format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count")]
            }
            MetricKind::Counter | MetricKind::Gauge => vec![name.to_owned()],
        };
        while samples(&name).iter().any(|sample| self.taken.contains(sample)) {
            name = match kind {
                MetricKind::Counter => format!("{}_other_total", name.trim_end_matches("_total")),
                MetricKind::Gauge | MetricKind::Histogram => format!("{name}_{kind}"),
            };
        }
        self.taken.extend(samples(&name));
        name
    }

    fn sample(&mut self, name: &str, labels: &str, le: Option<&str>, number: f64) {
        let le = le.map(|le| format!("le=\"{le}\""));
        let labels = [Some(labels).filter(|labels| !labels.is_empty()), le.as_deref()];
        let labels = labels.into_iter().flatten().collect::<Vec<_>>().join(",");
        let _ = match labels.is_empty() {
            true => writeln!(self.text, "{name} {number}"),
            false => writeln!(self.text, "{name}{{{labels}}} {number}"),
        };
    }

    #[allow(clippy::cast_precision_loss)]
    fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        let mut below = 0_u64;
        let bounds = histogram.bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&histogram.buckets) {
            below = below.saturating_add(*count);
            self.sample(&format!("{name}_bucket"), labels, Some(&bound), below as f64);
        }
        self.sample(&format!("{name}_sum"), labels, None, histogram.sum);
        self.sample(&format!("{name}_count"), labels, None, below as f64);
    }
}

/// Writes labels as they stand between the braces. Names are made valid, and different where that made them equal.
fn write_labels(labels: &[(&str, &str)]) -> String {
    let mut taken = BTreeSet::new();
    let mut text = String::new();
    for (name, value) in labels {
        let mut name = valid_name(name, '_');
        // `le` is a bucket's own label, and names that begin so are Prometheus' own.
        if name == "le" || name.starts_with("__") {
            name = format!("label_{}", name.trim_start_matches('_'));
        }
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{name}=\"{}\"", escape_label(value));
    }
    text
}

/// Makes a name of letters, digits, `_` and what else may be in it; it begins with no digit and is not empty.
fn valid_name(name: &str, also: char) -> String {
    let valid = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == also;
    let mut text: String = name.chars().map(|sign| if valid(sign) { sign } else { '_' }).collect();
    if text.is_empty() || text.starts_with(|first: char| first.is_ascii_digit()) {
        text.insert(0, '_');
    }
    text
}

fn escape_label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn escape_help(help: &str) -> String {
    help.replace('\\', "\\\\").replace('\n', "\\n")
}
