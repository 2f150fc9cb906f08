//! Reading what other protocols say, out of JSON that may be anything.
//!
//! A field that is of another type than it should be is as good as missing: it is kept under its own name, and nothing is made of it.

use lastword::Severity;
use serde_json::{Map, Value};

use super::Object;
use crate::clock;

/// The fields of an object.
pub(super) type Fields = Map<String, Value>;

/// Returns the first of these fields that is there, and not null.
pub(super) fn first<'a>(fields: &'a Fields, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| fields.get(*name).filter(|value| !value.is_null()))
}

/// Returns the first of these fields that is a text with something in it.
pub(super) fn text<'a>(fields: &'a Fields, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| fields.get(*name)?.as_str().filter(|text| !text.is_empty()))
}

/// Returns a field that is an object.
pub(super) fn object<'a>(fields: &'a Fields, name: &str) -> Option<&'a Fields> {
    fields.get(name)?.as_object()
}

/// Returns the elements of a field that is a list.
pub(super) fn list<'a>(fields: &'a Fields, name: &str) -> &'a [Value] {
    fields.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Writes every field but those that were written otherwise, and but what is null.
pub(super) fn rest(data: &mut Object<'_>, fields: &Fields, written: &[&str]) {
    for (name, value) in fields {
        if !value.is_null() && !written.contains(&name.as_str()) {
            data.value(name, value);
        }
    }
}

/// Reads a time: a text, or seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size.
pub(super) fn moment(value: &Value) -> Option<i64> {
    if let Some(text) = value.as_str() {
        return clock::parse(text)
            .or_else(|| utc(text))
            .or_else(|| text.trim().parse::<f64>().ok().and_then(since_1970));
    }
    // A number of nanoseconds is beyond what a fraction holds exactly.
    if let Some(nanos) = value.as_i64().filter(|number| number.unsigned_abs() >= 100_000_000_000_000_000) {
        return Some(nanos.div_euclid(1000));
    }
    value.as_f64().and_then(since_1970)
}

/// Reads a time as RFC 3339 but for its offset, its `T`, or a comma before its fraction: as loggers of Python and Java write it.
fn utc(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once([' ', 'T'])?;
    let mut whole = format!("{date}T{}", time.replacen(',', ".", 1));
    if let Some(sign) = whole.rfind(['+', '-']).filter(|at| *at > date.len()) {
        // An offset of four digits.
        if whole.len() == sign + 5 && whole.is_char_boundary(sign + 3) {
            whole.insert(sign + 3, ':');
        }
    } else if !whole.ends_with(['Z', 'z']) {
        whole.push('Z');
    }
    clock::parse(&whole)
}

fn since_1970(number: f64) -> Option<i64> {
    let seconds = match number.abs() {
        size if size < 1e11 => number,
        size if size < 1e14 => number / 1e3,
        size if size < 1e17 => number / 1e6,
        _ => number / 1e9,
    };
    clock::of_seconds(seconds)
}

/// Reads a level: a name of whatever logger, a number from 10 as pino, bunyan and Python have them, or a small one as syslog does.
pub(super) fn level(value: &Value) -> Option<Severity> {
    if let Some(number) = value.as_f64() {
        return Some(match number {
            n if (0.0..3.0).contains(&n) => Severity::Critical,
            n if (3.0..4.0).contains(&n) => Severity::Error,
            n if (4.0..5.0).contains(&n) => Severity::Warning,
            n if (5.0..7.0).contains(&n) => Severity::Info,
            n if (7.0..8.0).contains(&n) => Severity::Debug,
            n if n < 20.0 => Severity::Trace,
            n if n < 30.0 => Severity::Debug,
            n if n < 40.0 => Severity::Info,
            n if n < 50.0 => Severity::Warning,
            n if n < 60.0 => Severity::Error,
            _ => Severity::Critical,
        });
    }
    severity_of(value.as_str()?)
}

