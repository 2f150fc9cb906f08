//! What an answer says, whatever store gave it: row numbers, cursors and moments of arrival are replaced by their rank in it.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use lastword_collector::query::Moment;
use serde_json::Value;

/// So many days before it arrived a store is made to say that something did.
pub const AGED_DAYS: i64 = 10;

/// Before this nothing of this run arrived.
fn begun() -> i64 {
    static BEGUN: OnceLock<i64> = OnceLock::new();
    *BEGUN.get_or_init(|| Moment::now().as_micros() - 60_000_000)
}

/// Sees to it that what arrives from now on is known as that.
pub fn begin() {
    begun();
}

/// Whether a text is a moment in which something of this run arrived, or was made to look as if it had, or the end of the minute which that is in. What cases send is
/// of hours before, or of days after.
fn is_arrival(text: &str) -> bool {
    let Some(second) = text.get(..19).map(|second| second.replacen(' ', "T", 1)) else { return false };
    let Some(moment) = Moment::parse(&format!("{second}Z")).map(Moment::as_micros) else { return false };
    let now = Moment::now().as_micros();
    [0, AGED_DAYS * 86_400_000_000]
        .into_iter()
        .any(|before| (begun() - before..=now + 60_000_000 - before).contains(&moment))
}

/// Writes JSON in lines that can be compared.
pub fn json(mut value: Value) -> Vec<String> {
    let mut times = BTreeSet::new();
    each(&mut value, "", &mut |_, value| match value {
        Value::String(text) if is_arrival(text) => drop(times.insert(text.clone())),
        _ => {}
    });
    each(&mut value, "", &mut |key, value| match value {
        Value::String(text) if is_arrival(text) => {
            *value = format!("«{}. arrival»", times.range(..text.clone()).count()).into();
        }
        Value::String(_) if matches!(key, "next" | "resume" | "after") => *value = "«cursor»".into(),
        Value::String(_) if key == "request_id" => *value = "«request»".into(),
        // A series has any number.
        Value::Number(_) if key == "id" => *value = "«id»".into(),
        // Sums of parts are not the same in every order.
        Value::Number(number) if number.is_f64() => {
            *value = format!("{:.9e}", number.as_f64().unwrap_or(f64::NAN)).into();
        }
        _ => {}
    });
    serde_json::to_string_pretty(&value).unwrap().lines().map(str::to_owned).collect()
}

/// Calls something for each value within another, with the key that it stands under.
fn each(value: &mut Value, key: &str, call: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|value| each(value, key, call)),
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| each(value, key, call)),
        _ => call(key, value),
    }
}

/// What stands before a row number on a page, and before a cursor.
const ROWS: [&str; 11] = [
    "/events/",
    "event=",
    "?from=",
    "&amp;from=",
    "before=",
    "row-",
    "Event ",
    "Row</dt><dd>",
    "name=\"from\" value=\"",
    "name=\"before\" value=\"",
    "name=\"event\" value=\"",
];
const CURSORS: [&str; 4] = ["after=", "cursor=", "hello-", "name=\"after\" value=\""];

/// Writes a page in lines that can be compared.
pub fn page(html: &str) -> Vec<String> {
    let html = without_arrivals(html);
    let html = ranked(&ranked(&html, &ROWS), &CURSORS);
    html.split_inclusive('>').flat_map(|part| part.split('\n')).map(str::to_owned).collect()
}

/// Replaces moments of arrival, be they in an element of their own or a part of a text.
fn without_arrivals(html: &str) -> String {
    let mut elements = html.split("<time datetime=\"");
    let mut text = elements.next().unwrap_or_default().to_owned();
    for element in elements {
        let moment = element.split('"').next().unwrap_or_default();
        match element.split_once("</time>") {
            Some((_, rest)) if is_arrival(moment) => text.push_str(&format!("<time>«arrival»</time>{rest}")),
            _ => text.push_str(&format!("<time datetime=\"{element}")),
        }
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(place) = rest.find("20") {
        kept.push_str(&rest[..place]);
        rest = &rest[place..];
        // In a URL each of its two colons is `%3A`.
        let length = if rest.get(13..16) == Some("%3A") { 23 } else { 19 };
        if rest.get(..length).is_some_and(|moment| is_arrival(&moment.replace("%3A", ":"))) {
            kept.push_str("«arrival»");
            rest = rest[length..].trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | 'Z'));
        } else {
            kept.push_str("20");
            rest = &rest[2..];
        }
    }
    kept + rest
}

/// Replaces numbers behind one of some texts by their rank among them.
fn ranked(html: &str, before: &[&str]) -> String {
    let mut all = BTreeSet::new();
    numbers(html, before, |number| {
        all.insert(number);
        String::new()
    });
    numbers(html, before, |number| format!("«{}»", all.range(..number).count()))
}

fn numbers(html: &str, before: &[&str], mut instead: impl FnMut(i64) -> String) -> String {
    let mut places: Vec<usize> =
        before.iter().flat_map(|before| html.match_indices(before).map(|(place, _)| place + before.len())).collect();
    places.sort_unstable();
    let (mut text, mut done) = (String::with_capacity(html.len()), 0);
    for place in places {
        let digits = html[place..].bytes().take_while(u8::is_ascii_digit).count();
        if let Ok(number) = html[place..place + digits].parse() {
            text.push_str(&html[done..place]);
            text.push_str(&instead(number));
            done = place + digits;
        }
    }
    text + &html[done..]
}
