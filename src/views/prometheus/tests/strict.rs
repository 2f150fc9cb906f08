//! A parser of Prometheus' text format that takes nothing which the format's document does not say.

use std::collections::{BTreeMap, BTreeSet};

/// Returns all samples by name and labels as they are written.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, f64>, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line does not end".into());
    }
    let mut parser = Parser::default();
    for line in text.lines() {
        parser.line(line).map_err(|error| format!("{error}: {line}"))?;
    }
    parser.check_histograms()?;
    Ok(parser.samples)
}

#[derive(Default)]
struct Parser {
    samples: BTreeMap<String, f64>,
    families: BTreeSet<String>,
    /// The family that samples belong to now, and its type.
    family: String,
    kind: String,
    has_help: bool,
    /// Buckets in the order of the text: labels without `le`, bound, count.
    buckets: Vec<(String, String, f64)>,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, _) = rest.split_once(' ').ok_or("no help")?;
            if !is_name(name) || !self.families.insert(name.into()) {
                return Err("the family was there already, or is no name".into());
            }
            (self.family, self.kind, self.has_help) = (name.into(), String::new(), true);
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or("no type")?;
            let known = ["counter", "gauge", "histogram"].contains(&kind);
            let named_so = kind != "counter" || name.ends_with("_total");
            if name != self.family || !self.kind.is_empty() || !known || !named_so {
                return Err("not the type of this family".into());
            }
            self.kind = kind.into();
            return Ok(());
        }
        self.sample(line)
    }

    fn sample(&mut self, line: &str) -> Result<(), String> {
        let end = line.find(['{', ' ']).ok_or("no value")?;
        let (name, rest) = line.split_at(end);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(inside) => labels(inside)?,
            None => (Vec::new(), rest),
        };
        let value: f64 = rest.strip_prefix(' ').ok_or("no blank before the value")?.parse().map_err(|_| "no number")?;
        let suffix = name.strip_prefix(&*self.family).ok_or("a sample of another family")?;
        let allowed: &[&str] = if self.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        if self.kind.is_empty() || !is_name(name) || !allowed.contains(&suffix) {
            return Err("a sample that its family's type has not".into());
        }
        if self.kind == "counter" && value < 0.0 {
            return Err("a counter below 0".into());
        }
        if suffix == "_bucket" {
            let (le, others): (Vec<_>, Vec<_>) = labels.iter().partition(|(name, _)| name == "le");
            let [(_, bound)] = le[..] else { return Err("a bucket without its one bound".into()) };
            self.buckets.push((format!("{}{others:?}", self.family), bound.clone(), value));
        }
        let key = line[..line.len() - rest.len()].to_owned();
        if self.samples.insert(key, value).is_some() {
            return Err("a sample that was there already".into());
        }
        Ok(())
    }

    /// Buckets rise, end with `+Inf`.
    fn check_histograms(&self) -> Result<(), String> {
        let mut series: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for (key, bound, count) in &self.buckets {
            let bound = if bound == "+Inf" {
                f64::INFINITY
            } else {
                bound.parse().map_err(|_| format!("no bound: {bound}"))?
            };
            series.entry(key).or_default().push((bound, *count));
        }
        for (key, buckets) in series {
            let rises = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
            if !rises || buckets.last().is_none_or(|(bound, _)| bound.is_finite()) {
                return Err(format!("buckets that don't rise up to +Inf: {key}: {buckets:?}"));
            }
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let valid = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | ':');
    !name.is_empty() && name.chars().all(valid) && !name.starts_with(|first: char| first.is_ascii_digit())
}

type Labels = Vec<(String, String)>;

/// Reads labels up to their closing brace; returns what follows it.
fn labels(mut text: &str) -> Result<(Labels, &str), String> {
    let mut labels = Vec::new();
    loop {
        let (name, rest) = text.split_once("=\"").ok_or("no label")?;
        if !is_name(name) || name.contains(':') || labels.iter().any(|(other, _)| other == name) {
            return Err(format!("no name of a label, or one twice: {name}"));
        }
        let mut value = String::new();
        let mut signs = rest.char_indices();
        let end = loop {
            match signs.next().ok_or("a label that does not end")? {
                (at, '"') => break at,
                (_, '\\') => match signs.next() {
                    Some((_, sign @ ('\\' | '"'))) => value.push(sign),
                    Some((_, 'n')) => value.push('\n'),
                    other => return Err(format!("an unknown escape: {other:?}")),
                },
                (_, sign) => value.push(sign),
            }
        };
        labels.push((name.to_owned(), value));
        match rest[end + 1..].strip_prefix(',') {
            Some(more) => text = more,
            None => return Ok((labels, rest[end + 1..].strip_prefix('}').ok_or("no closing brace")?)),
        }
    }
}