/// Reads the name of a level, in any case, of whatever logger; `None` where it is none.
pub(crate) fn severity_of(name: &str) -> Option<Severity> {
    let name = name.trim().to_ascii_lowercase();
    // Go's `slog` names a level between two by its distance: `ERROR+4`.
    Some(match name.split(['+', '-']).next().unwrap_or_default() {
        "trace" | "finest" | "finer" | "verbose" | "silly" => Severity::Trace,
        "debug" | "fine" | "config" => Severity::Debug,
        "info" | "information" | "informational" | "notice" | "log" | "default" | "ok" | "success" => Severity::Info,
        "warn" | "warning" => Severity::Warning,
        "error" | "err" | "severe" => Severity::Error,
        "fatal" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "panic" | "dpanic" => Severity::Critical,
        _ => return None,
    })
}

/// Returns the id of a trace as 32 hexadecimal digits: as it is, a UUID without its dashes, or a hash of whatever else it is.
pub(super) fn trace_id(id: &str) -> String {
    let plain = id.replace('-', "");
    hex(&plain, 32).unwrap_or_else(|| format!("{:032x}", xxhash_rust::xxh3::xxh3_128(id.as_bytes()).max(1)))
}

/// Returns the id of a span as 16 hexadecimal digits: as it is, or a hash of whatever else it is.
pub(super) fn span_id(id: &str) -> String {
    hex(id, 16).unwrap_or_else(|| format!("{:016x}", xxhash_rust::xxh3::xxh3_64(id.as_bytes()).max(1)))
}

/// Returns hexadecimal digits in lower case, if that is what it is, and not all of them 0.
fn hex(id: &str, digits: usize) -> Option<String> {
    let is_id =
        id.len() == digits && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && id.bytes().any(|byte| byte != b'0');
    is_id.then(|| id.to_ascii_lowercase())
}

/// Returns how long something took that began and ended then, in milliseconds.
#[allow(clippy::cast_precision_loss, reason = "a difference of times is far from 2^53 microseconds")]
pub(super) fn duration_ms(start_us: i64, end_us: i64) -> f64 {
    end_us.saturating_sub(start_us).max(0) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_of_all_loggers_are_read() {
        let right = clock::parse("2026-11-20T09:20:34.5Z");
        for time in [
            json!("2026-11-20T09:20:34.5Z"),
            json!("2026-11-20T10:20:34.500+01:00"),
            json!("2026-11-20T10:20:34.500+0100"),
            json!("2026-11-20 09:20:34,500"),
            json!("2026-11-20 09:20:34.5"),
            json!("1795166434.5"),
            json!(1_795_166_434.5),
            json!(1_795_166_434_500_i64),
            json!(1_795_166_434_500_000_i64),
            json!(1_795_166_434_500_000_000_i64),
        ] {
            assert_eq!(moment(&time), right, "{time}");
        }
        for odd in
            [json!("then"), json!(""), json!(null), json!([]), json!(1e300), json!("2026-11-20T"), json!("é-T+é")]
        {
            assert_eq!(moment(&odd), None, "{odd}");
        }
    }

    #[test]
    fn ids_of_traces_and_spans_are_kept_or_hashed_the_same_way_each_time() {
        assert_eq!(trace_id("0AF7651916CD43DD8448EB211C80319C"), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(trace_id("0af76519-16cd-43dd-8448-eb211c80319c"), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span_id("b7ad6b7169203331"), "b7ad6b7169203331");
        for odd in ["", "t-1", &"0".repeat(32), &"0".repeat(16), "é"] {
            assert_eq!((trace_id(odd).len(), span_id(odd).len()), (32, 16), "{odd}");
            assert_eq!((trace_id(odd), span_id(odd)), (trace_id(odd), span_id(odd)), "{odd}");
            assert!(trace_id(odd).bytes().any(|byte| byte != b'0'), "{odd}");
        }
        assert_ne!(span_id("a"), span_id("b"));
    }
}
